// Pages made of two pictures: the preview of a re-roll inside the picture before, and one candidate painted into another.

import { placementMatrix } from "../../kernels/matrix.js";

const blank = () => document.createElement("canvas");

const cleared = (canvas, { width_px, height_px }) => {
  Object.assign(canvas, { width: width_px, height: height_px });
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  return context;
};

/**
 * Answers draw(scene, layer, shape, source, preview) → canvas. `shape` is the layer's picture {image, size}; source and
 * preview fill the page.
 */
export const createRerollPreview = () => {
  const [whole, part] = [blank(), blank()];
  return (scene, layer, shape, source, preview) => {
    const size = [scene.width_px, scene.height_px];
    const piece = cleared(part, scene);
    piece.drawImage(preview, 0, 0, ...size);
    piece.globalCompositeOperation = "destination-in";
    piece.setTransform(...placementMatrix(layer.placement, shape.size));
    piece.drawImage(shape.image, 0, 0, shape.size.width_px, shape.size.height_px);
    const context = cleared(whole, scene);
    context.drawImage(source, 0, 0, ...size);
    context.drawImage(part, 0, 0);
    return whole;
  };
};

/** The name of the mask's plate. */
export const MIX = "mix";

const LARGEST_SIDE = 2048;

/** A context of a canvas of a size, cleared; with a box {x0, y0, x1, y1} only there, and drawn until `restore`. */
const opened = (canvas, { width, height, scale, box }) => {
  const isNew = canvas.width !== width || canvas.height !== height;
  if (isNew) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
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
 * Answers mixer(scene, {base, other: candidates, mask: name}, box) → a canvas of the page, or null until all three are
 * here. With a box (scene pixels) nothing but the mask has changed, and only inside it.
 */
export const createCandidateMixer = (pictures, plates) => {
  const [whole, part] = [blank(), blank()];
  let known = [];
  return (scene, { base, other, mask }, box) => {
    const [old, fresh] = [pictures.get(base.digest), pictures.get(other.digest)];
    const where = pictures.mask(mask);
    if (!old || !fresh || !where) return null;
    const parts = [old, fresh, where, scene.width_px, scene.height_px];
    if (parts.every((each, index) => each === known[index])) return whole;
    const isSame = parts.every((each, index) => each === known[index] || each === where);
    known = parts;
    const scale = Math.min(1, LARGEST_SIDE / Math.max(scene.width_px, scene.height_px));
    const size = [Math.round(scene.width_px * scale), Math.round(scene.height_px * scale)];
    const frame = {
      width: size[0],
      height: size[1],
      scale,
      box: isSame && scale === 1 ? box : null,
    };
    const piece = opened(part, frame);
    piece.drawImage(fresh.image, 0, 0, ...size);
    piece.globalCompositeOperation = "destination-in";
    piece.drawImage(plates.get(MIX, where), 0, 0, ...size);
    piece.restore();
    const page = opened(whole, frame);
    page.drawImage(old.image, 0, 0, ...size);
    page.drawImage(part, 0, 0);
    page.restore();
    return whole;
  };
};
