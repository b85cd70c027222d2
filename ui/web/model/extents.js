// The upright boxes that layers take on the canvas.

/**
 * @import { App, Box } from "../types/editor.d.ts"
 * @import { Layer } from "../types/protocol.d.ts"
 */

import { bounds } from "../kernels/boxes.js";
import { inkBox } from "../kernels/tiles.js";
import { isPainted } from "./records.js";

/**
 * The box of a layer: of its placed picture, or of what is painted of it; null where neither is
 * here.
 * @param {Layer} layer
 * @param {App["pictures"]} pictures
 * @returns {Box | null}
 */
export const boxOf = (layer, pictures) => {
  if (isPainted(layer)) {
    const mask = pictures.mask(layer.mask);
    return mask && inkBox(mask);
  }
  const size = pictures.get(layer.picture)?.size;
  return size ? bounds(layer.placement, size) : null;
};
