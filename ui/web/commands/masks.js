// The mask of the selected layer as a whole: new, inverted, grown, shrunk, softened, cleared.

/**
 * @import { App, SessionState } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { clamp, roundTo } from "../kernels/numbers.js";
import { featherField, growField, invertField, shrinkField } from "../kernels/spread.js";
import { bytesOf, maskFromBytes } from "../kernels/tiles.js";
import { addLayer, setLayer } from "../model/edits.js";
import { isMixing, setMixMask } from "../model/mixing.js";
import { beginMask, newEmptyMask, newPaintedLayer, paintsStrength } from "../model/painting.js";
import { isPainted, layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";

/** The tools that paint nothing. */
const LOOKING = new Set(["move", "carry", "hand", "zoom"]);

/**
 * A new painted layer in front, with the brush at hand.
 * @param {App} app
 */
export const addPainted = (app) => {
  const layer = newPaintedLayer(app);
  app.store.change(`Add ${layer.name}`, addLayer(layer));
  app.session.set({ tool: "brush", paints: "mask" });
};

/**
 * What strokes change: the mask of the selected layer, or how free it is; a brush is at hand then.
 * @param {App} app
 * @param {SessionState["paints"]} paints
 */
export const paintOn = (app, paints) => {
  const { session, store } = app;
  if (!store.record.selected)
    return addNotice(session, {
      what: "No layer is selected.",
      remedy: "Choose one first.",
      brief: true,
    });
  const { tool } = session.state;
  return session.set({ paints, tool: LOOKING.has(tool) ? "brush" : tool });
};

/**
 * The other of the two.
 * @param {App} app
 */
export const swapPaints = (app) =>
  paintOn(app, app.session.state.paints === "mask" ? "strength" : "mask");

/**
 * The layer's strength is its number again.
 * @param {App} app
 * @param {Identifier} [id]
 */
export const clearStrength = ({ store }, id = store.record.selected) => {
  const layer = layerOf(store.record, id);
  if (layer?.strength_map)
    store.change(`Clear the strength of ${titleOf(layer)}`, setLayer(id, { strength_map: null }));
};

/**
 * Runs change(bytes, width, height, radius) → bytes over the mask of the selected layer.
 * @param {string} name
 * @param {(bytes: Uint8Array, width: number, height: number, radius: number) => Uint8Array} change
 * @returns {(app: App) => unknown}
 */
const rework = (name, change) => (app) => {
  if (!app.store.record.selected && !isMixing(app)) {
    return addNotice(app.session, {
      what: "No layer is selected.",
      remedy: "Choose one first.",
      brief: true,
    });
  }
  const pen = beginMask(app, name);
  if (!pen) return undefined;
  const { width_px, height_px } = pen.base;
  const bytes = change(bytesOf(pen.base), width_px, height_px, app.session.state.region.radius);
  pen.put(maskFromBytes(bytes, width_px, height_px, pen.base));
  return pen.commit();
};

export const invert = rework("Invert", invertField);
export const grow = rework("Grow", growField);
export const shrink = rework("Shrink", shrinkField);
export const feather = rework("Feather", featherField);

/**
 * What is painted between two candidates is emptied, a region too; a picture loses its mask and is
 * whole again.
 * @param {App} app
 */
export const clear = (app) => {
  if (isMixing(app)) {
    const mask = newEmptyMask(app);
    return app.store.change("Clear what was painted", setMixMask(mask));
  }
  if (paintsStrength(app)) return clearStrength(app);
  const layer = layerOf(app.store.record, app.store.record.selected);
  if (!layer?.mask) return undefined;
  const mask = isPainted(layer) ? newEmptyMask(app) : null;
  return app.store.change(`Clear the mask of ${titleOf(layer)}`, setLayer(layer.id, { mask }));
};

const LARGEST_BRUSH_PX = 1000;

/**
 * A tenth larger or smaller, at least by one pixel.
 * @param {number} direction
 * @returns {(app: App) => void}
 */
export const resizeBrush =
  (direction) =>
  ({ session }) => {
    const { brush } = session.state;
    const step = Math.max(1, Math.round(brush.size / 10));
    session.set({
      brush: { ...brush, size: clamp(brush.size + direction * step, 1, LARGEST_BRUSH_PX) },
    });
  };

/**
 * A tenth more or less of hardness or opacity.
 * @param {"hardness" | "opacity"} field
 * @param {number} step
 * @returns {(app: App) => void}
 */
export const tuneBrush =
  (field, step) =>
  ({ session }) => {
    const { brush } = session.state;
    session.set({ brush: { ...brush, [field]: clamp(roundTo(brush[field] + step, 0.05), 0, 1) } });
  };

/**
 * Whether regions add to the mask or take from it.
 * @param {App} app
 */
export const swapRegion = ({ session }) => {
  const { region } = session.state;
  session.set({ region: { ...region, subtract: !region.subtract } });
};

/**
 * The mask of a layer becomes what a picture file says: the one that is given, else a chosen one.
 * @param {App} app
 * @param {Identifier} [id]
 * @param {File | null} [file]
 */
export const maskFromFile = async (app, id = app.store.record.selected, file = null) => {
  const { store, session, bridge } = app;
  const layer = layerOf(store.record, id);
  if (!layer || layer.locked)
    return addNotice(session, {
      what: layer ? `${titleOf(layer)} is locked.` : "No layer is selected.",
      remedy: layer ? "Unlock it first." : "Choose one first.",
      brief: true,
    });
  const [picture] = file ? [file] : await app.chooseFiles("image/png,image/jpeg,image/webp", false);
  if (!picture) return undefined;
  const taken = await app.busyWith(`Reading ${picture.name}`, () =>
    bridge.pictureFiles.takeMask(picture, store.record.scene),
  );
  store.change(
    `Mask of ${titleOf(layer)} from ${picture.name}`,
    setLayer(id, { mask: taken.digest }),
  );
  return taken.notes.forEach((what) => addNotice(session, { what }));
};
