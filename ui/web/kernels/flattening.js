// Layers laid over one another in floats, rounded once at the end (backend/scene/composite.py and
// blending.py; W3C Compositing and Blending, section 10).

/**
 * @import { Box } from "../types/editor.d.ts"
 * @import { FlatLayer, SheetPixel } from "../types/kernels.d.ts"
 * @import { BlendMode } from "../types/protocol.d.ts"
 */

const BANDS = 4;

/**
 * @param {number} below
 * @param {number} above
 */
const screen = (below, above) => below + above - below * above;

/**
 * @param {number} below
 * @param {number} above
 */
const hardLight = (below, above) =>
  above <= 0.5 ? below * 2 * above : screen(below, 2 * above - 1);

/**
 * @param {number} below
 * @param {number} above
 */
const softLight = (below, above) => {
  if (above <= 0.5) return below - (1 - 2 * above) * below * (1 - below);
  const lifted = below <= 0.25 ? ((16 * below - 12) * below + 4) * below : Math.sqrt(below);
  return below + (2 * above - 1) * (lifted - below);
};

/**
 * Krita's default soft light: the root is taken of dark colours too.
 * @param {number} below
 * @param {number} above
 */
const softLightKrita = (below, above) =>
  above <= 0.5
    ? below - (1 - 2 * above) * below * (1 - below)
    : below + (2 * above - 1) * (Math.sqrt(below) - below);

/** What counts as black, or as white, where a mode divides. */
const TINY = 1e-6;

/**
 * @param {number} below
 * @param {number} above
 */
const colorDodge = (below, above) =>
  below <= TINY ? 0 : Math.min(1, below / Math.max(1 - above, TINY));

/**
 * How two values 0…1 of a band meet; "normal" takes what is above.
 * @type {Partial<Record<BlendMode, (below: number, above: number) => number>>}
 */
const MODES = {
  multiply: (below, above) => below * above,
  screen,
  overlay: (below, above) => hardLight(above, below),
  soft_light: softLight,
  darken: Math.min,
  lighten: Math.max,
  color_dodge: colorDodge,
  color_burn: (below, above) => 1 - colorDodge(1 - below, 1 - above),
  hard_light: hardLight,
  difference: (below, above) => Math.abs(below - above),
  soft_light_krita: softLightKrita,
};

/** @typedef {[number, number, number]} Colour */

/** @param {Colour} colour */
const luma = ([red, green, blue]) => 0.3 * red + 0.59 * green + 0.11 * blue;

/** @param {Colour} colour */
const rangeOf = (colour) => Math.max(...colour) - Math.min(...colour);

/**
 * The colour moved to a lightness, and drawn towards grey as far as it leaves 0…1.
 * @param {Colour} colour
 * @param {number} light
 * @returns {Colour}
 */
const withLuma = (colour, light) => {
  const by = light - luma(colour);
  const [least, most] = [Math.min(...colour) + by, Math.max(...colour) + by];
  const down = least < 0 ? light / Math.max(light - least, TINY) : 1;
  const up = most > 1 ? (1 - light) / Math.max(most - light, TINY) : 1;
  const share = Math.min(down, up);
  /** @param {number} value */
  const draw = (value) => light + (value + by - light) * share;
  return [draw(colour[0]), draw(colour[1]), draw(colour[2])];
};

/**
 * The colour with its least band at 0 and its largest at the saturation.
 * @param {Colour} colour
 * @param {number} saturation
 * @returns {Colour}
 */
const withRange = (colour, saturation) => {
  const [least, share] = [Math.min(...colour), saturation / Math.max(rangeOf(colour), TINY)];
  return [(colour[0] - least) * share, (colour[1] - least) * share, (colour[2] - least) * share];
};

/**
 * How two whole colours meet.
 * @type {Partial<Record<BlendMode, (below: Colour, above: Colour) => Colour>>}
 */
const COLOUR_MODES = {
  hue: (below, above) => withLuma(withRange(above, rangeOf(below)), luma(below)),
  saturation: (below, above) => withLuma(withRange(below, rangeOf(above)), luma(below)),
  color: (below, above) => withLuma(above, luma(below)),
  luminosity: (below, above) => withLuma(below, luma(above)),
};

/**
 * @param {number} value
 * @param {number} alpha
 */
const straight = (value, alpha) => (alpha > 0 ? Math.min(1, value / alpha) : 0);

/**
 * A pixel of a sheet, its bytes times `share`, over the floats at `to`.
 * @param {Float32Array} flat
 * @param {number} to
 * @param {SheetPixel} pixel
 */
const layNormal = (flat, to, { bytes, from, share }) => {
  const left = 1 - bytes[from + 3] * share;
  for (let band = 0; band < BANDS; band += 1)
    flat[to + band] = bytes[from + band] * share + flat[to + band] * left;
};

/**
 * The same, light and coverage added.
 * @param {Float32Array} flat
 * @param {number} to
 * @param {SheetPixel} pixel
 */
const layAdded = (flat, to, { bytes, from, share }) => {
  for (let band = 0; band < BANDS; band += 1)
    flat[to + band] = Math.min(1, flat[to + band] + bytes[from + band] * share);
};

/**
 * The same in another mode: the colour above is blended only where something is below.
 * @param {Float32Array} flat
 * @param {number} to
 * @param {SheetPixel} pixel
 * @param {(below: number, above: number) => number} mix
 */
const layInMode = (flat, to, { bytes, from, share }, mix) => {
  const [above, below] = [bytes[from + 3] * share, flat[to + 3]];
  for (let band = 0; band < 3; band += 1) {
    const [top, bottom] = [bytes[from + band] * share, flat[to + band]];
    const mixed = mix(straight(bottom, below), straight(top, above));
    flat[to + band] = top + bottom * (1 - above) + above * below * mixed - top * below;
  }
  flat[to + 3] = above + below * (1 - above);
};

/**
 * The same in a mode of whole colours.
 * @param {Float32Array} flat
 * @param {number} to
 * @param {SheetPixel} pixel
 * @param {(below: Colour, above: Colour) => Colour} mix
 */
const layColour = (flat, to, { bytes, from, share }, mix) => {
  const [above, below] = [bytes[from + 3] * share, flat[to + 3]];
  /** @param {number} band */
  const under = (band) => straight(flat[to + band], below);
  /** @param {number} band */
  const over = (band) => straight(bytes[from + band] * share, above);
  const mixed = mix([under(0), under(1), under(2)], [over(0), over(1), over(2)]);
  for (let band = 0; band < 3; band += 1) {
    const [top, bottom] = [bytes[from + band] * share, flat[to + band]];
    flat[to + band] = top + bottom * (1 - above) + above * below * mixed[band] - top * below;
  }
  flat[to + 3] = above + below * (1 - above);
};

/**
 * How a pixel of a layer in a mode is laid.
 * @param {BlendMode} blend
 * @returns {(flat: Float32Array, to: number, pixel: SheetPixel) => void}
 */
const layerOfMode = (blend) => {
  if (blend === "add") return layAdded;
  const [mix, mixColours] = [MODES[blend], COLOUR_MODES[blend]];
  if (mix) return (flat, to, pixel) => layInMode(flat, to, pixel, mix);
  if (mixColours) return (flat, to, pixel) => layColour(flat, to, pixel, mixColours);
  return layNormal;
};

/**
 * One layer {sheet, mask: bytes of the canvas or null, opacity, blend} over the floats of a box of
 * the canvas.
 * @param {Float32Array} flat
 * @param {Box} box
 * @param {FlatLayer} layer
 * @param {number} across
 */
const layOver = (flat, box, { sheet, mask, opacity, blend }, across) => {
  const lay = layerOfMode(blend);
  const [x0, y0] = [Math.max(box.x0, sheet.x0), Math.max(box.y0, sheet.y0)];
  const [x1, y1] = [
    Math.min(box.x1, sheet.x0 + sheet.width),
    Math.min(box.y1, sheet.y0 + sheet.height),
  ];
  const pixel = { bytes: sheet.bytes, from: 0, share: 0 };
  for (let y = y0; y < y1; y += 1) {
    pixel.from = ((y - sheet.y0) * sheet.width + x0 - sheet.x0) * BANDS;
    let to = ((y - box.y0) * (box.x1 - box.x0) + x0 - box.x0) * BANDS;
    for (let x = x0; x < x1; x += 1, pixel.from += BANDS, to += BANDS) {
      if (sheet.bytes[pixel.from + 3] === 0) continue;
      pixel.share = (sheet.outline(x, y) * opacity) / 255;
      if (mask) pixel.share *= mask[y * across + x] / 255;
      if (pixel.share === 0) continue;
      lay(flat, to, pixel);
    }
  }
};

/**
 * Floats, premultiplied, as straight RGBA bytes: those which a canvas, that keeps colour times
 * alpha in bytes, keeps as the nearest ones to the floats.
 * @param {Float32Array} flat
 * @param {Uint8ClampedArray} bytes
 */
const roundToBytes = (flat, bytes) => {
  for (let at = 0; at < flat.length; at += BANDS) {
    const alpha = Math.min(255, Math.floor(255 * flat[at + 3] + 0.5));
    if (alpha === 0) continue;
    for (let band = 0; band < 3; band += 1)
      bytes[at + band] = Math.floor((255 * Math.floor(255 * flat[at + band] + 0.5)) / alpha + 0.5);
    bytes[at + 3] = alpha;
  }
};

/** Rows that are worked on together: few enough to stay near, many enough to be quick. */
const ROWS = 32;

/**
 * What layers {sheet, mask, opacity, blend}, from back to front, look like in a box {x0, y0, x1,
 * y1} of a canvas `across` pixels wide: straight RGBA bytes of the box.
 * @param {readonly FlatLayer[]} layers
 * @param {Box} box
 * @param {number} across
 */
export const flatten = (layers, box, across) => {
  const width = box.x1 - box.x0;
  const bytes = new Uint8ClampedArray(width * (box.y1 - box.y0) * BANDS);
  for (let y0 = box.y0; y0 < box.y1; y0 += ROWS) {
    const band = { ...box, y0, y1: Math.min(box.y1, y0 + ROWS) };
    const flat = new Float32Array(width * (band.y1 - y0) * BANDS);
    for (const layer of layers) layOver(flat, band, layer, across);
    roundToBytes(
      flat,
      bytes.subarray((y0 - box.y0) * width * BANDS, (band.y1 - box.y0) * width * BANDS),
    );
  }
  return bytes;
};
