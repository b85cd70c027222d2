// Affine matrices [a, b, c, d, e, f] as canvas has them: x' = a·x + c·y + e, y' = b·x + d·y + f. y
// points down.

/**
 * @import { Matrix, Point, Size } from "../types/editor.d.ts"
 * @import { Placement } from "../types/protocol.d.ts"
 */

/**
 * @param {Matrix} m
 * @param {Matrix} n
 * @returns {Matrix}
 */
export const multiply = (m, n) => [
  m[0] * n[0] + m[2] * n[1],
  m[1] * n[0] + m[3] * n[1],
  m[0] * n[2] + m[2] * n[3],
  m[1] * n[2] + m[3] * n[3],
  m[0] * n[4] + m[2] * n[5] + m[4],
  m[1] * n[4] + m[3] * n[5] + m[5],
];

/**
 * @param {Matrix} m
 * @returns {Matrix}
 */
const inverse = (m) => {
  const area = m[0] * m[3] - m[1] * m[2];
  /** @type {[number, number, number, number]} */
  const linear = [m[3] / area, -m[1] / area, -m[2] / area, m[0] / area];
  return [
    ...linear,
    -(linear[0] * m[4] + linear[2] * m[5]),
    -(linear[1] * m[4] + linear[3] * m[5]),
  ];
};

/**
 * @param {Matrix} m
 * @param {Point} point
 */
export const apply = (m, point) => ({
  x: m[0] * point.x + m[2] * point.y + m[4],
  y: m[1] * point.x + m[3] * point.y + m[5],
});

/**
 * From picture pixels (origin at its top left corner) to canvas pixels.
 * @param {Placement} placement
 * @param {Size} size
 * @returns {Matrix}
 */
export const placementMatrix = (placement, size) => {
  const angle = (placement.rotation_deg * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const scaleX = placement.scale_x * (placement.flip_x ? -1 : 1);
  const scaleY = placement.scale_y * (placement.flip_y ? -1 : 1);
  /** @type {[number, number, number, number]} */
  const linear = [cosine * scaleX, sine * scaleX, -sine * scaleY, cosine * scaleY];
  const [halfX, halfY] = [size.width_px / 2, size.height_px / 2];
  return [
    ...linear,
    placement.centre_x_px - linear[0] * halfX - linear[2] * halfY,
    placement.centre_y_px - linear[1] * halfX - linear[3] * halfY,
  ];
};

const NO_SIZE = { width_px: 0, height_px: 0 };

/**
 * What takes canvas points with a layer from one placement to another.
 * @param {Placement} from
 * @param {Placement} to
 */
export const betweenPlacements = (from, to) =>
  multiply(placementMatrix(to, NO_SIZE), inverse(placementMatrix(from, NO_SIZE)));
