// The preview of a re-roll: the picture before stays around it, the preview shows only where the object is.

import { placementMatrix } from "../kernels/matrix.js";

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
export const createPatch = () => {
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
