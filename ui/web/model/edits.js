// Every edit of a Desk, as a function from one record to the next. Nothing is changed in place.

/**
 * @import { Edit, EditorState, LayerPatch } from "../types/editor.d.ts"
 * @import { Digest, Identifier, Layer, OptionValue, Placement, Scene, RunSettings } from "../types/protocol.d.ts"
 */

import {
  areBlocks,
  aside,
  groupOf,
  moveBlocks,
  moveStep,
  setGroup,
  withTidyGroups,
} from "./groups.js";
import { freeze, layerOf } from "./records.js";

/**
 * @param {EditorState} editor
 * @param {Partial<Scene>} patch
 */
const withScene = (editor, patch) => freeze({ ...editor, scene: { ...editor.scene, ...patch } });

/**
 * @param {EditorState} editor
 * @param {readonly Layer[]} layers
 */
const withLayers = (editor, layers) =>
  withScene(editor, withTidyGroups({ ...editor.scene, layers }));

/**
 * @param {Identifier | ""} id
 * @returns {Edit}
 */
export const select = (id) => (editor) =>
  editor.selected === id ? editor : freeze({ ...editor, selected: id });

/**
 * One edit after the other for several layers: editOf(id) → edit.
 * @param {readonly Identifier[]} ids
 * @param {(id: Identifier) => Edit} editOf
 * @returns {Edit}
 */
export const forEach = (ids, editOf) => (editor) =>
  ids.reduce((record, id) => editOf(id)(record), editor);

/**
 * Moves layers past their neighbours, keeping them in order; whole groups as blocks; `steps` is 1
 * or -1.
 * @param {readonly Identifier[]} ids
 * @param {number} steps
 * @returns {Edit}
 */
export const moveAllBy = (ids, steps) => (editor) => {
  if (areBlocks(editor.scene, ids)) return moveBlocks(ids, steps)(editor);
  const inOrder = editor.scene.layers.map(({ id }) => id).filter((id) => ids.includes(id));
  const order = steps > 0 ? inOrder.toReversed() : inOrder;
  const edge = editor.scene.layers.at(steps > 0 ? -1 : 0);
  const isStopped = edge && ids.includes(edge.id) && !groupOf(editor.scene, edge.id);
  return isStopped ? editor : forEach(order, (id) => moveStep(id, steps))(editor);
};

/**
 * Two neighbours become one, which keeps the lower one's words and place in the order: `patch` is
 * its new picture.
 * @param {Identifier} upperId
 * @param {Identifier} lowerId
 * @param {LayerPatch} patch
 * @returns {Edit}
 */
export const mergeDown = (upperId, lowerId, patch) => (editor) =>
  select(lowerId)(removeLayer(upperId)(setLayer(lowerId, patch)(editor)));

/**
 * @param {Partial<Scene>} patch
 * @returns {Edit}
 */
export const setScene = (patch) => (editor) => withScene(editor, patch);

/**
 * @param {Partial<RunSettings>} patch
 * @returns {Edit}
 */
export const setSettings = (patch) => (editor) =>
  freeze({ ...editor, settings: { ...editor.settings, ...patch } });

/**
 * @param {string} name
 * @param {OptionValue} value
 * @returns {Edit}
 */
export const setOption = (name, value) => (editor) =>
  setSettings({ options: { ...editor.settings.options, [name]: value } })(editor);

/**
 * @param {Digest} digest
 * @returns {Edit}
 */
export const pick = (digest) => (editor) =>
  editor.picked === digest ? editor : freeze({ ...editor, picked: digest });

/**
 * A candidate gets its star, or loses it.
 * @param {Digest} digest
 * @returns {Edit}
 */
export const toggleStar = (digest) => (editor) => {
  const { starred = [] } = editor;
  const next = starred.includes(digest)
    ? starred.filter((other) => other !== digest)
    : [...starred, digest];
  return freeze({ ...editor, starred: next });
};

/**
 * @param {Identifier} id
 * @param {LayerPatch} patch
 * @returns {Edit}
 */
export const setLayer = (id, patch) => (editor) =>
  withLayers(
    editor,
    editor.scene.layers.map((layer) => (layer.id === id ? { ...layer, ...patch } : layer)),
  );

/**
 * @param {Identifier} id
 * @param {Partial<Placement>} patch
 * @returns {Edit}
 */
export const setPlacement = (id, patch) => (editor) => {
  const layer = layerOf(editor, id);
  return layer ? setLayer(id, { placement: { ...layer.placement, ...patch } })(editor) : editor;
};

/**
 * Flip as seen on the screen: a turned layer turns the other way.
 * @param {Identifier} id
 * @param {"x" | "y"} axis
 * @returns {Edit}
 */
export const flip = (id, axis) => (editor) => {
  const layer = layerOf(editor, id);
  if (!layer) return editor;
  const field = axis === "x" ? "flip_x" : "flip_y";
  const turned = layer.placement.rotation_deg === 0 ? 0 : -layer.placement.rotation_deg;
  return setPlacement(id, { [field]: !layer.placement[field], rotation_deg: turned })(editor);
};

/**
 * @param {Identifier} id
 * @param {number} dx
 * @param {number} dy
 * @returns {Edit}
 */
export const nudge = (id, dx, dy) => (editor) => {
  const layer = layerOf(editor, id);
  if (!layer || layer.locked) return editor;
  const { centre_x_px, centre_y_px } = layer.placement;
  return setPlacement(id, { centre_x_px: centre_x_px + dx, centre_y_px: centre_y_px + dy })(editor);
};

/**
 * Without the layer; its neighbour below, else above, is selected.
 * @param {Identifier} id
 * @returns {Edit}
 */
export const removeLayer = (id) => (editor) => {
  const index = editor.scene.layers.findIndex((layer) => layer.id === id);
  if (index < 0) return editor;
  const layers = editor.scene.layers.filter((layer) => layer.id !== id);
  const next =
    editor.selected === id ? ((layers[index - 1] ?? layers[index])?.id ?? "") : editor.selected;
  return freeze({ ...withLayers(editor, layers), selected: next });
};

/**
 * A new layer in front of everything, selected.
 * @param {Layer} layer
 * @returns {Edit}
 */
export const addLayer = (layer) => (editor) =>
  freeze({ ...withLayers(editor, [...editor.scene.layers, layer]), selected: layer.id });

/**
 * A copy right above its original and in its group, a little aside, selected.
 * @param {Identifier} id
 * @param {Identifier} copyId
 * @returns {Edit}
 */
export const duplicate = (id, copyId) => (editor) => {
  const index = editor.scene.layers.findIndex((layer) => layer.id === id);
  if (index < 0) return editor;
  const original = editor.scene.layers[index];
  const group = groupOf(editor.scene, id);
  const copy = { ...original, id: copyId, placement: aside(original), locked: false };
  const layers = [
    ...editor.scene.layers.slice(0, index + 1),
    copy,
    ...editor.scene.layers.slice(index + 1),
  ];
  const added = withScene(editor, { layers });
  const joined = group ? setGroup(group.id, { members: [...group.members, copyId] })(added) : added;
  return freeze({ ...joined, selected: copyId });
};
