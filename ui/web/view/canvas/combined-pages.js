// Pages made of two pictures: the preview of a re-roll inside the picture before, and one candidate
// painted into another.

/**
 * @import { Box, LoadedPicture, Mix, Pictures, Size } from "../../types/editor.d.ts"
 * @import { Layer, Scene } from "../../types/protocol.d.ts"
 * @import { Drawable, MaskCanvases } from "../../types/view.d.ts"
 */

import { placementMatrix } from "../../kernels/matrix.js";
import { contextOf, createCanvas } from "../dom/elements.js";

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Size} size
 */
const startPage = (canvas, { width_px, height_px }) => {
  Object.assign(canvas, { width: width_px, height: height_px });
  const context = contextOf(canvas);
  context.imageSmoothingQuality = "high";
  return context;
};

/**
 * Answers draw(…) → the page: `source`, with the preview where the layer's picture is.
 */
export const createRerollPreview = () => {
  const [whole, part] = [createCanvas(), createCanvas()];
  /**
   * @param {Scene} scene
   * @param {Layer} layer
   * @param {Pick<LoadedPicture, "image" | "size">} shape
   * @param {Drawable} source
   * @param {Drawable} preview
   */
  return (scene, layer, shape, source, preview) => {
    const { width_px, height_px } = scene;
    const piece = startPage(part, scene);
    piece.drawImage(preview, 0, 0, width_px, height_px);
    piece.globalCompositeOperation = "destination-in";
    piece.setTransform(...placementMatrix(layer.placement, shape.size));
    piece.drawImage(shape.image, 0, 0, shape.size.width_px, shape.size.height_px);
    const context = startPage(whole, scene);
    context.drawImage(source, 0, 0, width_px, height_px);
    context.drawImage(part, 0, 0);
    return whole;
  };
};

/** The name of the mask's plate. */
export const MIX = "mix";

const LARGEST_SIDE = 2048;

/**
 * A context of a canvas of a size, cleared; with a box {x0, y0, x1, y1} only there, and drawn until
 * `restore`.
 * @param {HTMLCanvasElement} canvas
 * @param {{ width: number, height: number, scale: number, box: Box | null }} frame
 */
const openPage = (canvas, { width, height, scale, box }) => {
  const isNew = canvas.width !== width || canvas.height !== height;
  if (isNew) Object.assign(canvas, { width, height });
  const context = contextOf(canvas);
  context.save();
  if (box && !isNew) {
    context.beginPath();
    context.rect(
      box.x0 * scale,
      box.y0 * scale,
      (box.x1 - box.x0) * scale,
      (box.y1 - box.y0) * scale,
    );
    context.clip();
  }
  context.clearRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  return context;
};

/**
 * Answers mixer(scene, {base, other: candidates, mask: name}, box) → a canvas of the page, or null
 * until all three are here. With a box (scene pixels) nothing but the mask has changed, and only
 * inside it.
 * @param {Pictures} pictures
 * @param {MaskCanvases} plates
 */
export const createCandidateMixer = (pictures, plates) => {
  const [whole, part] = [createCanvas(), createCanvas()];
  /** @type {readonly unknown[]} */
  let known = [];
  /**
   * @param {Scene} scene
   * @param {Mix} mix
   * @param {Box | null} box
   */
  return (scene, { base, other, mask }, box) => {
    const [old, fresh] = [pictures.get(base.digest), pictures.get(other.digest)];
    const where = pictures.mask(mask);
    if (!old || !fresh || !where) return null;
    const parts = [old, fresh, where, scene.width_px, scene.height_px];
    /**
     * @param {unknown} each
     * @param {number} at
     */
    const isKnown = (/** @type {unknown} */ each, /** @type {number} */ at) => each === known[at];
    if (parts.every(isKnown)) return whole;
    const isSame = parts.every((each, at) => each === where || isKnown(each, at));
    known = parts;
    const scale = Math.min(1, LARGEST_SIDE / Math.max(scene.width_px, scene.height_px));
    const width = Math.round(scene.width_px * scale);
    const height = Math.round(scene.height_px * scale);
    const frame = { width, height, scale, box: isSame && scale === 1 ? box : null };
    const piece = openPage(part, frame);
    piece.drawImage(fresh.image, 0, 0, width, height);
    piece.globalCompositeOperation = "destination-in";
    piece.drawImage(plates.get(MIX, where), 0, 0, width, height);
    piece.restore();
    const page = openPage(whole, frame);
    page.drawImage(old.image, 0, 0, width, height);
    page.drawImage(part, 0, 0);
    page.restore();
    return whole;
  };
};
