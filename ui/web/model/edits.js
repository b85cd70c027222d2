// Every edit of a Desk, as a function from one record to the next. Nothing is changed in place.

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

const withScene = (desk, patch) => freeze({ ...desk, scene: { ...desk.scene, ...patch } });

const withLayers = (desk, layers) => withScene(desk, withTidyGroups({ ...desk.scene, layers }));

export const select = (id) => (desk) =>
  desk.selected === id ? desk : freeze({ ...desk, selected: id });

/** One edit after the other for several layers: editOf(id) → edit. */
export const forEach = (ids, editOf) => (desk) =>
  ids.reduce((record, id) => editOf(id)(record), desk);

/** Moves layers past their neighbours, keeping them in order; whole groups as blocks; `steps` is 1 or -1. */
export const moveAllBy = (ids, steps) => (desk) => {
  if (areBlocks(desk.scene, ids)) return moveBlocks(ids, steps)(desk);
  const inOrder = desk.scene.layers.map(({ id }) => id).filter((id) => ids.includes(id));
  const order = steps > 0 ? inOrder.toReversed() : inOrder;
  const edge = desk.scene.layers.at(steps > 0 ? -1 : 0);
  const isStopped = edge && ids.includes(edge.id) && !groupOf(desk.scene, edge.id);
  return isStopped ? desk : forEach(order, (id) => moveStep(id, steps))(desk);
};

/** Two neighbours become one, which keeps the lower one's words and place in the order: `patch` is its new picture. */
export const mergeDown = (upperId, lowerId, patch) => (desk) =>
  select(lowerId)(removeLayer(upperId)(setLayer(lowerId, patch)(desk)));

export const setScene = (patch) => (desk) => withScene(desk, patch);

export const setSettings = (patch) => (desk) =>
  freeze({ ...desk, settings: { ...desk.settings, ...patch } });

export const setOption = (name, value) => (desk) =>
  setSettings({ options: { ...desk.settings.options, [name]: value } })(desk);

export const pick = (digest) => (desk) =>
  desk.picked === digest ? desk : freeze({ ...desk, picked: digest });

/** A candidate gets its star, or loses it. */
export const toggleStar = (digest) => (desk) => {
  const { starred = [] } = desk;
  const next = starred.includes(digest)
    ? starred.filter((other) => other !== digest)
    : [...starred, digest];
  return freeze({ ...desk, starred: next });
};

export const setLayer = (id, patch) => (desk) =>
  withLayers(
    desk,
    desk.scene.layers.map((layer) => (layer.id === id ? { ...layer, ...patch } : layer)),
  );

export const setPlacement = (id, patch) => (desk) => {
  const layer = layerOf(desk, id);
  return layer ? setLayer(id, { placement: { ...layer.placement, ...patch } })(desk) : desk;
};

/** Flip as seen on the screen: a turned layer turns the other way. */
export const flip = (id, axis) => (desk) => {
  const layer = layerOf(desk, id);
  if (!layer) return desk;
  const field = axis === "x" ? "flip_x" : "flip_y";
  const turned = layer.placement.rotation_deg === 0 ? 0 : -layer.placement.rotation_deg;
  return setPlacement(id, { [field]: !layer.placement[field], rotation_deg: turned })(desk);
};

export const nudge = (id, dx, dy) => (desk) => {
  const layer = layerOf(desk, id);
  if (!layer || layer.locked) return desk;
  const { centre_x_px, centre_y_px } = layer.placement;
  return setPlacement(id, { centre_x_px: centre_x_px + dx, centre_y_px: centre_y_px + dy })(desk);
};

/** Without the layer; its neighbour below, else above, is selected. */
export const removeLayer = (id) => (desk) => {
  const index = desk.scene.layers.findIndex((layer) => layer.id === id);
  if (index < 0) return desk;
  const layers = desk.scene.layers.filter((layer) => layer.id !== id);
  const next =
    desk.selected === id ? ((layers[index - 1] ?? layers[index])?.id ?? "") : desk.selected;
  return freeze({ ...withLayers(desk, layers), selected: next });
};

/** A new layer in front of everything, selected. */
export const addLayer = (layer) => (desk) =>
  freeze({ ...withLayers(desk, [...desk.scene.layers, layer]), selected: layer.id });

/** A copy right above its original and in its group, a little aside, selected. */
export const duplicate = (id, copyId) => (desk) => {
  const index = desk.scene.layers.findIndex((layer) => layer.id === id);
  if (index < 0) return desk;
  const original = desk.scene.layers[index];
  const group = groupOf(desk.scene, id);
  const copy = { ...original, id: copyId, placement: aside(original), locked: false };
  const layers = [
    ...desk.scene.layers.slice(0, index + 1),
    copy,
    ...desk.scene.layers.slice(index + 1),
  ];
  const joined = group
    ? setGroup(group.id, { members: [...group.members, copyId] })
    : (record) => record;
  const added = withScene(desk, { layers });
  return freeze({ ...joined(added), selected: copyId });
};
