// Moving a box softly onto the edges and middles of the canvas and of other boxes.

/** @import { Box } from "../types/editor.d.ts" */

/**
 * @param {readonly number[]} values
 * @param {readonly number[]} lines
 * @param {number} reach
 */
const nearest = (values, lines, reach) => {
  let best = null;
  for (const value of values) {
    for (const line of lines) {
      const gap = line - value;
      if (Math.abs(gap) <= reach && (!best || Math.abs(gap) < Math.abs(best.gap)))
        best = { gap, line };
    }
  }
  return best;
};

/**
 * The shift that puts a box {x0, y0, x1, y1} on the nearest of some lines within `reach`, by its
 * edges or its middle, and the lines that it then touches: {dx, dy, vertical: x | null, horizontal:
 * y | null}.
 * @param {Box} box
 * @param {{ upright: readonly number[], level: readonly number[] }} lines
 * @param {number} reach
 */
export const snapShift = (box, { upright, level }, reach) => {
  const across = nearest([box.x0, (box.x0 + box.x1) / 2, box.x1], upright, reach);
  const down = nearest([box.y0, (box.y0 + box.y1) / 2, box.y1], level, reach);
  return {
    dx: across ? across.gap : 0,
    dy: down ? down.gap : 0,
    vertical: across ? across.line : null,
    horizontal: down ? down.line : null,
  };
};
