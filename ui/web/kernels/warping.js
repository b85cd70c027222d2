// A field of bytes (0…255, row by row) moved, turned and scaled with the object that it belongs to.

/** @import { Matrix } from "../types/editor.d.ts" */

/**
 * The field after a map of canvas points: `back` is the matrix [a, b, c, d, e, f] from new places
 * to old ones. Between pixels it is linear; beyond the border everything is `outside`.
 * @param {Uint8Array} bytes
 * @param {number} width
 * @param {number} height
 * @param {{ back: Matrix, outside: number }} way
 */
export const warp = (bytes, width, height, { back, outside }) => {
  const [a, b, c, d, e, f] = back;
  /**
   * @param {number} x
   * @param {number} y
   */
  const at = (x, y) =>
    x < 0 || y < 0 || x >= width || y >= height ? outside : bytes[y * width + x];
  const result = new Uint8Array(width * height);
  for (let row = 0; row < height; row += 1) {
    for (let column = 0; column < width; column += 1) {
      // Rounded to a millionth, so that whole steps stay whole.
      const u = Math.round((a * (column + 0.5) + c * (row + 0.5) + e - 0.5) * 1e6) / 1e6;
      const v = Math.round((b * (column + 0.5) + d * (row + 0.5) + f - 0.5) * 1e6) / 1e6;
      const [x, y] = [Math.floor(u), Math.floor(v)];
      const [s, t] = [u - x, v - y];
      const upper = at(x, y) * (1 - s) + at(x + 1, y) * s;
      const lower = at(x, y + 1) * (1 - s) + at(x + 1, y + 1) * s;
      result[row * width + column] = upper * (1 - t) + lower * t + 0.5;
    }
  }
  return result;
};
