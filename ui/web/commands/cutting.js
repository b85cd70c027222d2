// Selecting an object in what is shown: the server's SAM finds its outline, which becomes a region.

/**
 * @import { App, SelectWhere, Shown } from "../types/editor.d.ts"
 * @import { Obstacle } from "../types/model.d.ts"
 * @import { Identifier, Layer } from "../types/protocol.d.ts"
 */

import { clamp } from "../kernels/numbers.js";
import { addLayer, setLayer } from "../model/edits.js";
import { isMixing, setMixMask } from "../model/mixing.js";
import { newPaintedLayer, paintsStrength } from "../model/painting.js";
import { isPainted, layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";

/**
 * The digest of what the stage shows: the result, else the collage as it looks.
 * @param {App} app
 */
const shownPicture = async (app) => {
  const { shownDigest, state, scene } = app.shown();
  if (state.showing === "result" && shownDigest) return shownDigest;
  const file = await app.drawTogether(scene.layers.filter(({ visible }) => visible));
  return (await app.bridge.takePicture(file)).digest;
};

/**
 * @param {Shown} shown
 * @param {Layer | null} selected
 * @returns {Obstacle | null}
 */
const obstacleOf = ({ model, state }, selected) => {
  if (state.reading)
    return { what: "Another object is still being looked for.", remedy: "Wait a moment." };
  if (!model?.members.includes("sam")) {
    return {
      what: `${model?.title ?? "This model"} has no network that selects objects (SAM).`,
      remedy: "Paint the region, or put a SAM into the model's folder, named sam.",
    };
  }
  if (selected?.locked && isPainted(selected))
    return { what: `${titleOf(selected)} is locked.`, remedy: "Unlock it, or select nothing." };
  return null;
};

/**
 * where: {point: [x, y]} or {box: [x0, y0, x1, y1]} in the scene. The selected region takes it,
 * else a new one.
 * @param {App} app
 * @param {SelectWhere} where
 */
export const selectObject = async (app, where) => {
  const { store, session, bridge } = app;
  const { selected: id } = store.record;
  const obstacle = obstacleOf(app.shown(), layerOf(store.record, id));
  if (obstacle) return addNotice(session, { ...obstacle, brief: true });
  const look = async () => bridge.select(await shownPicture(app), where);
  const { digest: mask } = await app.busyWith("Looking for the object", look);
  if (isMixing(app)) return store.change("Select an object of the other picture", setMixMask(mask));
  const layer = layerOf(store.record, id);
  if (layer && paintsStrength(app))
    return store.change(
      `Select what may change of ${titleOf(layer)}`,
      setLayer(id, { strength_map: mask }),
    );
  if (layer && isPainted(layer))
    return store.change(`Select an object: ${titleOf(layer)}`, setLayer(id, { mask }));
  const region = newPaintedLayer(app, mask);
  return store.change(`Select an object: ${region.name}`, addLayer(region));
};

/**
 * Hides what is not the object of an opaque picture: SAM looks at the layer alone, from its middle.
 * @param {App} app
 * @param {Identifier} id
 */
export const cutOut = async (app, id) => {
  const { store, session, bridge } = app;
  const layer = layerOf(store.record, id);
  if (!layer || session.state.reading) return;
  const { centre_x_px, centre_y_px } = layer.placement;
  const { width_px, height_px } = store.record.scene;
  const point = [clamp(centre_x_px, 0, width_px - 1), clamp(centre_y_px, 0, height_px - 1)];
  const look = async () => {
    const { digest } = await bridge.takePicture(await app.drawTogether([layer]));
    return bridge.select(digest, { point });
  };
  const { digest: mask } = await app.busyWith("Looking for the object", look);
  const now = layerOf(store.record, id);
  // The person may have gone on meanwhile.
  if (!now || now.placement !== layer.placement)
    return addNotice(session, {
      what: "The layer changed meanwhile.",
      remedy: "Select the object by a click (S).",
    });
  return store.change(`Cut out ${titleOf(layer)}`, setLayer(id, { mask }));
};
