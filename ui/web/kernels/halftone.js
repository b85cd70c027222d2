// A grey field as dots, the larger the greater: how a painted strength is told apart from a mask.

/** @import { Point } from "../types/editor.d.ts" */

/**
 * Pixels from dot to dot: large enough to see at 100 %, small enough for the edge of a soft brush.
 */
const PERIOD = 8;

/** Free places are bright dots, held ones dimmed; the picture stays visible under both. */
export const FREE = Object.freeze([112, 236, 255]);
export const HELD = Object.freeze([8, 14, 28]);
const [FREE_ALPHA, HELD_ALPHA] = [150, 118];

/**
 * How great a value has to be for each place of the pattern to belong to the dot: the area of the
 * circle there.
 */
const THRESHOLDS = Array.from({ length: PERIOD * PERIOD }, (_, at) => {
  const [x, y] = [(at % PERIOD) + 0.5, Math.floor(at / PERIOD) + 0.5].map(
    (each) => each - PERIOD / 2,
  );
  return Math.min(0.98, (Math.PI * (x * x + y * y)) / (PERIOD * PERIOD)) * 255;
});

/**
 * Writes a square of values (0…255, `side` a row) as RGBA into `data`. `origin` {x, y} is its place
 * in the field, so that the dots of neighbours fit; one step of the pattern is `step_px` pixels.
 * @param {Uint8ClampedArray} data
 * @param {Uint8Array | null} values
 * @param {{ side: number, origin: Point, step_px: number }} pattern
 */
export const fillHalftone = (data, values, { side, origin, step_px: step }) => {
  for (let at = 0; at < side * side; at += 1) {
    const [x, y] = [origin.x + (at % side), origin.y + Math.floor(at / side)];
    const place = (Math.floor(y / step) % PERIOD) * PERIOD + (Math.floor(x / step) % PERIOD);
    const isFree = values ? values[at] > THRESHOLDS[place] : false;
    const [red, green, blue] = isFree ? FREE : HELD;
    data[at * 4] = red;
    data[at * 4 + 1] = green;
    data[at * 4 + 2] = blue;
    data[at * 4 + 3] = isFree ? FREE_ALPHA : HELD_ALPHA;
  }
};

/**
 * The mean of a field of bytes, 0…1.
 * @param {Uint8Array} bytes
 */
export const meanOf = (bytes) => {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 1) sum += bytes[at];
  return bytes.length ? sum / bytes.length / 255 : 0;
};
