// A picture taken apart: the stack of layers that it becomes.

import { withTidyGroups } from "./groups.js";
import { buildLayer, freeze, layerOf } from "./records.js";

/** The placement on the canvas of a part {x_px, y_px, width_px, height_px} of the picture that was taken apart. */
const placed = ({ width_px, height_px }, apart, part) => {
  const [scale_x, scale_y] = [width_px / apart.width_px, height_px / apart.height_px];
  return {
    centre_x_px: (part.x_px + part.width_px / 2) * scale_x,
    centre_y_px: (part.y_px + part.height_px / 2) * scale_y,
    scale_x,
    scale_y,
    rotation_deg: 0,
    flip_x: false,
    flip_y: false,
  };
};

/** The layer that the place behind goes on as: the backmost that was no object, else a new one. */
const placeOf = (layers, apart, newId) => {
  const objects = new Set([...apart.parts.map(({ layer_id: id }) => id), ...apart.missing]);
  const own = layers.find((layer) => layer.visible && layer.picture && !objects.has(layer.id));
  return (
    own ?? buildLayer({ id: newId(), name: "Background", phrase: "", picture: null, placement: {} })
  );
};

/**
 * The record whose layers are the parts, with their words and dials, over what lies behind them. What was not found is
 * no layer any more. apart: {parts: [{layer_id, picture, x_px, y_px, width_px, height_px}], plate, missing, width_px,
 * height_px}.
 */
export const withParts = (apart, newId) => (desk) => {
  const { scene } = desk;
  const as = (layer, part) => ({
    ...layer,
    picture: part.picture,
    mask: null,
    placement: placed(scene, apart, part),
    opacity: 1,
    blend: "normal",
    visible: true,
  });
  const parts = apart.parts.filter(({ layer_id: id }) => layerOf(desk, id));
  const plate = {
    x_px: 0,
    y_px: 0,
    width_px: apart.width_px,
    height_px: apart.height_px,
    picture: apart.plate,
  };
  const place = as(placeOf(scene.layers, apart, newId), plate);
  const layers = [place, ...parts.map((part) => as(layerOf(desk, part.layer_id), part))];
  const selected = layers.some(({ id }) => id === desk.selected) ? desk.selected : layers.at(-1).id;
  return freeze({ ...desk, selected, scene: withTidyGroups({ ...scene, layers }) });
};
