// Another canvas under the same layers: its frame moves and changes its size, and layers, masks and
// painted strengths stay where they are on the picture.

/**
 * @import { Box, Edit, EditorState, Mask, MaskStore, Size } from "../types/editor.d.ts"
 * @import { Layer, Scene } from "../types/protocol.d.ts"
 */

import { bytesOf, maskFromBytes } from "../kernels/tiles.js";
import { maskNamesOf, withFields } from "./masks.js";
import { outsideOf } from "./painting.js";
import { freeze } from "./records.js";

/** What a side of the canvas may be, in pixels; the server holds it too. */
export const MIN_SIDE_PX = 16;
export const MAX_SIDE_PX = 8192;

/** @param {Box} frame */
export const sizeOfFrame = ({ x0, y0, x1, y1 }) => ({ width_px: x1 - x0, height_px: y1 - y0 });

/**
 * Values row by row as another frame sees them; what lies beyond the old one has the value
 * `outside`.
 * @param {Uint8Array} bytes
 * @param {Size} size
 * @param {Box} frame in whole pixels of the old canvas
 * @param {number} outside
 */
export const reframeField = (bytes, { width_px, height_px }, frame, outside) => {
  const { width_px: width, height_px: height } = sizeOfFrame(frame);
  const result = new Uint8Array(width * height).fill(outside);
  const [from, to] = [Math.max(0, frame.x0), Math.min(width_px, frame.x1)];
  if (from >= to) return result;
  for (let y = Math.max(0, frame.y0); y < Math.min(height_px, frame.y1); y += 1)
    result.set(
      bytes.subarray(y * width_px + from, y * width_px + to),
      (y - frame.y0) * width + from - frame.x0,
    );
  return result;
};

/**
 * The values of the rim that a frame adds around an old canvas: 255 there, 0 on the old canvas but
 * for `overlap_px` at each side that grew, fading to it.
 * @param {Size} size of the old canvas
 * @param {Box} frame
 * @param {number} overlap_px
 */
export const rimField = ({ width_px, height_px }, frame, overlap_px) => {
  const { width_px: width, height_px: height } = sizeOfFrame(frame);
  const result = new Uint8Array(width * height).fill(255);
  /** How far inside a place is, where that side grew. @param {number} depth @param {boolean} grew */
  const depthAt = (depth, grew) => (grew ? depth : Infinity);
  for (let y = Math.max(0, frame.y0); y < Math.min(height_px, frame.y1); y += 1) {
    const across = Math.min(
      depthAt(y + 0.5, frame.y0 < 0),
      depthAt(height_px - y - 0.5, frame.y1 > height_px),
    );
    for (let x = Math.max(0, frame.x0); x < Math.min(width_px, frame.x1); x += 1) {
      const depth = Math.min(
        across,
        depthAt(x + 0.5, frame.x0 < 0),
        depthAt(width_px - x - 0.5, frame.x1 > width_px),
      );
      const share = depth < overlap_px ? 1 - depth / overlap_px : 0;
      result[(y - frame.y0) * width + x - frame.x0] = Math.round(255 * share);
    }
  }
  return result;
};

/**
 * @param {Layer} layer
 * @param {Box} frame
 */
const shiftLayer = (layer, { x0, y0 }) => ({
  ...layer,
  placement: {
    ...layer.placement,
    centre_x_px: layer.placement.centre_x_px - x0,
    centre_y_px: layer.placement.centre_y_px - y0,
  },
});

/**
 * The names of masks that a record calls for and that are not here yet.
 * @param {EditorState} record
 * @param {Pick<MaskStore, "get">} masks
 */
export const missingMasks = (record, masks) =>
  [...new Set(maskNamesOf(record))].filter((name) => !masks.get(name));

/**
 * The scene on another canvas; all its masks have to be here. What is painted between two
 * candidates is put away, and no picture is picked: they are of the old canvas.
 * @param {Pick<MaskStore, "get" | "put" | "newName">} masks
 * @param {Box} frame in whole pixels of the old canvas
 * @returns {Edit}
 */
export const setFrame = (masks, frame) => (editor) => {
  const { scene } = editor;
  const size = sizeOfFrame(frame);
  /** @param {Layer} layer */
  const reframe = (layer) =>
    withFields(shiftLayer(layer, frame), (field, name) =>
      reframeMask(masks, name, frame, outsideOf(layer, field)),
    );
  /** @type {Scene} */
  const framed = { ...scene, ...size, layers: scene.layers.map(reframe) };
  return freeze({ ...editor, scene: framed, picked: "", mix: null });
};

/**
 * @param {Pick<MaskStore, "get" | "put" | "newName">} masks
 * @param {string} name
 * @param {Box} frame
 * @param {number} outside
 */
const reframeMask = (masks, name, frame, outside) => {
  const mask = masks.get(name);
  if (!mask) return name;
  const { width_px, height_px } = sizeOfFrame(frame);
  const bytes = reframeField(bytesOf(mask), mask, frame, outside);
  return keepMask(masks, maskFromBytes(bytes, width_px, height_px));
};

/**
 * A new name for a mask.
 * @param {Pick<MaskStore, "put" | "newName">} masks
 * @param {Mask} mask
 */
export const keepMask = (masks, mask) => {
  const name = masks.newName();
  masks.put(name, mask);
  return name;
};
