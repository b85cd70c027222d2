// Masks as canvases: only the tiles that changed are drawn anew, so that a stroke and its undo cost
// what they touch.

/**
 * @import { App, Mask, Matrix, Point } from "../../types/editor.d.ts"
 * @import { Identifier, Layer, Scene } from "../../types/protocol.d.ts"
 * @import { MaskCanvas, MaskCanvases, Veil, VeilStyle } from "../../types/view.d.ts"
 */

import { changedTiles, inverseOf, originOf, TILE_PX } from "../../kernels/tiles.js";
import { isPainted } from "../../model/records.js";
import { contextOf, createCanvas } from "../dom/elements.js";

/**
 * One pattern a tint; (x, y) in steps of the pattern. All are light lines, so that the picture
 * stays visible.
 * @type {readonly ((x: number, y: number) => boolean)[]}
 */
const PATTERNS = [
  (x, y) => (x + y) % 8 < 2,
  (x, y) => (x - y + 8192) % 8 < 2,
  (x, y) => x % 5 < 2 && y % 5 < 2,
  (x, y) => y % 7 < 2,
  (x) => x % 7 < 2,
  (x, y) => (x + y) % 8 < 1 || (x - y + 8192) % 8 < 1,
  (x, y) => x % 8 < 1 || y % 8 < 1,
  (x, y) => (x + Math.abs((y % 16) - 8)) % 8 < 2,
];
const [GROUND, LINES, EDGE] = [0.3, 0.66, 0.95];

/** @param {string} ink */
const rgbOf = (ink) => [1, 3, 5].map((at) => Number.parseInt(ink.slice(at, at + 2), 16));

/**
 * Whether a value lies at the border of what is inside; beyond the tile its neighbours are not
 * asked.
 * @param {Uint8Array} tile
 * @param {number} at
 */
const isEdge = (tile, at) =>
  tile[at] >= 128 &&
  ((at % TILE_PX > 0 && tile[at - 1] < 128) ||
    (at % TILE_PX < TILE_PX - 1 && tile[at + 1] < 128) ||
    (at >= TILE_PX && tile[at - TILE_PX] < 128) ||
    (at < tile.length - TILE_PX && tile[at + TILE_PX] < 128));

/**
 * How strong a veil is at a value of a tile: on a line of its pattern, beside, or at the border.
 * @param {Uint8Array} tile
 * @param {number} at
 * @param {Point} origin
 * @param {VeilStyle} style
 */
const veilStrength = (tile, at, origin, { pattern, step_px }) => {
  if (isEdge(tile, at)) return EDGE;
  const x = origin.x + (at % TILE_PX);
  const y = origin.y + Math.floor(at / TILE_PX);
  return PATTERNS[pattern](Math.floor(x / step_px), Math.floor(y / step_px)) ? LINES : GROUND;
};

/**
 * Fills an ImageData of one tile: plain alpha, or a veil of a style.
 * @param {ImageData} image
 * @param {Uint8Array} tile
 * @param {Point} origin
 * @param {VeilStyle | null} style
 */
const fillTile = ({ data }, tile, origin, style) => {
  const [red, green, blue] = style ? rgbOf(style.ink) : [255, 255, 255];
  for (let at = 0; at < tile.length; at += 1) {
    data[at * 4] = red;
    data[at * 4 + 1] = green;
    data[at * 4 + 2] = blue;
    data[at * 4 + 3] = tile[at] * (style ? veilStrength(tile, at, origin, style) : 1);
  }
};

/**
 * @param {MaskCanvas} plate
 * @param {Mask} mask
 * @param {VeilStyle | null} style
 */
const isFit = ({ canvas, style: known }, { width_px, height_px }, style) =>
  canvas.width === width_px && canvas.height === height_px && known?.ink === style?.ink;

/**
 * @param {Mask} mask
 * @param {VeilStyle | null} style
 * @returns {MaskCanvas}
 */
const createPlate = ({ width_px, height_px }, style) => ({
  canvas: createCanvas(width_px, height_px),
  mask: null,
  style,
});

class MaskCanvasCache {
  /** @type {Map<string, MaskCanvas>} */
  #known = new Map();
  /** @type {ImageData | null} */
  #image = null;

  /**
   * A canvas of the mask's size. Without a style its alpha is the mask; with one it is a veil in
   * the layer's colour and pattern, over what the mask shows or (`hidden`) over what it hides.
   * @param {string} key
   * @param {Mask} mask
   * @param {VeilStyle | null} [style]
   */
  get(key, mask, style = null) {
    const known = this.#known.get(key);
    const plate = known && isFit(known, mask, style) ? known : createPlate(mask, style);
    this.#known.set(key, plate);
    this.#draw(plate, mask);
    plate.mask = mask;
    return plate.canvas;
  }

  /**
   * Forgets the canvases of layers that are gone; the keys begin with the layer's id.
   * @param {ReadonlySet<Identifier>} ids
   */
  keep(ids) {
    for (const key of this.#known.keys()) if (!ids.has(key.split(" ")[0])) this.#known.delete(key);
  }

  /**
   * @param {MaskCanvas} plate
   * @param {Mask} mask
   */
  #draw({ canvas, mask: known, style }, mask) {
    const context = contextOf(canvas);
    const image = (this.#image ??= context.createImageData(TILE_PX, TILE_PX));
    for (const index of changedTiles(mask, known)) {
      const origin = originOf(mask, index);
      const tile = style?.hidden ? inverseOf(mask.tiles[index]) : mask.tiles[index];
      if (!tile) {
        context.clearRect(origin.x, origin.y, TILE_PX, TILE_PX);
        continue;
      }
      fillTile(image, tile, origin, style);
      context.putImageData(image, origin.x, origin.y);
    }
  }
}

export const createMaskCanvases = () => new MaskCanvasCache();

const FINEST_PX = 128;

/**
 * Sheets (a canvas that fills the page, and a matrix by which it is shifted) of the visible painted
 * layers, the selected one on top; a selected picture's mask has one only while a tool `paints`.
 * @param {App} app
 * @param {MaskCanvases} plates
 * @param {(layer: Layer) => Matrix} shiftOf
 */
export const createMaskVeils = (app, plates, shiftOf) => {
  /**
   * @param {{ id: Identifier, hidden: boolean }} layer
   * @param {Mask} mask
   */
  const styleOf = ({ id, hidden }, mask) => ({
    ink: app.inks().tints[app.tints.indexOf(id)],
    pattern: app.tints.indexOf(id),
    step_px: Math.max(1, Math.round(Math.max(mask.width_px, mask.height_px) / (4 * FINEST_PX))),
    hidden,
  });
  /**
   * @param {Layer} layer
   * @returns {Veil[]}
   */
  const veilOf = (layer) => {
    const { id, mask } = layer;
    const found = app.pictures.mask(mask);
    if (!found) return [];
    const style = styleOf({ id, hidden: !isPainted(layer) }, found);
    return [{ canvas: plates.get(`${id} veil`, found, style), shift: shiftOf(layer) }];
  };
  /**
   * @param {Scene} scene
   * @param {Identifier | ""} selected
   * @param {boolean} paints
   */
  return (scene, selected, paints) => {
    if (!app.inks().ready) return [];
    /** @param {Layer} layer */
    const isShown = (layer) => isPainted(layer) || (paints && layer.id === selected);
    const painted = scene.layers.filter((layer) => layer.visible && layer.mask && isShown(layer));
    const others = painted.filter(({ id }) => id !== selected);
    const own = painted.filter(({ id }) => id === selected);
    return [...others, ...own].flatMap(veilOf);
  };
};
