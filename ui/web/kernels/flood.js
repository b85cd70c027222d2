// Filling from a point: everything that is connected to it and alike.

/** @import { Point } from "../types/editor.d.ts" */

/**
 * @param {Uint8ClampedArray} rgba
 * @param {number} one
 * @param {number} other
 */
const farthest = (rgba, one, other) =>
  Math.max(
    Math.abs(rgba[one] - rgba[other]),
    Math.abs(rgba[one + 1] - rgba[other + 1]),
    Math.abs(rgba[one + 2] - rgba[other + 2]),
    Math.abs(rgba[one + 3] - rgba[other + 3]),
  );

/**
 * The first place of each run of alike pixels between two places of a row.
 * @param {number} first
 * @param {number} last
 * @param {(at: number) => boolean} alike
 */
const startsOf = (first, last, alike) => {
  const starts = [];
  for (let at = first; at <= last; at += 1)
    if (alike(at) && (at === first || !alike(at - 1))) starts.push(at);
  return starts;
};

/**
 * The pixels connected to `seed` {x, y} whose colour differs by at most `tolerance` (0…255, the
 * largest channel) and which lie on the same side of a mask: Uint8Array of 0 and 255. `rgba` and
 * `mask` are width × height, row by row.
 * @param {{ rgba: Uint8ClampedArray, mask: Uint8Array, width: number, height: number }} picture
 * @param {Point} seed
 * @param {number} tolerance
 */
export const floodFrom = ({ rgba, mask, width, height }, seed, tolerance) => {
  const found = new Uint8Array(width * height);
  const start = Math.floor(seed.y) * width + Math.floor(seed.x);
  const side = mask[start] >= 128;
  /** @param {number} at */
  const alike = (at) =>
    found[at] === 0 && mask[at] >= 128 === side && farthest(rgba, at * 4, start * 4) <= tolerance;
  const waiting = [start];
  while (waiting.length > 0) {
    const at = waiting.pop();
    if (at === undefined || !alike(at)) continue;
    const row = Math.floor(at / width) * width;
    let [left, right] = [at, at];
    while (left > row && alike(left - 1)) left -= 1;
    while (right < row + width - 1 && alike(right + 1)) right += 1;
    found.fill(255, left, right + 1);
    for (const offset of [-width, width])
      waiting.push(...startsOf(left + offset, right + offset, alike));
  }
  return found;
};
