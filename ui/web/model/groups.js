// Groups of layers: a name for neighbours in the stack. A group holds no pixels; what is done to it is done to its
// layers.

import { freeze } from "./records.js";

/** The groups of a scene: {id, name, members: ids from back to front, collapsed, hid: ids that its eye hid}. */
export const groupsOf = (scene) => scene.groups ?? [];

/** The group that a layer is in, or null. */
export const groupOf = (scene, layerId) =>
  groupsOf(scene).find(({ members }) => members.includes(layerId)) ?? null;

export const groupById = (scene, id) => groupsOf(scene).find((group) => group.id === id) ?? null;

/** What a person calls a group. */
export const groupTitle = ({ name }) => name || "Group";

/** The longest run of members that lie side by side in the stack. */
const longestRun = (order, members) => {
  const runs = [[]];
  for (const id of order) {
    if (members.includes(id)) runs.at(-1).push(id);
    else if (runs.at(-1).length > 0) runs.push([]);
  }
  return runs.reduce((best, run) => (run.length > best.length ? run : best));
};

const same = (one, other) => one.length === other.length && one.every((id, at) => id === other[at]);

/** The scene whose groups fit its layers: members lie side by side, in order; empty groups go. */
export const withTidyGroups = (scene) => {
  const groups = groupsOf(scene);
  if (groups.length === 0) return scene;
  const order = scene.layers.map(({ id }) => id);
  const tidy = groups.flatMap((group) => {
    const members = longestRun(order, group.members);
    const hid = group.hid.filter((id) => members.includes(id));
    if (members.length === 0) return [];
    return same(members, group.members) && same(hid, group.hid)
      ? [group]
      : [{ ...group, members, hid }];
  });
  return same(tidy, groups) ? scene : { ...scene, groups: tidy };
};

const withScene = (desk, patch) =>
  freeze({ ...desk, scene: withTidyGroups({ ...desk.scene, ...patch }) });

export const setGroup = (id, patch) => (desk) =>
  withScene(desk, {
    groups: groupsOf(desk.scene).map((group) => (group.id === id ? { ...group, ...patch } : group)),
  });

const without = (groups, ids) =>
  groups.map((group) => ({ ...group, members: group.members.filter((id) => !ids.includes(id)) }));

/** The layers of a scene as a list of blocks from back to front: a group's layers together, or one layer. */
const blocksOf = (scene) => {
  const blocks = [];
  for (const layer of scene.layers) {
    const group = groupOf(scene, layer.id);
    if (group && blocks.at(-1)?.group === group) blocks.at(-1).layers.push(layer);
    else blocks.push({ group, layers: [layer] });
  }
  return blocks;
};

/** Those layers as one group, where the foremost of them lies. */
export const groupLayers =
  (ids, { id, name }) =>
  (desk) => {
    const { scene } = desk;
    const chosen = scene.layers.filter((layer) => ids.includes(layer.id));
    if (chosen.length === 0) return desk;
    const top = scene.layers.indexOf(chosen.at(-1));
    const rest = scene.layers.filter((layer) => !ids.includes(layer.id));
    // Not into the midst of a group that goes on above.
    const above = scene.layers.slice(top + 1).filter((layer) => !ids.includes(layer.id));
    const own = groupOf(scene, chosen.at(-1).id);
    const passed = above.filter((layer) => own && groupOf(scene, layer.id) === own).length;
    const at = rest.length - above.length + passed;
    const groups = [
      ...without(groupsOf(scene), ids),
      { id, name, members: chosen.map((layer) => layer.id), collapsed: false, hid: [] },
    ];
    return withScene(desk, {
      layers: [...rest.slice(0, at), ...chosen, ...rest.slice(at)],
      groups,
    });
  };

/** Without the groups that any of those layers is in; the layers stay where they are. */
export const ungroup = (ids) => (desk) => {
  const groups = groupsOf(desk.scene).filter(
    ({ members }) => !members.some((id) => ids.includes(id)),
  );
  return groups.length === groupsOf(desk.scene).length ? desk : withScene(desk, { groups });
};

/** The eye of a group: hides what is shown of it, and shows again what it hid (all of it, if that was nothing). */
export const toggleGroup = (id) => (desk) => {
  const { scene } = desk;
  const { members, hid } = groupById(scene, id);
  const shown = scene.layers
    .filter((layer) => layer.visible && members.includes(layer.id))
    .map((layer) => layer.id);
  const turned = shown.length > 0 ? shown : hid.length > 0 ? hid : members;
  const visible = shown.length === 0;
  const layers = scene.layers.map((layer) =>
    turned.includes(layer.id) ? { ...layer, visible } : layer,
  );
  return setGroup(id, { hid: shown })(withScene(desk, { layers }));
};

/** Whether anything of a group is shown. */
export const isGroupShown = ({ layers }, { members }) =>
  layers.some(({ id, visible }) => visible && members.includes(id));

/** Puts a layer at a place counted from the back (as if it were not there yet), into a group or (null) into none. */
export const placeLayer = (id, index, group) => (desk) => {
  const { layers } = desk.scene;
  const layer = layers.find((one) => one.id === id);
  if (!layer) return desk;
  const rest = layers.filter((one) => one !== layer);
  const groups = without(groupsOf(desk.scene), [id]).map((one) =>
    one.id === group ? { ...one, members: [...one.members, id] } : one,
  );
  const isThere = layers[index] === layer && (groupOf(desk.scene, id)?.id ?? null) === group;
  return isThere
    ? desk
    : withScene(desk, { layers: [...rest.slice(0, index), layer, ...rest.slice(index)], groups });
};

/** Puts all layers of a group, together, at a place counted from the back (as if they were not there yet). */
const placeGroup = (id, index) => (desk) => {
  const { members } = groupById(desk.scene, id);
  const { layers } = desk.scene;
  const own = layers.filter((layer) => members.includes(layer.id));
  if (layers[index] === own[0]) return desk;
  const rest = layers.filter((layer) => !members.includes(layer.id));
  return withScene(desk, { layers: [...rest.slice(0, index), ...own, ...rest.slice(index)] });
};

/** Whether layers are whole groups (at least one), perhaps with layers of no group beside them. */
export const areBlocks = (scene, ids) => {
  const groups = groupsOf(scene).filter(({ members }) => members.some((id) => ids.includes(id)));
  return (
    groups.length > 0 && groups.every(({ members }) => members.every((id) => ids.includes(id)))
  );
};

/** Moves whole groups, and layers of no group, past what is next to them; `steps` is 1 or -1. They stop at the end. */
export const moveBlocks = (ids, steps) => (desk) => {
  const blocks = blocksOf(desk.scene);
  const isChosen = ({ layers }) => ids.includes(layers[0].id);
  if (steps < 0) blocks.reverse();
  if (blocks.length === 0 || isChosen(blocks.at(-1))) return desk;
  for (let at = blocks.length - 2; at >= 0; at -= 1)
    if (isChosen(blocks[at])) [blocks[at], blocks[at + 1]] = [blocks[at + 1], blocks[at]];
  if (steps < 0) blocks.reverse();
  return withScene(desk, { layers: blocks.flatMap(({ layers }) => layers) });
};

/**
 * One layer one step further: past its neighbour, out of its group at the group's end, into an open group next to it,
 * past a closed one.
 */
export const moveStep = (id, steps) => (desk) => {
  const { scene } = desk;
  const at = scene.layers.findIndex((layer) => layer.id === id);
  if (at < 0) return desk;
  const [own, next] = [groupOf(scene, id), scene.layers[at + steps]];
  const other = next ? groupOf(scene, next.id) : null;
  if (own && other !== own) return placeLayer(id, at, null)(desk);
  if (!next) return desk;
  if (own || !other) return placeLayer(id, at + steps, own?.id ?? null)(desk);
  if (other.collapsed) return placeLayer(id, at + steps * other.members.length, null)(desk);
  return placeLayer(id, at, other.id)(desk);
};

/** A copy of a group in front of it: copyOf(id of a layer) → id of its copy, moved a little aside. */
export const duplicateGroup = (id, copyId, copyOf) => (desk) => {
  const { scene } = desk;
  const group = groupById(scene, id);
  const own = scene.layers.filter((layer) => group.members.includes(layer.id));
  const copies = own.map((layer) => ({
    ...layer,
    id: copyOf(layer.id),
    locked: false,
    placement: aside(layer),
  }));
  const at = scene.layers.indexOf(own.at(-1)) + 1;
  const copy = {
    ...group,
    id: copyId,
    members: copies.map((layer) => layer.id),
    hid: group.hid.map(copyOf),
  };
  const layers = [...scene.layers.slice(0, at), ...copies, ...scene.layers.slice(at)];
  const next = withScene(desk, { layers, groups: [...groupsOf(scene), copy] });
  return freeze({ ...next, selected: copies.at(-1).id });
};

const ASIDE_PX = 16;

/** Where a copy lies: a little right of and below its original. */
export const aside = ({ placement }) => ({
  ...placement,
  centre_x_px: placement.centre_x_px + ASIDE_PX,
  centre_y_px: placement.centre_y_px + ASIDE_PX,
});

/** The rows of the panel from front to back: {group} heads, and {layer, group} where their group is open. */
export const rowsOf = (scene) =>
  blocksOf(scene)
    .toReversed()
    .flatMap(({ group, layers }) => {
      const rows = layers.toReversed().map((layer) => ({ layer, group }));
      if (!group) return rows;
      return group.collapsed ? [{ group }] : [{ group }, ...rows];
    });

/** How many of the layers that stay lie below the top of a row. */
const indexAbove = (scene, staying, row) => {
  if (!row) return 0;
  const ids = row.layer ? [row.layer.id] : row.group.members;
  const top = scene.layers.findLastIndex(({ id }) => ids.includes(id));
  return staying.filter((layer) => scene.layers.indexOf(layer) <= top).length;
};

/**
 * The edit that drops a dragged row (`id` of a layer, or of a group) between two others: `gap` counts the rows above
 * it, without those of what is dragged.
 */
export const dropRow = (id, gap) => (desk) => {
  const { scene } = desk;
  const group = groupById(scene, id);
  const ids = group ? group.members : [id];
  const staying = scene.layers.filter((layer) => !ids.includes(layer.id));
  const rows = rowsOf(scene).filter((row) =>
    row.layer ? !ids.includes(row.layer.id) : row.group.id !== id,
  );
  const [above, below] = [rows[gap - 1], rows[gap]];
  const beside = group && below?.layer && below.group ? { group: below.group } : below;
  const index = indexAbove(scene, staying, beside);
  if (group) return placeGroup(id, index)(desk);
  const into = above?.group && !(above.group.collapsed && !above.layer) ? above.group : null;
  const stays = !into || !above.layer || below?.group === into || groupOf(scene, id) === into;
  return placeLayer(id, index, stays ? (into?.id ?? null) : null)(desk);
};
