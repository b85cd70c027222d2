// Masks as canvases: only the tiles that changed are drawn anew, so that a stroke and its undo cost what they touch.

import { changedTiles, inverseOf, originOf, TILE_PX } from "../../kernels/tiles.js";
import { isPainted } from "../../model/records.js";

/** One pattern a tint; (x, y) in steps of the pattern. All are light lines, so that the picture stays visible. */
const PATTERNS = [
  (x, y) => (x + y) % 8 < 2,
  (x, y) => (x - y + 8192) % 8 < 2,
  (x, y) => x % 5 < 2 && y % 5 < 2,
  (x, y) => y % 7 < 2,
  (x, y) => x % 7 < 2,
  (x, y) => (x + y) % 8 < 1 || (x - y + 8192) % 8 < 1,
  (x, y) => x % 8 < 1 || y % 8 < 1,
  (x, y) => (x + Math.abs((y % 16) - 8)) % 8 < 2,
];
const [GROUND, LINES, EDGE] = [0.3, 0.66, 0.95];

const blank = (width, height) => Object.assign(document.createElement("canvas"), { width, height });

const rgbOf = (ink) => [1, 3, 5].map((at) => Number.parseInt(ink.slice(at, at + 2), 16));

/** Whether a value lies at the border of what is inside; beyond the tile its neighbours are not asked. */
const isEdge = (tile, at) =>
  tile[at] >= 128 &&
  ((at % TILE_PX > 0 && tile[at - 1] < 128) ||
    (at % TILE_PX < TILE_PX - 1 && tile[at + 1] < 128) ||
    (at >= TILE_PX && tile[at - TILE_PX] < 128) ||
    (at < tile.length - TILE_PX && tile[at + TILE_PX] < 128));

/** Fills an ImageData of one tile: plain alpha, or a veil of `style` {ink: "#rrggbb", pattern, step_px, hidden}. */
const fillTile = (image, tile, origin, style) => {
  const { data } = image;
  const [red, green, blue] = style ? rgbOf(style.ink) : [255, 255, 255];
  const isLine = style ? PATTERNS[style.pattern] : null;
  for (let at = 0; at < tile.length; at += 1) {
    let strength = 1;
    if (style) {
      const [x, y] = [origin.x + (at % TILE_PX), origin.y + Math.floor(at / TILE_PX)];
      strength = isLine(Math.floor(x / style.step_px), Math.floor(y / style.step_px))
        ? LINES
        : GROUND;
      if (isEdge(tile, at)) strength = EDGE;
    }
    data[at * 4] = red;
    data[at * 4 + 1] = green;
    data[at * 4 + 2] = blue;
    data[at * 4 + 3] = tile[at] * strength;
  }
};

class MaskCanvases {
  #known = new Map();
  #image = null;

  /**
   * A canvas of the mask's size. Without a style its alpha is the mask; with one it is a veil in the layer's colour and
   * pattern, over what the mask shows or (`hidden`) over what it hides.
   */
  get(key, mask, style = null) {
    let plate = this.#known.get(key);
    const fits = plate?.canvas.width === mask.width_px && plate.canvas.height === mask.height_px;
    if (!fits || plate.style?.ink !== style?.ink) {
      plate = { canvas: blank(mask.width_px, mask.height_px), mask: null, style };
      this.#known.set(key, plate);
    }
    this.#draw(plate, mask);
    plate.mask = mask;
    return plate.canvas;
  }

  /** Forgets the canvases of layers that are gone; the keys begin with the layer's id. */
  keep(ids) {
    for (const key of this.#known.keys()) if (!ids.has(key.split(" ")[0])) this.#known.delete(key);
  }

  #draw({ canvas, mask: known, style }, mask) {
    const context = canvas.getContext("2d");
    this.#image ??= context.createImageData(TILE_PX, TILE_PX);
    for (const index of changedTiles(mask, known)) {
      const origin = originOf(mask, index);
      const tile = style?.hidden ? inverseOf(mask.tiles[index]) : mask.tiles[index];
      if (!tile) {
        context.clearRect(origin.x, origin.y, TILE_PX, TILE_PX);
        continue;
      }
      fillTile(this.#image, tile, origin, style);
      context.putImageData(this.#image, origin.x, origin.y);
    }
  }
}

export const createMaskCanvases = () => new MaskCanvases();

const FINEST_PX = 128;

/**
 * Sheets (a canvas that fills the page, and a matrix by which it is shifted) of the visible painted layers, the
 * selected one on top; a selected picture's mask has one only while a tool `paints`.
 */
export const createMaskVeils = (app, plates, shiftOf) => {
  const styleOf = ({ id, hidden }, mask) => ({
    ink: app.inks().tints[app.tints.indexOf(id)],
    pattern: app.tints.indexOf(id),
    step_px: Math.max(1, Math.round(Math.max(mask.width_px, mask.height_px) / (4 * FINEST_PX))),
    hidden,
  });
  const sheetOf = (layer) => {
    const { id, mask } = layer;
    const found = app.pictures.mask(mask);
    const style = found && styleOf({ id, hidden: !isPainted(layer) }, found);
    return found ? { canvas: plates.get(`${id} veil`, found, style), shift: shiftOf(layer) } : null;
  };
  return (scene, selected, paints) => {
    if (!app.inks().ready) return [];
    const isShown = (layer) => isPainted(layer) || (paints && layer.id === selected);
    const painted = scene.layers.filter((layer) => layer.visible && layer.mask && isShown(layer));
    const others = painted.filter(({ id }) => id !== selected);
    const own = painted.filter(({ id }) => id === selected);
    return [...others, ...own].map(sheetOf).filter(Boolean);
  };
};
