// Auto-adjust: the server chooses dials from the scene, for one layer or for all, as one undoable step.

import { setLayer } from "../model/edits.js";
import { layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { dialsOf } from "../model/tuning.js";

/** One edit after the other; layers that went meanwhile are left out, and what the person changed elsewhere stays. */
const withDials = (tuned) => (desk) =>
  tuned.reduce((record, one) => {
    const layer = layerOf(record, one.layer_id);
    return layer ? setLayer(layer.id, dialsOf(layer, one))(record) : record;
  }, desk);

/** Adjusts one layer; all layers when no id is given. */
export const autotune = async (desk, layerId = "") => {
  const { store, session, bridge } = desk;
  const tuned = await desk.busyWith("Choosing dials", () => bridge.autotune(layerId));
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
