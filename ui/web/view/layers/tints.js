// The colour of a layer, and its mask drawn small in it.

/**
 * @import { App, Mask } from "../../types/editor.d.ts"
 * @import { Identifier, Layer } from "../../types/protocol.d.ts"
 */

import { valueAt } from "../../kernels/tiles.js";
import { isPainted } from "../../model/records.js";
import { contextOf, h, show } from "../dom/elements.js";

const COLOURS = 8;

const LINES = ["solid", "dashed", "dotted", "double"];

/** indexOf(id) is 0…7 for the style sheet; lineOf(id) tells layers of one colour apart. */
export const createTints = () => {
  const places = new Map();
  /** @param {Identifier} id */
  const placeOf = (id) => {
    if (!places.has(id)) places.set(id, places.size);
    return places.get(id);
  };
  return {
    indexOf: (/** @type {Identifier} */ id) => placeOf(id) % COLOURS,
    lineOf: (/** @type {Identifier} */ id) =>
      LINES[Math.floor(placeOf(id) / COLOURS) % LINES.length],
  };
};

const SIDE_PX = 40;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Mask} mask
 * @param {string} ink
 */
const draw = (canvas, mask, ink) => {
  const context = contextOf(canvas);
  const image = context.createImageData(SIDE_PX, SIDE_PX);
  const scale = Math.max(mask.width_px, mask.height_px) / SIDE_PX;
  const [left, top] = [mask.width_px, mask.height_px].map((side) => (SIDE_PX - side / scale) / 2);
  const rgb = [1, 3, 5].map((at) => Number.parseInt(ink.slice(at, at + 2), 16));
  for (let y = 0; y < SIDE_PX; y += 1) {
    for (let x = 0; x < SIDE_PX; x += 1) {
      const value = valueAt(mask, (x + 0.5 - left) * scale, (y + 0.5 - top) * scale);
      image.data.set([...rgb, value], (y * SIDE_PX + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
};

/**
 * {node, update(layer)}: drawn anew when the mask is another, but not while it is being painted.
 * @param {App} app
 * @param {Identifier} id
 */
export const createMaskThumb = (app, id) => {
  const node = h("canvas", { class: "mask-thumb", width: SIDE_PX, height: SIDE_PX, hidden: true });
  let known = "";
  /** @param {Layer} layer */
  const update = (layer) => {
    const mask = layer.mask ? app.pictures.mask(layer.mask) : null;
    show(node, mask !== null);
    node.dataset.small = String(!isPainted(layer));
    const ink = app.inks().tints[app.tints.indexOf(id)];
    const key = `${layer.mask} ${ink}`;
    if (!mask || !ink || key === known || app.store.busy) return;
    known = key;
    draw(node, mask, ink);
  };
  return { node, update };
};
