// The painted strength of a layer: its veil over the page while it is painted, and its line in the
// layer's card.

/**
 * @import { App, Mask, Shown, Size } from "../../types/editor.d.ts"
 * @import { Layer } from "../../types/protocol.d.ts"
 * @import { MaskCanvases } from "../../types/view.d.ts"
 */

import { fillHalftone } from "../../kernels/halftone.js";
import { placementMatrix } from "../../kernels/matrix.js";
import { changedTiles, greyMask, originOf, TILE_PX } from "../../kernels/tiles.js";
import { viewMatrix } from "../../kernels/views.js";
import { greyOf, paintsStrength } from "../../model/painting.js";
import { titleOf } from "../../model/records.js";
import { TOOLS } from "../../tools/tools.js";
import { contextOf, createCanvas, h, set, show } from "../dom/elements.js";
import { createMaskCanvases } from "./mask-canvases.js";

const PAINTING = new Set(TOOLS.filter(({ paints }) => paints).map(({ id }) => id));
const FINEST_PX = 512;

/**
 * A layer's strength as a mask: what is painted, else its number everywhere; null until it is here.
 * @param {App} app
 */
const createReader = (app) => {
  let key = "";
  /** @type {Mask | null} */
  let plain = null;
  /**
   * @param {Layer} layer
   * @param {Size} size
   */
  return (layer, { width_px, height_px }) => {
    if (layer.strength_map) return app.pictures.mask(layer.strength_map);
    const wanted = `${greyOf(layer)} ${width_px} ${height_px}`;
    if (key !== wanted) plain = greyMask(width_px, height_px, greyOf(layer));
    key = wanted;
    return plain;
  };
};

/**
 * Draws the tiles of a mask that differ from what the canvas shows.
 * @param {HTMLCanvasElement} canvas
 * @param {Mask} mask
 * @param {Mask | null} known
 */
const drawTiles = (canvas, mask, known) => {
  const context = contextOf(canvas);
  const image = context.createImageData(TILE_PX, TILE_PX);
  const step_px = Math.max(1, Math.round(Math.max(mask.width_px, mask.height_px) / FINEST_PX));
  for (const index of changedTiles(mask, known)) {
    const origin = originOf(mask, index);
    fillHalftone(image.data, mask.tiles[index], { side: TILE_PX, origin, step_px });
    context.putImageData(image, origin.x, origin.y);
  }
};

/**
 * @param {string} kind
 * @param {string} text
 */
const legend = (kind, text) =>
  h("span", { class: "legend" }, h("i", { class: `swatch ${kind}` }), text);

/**
 * Leaves of a page only what a layer shows of itself: inside its picture, and inside its mask.
 * @param {CanvasRenderingContext2D} context
 * @param {App} app
 * @param {Layer} layer
 * @param {MaskCanvases} plates
 */
const keepInside = (context, app, layer, plates) => {
  const picture = layer.picture ? app.pictures.get(layer.picture) : null;
  const mask = layer.mask ? app.pictures.mask(layer.mask) : null;
  context.globalCompositeOperation = "destination-in";
  if (picture) {
    const { width_px, height_px } = picture.size;
    context.setTransform(...placementMatrix(layer.placement, picture.size));
    context.drawImage(picture.image, 0, 0, width_px, height_px);
    context.resetTransform();
  }
  if (mask) context.drawImage(plates.get(layer.id, mask), 0, 0);
  context.globalCompositeOperation = "source-over";
};

/**
 * Answers draw(canvas, mask, layer): the dots of a mask on a canvas, where its layer is; tiles are
 * drawn once.
 * @param {App} app
 */
const createDots = (app) => {
  const [dots, plates] = [createCanvas(), createMaskCanvases()];
  /** @type {Mask | null} */
  let drawn = null;
  /**
   * @param {HTMLCanvasElement} canvas
   * @param {Mask} mask
   * @param {Layer} layer
   */
  return (canvas, mask, layer) => {
    const size = { width: mask.width_px, height: mask.height_px };
    const isFit = dots.width === size.width && dots.height === size.height;
    if (!isFit) [dots, canvas].forEach((each) => Object.assign(each, size));
    if (mask !== drawn) drawTiles(dots, mask, isFit ? drawn : null);
    drawn = mask;
    plates.keep(new Set([layer.id]));
    const context = contextOf(canvas);
    context.clearRect(0, 0, size.width, size.height);
    context.drawImage(dots, 0, 0);
    keepInside(context, app, layer, plates);
  };
};

/**
 * The veil and the chip that says what it shows: {nodes, update(shown)}; cheap enough for every
 * sample of a stroke.
 * @param {App} app
 */
export const createStrengthVeil = (app) => {
  const canvas = h("canvas", {
    class: "strength-veil",
    "data-test": "strength-veil",
    "aria-hidden": "true",
  });
  const title = h("span", { class: "strength-title" });
  const words = [title, legend("changes", "may change"), legend("held", "held")];
  const chip = h(
    "div",
    { class: "chip-box strength-chip", role: "status", "data-test": "strength-chip" },
    words,
  );
  const [readMask, draw] = [createReader(app), createDots(app)];
  /** @param {Shown} shown */
  const update = ({ state, scene, selected, mix }) => {
    const isPainting = paintsStrength(app) && PAINTING.has(state.tool) && !mix;
    const layer = isPainting && selected?.visible ? selected : null;
    const mask = layer && readMask(layer, scene);
    show(canvas, mask !== null);
    show(chip, mask !== null && state.job === null);
    if (!layer || !mask) return;
    draw(canvas, mask, layer);
    canvas.style.transform = `matrix(${viewMatrix(state.view).join(",")})`;
    set(title, { text: `Strength of ${titleOf(layer)}` });
  };
  return { nodes: [canvas, chip], update };
};
