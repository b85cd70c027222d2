// One frame of the stage: checkerboard, picture, and over it outlines, handles and guide lines.

import { corners, handlesOf } from "../kernels/boxes.js";
import { multiply, placementMatrix, viewMatrix } from "../kernels/matrix.js";
import { toScreen } from "../kernels/views.js";

const SQUARE_PX = 8;

const checkerboard = (context, inks) => {
  const tile = Object.assign(document.createElement("canvas"), { width: SQUARE_PX * 2, height: SQUARE_PX * 2 });
  const paint = tile.getContext("2d");
  paint.fillStyle = inks.checkA;
  paint.fillRect(0, 0, tile.width, tile.height);
  paint.fillStyle = inks.checkB;
  paint.fillRect(0, 0, SQUARE_PX, SQUARE_PX);
  paint.fillRect(SQUARE_PX, SQUARE_PX, SQUARE_PX, SQUARE_PX);
  return context.createPattern(tile, "repeat");
};

/** The page on the stage, in screen pixels. */
const pageRect = (scene, view) => ({
  x: view.x,
  y: view.y,
  width: scene.width_px * view.zoom,
  height: scene.height_px * view.zoom,
});

/** The picture before at the left of a line, or every changed pixel over a dimmed picture. */
const paintCompared = (context, { split, changes }, page) => {
  if (split) {
    context.save();
    context.beginPath();
    context.rect(page.x, page.y, page.width * split.at, page.height);
    context.clip();
    context.drawImage(split.picture, page.x, page.y, page.width, page.height);
    context.restore();
  }
  if (!changes) return;
  context.fillStyle = "rgba(10, 12, 16, 0.55)";
  context.fillRect(page.x, page.y, page.width, page.height);
  context.imageSmoothingEnabled = false;
  context.drawImage(changes.canvas, page.x, page.y, page.width, page.height);
  context.imageSmoothingEnabled = true;
};

const paintVeil = (context, { scene, view }, { canvas, shift }) => {
  context.save();
  context.transform(...multiply(viewMatrix(view), shift));
  context.drawImage(canvas, 0, 0, scene.width_px, scene.height_px);
  context.restore();
};

const paintPage = (context, frame) => {
  const { scene, view, inks, picture } = frame;
  const page = pageRect(scene, view);
  inks.pattern ??= checkerboard(context, inks);
  inks.pattern.setTransform(new DOMMatrix([1, 0, 0, 1, page.x, page.y]));
  context.fillStyle = inks.pattern;
  context.fillRect(page.x, page.y, page.width, page.height);
  if (!picture) return;
  context.imageSmoothingEnabled = true;
  // Enlarged, the cheap way looks the same.
  context.imageSmoothingQuality = view.zoom < 1 ? "high" : "low";
  context.drawImage(picture, page.x, page.y, page.width, page.height);
  paintCompared(context, frame, page);
  for (const veil of frame.veils) paintVeil(context, frame, veil);
};

/** The part of the selected picture that hangs over the page, faint. */
const paintOverhang = (context, { scene, view, selected, showing, ratio }) => {
  if (!selected || showing !== "collage" || !selected.picture || !selected.layer.visible || selected.inside) return;
  const page = pageRect(scene, view);
  const outside = new Path2D();
  outside.rect(0, 0, context.canvas.width / ratio, context.canvas.height / ratio);
  outside.rect(page.x, page.y, page.width, page.height);
  context.save();
  context.clip(outside, "evenodd");
  context.globalAlpha = 0.22 * selected.layer.opacity;
  const { image, size } = selected.picture;
  context.transform(...multiply(viewMatrix(view), placementMatrix(selected.layer.placement, size)));
  context.drawImage(image, 0, 0, size.width_px, size.height_px);
  context.restore();
};

const trace = (context, points) => {
  context.beginPath();
  points.forEach((point, index) => (index === 0 ? context.moveTo(point.x, point.y) : context.lineTo(point.x, point.y)));
  context.closePath();
};

/** A thin line with a dark and a light part, visible on any picture. */
const strokeTwice = (context, inks, colour, width) => {
  context.lineJoin = "round";
  context.strokeStyle = inks.halo;
  context.lineWidth = width + 2;
  context.stroke();
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
};

const paintOutline = (context, { view, inks }, { layer, size, tint }) => {
  trace(
    context,
    corners(layer.placement, size).map((point) => toScreen(view, point)),
  );
  strokeTwice(context, inks, tint, 1.25);
};

const paintHandle = (context, inks, handle, rotation_deg) => {
  context.save();
  context.translate(handle.x, handle.y);
  context.rotate((rotation_deg * Math.PI) / 180);
  context.beginPath();
  const edge = handle.kind === "scale" && (handle.side.x === 0 || handle.side.y === 0);
  if (handle.kind === "rotate") context.arc(0, 0, 5, 0, Math.PI * 2);
  else if (edge)
    context.roundRect(
      handle.side.x === 0 ? -7 : -2.5,
      handle.side.x === 0 ? -2.5 : -7,
      handle.side.x === 0 ? 14 : 5,
      handle.side.x === 0 ? 5 : 14,
      2.5,
    );
  else context.roundRect(-4.5, -4.5, 9, 9, 2);
  context.fillStyle = inks.handle;
  context.strokeStyle = inks.accent;
  context.lineWidth = 1.5;
  context.fill();
  context.stroke();
  context.restore();
};

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
  const handles = handlesOf(layer.placement, size, view);
  const { foot, ...knob } = handles.find((handle) => handle.kind === "rotate");
  context.beginPath();
  context.moveTo(foot.x, foot.y);
  context.lineTo(knob.x, knob.y);
  strokeTwice(context, inks, inks.accent, 1);
  for (const handle of handles) paintHandle(context, inks, handle, layer.placement.rotation_deg);
};

/** The outline that a region tool is drawing, over a light and a dark dash. */
const paintDrawing = (context, { view, outline, inks }) => {
  if (!outline || outline.points.length < 2) return;
  const points = outline.points.map((point) => toScreen(view, point));
  context.beginPath();
  points.forEach(({ x, y }, index) => (index === 0 ? context.moveTo(x, y) : context.lineTo(x, y)));
  if (outline.closed) context.closePath();
  strokeTwice(context, inks, outline.subtract ? inks.guide : inks.accent, 1.5);
};

const paintGuides = (context, { scene, view, inks, guides }) => {
  if (!guides) return;
  const page = pageRect(scene, view);
  context.beginPath();
  if (guides.vertical !== null) {
    const { x } = toScreen(view, { x: guides.vertical, y: 0 });
    context.moveTo(x, page.y - 12);
    context.lineTo(x, page.y + page.height + 12);
  }
  if (guides.horizontal !== null) {
    const { y } = toScreen(view, { x: 0, y: guides.horizontal });
    context.moveTo(page.x - 12, y);
    context.lineTo(page.x + page.width + 12, y);
  }
  context.strokeStyle = inks.guide;
  context.lineWidth = 1;
  context.stroke();
};

const CLIP_MARGIN_PX = 2;

/** Only what a box of the scene shows is painted: the rest of the canvas is as it was. */
const clipTo = (context, { view, changed }) => {
  const [from, to] = [
    toScreen(view, { x: changed.x0, y: changed.y0 }),
    toScreen(view, { x: changed.x1, y: changed.y1 }),
  ];
  const left = Math.floor(from.x) - CLIP_MARGIN_PX;
  const top = Math.floor(from.y) - CLIP_MARGIN_PX;
  context.beginPath();
  context.rect(left, top, Math.ceil(to.x) + CLIP_MARGIN_PX - left, Math.ceil(to.y) + CLIP_MARGIN_PX - top);
  context.clip();
};

/**
 * frame: {scene, view, ratio, inks, picture, veils, showing, selected, hovered, guides, handles, outline, changed},
 * and while comparing split {picture, at} or changes {canvas}.
 * picture and veils fill the page; `changed` is the only box of the scene to be painted, or null. Sizes are CSS pixels;
 * `ratio` is the device's pixels per CSS pixel.
 */
export const paintStage = (canvas, frame) => {
  const context = canvas.getContext("2d");
  context.setTransform(frame.ratio, 0, 0, frame.ratio, 0, 0);
  context.save();
  if (frame.changed) clipTo(context, frame);
  context.clearRect(0, 0, canvas.width, canvas.height);
  paintOverhang(context, frame);
  paintPage(context, frame);
  if (frame.hovered?.size) paintOutline(context, frame, frame.hovered);
  paintSelection(context, frame);
  paintGuides(context, frame);
  paintDrawing(context, frame);
  context.restore();
};
