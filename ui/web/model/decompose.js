// A picture taken apart: the stack of layers that it becomes.

/**
 * @import { Edit, Size } from "../types/editor.d.ts"
 * @import { Decomposed } from "../types/model.d.ts"
 * @import { FoundPart, Identifier, Layer } from "../types/protocol.d.ts"
 */

import { withTidyGroups } from "./groups.js";
import { buildLayer, freeze, layerOf, requireLayer } from "./records.js";

/**
 * The placement on the canvas of a part {x_px, y_px, width_px, height_px} of the picture that was
 * taken apart.
 * @param {Size} size
 * @param {Decomposed} decomposed
 * @param {Omit<FoundPart, "layer_id">} part
 */
const placementOf = ({ width_px, height_px }, decomposed, part) => {
  const [scale_x, scale_y] = [width_px / decomposed.width_px, height_px / decomposed.height_px];
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

/**
 * The layer that the place behind goes on as: the backmost that was no object, else a new one.
 * @param {readonly Layer[]} layers
 * @param {Decomposed} decomposed
 * @param {() => Identifier} newId
 */
const backgroundOf = (layers, decomposed, newId) => {
  const objects = new Set([
    ...decomposed.layers.map(({ layer_id: id }) => id),
    ...decomposed.missing,
  ]);
  const own = layers.find((layer) => layer.visible && layer.picture && !objects.has(layer.id));
  const placement = { centre_x_px: 0, centre_y_px: 0, scale_x: 1, scale_y: 1 };
  return (
    own ?? buildLayer({ id: newId(), name: "Background", phrase: "", picture: null, placement })
  );
};

/**
 * The record whose layers are the parts, with their words and dials, over what lies behind them.
 * What was not found is no layer any more. apart: {layers: [{layer_id, picture, x_px, y_px,
 * width_px, height_px}], background, missing, width_px, height_px}.
 * @param {Decomposed} decomposed
 * @param {() => Identifier} newId
 * @returns {Edit}
 */
export const withDecomposedLayers = (decomposed, newId) => (editor) => {
  const { scene } = editor;
  /**
   * @param {Layer} layer
   * @param {Omit<FoundPart, "layer_id">} part
   * @returns {Layer}
   */
  const as = (layer, part) => ({
    ...layer,
    picture: part.picture,
    mask: null,
    placement: placementOf(scene, decomposed, part),
    opacity: 1,
    blend: "normal",
    visible: true,
  });
  const parts = decomposed.layers.filter(({ layer_id: id }) => layerOf(editor, id));
  const plate = {
    x_px: 0,
    y_px: 0,
    width_px: decomposed.width_px,
    height_px: decomposed.height_px,
    picture: decomposed.background,
  };
  const place = as(backgroundOf(scene.layers, decomposed, newId), plate);
  const layers = [place, ...parts.map((part) => as(requireLayer(editor, part.layer_id), part))];
  const selected = layers.some(({ id }) => id === editor.selected)
    ? editor.selected
    : layers[layers.length - 1].id;
  return freeze({ ...editor, selected, scene: withTidyGroups({ ...scene, layers }) });
};
