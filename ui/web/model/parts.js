// A picture taken apart: the stack of layers that it becomes.

import { withTidyGroups } from "./groups.js";
import { buildLayer, freeze, layerOf } from "./records.js";

/** The placement of a picture that fills the canvas. */
const filling = ({ width_px, height_px }, apart) => ({
  centre_x_px: width_px / 2,
  centre_y_px: height_px / 2,
  scale_x: width_px / apart.width_px,
  scale_y: height_px / apart.height_px,
  rotation_deg: 0,
  flip_x: false,
  flip_y: false,
});

/** The layer that the place behind goes on as: the backmost that was no object, else a new one. */
const placeOf = (layers, apart, newId) => {
  const objects = new Set([...apart.parts.map(({ layer_id: id }) => id), ...apart.missing]);
  const own = layers.find((layer) => layer.visible && layer.picture && !objects.has(layer.id));
  return own ?? buildLayer({ id: newId(), name: "Background", phrase: "", picture: null, placement: {} });
};

/**
 * The record whose layers are the parts, with their words and dials, over what lies behind them; apart: {parts:
 * [{layer_id, picture}], plate, missing, width_px, height_px}. What was not found is no layer any more.
 */
export const withParts = (apart, newId) => (desk) => {
  const { scene } = desk;
  const as = (layer, picture) => ({
    ...layer,
    picture,
    mask: null,
    placement: filling(scene, apart),
    opacity: 1,
    blend: "normal",
    visible: true,
  });
  const parts = apart.parts.filter(({ layer_id: id }) => layerOf(desk, id));
  const layers = [
    as(placeOf(scene.layers, apart, newId), apart.plate),
    ...parts.map(({ layer_id: id, picture }) => as(layerOf(desk, id), picture)),
  ];
  const selected = layers.some(({ id }) => id === desk.selected) ? desk.selected : layers.at(-1).id;
  return freeze({ ...desk, selected, scene: withTidyGroups({ ...scene, layers }) });
};
