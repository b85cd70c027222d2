// Selecting an object in what is shown: the server's SAM finds its outline, which becomes a region.

import { clamp } from "../kernels/numbers.js";
import { addLayer, setLayer } from "../model/edits.js";
import { isMixing, setMix } from "../model/mixing.js";
import { newPaintedLayer, paintsFreedom } from "../model/painting.js";
import { isPainted, layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";

/** The digest of what the stage shows: the result, else the collage as it looks. */
const shownPicture = async (desk) => {
  const { shownDigest, state, scene } = desk.shown();
  if (state.showing === "result" && shownDigest) return shownDigest;
  const file = await desk.drawTogether(scene.layers.filter(({ visible }) => visible));
  return (await desk.bridge.takePicture(file)).digest;
};

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

/** where: {point: [x, y]} or {box: [x0, y0, x1, y1]} in the scene. The selected region takes it, else a new one. */
export const selectObject = async (desk, where) => {
  const { store, session, bridge } = desk;
  const { selected: id } = store.record;
  const obstacle = obstacleOf(desk.shown(), layerOf(store.record, id));
  if (obstacle) return addNotice(session, { ...obstacle, brief: true });
  const look = async () => bridge.select(await shownPicture(desk), where);
  const { digest: mask } = await desk.busyWith("Looking for the object", look);
  if (isMixing(desk))
    return store.change("Select an object of the other picture", (record) =>
      setMix({ ...record.mix, mask })(record),
    );
  const layer = layerOf(store.record, id);
  if (layer && paintsFreedom(desk))
    return store.change(
      `Select what is free of ${titleOf(layer)}`,
      setLayer(id, { noise_map: mask }),
    );
  if (layer && isPainted(layer))
    return store.change(`Select an object: ${titleOf(layer)}`, setLayer(id, { mask }));
  const region = newPaintedLayer(desk, mask);
  return store.change(`Select an object: ${region.name}`, addLayer(region));
};

/** Hides what is not the object of an opaque picture: SAM looks at the layer alone, from its middle. */
export const cutOut = async (desk, id) => {
  const { store, session, bridge } = desk;
  const layer = layerOf(store.record, id);
  if (!layer || session.state.reading) return;
  const { centre_x_px, centre_y_px } = layer.placement;
  const { width_px, height_px } = store.record.scene;
  const point = [clamp(centre_x_px, 0, width_px - 1), clamp(centre_y_px, 0, height_px - 1)];
  const look = async () => {
    const { digest } = await bridge.takePicture(await desk.drawTogether([layer]));
    return bridge.select(digest, { point });
  };
  const { digest: mask } = await desk.busyWith("Looking for the object", look);
  const now = layerOf(store.record, id);
  // The person may have gone on meanwhile.
  if (!now || now.placement !== layer.placement)
    return addNotice(session, {
      what: "The layer changed meanwhile.",
      remedy: "Select the object by a click (S).",
    });
  return store.change(`Cut out ${titleOf(layer)}`, setLayer(id, { mask }));
};
