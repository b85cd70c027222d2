// A stroke on a mask: what its dabs cover so far, and the mask that follows. Each step is new;
// tiles are shared.

/**
 * @import { Mask, Tile } from "../types/editor.d.ts"
 * @import { Dab } from "../types/kernels.d.ts"
 * @import { Stroke } from "../types/model.d.ts"
 */

import { dabBox, pressDab } from "../kernels/brush.js";
import {
  bytesOf,
  copyOf,
  maskFromBytes,
  originOf,
  TILE_PX,
  tilesUnder,
  withTiles,
} from "../kernels/tiles.js";

/**
 * A stroke over the mask `base`, towards 255 or (erasing) 0, up to `opacity`: {base, target,
 * opacity, cover, mask}.
 * @param {Mask} base
 * @param {{ erase: boolean, opacity: number }} way
 * @returns {Stroke}
 */
export const beginStroke = (base, { erase, opacity }) => ({
  base,
  target: erase ? 0 : 255,
  opacity,
  cover: new Map(),
  mask: base,
});

/**
 * @param {Pick<Stroke, "target" | "opacity">} stroke
 * @param {Tile} tile
 * @param {Uint8Array} cover
 */
const blendTile = ({ target, opacity }, tile, cover) => {
  const result = copyOf(tile);
  for (let at = 0; at < result.length; at += 1)
    if (cover[at] > 0) result[at] += ((target - result[at]) * opacity * cover[at]) / 255 + 0.5;
  return result;
};

/**
 * The stroke with more dabs. Where dabs overlap the strongest counts, so that a stroke never
 * exceeds its opacity.
 * @param {Stroke} stroke
 * @param {readonly Dab[]} dabs
 * @returns {Stroke}
 */
export const withDabs = (stroke, dabs) => {
  const { base } = stroke;
  /** @type {Map<number, Uint8Array>} */
  const touched = new Map();
  for (const dab of dabs) {
    for (const index of tilesUnder(base, dabBox(dab))) {
      const cover = touched.get(index) ?? copyOf(stroke.cover.get(index) ?? null);
      touched.set(index, cover);
      pressDab(cover, TILE_PX, originOf(base, index), dab);
    }
  }
  const changes = new Map(
    [...touched].map(([index, cover]) => [index, blendTile(stroke, base.tiles[index], cover)]),
  );
  return {
    ...stroke,
    cover: new Map([...stroke.cover, ...touched]),
    mask: withTiles(stroke.mask, changes),
  };
};

/**
 * The mask with a cover (width × height bytes) added to it, or taken from it.
 * @param {Mask} mask
 * @param {Uint8Array} cover
 * @param {boolean} subtract
 */
export const withCover = (mask, cover, subtract) => {
  const bytes = bytesOf(mask);
  for (let at = 0; at < bytes.length; at += 1)
    if (cover[at] > 0)
      bytes[at] = subtract ? Math.min(bytes[at], 255 - cover[at]) : Math.max(bytes[at], cover[at]);
  return maskFromBytes(bytes, mask.width_px, mask.height_px, mask);
};
