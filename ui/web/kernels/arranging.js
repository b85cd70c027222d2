// Several boxes against one another: their common box, aligned edges and middles, even gaps, and
// the lines on which a moved one comes to rest.

/** @import { Box, Shift, Size } from "../types/editor.d.ts" */

/** @typedef {"left" | "centre" | "right" | "top" | "middle" | "bottom"} Edge */

/** @type {Readonly<Record<Edge, { axis: "x" | "y", share: number }>>} */
const EDGES = {
  left: { axis: "x", share: 0 },
  centre: { axis: "x", share: 0.5 },
  right: { axis: "x", share: 1 },
  top: { axis: "y", share: 0 },
  middle: { axis: "y", share: 0.5 },
  bottom: { axis: "y", share: 1 },
};

/** @param {Box} box @param {"x" | "y"} axis */
const rangeOf = (box, axis) => (axis === "x" ? [box.x0, box.x1] : [box.y0, box.y1]);

/** @param {"x" | "y"} axis @param {number} by @returns {Shift} */
const along = (axis, by) => (axis === "x" ? { dx: by, dy: 0 } : { dx: 0, dy: by });

/**
 * How far each box has to go so that one of its edges, or its middle, lies where that of the frame
 * is.
 * @param {readonly Box[]} boxes
 * @param {Edge} edge
 * @param {Box} frame
 */
export const alignShifts = (boxes, edge, frame) => {
  const { axis, share } = EDGES[edge];
  const [low, high] = rangeOf(frame, axis);
  return boxes.map((box) => {
    const [from, to] = rangeOf(box, axis);
    return along(axis, low + (high - low) * share - from - (to - from) * share);
  });
};

/**
 * How far each box has to go so that the gaps between neighbours are equal; the outermost two stay.
 * @param {readonly Box[]} boxes
 * @param {"x" | "y"} axis
 */
export const distributeShifts = (boxes, axis) => {
  const shifts = boxes.map(() => along(axis, 0));
  if (boxes.length < 3) return shifts;
  /** @param {number} at */
  const middleOf = (at) => rangeOf(boxes[at], axis).reduce((sum, value) => sum + value, 0);
  const order = boxes.map((_, at) => at).sort((one, other) => middleOf(one) - middleOf(other));
  const [first, last] = [rangeOf(boxes[order[0]], axis), rangeOf(boxes[order.at(-1) ?? 0], axis)];
  const inner = order.slice(1, -1);
  const taken = inner.reduce((sum, at) => {
    const [from, to] = rangeOf(boxes[at], axis);
    return sum + to - from;
  }, 0);
  const gap = (last[0] - first[1] - taken) / (boxes.length - 1);
  let place = first[1] + gap;
  for (const at of inner) {
    const [from, to] = rangeOf(boxes[at], axis);
    shifts[at] = along(axis, place - from);
    place += to - from + gap;
  }
  return shifts;
};

/**
 * The lines on which a moved box comes to rest: edges and middles of the canvas and of other boxes.
 * @param {Size} canvas
 * @param {readonly Box[]} others
 */
export const restLines = ({ width_px, height_px }, others) => {
  const boxes = [{ x0: 0, y0: 0, x1: width_px, y1: height_px }, ...others];
  return {
    upright: [...new Set(boxes.flatMap(({ x0, x1 }) => [x0, (x0 + x1) / 2, x1]))],
    level: [...new Set(boxes.flatMap(({ y0, y1 }) => [y0, (y0 + y1) / 2, y1]))],
  };
};

/**
 * Whether two boxes have a point in common.
 * @param {Box} one
 * @param {Box} other
 */
export const areTouching = (one, other) =>
  one.x0 <= other.x1 && other.x0 <= one.x1 && one.y0 <= other.y1 && other.y0 <= one.y1;

/**
 * The box between two points.
 * @param {{ x: number, y: number }} one
 * @param {{ x: number, y: number }} other
 * @returns {Box}
 */
export const boxBetween = (one, other) => ({
  x0: Math.min(one.x, other.x),
  y0: Math.min(one.y, other.y),
  x1: Math.max(one.x, other.x),
  y1: Math.max(one.y, other.y),
});
