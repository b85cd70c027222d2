// A painted mask as tiles: a frozen record that shares its tiles with its other versions. Undo
// swaps records.

/** @import { Box, Mask, Size, Tile } from "../types/editor.d.ts" */

/**
 * Pixels a side of a tile: small enough that a stroke copies little, large enough that a mask has
 * few.
 */
export const TILE_PX = 64;
const TILE_AREA = TILE_PX * TILE_PX;

/**
 * A tile that is inside everywhere; outside everywhere is null. Tiles are never written once a mask
 * holds them.
 */
const FULL = new Uint8Array(TILE_AREA).fill(255);

/**
 * @param {number} width_px
 * @param {number} height_px
 * @param {Tile} tile
 */
const uniform = (width_px, height_px, tile) => {
  const [across, down] = [Math.ceil(width_px / TILE_PX), Math.ceil(height_px / TILE_PX)];
  return Object.freeze({
    width_px,
    height_px,
    across,
    tiles: Object.freeze(Array(across * down).fill(tile)),
  });
};

/**
 * A mask {width_px, height_px, across, tiles} that is 0 everywhere.
 * @param {number} width_px
 * @param {number} height_px
 * @returns {Mask}
 */
export const emptyMask = (width_px, height_px) => uniform(width_px, height_px, null);

/**
 * A mask that is 255 everywhere.
 * @param {number} width_px
 * @param {number} height_px
 * @returns {Mask}
 */
export const fullMask = (width_px, height_px) => uniform(width_px, height_px, FULL);

/**
 * A mask of one value, 0…255, everywhere.
 * @param {number} width_px
 * @param {number} height_px
 * @param {number} value
 */
export const greyMask = (width_px, height_px, value) =>
  uniform(width_px, height_px, plain(new Uint8Array(TILE_AREA).fill(value)));

/**
 * The top left pixel of a tile.
 * @param {{ across: number }} mask
 * @param {number} index
 */
export const originOf = (mask, index) => ({
  x: (index % mask.across) * TILE_PX,
  y: Math.floor(index / mask.across) * TILE_PX,
});

/**
 * A tile's inverse; null and the full tile are each other's.
 * @param {Tile} tile
 */
export const inverseOf = (tile) => {
  if (tile === null) return FULL;
  return tile === FULL ? null : tile.map((value) => 255 - value);
};

/** @param {Uint8Array} tile */
const plain = (tile) => {
  const first = tile[0];
  if (first !== 0 && first !== 255) return tile;
  for (let at = 1; at < TILE_AREA; at += 1) if (tile[at] !== first) return tile;
  return first === 0 ? null : FULL;
};

/**
 * The mask with some tiles replaced: `changes` is a Map of index → Uint8Array of 64 × 64, which is
 * now the mask's.
 * @param {Mask} mask
 * @param {ReadonlyMap<number, Tile>} changes
 */
export const withTiles = (mask, changes) => {
  if (changes.size === 0) return mask;
  const tiles = [...mask.tiles];
  for (const [index, tile] of changes) tiles[index] = tile === null ? null : plain(tile);
  return Object.freeze({ ...mask, tiles: Object.freeze(tiles) });
};

/**
 * A tile's own copy, to be written.
 * @param {Tile} tile
 */
export const copyOf = (tile) => (tile ? Uint8Array.from(tile) : new Uint8Array(TILE_AREA));

/**
 * 0…255 at a pixel; 0 beyond the mask.
 * @param {Mask} mask
 * @param {number} x
 * @param {number} y
 */
export const valueAt = (mask, x, y) => {
  const [column, row] = [Math.floor(x), Math.floor(y)];
  if (column < 0 || row < 0 || column >= mask.width_px || row >= mask.height_px) return 0;
  const tile = mask.tiles[Math.floor(row / TILE_PX) * mask.across + Math.floor(column / TILE_PX)];
  return tile ? tile[(row % TILE_PX) * TILE_PX + (column % TILE_PX)] : 0;
};

/**
 * Calls visit(tile's pixel, mask's pixel, length) for every row of a tile that lies on the mask.
 * @param {Size & { across: number }} mask
 * @param {number} index
 * @param {(from: number, to: number, length: number) => void} visit
 */
const eachRow = (mask, index, visit) => {
  const { x, y } = originOf(mask, index);
  const length = Math.min(TILE_PX, mask.width_px - x);
  const rows = Math.min(TILE_PX, mask.height_px - y);
  for (let row = 0; row < rows; row += 1)
    visit(row * TILE_PX, (y + row) * mask.width_px + x, length);
};

/**
 * All values, row by row: Uint8Array of width × height.
 * @param {Mask} mask
 */
export const bytesOf = (mask) => {
  const bytes = new Uint8Array(mask.width_px * mask.height_px);
  mask.tiles.forEach((tile, index) => void (tile && spread(bytes, mask, index, tile)));
  return bytes;
};

/**
 * Writes one tile, or null, into all values (width × height bytes, row by row) of a mask of a size.
 * @param {Uint8Array} bytes
 * @param {Size} size
 * @param {number} index
 * @param {Tile} tile
 */
export const spread = (bytes, { width_px, height_px }, index, tile) =>
  eachRow(
    { width_px, height_px, across: Math.ceil(width_px / TILE_PX) },
    index,
    (from, to, length) => {
      if (tile) bytes.set(tile.subarray(from, from + length), to);
      else bytes.fill(0, to, to + length);
    },
  );

/**
 * @param {Uint8Array} tile
 * @param {Uint8Array} other
 */
const isEqual = (tile, other) => {
  for (let at = 0; at < TILE_AREA; at += 1) if (tile[at] !== other[at]) return false;
  return true;
};

/**
 * The mask of values row by row; `known` is a mask of that size whose equal tiles are shared.
 * @param {Uint8Array} bytes
 * @param {number} width_px
 * @param {number} height_px
 * @param {Mask | null} [known]
 */
export const maskFromBytes = (bytes, width_px, height_px, known = null) => {
  const empty = emptyMask(width_px, height_px);
  const tiles = empty.tiles.map((_, index) => {
    const tile = new Uint8Array(TILE_AREA);
    eachRow(empty, index, (to, from, length) => tile.set(bytes.subarray(from, from + length), to));
    const old = known?.tiles[index];
    return old && isEqual(tile, old) ? old : plain(tile);
  });
  return Object.freeze({ ...empty, tiles: Object.freeze(tiles) });
};

/**
 * Indexes of the tiles that differ between two masks of one size; all of them when `known` is null.
 * @param {Mask} mask
 * @param {Mask | null} known
 */
export const changedTiles = (mask, known) => {
  const changed = [];
  for (let index = 0; index < mask.tiles.length; index += 1)
    if (!known || known.tiles[index] !== mask.tiles[index]) changed.push(index);
  return changed;
};

/**
 * The box {x0, y0, x1, y1} around two boxes, of which the first may be null.
 * @param {Box | null} one
 * @param {Box} other
 */
export const unionOf = (one, other) => ({
  x0: Math.min(one?.x0 ?? Infinity, other.x0),
  y0: Math.min(one?.y0 ?? Infinity, other.y0),
  x1: Math.max(one?.x1 ?? -Infinity, other.x1),
  y1: Math.max(one?.y1 ?? -Infinity, other.y1),
});

/**
 * The box around the tiles that differ between two masks of one size; null when they are equal.
 * @param {Mask} mask
 * @param {Mask | null} known
 * @returns {Box | null}
 */
export const changedBox = (mask, known) =>
  changedTiles(mask, known).reduce((/** @type {Box | null} */ box, index) => {
    const { x, y } = originOf(mask, index);
    return unionOf(box, { x0: x, y0: y, x1: x + TILE_PX, y1: y + TILE_PX });
  }, null);

/**
 * Bytes that a mask holds beyond what `known` holds already.
 * @param {Mask} mask
 * @param {Mask | null} known
 */
export const weightOf = (mask, known) => {
  const own = changedTiles(mask, known).filter(
    (index) => mask.tiles[index] && mask.tiles[index] !== FULL,
  );
  return own.length * TILE_AREA + mask.tiles.length * 8;
};

/**
 * Indexes of the tiles that a box {x0, y0, x1, y1} touches.
 * @param {Mask} mask
 * @param {Box} box
 */
export const tilesUnder = (mask, box) => {
  const down = mask.tiles.length / mask.across;
  const first = {
    x: Math.max(0, Math.floor(box.x0 / TILE_PX)),
    y: Math.max(0, Math.floor(box.y0 / TILE_PX)),
  };
  const last = {
    x: Math.min(mask.across - 1, Math.floor(box.x1 / TILE_PX)),
    y: Math.min(down - 1, Math.floor(box.y1 / TILE_PX)),
  };
  const found = [];
  for (let y = first.y; y <= last.y; y += 1)
    for (let x = first.x; x <= last.x; x += 1) found.push(y * mask.across + x);
  return found;
};

/**
 * The box around all that is not 0, on whole pixels; null for nothing.
 * @param {Mask} mask
 * @returns {Box | null}
 */
export const inkBox = (mask) => {
  /** @type {Box | null} */
  let box = null;
  mask.tiles.forEach((tile, index) => {
    if (tile) box = inkOf(tile, mask, index, box);
  });
  return box;
};

/**
 * The box around `known` and what is not 0 in a tile.
 * @param {Uint8Array} tile
 * @param {Mask} mask
 * @param {number} index
 * @param {Box | null} known
 */
const inkOf = (tile, mask, index, known) => {
  const { x, y } = originOf(mask, index);
  const [width, height] = [mask.width_px - x, mask.height_px - y].map((side) =>
    Math.min(TILE_PX, side),
  );
  const found = { x0: TILE_PX, y0: TILE_PX, x1: 0, y1: 0 };
  for (let row = 0; row < height; row += 1) {
    const line = tile.subarray(row * TILE_PX, row * TILE_PX + width);
    const first = line.findIndex((value) => value > 0);
    if (first < 0) continue;
    const last = line.findLastIndex((value) => value > 0);
    found.x0 = Math.min(found.x0, first);
    found.x1 = Math.max(found.x1, last + 1);
    found.y0 = Math.min(found.y0, row);
    found.y1 = row + 1;
  }
  if (found.x1 === 0) return known;
  return unionOf(known, { x0: x + found.x0, y0: y + found.y0, x1: x + found.x1, y1: y + found.y1 });
};
