// Where a placed picture lies on the canvas, and what of each pixel it covers
// (backend/scene/placing.py). A sheet is {x0, y0, width, height, bytes, outline}: the canvas pixels
// that a picture touches, premultiplied, not yet cut.

/**
 * @import { Box, Extent, Size } from "../../types/editor.d.ts"
 * @import { Placement } from "../../types/protocol.d.ts"
 * @import { Pixels } from "../../types/view.d.ts"
 */

import {
  padPicture,
  resizeUpright,
  rotatePicture,
  shrinkPicture,
} from "../../kernels/resampling.js";

/** What bicubic sampling half a canvas pixel beyond the edge reads. */
const PAD_PX = 2;
const TINY = 1e-6;
const ROUNDING = 1e-9;

/**
 * Cosine and sine of degrees; exact for quarter turns, so that these move pixels without blending
 * them.
 * @param {number} degrees
 */
const turnOf = (degrees) => {
  const quarters = degrees / 90;
  if (!Number.isInteger(quarters)) {
    const angle = (degrees * Math.PI) / 180;
    return [Math.cos(angle), Math.sin(angle)];
  }
  const ways = [
    [1, 0],
    [0, 1],
    [-1, 0],
    [0, -1],
  ];
  return ways[((quarters % 4) + 4) % 4];
};

/**
 * The whole pixels {x0, y0, x1, y1} of a canvas {width_px, height_px} that a picture of a size
 * touches.
 * @param {Placement} placement
 * @param {Extent} extent
 * @param {Size} canvas
 */
export const cellsOf = (placement, { width, height }, canvas) => {
  const [cosine, sine] = turnOf(placement.rotation_deg).map(Math.abs);
  const [halfX, halfY] = [(width * placement.scale_x) / 2, (height * placement.scale_y) / 2];
  const [reachX, reachY] = [cosine * halfX + sine * halfY, sine * halfX + cosine * halfY];
  const { centre_x_px: x, centre_y_px: y } = placement;
  return {
    x0: Math.max(0, Math.floor(x - reachX)),
    y0: Math.max(0, Math.floor(y - reachY)),
    x1: Math.min(canvas.width_px, Math.ceil(x + reachX)),
    y1: Math.min(canvas.height_px, Math.ceil(y + reachY)),
  };
};

/**
 * The picture scaled down, in its own axes, to the size at which it is shown; never up.
 * @param {Pixels} picture
 * @param {Placement} placement
 */
const asShown = (picture, placement) => {
  /**
   * @param {number} length
   * @param {number} scale
   */
  const side = (length, scale) => Math.min(length, Math.max(1, Math.ceil(length * scale - 1e-6)));
  return shrinkPicture(
    picture,
    side(picture.width, placement.scale_x),
    side(picture.height, placement.scale_y),
  );
};

/**
 * @param {Pixels} picture
 * @param {Placement} placement
 * @param {Box} box
 */
const sampled = (picture, placement, { x0, y0, x1, y1 }) => {
  const small = asShown(picture, placement);
  const [cosine, sine] = turnOf(placement.rotation_deg);
  const scaleX =
    Math.max(TINY, (placement.scale_x * picture.width) / small.width) * (placement.flip_x ? -1 : 1);
  const scaleY =
    Math.max(TINY, (placement.scale_y * picture.height) / small.height) *
    (placement.flip_y ? -1 : 1);
  const [a, b, d, e] = [cosine / scaleX, sine / scaleX, -sine / scaleY, cosine / scaleY];
  const [left, top] = [x0 - placement.centre_x_px, y0 - placement.centre_y_px];
  const startX = a * left + b * top + small.width / 2 + PAD_PX;
  const startY = d * left + e * top + small.height / 2 + PAD_PX;
  const size = { width: x1 - x0, height: y1 - y0 };
  const source = padPicture(small, PAD_PX);
  if (sine !== 0 || a <= 0 || e <= 0)
    return rotatePicture(source, size, [a, b, startX, d, e, startY]);
  /**
   * @param {number} from
   * @param {number} rate
   * @param {number} count
   * @param {number} length
   */
  const span = (from, rate, count, length) => ({
    from: Math.max(0, from),
    to: Math.min(length, from + rate * count),
    count,
  });
  const x = span(startX, a, size.width, source.width);
  return resizeUpright(source, { x, y: span(startY, e, size.height, source.height) });
};

/**
 * The length that [position ± 1/2] shares with [-half, half].
 * @param {number} position
 * @param {number} half
 */
const shared = (position, half) => {
  const length =
    half >= 0.5
      ? half + 0.5 - Math.abs(position)
      : Math.min(position + 0.5, half) - Math.max(position - 0.5, -half);
  return Math.abs(length - 1) < ROUNDING || length > 1 ? 1 : Math.max(0, length);
};

/**
 * outline(x, y) → the share 0…1 of a canvas pixel that the placed rectangle covers. Exact for
 * quarter turns; else the pixel is taken as a unit square along the rectangle's axes.
 * @param {Placement} placement
 * @param {Extent} extent
 */
const outlineOf = (placement, { width, height }) => {
  const [cosine, sine] = turnOf(placement.rotation_deg);
  const [halfX, halfY] = [(width * placement.scale_x) / 2, (height * placement.scale_y) / 2];
  const { centre_x_px, centre_y_px } = placement;
  return (/** @type {number} */ column, /** @type {number} */ row) => {
    const [x, y] = [column + 0.5 - centre_x_px, row + 0.5 - centre_y_px];
    return shared(cosine * x + sine * y, halfX) * shared(cosine * y - sine * x, halfY);
  };
};

/**
 * A picture {width, height, bytes} on a canvas {width_px, height_px} as a sheet; null when it
 * misses the canvas.
 * @param {Pixels} picture
 * @param {Placement} placement
 * @param {Size} canvas
 */
export const sheetOf = (picture, placement, canvas) => {
  const box = cellsOf(placement, picture, canvas);
  if (box.x1 <= box.x0 || box.y1 <= box.y0) return null;
  const { width, height, bytes } = sampled(picture, placement, box);
  // What the filter overshoots must not make colours exceed their alpha.
  for (let at = 0; at < bytes.length; at += 4)
    for (let band = 0; band < 3; band += 1)
      if (bytes[at + band] > bytes[at + 3]) bytes[at + band] = bytes[at + 3];
  return { x0: box.x0, y0: box.y0, width, height, bytes, outline: outlineOf(placement, picture) };
};
