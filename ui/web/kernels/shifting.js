// Part of a field of bytes (0…255, row by row) taken out and laid down elsewhere, by whole pixels.

/** @import { Box, Extent, Shift, Size } from "../types/editor.d.ts" */

/**
 * The box {x0, y0, x1, y1} on whole pixels of a canvas {width_px, height_px}; null when nothing of
 * it lies there.
 * @param {Box} box
 * @param {Size} size
 */
export const boxWithin = ({ x0, y0, x1, y1 }, { width_px, height_px }) => {
  const [left, top] = [Math.max(0, Math.round(x0)), Math.max(0, Math.round(y0))];
  const [right, bottom] = [Math.min(width_px, Math.round(x1)), Math.min(height_px, Math.round(y1))];
  return left < right && top < bottom ? { x0: left, y0: top, x1: right, y1: bottom } : null;
};

/**
 * Only what is inside the box, moved by (dx, dy); what leaves the field is lost.
 * @param {Uint8Array} bytes
 * @param {Extent} extent
 * @param {Box} box
 * @param {Shift} shift
 */
export const movePart = (bytes, { width, height }, { x0, y0, x1, y1 }, { dx, dy }) => {
  const result = new Uint8Array(bytes.length);
  const [from, to] = [Math.max(x0, -dx), Math.min(x1, width - dx)];
  if (from >= to) return result;
  for (let y = Math.max(y0, -dy); y < Math.min(y1, height - dy); y += 1)
    result.set(bytes.subarray(y * width + from, y * width + to), (y + dy) * width + from + dx);
  return result;
};

/**
 * Everything but what is inside the box.
 * @param {Uint8Array} bytes
 * @param {number} width
 * @param {Box} box
 */
export const clearPart = (bytes, width, { x0, y0, x1, y1 }) => {
  const result = Uint8Array.from(bytes);
  for (let y = y0; y < y1; y += 1) result.fill(0, y * width + x0, y * width + x1);
  return result;
};

/**
 * The larger of two values everywhere.
 * @param {Uint8Array} one
 * @param {Uint8Array} other
 */
export const unite = (one, other) => one.map((value, at) => Math.max(value, other[at]));
