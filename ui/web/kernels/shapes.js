// Outlines as what they cover, with soft edges. Points are canvas pixels.

/** @import { Point } from "../types/editor.d.ts" */

const ROWS_A_PIXEL = 4;

/**
 * The box {x0, y0, x1, y1} around points.
 * @param {readonly Point[]} points
 */
const boxOf = (points) => {
  const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
  return { x0: Math.min(...xs), y0: Math.min(...ys), x1: Math.max(...xs), y1: Math.max(...ys) };
};

/**
 * The four corners of the box between two points; `square` makes its sides equal, `centred` grows
 * it round `from`.
 * @param {Point} from
 * @param {Point} to
 * @param {{ square?: boolean, centred?: boolean }} [options]
 */
export const rectangle = (from, to, { square = false, centred = false } = {}) => {
  let [dx, dy] = [to.x - from.x, to.y - from.y];
  if (square) {
    const side = Math.max(Math.abs(dx), Math.abs(dy));
    [dx, dy] = [side * (Math.sign(dx) || 1), side * (Math.sign(dy) || 1)];
  }
  const start = centred ? { x: from.x - dx, y: from.y - dy } : from;
  const end = { x: from.x + dx, y: from.y + dy };
  return [start, { x: end.x, y: start.y }, end, { x: start.x, y: end.y }];
};

const ELLIPSE_SIDES = 96;

/**
 * The ellipse inside the same box.
 * @param {Point} from
 * @param {Point} to
 * @param {{ square?: boolean, centred?: boolean }} options
 */
export const ellipse = (from, to, options) => {
  const box = boxOf(rectangle(from, to, options));
  const centre = { x: (box.x0 + box.x1) / 2, y: (box.y0 + box.y1) / 2 };
  const half = { x: (box.x1 - box.x0) / 2, y: (box.y1 - box.y0) / 2 };
  return Array.from({ length: ELLIPSE_SIDES }, (_, index) => {
    const angle = (index * 2 * Math.PI) / ELLIPSE_SIDES;
    return { x: centre.x + half.x * Math.cos(angle), y: centre.y + half.y * Math.sin(angle) };
  });
};

/**
 * Crossings [x, direction] of a line at height y with a closed outline, from left to right.
 * @param {readonly Point[]} points
 * @param {number} y
 */
const crossings = (points, y) => {
  /** @type {[x: number, direction: number][]} */
  const found = [];
  points.forEach((from, index) => {
    const to = points[(index + 1) % points.length];
    if (from.y <= y !== to.y <= y)
      found.push([
        from.x + ((y - from.y) / (to.y - from.y)) * (to.x - from.x),
        from.y <= y ? 1 : -1,
      ]);
  });
  return found.sort(([one], [other]) => one - other);
};

/**
 * Adds a span's cover of each pixel to a row of sums.
 * @param {Float32Array} row
 * @param {number} from
 * @param {number} to
 */
const addSpan = (row, from, to) => {
  const [x0, x1] = [Math.max(0, from), Math.min(row.length, to)];
  for (let x = Math.floor(x0); x < x1; x += 1) row[x] += Math.min(x + 1, x1) - Math.max(x, x0);
};

/**
 * What a closed outline covers (any turn of it counts): Uint8Array of width × height.
 * @param {readonly Point[]} points
 * @param {number} width_px
 * @param {number} height_px
 */
export const coverOf = (points, width_px, height_px) => {
  const cover = new Uint8Array(width_px * height_px);
  if (points.length < 3) return cover;
  const box = boxOf(points);
  const row = new Float32Array(width_px);
  for (
    let y = Math.max(0, Math.floor(box.y0));
    y < Math.min(height_px, Math.ceil(box.y1));
    y += 1
  ) {
    row.fill(0);
    for (let part = 0; part < ROWS_A_PIXEL; part += 1) {
      let turns = 0;
      crossings(points, y + (part + 0.5) / ROWS_A_PIXEL).forEach(([x, direction], index, all) => {
        turns += direction;
        if (turns !== 0 && index + 1 < all.length) addSpan(row, x, all[index + 1][0]);
      });
    }
    for (let x = 0; x < width_px; x += 1)
      cover[y * width_px + x] = (255 * Math.min(ROWS_A_PIXEL, row[x])) / ROWS_A_PIXEL + 0.5;
  }
  return cover;
};
