// Auto-adjust: the server chooses dials from the scene, for one layer or for all, as one undoable
// step.

/**
 * @import { App, Edit } from "../types/editor.d.ts"
 * @import { Identifier, TunedLayer } from "../types/protocol.d.ts"
 */

import { setLayer } from "../model/edits.js";
import { layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { dialsOf } from "../model/tuning.js";

/**
 * One edit after the other; layers that went meanwhile are left out, and what the person changed
 * elsewhere stays.
 * @param {readonly TunedLayer[]} tuned
 * @returns {Edit}
 */
const withDials = (tuned) => (editor) =>
  tuned.reduce((record, one) => {
    const layer = layerOf(record, one.layer_id);
    return layer ? setLayer(layer.id, dialsOf(layer, one))(record) : record;
  }, editor);

/**
 * Adjusts one layer; all layers when no id is given.
 * @param {App} app
 * @param {Identifier | ""} [layerId]
 */
export const autotune = async (app, layerId = "") => {
  const { store, session, bridge } = app;
  const tuned = await app.busyWith("Choosing dials", () => bridge.autotune(layerId));
  if (tuned.length === 0) {
    return addNotice(session, {
      what: "No layer takes part yet.",
      remedy: "Add a picture or a region.",
      brief: true,
    });
  }
  const kept = Object.fromEntries(tuned.map((one) => [one.layer_id, one]));
  session.set({ tuned: { ...session.state.tuned, ...kept } });
  const layer = layerId && layerOf(store.record, layerId);
  return store.change(`Auto-adjust ${layer ? titleOf(layer) : "all layers"}`, withDials(tuned));
};
