// Where a brush leaves its dabs along the pointer's way, and how a dab falls off. Lengths are
// canvas pixels.

/**
 * @import { Brush, Point } from "../types/editor.d.ts"
 * @import { Dab, PressedPoint, Walk } from "../types/kernels.d.ts"
 */

const SMALLEST_RADIUS = 0.5;

/**
 * The dab of a brush at a point {x, y, pressure}: {x, y, radius, hardness, flow}. brush: {size
 * (diameter), hardness 0…1, spacing (share of the size), pressureSize, pressureFlow}; pressure is
 * 0…1.
 * @param {Readonly<Brush>} brush
 * @param {PressedPoint} point
 */
const dabAt = (brush, { x, y, pressure }) => ({
  x,
  y,
  radius: Math.max(SMALLEST_RADIUS, (brush.size / 2) * (brush.pressureSize ? pressure : 1)),
  hardness: brush.hardness,
  flow: brush.pressureFlow ? pressure : 1,
});

/**
 * @param {PressedPoint} from
 * @param {PressedPoint} to
 * @param {number} share
 */
const between = (from, to, share) => ({
  x: from.x + (to.x - from.x) * share,
  y: from.y + (to.y - from.y) * share,
  pressure: from.pressure + (to.pressure - from.pressure) * share,
});

/**
 * @param {Readonly<Brush>} brush
 * @param {Dab} dab
 */
const stepOf = (brush, dab) => Math.max(0.5, dab.radius * 2 * brush.spacing);

/**
 * The first dab of a stroke, and where the way goes on: {walk, dabs}. `due` is the way left to the
 * next dab.
 * @param {Readonly<Brush>} brush
 * @param {PressedPoint} point
 */
export const beginWalk = (brush, point) => {
  const dab = dabAt(brush, point);
  return { walk: { at: point, due: stepOf(brush, dab) }, dabs: [dab] };
};

/**
 * The dabs on the way to a further point, evenly spaced whatever the speed: {walk, dabs}.
 * @param {Readonly<Brush>} brush
 * @param {Walk} walk
 * @param {PressedPoint} point
 */
export const walkTo = (brush, walk, point) => {
  const distance = Math.hypot(point.x - walk.at.x, point.y - walk.at.y);
  const dabs = [];
  let gone = walk.due;
  while (gone <= distance) {
    const dab = dabAt(brush, between(walk.at, point, gone / distance));
    dabs.push(dab);
    gone += stepOf(brush, dab);
  }
  return { walk: { at: point, due: gone - distance }, dabs };
};

/**
 * The straight way from one point to another as a whole.
 * @param {Readonly<Brush>} brush
 * @param {PressedPoint} from
 * @param {PressedPoint} to
 */
export const lineOf = (brush, from, to) => {
  const start = beginWalk(brush, from);
  const way = walkTo(brush, start.walk, to);
  return { walk: way.walk, dabs: [...start.dabs, ...way.dabs] };
};

/**
 * The box {x0, y0, x1, y1} that a dab touches.
 * @param {Dab} dab
 */
export const dabBox = ({ x, y, radius }) => ({
  x0: x - radius - 1,
  y0: y - radius - 1,
  x1: x + radius + 1,
  y1: y + radius + 1,
});

/**
 * Raises the values of a tile (Uint8Array, `side` pixels a side, its corner at `origin`) to what a
 * dab covers of them: all within hardness × radius, falling smoothly to 0 at the radius; a hard
 * edge is one pixel wide.
 * @param {Uint8Array} tile
 * @param {number} side
 * @param {Point} origin
 * @param {Dab} dab
 */
export const pressDab = (tile, side, origin, dab) => {
  const inner = Math.max(0, Math.min(dab.radius * dab.hardness, dab.radius - 0.5));
  const outer = Math.max(dab.radius, inner + 1);
  const box = dabBox(dab);
  const [x0, y0] = [
    Math.max(0, Math.floor(box.x0 - origin.x)),
    Math.max(0, Math.floor(box.y0 - origin.y)),
  ];
  const [x1, y1] = [
    Math.min(side, Math.ceil(box.x1 - origin.x)),
    Math.min(side, Math.ceil(box.y1 - origin.y)),
  ];
  for (let y = y0; y < y1; y += 1) {
    const dy = origin.y + y + 0.5 - dab.y;
    for (let x = x0; x < x1; x += 1) {
      const dx = origin.x + x + 0.5 - dab.x;
      const far = Math.min(
        1,
        Math.max(0, (Math.sqrt(dx * dx + dy * dy) - inner) / (outer - inner)),
      );
      const value = 255 * dab.flow * (1 - far * far * (3 - 2 * far)) + 0.5;
      const at = y * side + x;
      if (value > tile[at]) tile[at] = value;
    }
  }
};
