// One frame of the stage: checkerboard, picture, and over it outlines, handles and guide lines.

/**
 * @import { Box, Inks, Matrix, Point, Size } from "../../types/editor.d.ts"
 * @import { Handle } from "../../types/kernels.d.ts"
 * @import { Outlined, StageFrame } from "../../types/view.d.ts"
 */

import { bounds, corners, handlesOf } from "../../kernels/boxes.js";
import { multiply, placementMatrix } from "../../kernels/matrix.js";
import { boxOnScreen, pageOnScreen, toScreen, viewMatrix } from "../../kernels/views.js";
import { contextOf } from "../dom/elements.js";

const SQUARE_PX = 8;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Inks} inks
 */
const checkerboard = (context, inks) => {
  const tile = Object.assign(document.createElement("canvas"), {
    width: SQUARE_PX * 2,
    height: SQUARE_PX * 2,
  });
  const paint = contextOf(tile);
  paint.fillStyle = inks.checkA;
  paint.fillRect(0, 0, tile.width, tile.height);
  paint.fillStyle = inks.checkB;
  paint.fillRect(0, 0, SQUARE_PX, SQUARE_PX);
  paint.fillRect(SQUARE_PX, SQUARE_PX, SQUARE_PX, SQUARE_PX);
  return context.createPattern(tile, "repeat");
};

/**
 * Draws what fills the page, with the scene's pixels as units.
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 * @param {Matrix} shift
 * @param {() => void} draw
 */
const onPage = (context, { view }, shift, draw) => {
  context.save();
  context.transform(...multiply(viewMatrix(view), shift));
  draw();
  context.restore();
};

/** @type {Matrix} */
const STAY = [1, 0, 0, 1, 0, 0];
const FINE_ZOOM = 0.5;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 * @param {CanvasImageSource} picture
 * @param {Matrix} [shift]
 */
const paintFilling = (context, frame, picture, shift = STAY) => {
  const { width_px, height_px } = frame.scene;
  onPage(context, frame, shift, () => context.drawImage(picture, 0, 0, width_px, height_px));
};

/**
 * The outline of the page as a path in screen pixels.
 * @param {StageFrame} frame
 */
const pagePath = ({ scene: { width_px, height_px }, view }) => {
  const rectangle = new Path2D();
  rectangle.rect(0, 0, width_px, height_px);
  const path = new Path2D();
  path.addPath(rectangle, new DOMMatrix([...viewMatrix(view)]));
  return path;
};

/**
 * The picture before at the left of an upright line, or every changed pixel over a dimmed picture.
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 * @param {Path2D} path
 */
const paintCompared = (context, frame, path) => {
  const { split, changes } = frame;
  if (split) {
    const page = pageOnScreen(frame.view, frame.scene);
    context.save();
    context.beginPath();
    context.rect(page.x0, page.y0, (page.x1 - page.x0) * split.at, page.y1 - page.y0);
    context.clip();
    paintFilling(context, frame, split.picture);
    context.restore();
  }
  if (!changes) return;
  context.fillStyle = "rgba(10, 12, 16, 0.55)";
  context.fill(path);
  context.imageSmoothingEnabled = false;
  paintFilling(context, frame, changes.canvas);
  context.imageSmoothingEnabled = true;
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 */
const paintPage = (context, frame) => {
  const { view, inks, picture } = frame;
  const path = pagePath(frame);
  inks.pattern ??= checkerboard(context, inks);
  inks.pattern?.setTransform(new DOMMatrix([1, 0, 0, 1, view.x, view.y]));
  context.fillStyle = inks.pattern ?? inks.checkA;
  context.fill(path);
  if (!picture) return;
  context.imageSmoothingEnabled = true;
  // From half the size on the cheap way looks the same; the other one costs a pyramid of every canvas that changed.
  context.imageSmoothingQuality = view.zoom < FINE_ZOOM ? "high" : "low";
  paintFilling(context, frame, picture);
  paintCompared(context, frame, path);
  for (const { canvas, shift } of frame.veils) paintFilling(context, frame, canvas, shift);
};

/**
 * The part of the selected picture that hangs over the page, faint.
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 */
const paintOverhang = (context, frame) => {
  const { scene, view, selected, showing, ratio } = frame;
  if (!selected || showing !== "collage" || !selected.picture || !selected.layer.visible) return;
  const { x0, y0, x1, y1 } = bounds(selected.layer.placement, selected.picture.size);
  if (x0 >= 0 && y0 >= 0 && x1 <= scene.width_px && y1 <= scene.height_px) return;
  const outside = pagePath(frame);
  outside.rect(0, 0, context.canvas.width / ratio, context.canvas.height / ratio);
  context.save();
  context.clip(outside, "evenodd");
  context.globalAlpha = 0.22 * selected.layer.opacity;
  const { image, size } = selected.picture;
  context.transform(...multiply(viewMatrix(view), placementMatrix(selected.layer.placement, size)));
  context.drawImage(image, 0, 0, size.width_px, size.height_px);
  context.restore();
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {readonly Point[]} points
 */
const trace = (context, points) => {
  context.beginPath();
  points.forEach((point, index) =>
    index === 0 ? context.moveTo(point.x, point.y) : context.lineTo(point.x, point.y),
  );
  context.closePath();
};

/**
 * A thin line with a dark and a light part, visible on any picture.
 * @param {CanvasRenderingContext2D} context
 * @param {Inks} inks
 * @param {string} colour
 * @param {number} width
 */
const strokeTwice = (context, inks, colour, width) => {
  context.lineJoin = "round";
  context.strokeStyle = inks.halo;
  context.lineWidth = width + 2;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 * @param {Outlined & { size: Size }} outlined
 */
const paintOutline = (context, { view, inks }, { layer, size, tint }) => {
  trace(
    context,
    corners(layer.placement, size).map((point) => toScreen(view, point)),
  );
  strokeTwice(context, inks, tint, 1.25);
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {Inks} inks
 * @param {Handle} handle
 */
const paintHandle = (context, inks, handle) => {
  context.save();
  context.translate(handle.x, handle.y);
  context.beginPath();
  if (handle.kind === "rotate") context.arc(0, 0, 5, 0, Math.PI * 2);
  else {
    const isEdge = handle.side.x === 0 || handle.side.y === 0;
    context.rotate(Math.atan2(handle.out.y, handle.out.x) + (isEdge ? 0 : Math.PI / 4));
    if (isEdge) context.roundRect(-2.5, -7, 5, 14, 2.5);
    else context.roundRect(-4.5, -4.5, 9, 9, 2);
  }
  context.fillStyle = inks.handle;
  context.strokeStyle = inks.accent;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
  context.restore();
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 */
const paintChosen = (context, frame) => {
  for (const one of frame.chosen) {
    if (!one.size) continue;
    trace(
      context,
      corners(one.layer.placement, one.size).map((point) => toScreen(frame.view, point)),
    );
    strokeTwice(context, frame.inks, frame.inks.accent, 1);
  }
};

/**
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 */
const paintSelection = (context, frame) => {
  const { view, inks, selected } = frame;
  if (!selected?.size) return;
  const { layer, size } = selected;
  trace(
    context,
    corners(layer.placement, size).map((point) => toScreen(view, point)),
  );
  if (layer.locked || !layer.visible) context.setLineDash([5, 4]);
  strokeTwice(context, inks, inks.accent, 1.5);
  context.setLineDash([]);
  if (!frame.handles) return;
  const handles = handlesOf(layer.placement, size, viewMatrix(view));
  for (const handle of handles) {
    if (handle.kind !== "rotate") continue;
    context.beginPath();
    context.moveTo(handle.foot.x, handle.foot.y);
    context.lineTo(handle.x, handle.y);
    strokeTwice(context, inks, inks.accent, 1);
  }
  for (const handle of handles) paintHandle(context, inks, handle);
};

/**
 * The outline that a region tool is drawing, over a light and a dark dash.
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 */
const paintDrawing = (context, { view, outline, inks }) => {
  if (!outline || outline.points.length < 2) return;
  const points = outline.points.map((point) => toScreen(view, point));
  context.beginPath();
  points.forEach(({ x, y }, index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  if (outline.closed) context.closePath();
  strokeTwice(context, inks, outline.subtract ? inks.guide : inks.accent, 1.5);
};

const GUIDE_OVERHANG_PX = 12;

/**
 * @param {CanvasRenderingContext2D} context
 * @param {StageFrame} frame
 */
const paintGuides = (context, { scene, view, inks, guides }) => {
  if (!guides) return;
  const { vertical, horizontal } = guides;
  const over = GUIDE_OVERHANG_PX / view.zoom;
  /**
   * @param {Point} from
   * @param {Point} to
   */
  const line = (from, to) => {
    const [start, end] = [from, to].map((point) => toScreen(view, point));
    context.moveTo(start.x, start.y);
    context.lineTo(end.x, end.y);
  };
  context.beginPath();
  if (vertical !== null)
    line({ x: vertical, y: -over }, { x: vertical, y: scene.height_px + over });
  if (horizontal !== null)
    line({ x: -over, y: horizontal }, { x: scene.width_px + over, y: horizontal });
  context.strokeStyle = inks.guide;
  context.lineWidth = 1;
  context.stroke();
};

const CLIP_MARGIN_PX = 2;

/**
 * Only what a box of the scene shows is painted: the rest of the canvas is as it was.
 * @param {CanvasRenderingContext2D} context
 * @param {Pick<StageFrame, "view"> & { changed: Box }} frame
 */
const clipTo = (context, { view, changed }) => {
  const box = boxOnScreen(view, changed);
  const [left, top] = [box.x0, box.y0].map((value) => Math.floor(value) - CLIP_MARGIN_PX);
  const [right, bottom] = [box.x1, box.y1].map((value) => Math.ceil(value) + CLIP_MARGIN_PX);
  context.beginPath();
  context.rect(left, top, right - left, bottom - top);
  context.clip();
};

/**
 * frame: {scene, view, ratio, inks, picture, veils, showing, selected, hovered, guides, handles,
 * outline, changed}, and while comparing split {picture, at} or changes {canvas}. picture and veils
 * fill the page; `changed` is the only box of the scene to be painted, or null. Sizes are CSS
 * pixels; `ratio` is the device's pixels per CSS pixel.
 * @param {HTMLCanvasElement} canvas
 * @param {StageFrame} frame
 */
export const paintStage = (canvas, frame) => {
  const context = contextOf(canvas);
  context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
  context.save();
  const { changed, hovered } = frame;
  if (changed) clipTo(context, { view: frame.view, changed });
  context.clearRect(0, 0, canvas.width, canvas.height);
  paintOverhang(context, frame);
  paintPage(context, frame);
  if (hovered?.size) paintOutline(context, frame, { ...hovered, size: hovered.size });
  paintChosen(context, frame);
  paintSelection(context, frame);
  paintGuides(context, frame);
  paintDrawing(context, frame);
  context.restore();
};
