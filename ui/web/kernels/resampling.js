// Pictures resampled as the scene's own composite resamples them (backend/scene/placing.py,
// Pillow's filters): the page and Python agree on the pixels. A picture is {width, height, bytes}:
// RGBA, a byte each, premultiplied.

/**
 * @import { Extent, Matrix } from "../types/editor.d.ts"
 * @import { Filter, PixelField, SampledBox, Sampling, Tap } from "../types/kernels.d.ts"
 */

const BANDS = 4;

/**
 * Straight RGBA bytes made premultiplied, in place: c · a / 255, rounded.
 * @param {Uint8ClampedArray} bytes
 */
export const premultiply = (bytes) => {
  for (let at = 0; at < bytes.length; at += BANDS) {
    const alpha = bytes[at + 3];
    if (alpha === 255) continue;
    for (let band = 0; band < 3; band += 1) {
      const product = bytes[at + band] * alpha + 128;
      bytes[at + band] = ((product >> 8) + product) >> 8;
    }
  }
  return bytes;
};

/** The filters by name: {reach (in pixels of the source), weigh(distance)}. */
/** @type {Filter} */
const BICUBIC = {
  reach: 2,
  weigh: (distance) => {
    const x = Math.abs(distance);
    if (x < 1) return (1.5 * x - 2.5) * x * x + 1;
    return x < 2 ? -0.5 * (((x - 5) * x + 8) * x - 4) : 0;
  },
};
/** @type {Filter} */
const HAMMING = {
  reach: 1,
  weigh: (distance) => {
    const x = Math.abs(distance) * Math.PI;
    if (x === 0) return 1;
    return x < Math.PI ? (Math.sin(x) / x) * (0.54 + 0.46 * Math.cos(x)) : 0;
  },
};

/** Weights in fixed point: with 22 bits after the point, as Pillow has them. */
const ONE = 2 ** 22;

/**
 * For each of `count` new pixels over [from, to] of `length` old ones: the first old pixel and the
 * weights.
 * @param {Filter} filter
 * @param {number} length
 * @param {Sampling} sampling
 */
const weightsOf = (filter, length, { from, to, count }) => {
  const scale = (to - from) / count;
  const wide = Math.max(1, scale);
  const reach = filter.reach * wide;
  return Array.from({ length: count }, (_, index) => {
    const centre = from + (index + 0.5) * scale;
    const first = Math.max(0, Math.trunc(centre - reach + 0.5));
    const end = Math.min(length, Math.trunc(centre + reach + 0.5));
    const raw = Array.from({ length: end - first }, (__, step) =>
      filter.weigh((first + step - centre + 0.5) / wide),
    );
    const sum = raw.reduce((total, weight) => total + weight, 0) || 1;
    return { first, weights: Float64Array.from(raw, (weight) => Math.round((weight / sum) * ONE)) };
  });
};

/**
 * One pass: along rows with stride 4, or along columns with the stride of a row; rounded to bytes.
 * @param {PixelField} source
 * @param {Sampling} span
 * @param {{ filter: Filter, isRows: boolean }} way
 */
const resampleAlong = (source, span, { filter, isRows }) => {
  const { width, height, bytes } = source;
  const table = weightsOf(filter, isRows ? width : height, span);
  const size = isRows ? { width: span.count, height } : { width, height: span.count };
  const result = new Uint8ClampedArray(size.width * size.height * BANDS);
  const stride = isRows ? BANDS : width * BANDS;
  for (let y = 0, to = 0; y < size.height; y += 1) {
    for (let x = 0; x < size.width; x += 1, to += BANDS) {
      const { first, weights } = table[isRows ? x : y];
      const start = (isRows ? y * width + first : first * width + x) * BANDS;
      let [red, green, blue, alpha] = [ONE / 2, ONE / 2, ONE / 2, ONE / 2];
      for (let step = 0, at = start; step < weights.length; step += 1, at += stride) {
        const weight = weights[step];
        red += bytes[at] * weight;
        green += bytes[at + 1] * weight;
        blue += bytes[at + 2] * weight;
        alpha += bytes[at + 3] * weight;
      }
      result[to] = Math.floor(red / ONE);
      result[to + 1] = Math.floor(green / ONE);
      result[to + 2] = Math.floor(blue / ONE);
      result[to + 3] = Math.floor(alpha / ONE);
    }
  }
  return { ...size, bytes: result };
};

/**
 * @param {Sampling} sampling
 * @param {number} length
 */
const isWhole = ({ from, to, count }, length) => from === 0 && to === length && count === length;

/**
 * The box {x: {from, to, count}, y: …} of a picture at another size.
 * @param {PixelField} source
 * @param {SampledBox} box
 * @param {Filter} filter
 */
const resize = (source, { x, y }, filter) => {
  const rows = isWhole(x, source.width)
    ? source
    : resampleAlong(source, x, { filter, isRows: true });
  return isWhole(y, source.height) ? rows : resampleAlong(rows, y, { filter, isRows: false });
};

/**
 * The upright part of a picture, bicubic (a = -1/2).
 * @param {PixelField} source
 * @param {SampledBox} box
 */
export const resizeUpright = (source, box) => resize(source, box, BICUBIC);

/**
 * The mean over blocks of whole pixels; the last ones may be smaller.
 * @param {PixelField} source
 * @param {number} across
 * @param {number} down
 */
const reduceBlocks = (source, across, down) => {
  if (across === 1 && down === 1) return source;
  const [width, height] = [Math.ceil(source.width / across), Math.ceil(source.height / down)];
  const bytes = new Uint8ClampedArray(width * height * BANDS);
  for (let y = 0, to = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      const [right, bottom] = [
        Math.min(source.width, (x + 1) * across),
        Math.min(source.height, (y + 1) * down),
      ];
      const area = (right - x * across) * (bottom - y * down);
      for (let band = 0; band < BANDS; band += 1, to += 1) {
        let sum = 0;
        for (let row = y * down; row < bottom; row += 1)
          for (let column = x * across; column < right; column += 1)
            sum += source.bytes[(row * source.width + column) * BANDS + band];
        bytes[to] = Math.floor(sum / area + 0.5);
      }
    }
  }
  return { width, height, bytes };
};

/** How much larger than wanted the blocks leave a picture before the filter does the rest. */
const GAP = 3;

/**
 * A picture shrunk to a size of whole pixels: by blocks first, then by the Hamming filter.
 * @param {PixelField} source
 * @param {number} width
 * @param {number} height
 */
export const shrinkPicture = (source, width, height) => {
  if (width === source.width && height === source.height) return source;
  const across = Math.max(1, Math.trunc(source.width / width / GAP));
  const down = Math.max(1, Math.trunc(source.height / height / GAP));
  const x = { from: 0, to: source.width / across, count: width };
  const y = { from: 0, to: source.height / down, count: height };
  return resize(reduceBlocks(source, across, down), { x, y }, HAMMING);
};

/**
 * The picture with its border pixels repeated outwards.
 * @param {PixelField} source
 * @param {number} margin
 */
export const padPicture = ({ width, height, bytes }, margin) => {
  const [wide, high] = [width + 2 * margin, height + 2 * margin];
  const from = new Uint32Array(bytes.buffer, bytes.byteOffset, width * height);
  const to = new Uint32Array(wide * high);
  for (let y = 0; y < high; y += 1) {
    const row = Math.min(height - 1, Math.max(0, y - margin)) * width;
    to.set(from.subarray(row, row + width), y * wide + margin);
    to.fill(from[row], y * wide, y * wide + margin);
    to.fill(from[row + width - 1], (y + 1) * wide - margin, (y + 1) * wide);
  }
  return { width: wide, height: high, bytes: new Uint8ClampedArray(to.buffer) };
};

/**
 * The four weights of a cubic (a = -1) at a place 0…1 between the middle two pixels.
 * @param {Float64Array} weights
 * @param {number} t
 */
const fourWeights = (weights, t) => {
  const square = t * t;
  const cube = square * t;
  weights[0] = -t + 2 * square - cube;
  weights[1] = 1 - 2 * square + cube;
  weights[2] = t + square - cube;
  weights[3] = cube - square;
};

/** @param {number} sum */
const clampByte = (sum) => (sum <= 0 ? 0 : sum >= 255 ? 255 : Math.floor(sum + 1e-9));

/**
 * The sums over 4 × 4 pixels, cut to bytes, into the four bands of a result. Written out: this is
 * the inmost loop.
 * @param {Uint8ClampedArray} bytes
 * @param {Tap} tap
 * @param {Uint8ClampedArray} result
 * @param {number} to
 */
const cubicPixel = (bytes, { columns, rows, across, down }, result, to) => {
  const c0 = columns[0];
  const c1 = columns[1];
  const c2 = columns[2];
  const c3 = columns[3];
  let red = 0;
  let green = 0;
  let blue = 0;
  let alpha = 0;
  for (let j = 0; j < 4; j += 1) {
    const row = rows[j];
    const w0 = across[0] * down[j];
    const w1 = across[1] * down[j];
    const w2 = across[2] * down[j];
    const w3 = across[3] * down[j];
    const p = row + c0;
    const q = row + c1;
    const r = row + c2;
    const s = row + c3;
    red += w0 * bytes[p] + w1 * bytes[q] + w2 * bytes[r] + w3 * bytes[s];
    green += w0 * bytes[p + 1] + w1 * bytes[q + 1] + w2 * bytes[r + 1] + w3 * bytes[s + 1];
    blue += w0 * bytes[p + 2] + w1 * bytes[q + 2] + w2 * bytes[r + 2] + w3 * bytes[s + 2];
    alpha += w0 * bytes[p + 3] + w1 * bytes[q + 3] + w2 * bytes[r + 3] + w3 * bytes[s + 3];
  }
  result[to] = clampByte(red);
  result[to + 1] = clampByte(green);
  result[to + 2] = clampByte(blue);
  result[to + 3] = clampByte(alpha);
};

/**
 * A turned picture, bicubic (a = -1): `back` [a, b, c, d, e, f] leads from new to old places, x' =
 * a·x + b·y + c and y' = d·x + e·y + f. Nothing lies beyond the picture's border.
 * @param {PixelField} source
 * @param {Extent} size
 * @param {Matrix} back
 */
export const rotatePicture = (source, size, back) => {
  const { width, height, bytes } = source;
  const result = { ...size, bytes: new Uint8ClampedArray(size.width * size.height * BANDS) };
  const [columns, rows] = [new Int32Array(4), new Int32Array(4)];
  const tap = { columns, rows, across: new Float64Array(4), down: new Float64Array(4) };
  for (let y = 0, to = 0; y < size.height; y += 1) {
    for (let x = 0; x < size.width; x += 1, to += BANDS) {
      const u = back[0] * (x + 0.5) + back[1] * (y + 0.5) + back[2];
      const v = back[3] * (x + 0.5) + back[4] * (y + 0.5) + back[5];
      if (u < 0 || v < 0 || u >= width || v >= height) continue;
      const left = Math.floor(u - 0.5);
      const top = Math.floor(v - 0.5);
      fourWeights(tap.across, u - 0.5 - left);
      fourWeights(tap.down, v - 0.5 - top);
      for (let step = 0; step < 4; step += 1) {
        columns[step] = Math.min(width - 1, Math.max(0, left - 1 + step)) * BANDS;
        rows[step] = Math.min(height - 1, Math.max(0, top - 1 + step)) * width * BANDS;
      }
      cubicPixel(bytes, tap, result.bytes, to);
    }
  }
  return result;
};
