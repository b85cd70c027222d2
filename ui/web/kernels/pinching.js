// Two fingers on the stage: the view that keeps the scene under both.

/** @import { Point } from "../types/editor.d.ts" */

/** @param {readonly Point[]} fingers */
const middleOf = ([one, other]) => ({ x: (one.x + other.x) / 2, y: (one.y + other.y) / 2 });

/** @param {readonly Point[]} fingers */
const gapOf = ([one, other]) => Math.hypot(one.x - other.x, one.y - other.y);

/**
 * How far two fingers went: {from, to} of their middle, and `factor` of their distance.
 * @param {readonly Point[]} before
 * @param {readonly Point[]} now
 */
export const pinchOf = (before, now) => ({
  from: middleOf(before),
  to: middleOf(now),
  factor: gapOf(now) / Math.max(1, gapOf(before)),
});
