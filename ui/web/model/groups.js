// Groups of layers: a name for neighbours in the stack. A group holds no pixels; what is done to it
// is done to its layers.

/**
 * @import { Edit, EditorState, LayerRow } from "../types/editor.d.ts"
 * @import { LayerBlock } from "../types/model.d.ts"
 * @import { Group, Identifier, Layer, Scene } from "../types/protocol.d.ts"
 */

import { freeze } from "./records.js";

/**
 * The groups of a scene: {id, name, members: ids from back to front, collapsed, hid: ids that its
 * eye hid}.
 * @param {Scene} scene
 */
export const groupsOf = (scene) => scene.groups ?? [];

/**
 * The group that a layer is in, or null.
 * @param {Scene} scene
 * @param {Identifier} layerId
 */
export const groupOf = (scene, layerId) =>
  groupsOf(scene).find(({ members }) => members.includes(layerId)) ?? null;

/**
 * @param {Scene} scene
 * @param {Identifier} id
 */
export const groupById = (scene, id) => groupsOf(scene).find((group) => group.id === id) ?? null;

/**
 * The group of an id that is known to be there; a RangeError names one that is not.
 * @param {Scene} scene
 * @param {Identifier} id
 * @returns {Group}
 */
export const requireGroup = (scene, id) => {
  const group = groupById(scene, id);
  if (!group) throw new RangeError(`There is no group ${id}.`);
  return group;
};

/**
 * What a person calls a group.
 * @param {Pick<Group, "name">} group
 */
export const groupTitle = ({ name }) => name || "Group";

/**
 * The longest run of members that lie side by side in the stack.
 * @param {readonly Identifier[]} order
 * @param {readonly Identifier[]} members
 */
const longestRun = (order, members) => {
  /** @type {Identifier[]} */
  let best = [];
  /** @type {Identifier[]} */
  let run = [];
  for (const id of order) {
    run = members.includes(id) ? [...run, id] : [];
    if (run.length > best.length) best = run;
  }
  return best;
};

/**
 * @param {readonly unknown[]} one
 * @param {readonly unknown[]} other
 */
const same = (one, other) => one.length === other.length && one.every((id, at) => id === other[at]);

/**
 * The scene whose groups fit its layers: members lie side by side, in order; empty groups go.
 * @param {Scene} scene
 * @returns {Scene}
 */
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

/**
 * @param {EditorState} editor
 * @param {Partial<Scene>} patch
 */
const withScene = (editor, patch) =>
  freeze({ ...editor, scene: withTidyGroups({ ...editor.scene, ...patch }) });

/**
 * @param {Identifier} id
 * @param {Partial<Group>} patch
 * @returns {Edit}
 */
export const setGroup = (id, patch) => (editor) =>
  withScene(editor, {
    groups: groupsOf(editor.scene).map((group) =>
      group.id === id ? { ...group, ...patch } : group,
    ),
  });

/**
 * @param {readonly Group[]} groups
 * @param {readonly Identifier[]} ids
 */
const without = (groups, ids) =>
  groups.map((group) => ({ ...group, members: group.members.filter((id) => !ids.includes(id)) }));

/**
 * The layers of a scene as a list of blocks from back to front: a group's layers together, or one
 * layer.
 * @param {Scene} scene
 */
const blocksOf = (scene) => {
  /** @type {LayerBlock[]} */
  const blocks = [];
  for (const layer of scene.layers) {
    const group = groupOf(scene, layer.id);
    const last = blocks.at(-1);
    if (group && last?.group === group) last.layers.push(layer);
    else blocks.push({ group, layers: [layer] });
  }
  return blocks;
};

/**
 * Those layers as one group, where the foremost of them lies.
 * @param {readonly Identifier[]} ids
 * @param {Pick<Group, "id" | "name">} group
 * @returns {Edit}
 */
export const groupLayers =
  (ids, { id, name }) =>
  (editor) => {
    const { scene } = editor;
    const chosen = scene.layers.filter((layer) => ids.includes(layer.id));
    const front = chosen.at(-1);
    if (!front) return editor;
    const top = scene.layers.indexOf(front);
    const rest = scene.layers.filter((layer) => !ids.includes(layer.id));
    // Not into the midst of a group that goes on above.
    const above = scene.layers.slice(top + 1).filter((layer) => !ids.includes(layer.id));
    const own = groupOf(scene, front.id);
    const passed = above.filter((layer) => own && groupOf(scene, layer.id) === own).length;
    const at = rest.length - above.length + passed;
    const groups = [
      ...without(groupsOf(scene), ids),
      { id, name, members: chosen.map((layer) => layer.id), collapsed: false, hid: [] },
    ];
    return withScene(editor, {
      layers: [...rest.slice(0, at), ...chosen, ...rest.slice(at)],
      groups,
    });
  };

/**
 * Without the groups that any of those layers is in; the layers stay where they are.
 * @param {readonly Identifier[]} ids
 * @returns {Edit}
 */
export const ungroup = (ids) => (editor) => {
  const groups = groupsOf(editor.scene).filter(
    ({ members }) => !members.some((id) => ids.includes(id)),
  );
  return groups.length === groupsOf(editor.scene).length ? editor : withScene(editor, { groups });
};

/**
 * The eye of a group: hides what is shown of it, and shows again what it hid (all of it, if that
 * was nothing).
 * @param {Identifier} id
 * @returns {Edit}
 */
export const toggleGroup = (id) => (editor) => {
  const { scene } = editor;
  const { members, hid } = requireGroup(scene, id);
  const shown = scene.layers
    .filter((layer) => layer.visible && members.includes(layer.id))
    .map((layer) => layer.id);
  const turned = shown.length > 0 ? shown : hid.length > 0 ? hid : members;
  const visible = shown.length === 0;
  const layers = scene.layers.map((layer) =>
    turned.includes(layer.id) ? { ...layer, visible } : layer,
  );
  return setGroup(id, { hid: shown })(withScene(editor, { layers }));
};

/**
 * Whether anything of a group is shown.
 * @param {Scene} scene
 * @param {Group} group
 */
export const isGroupShown = ({ layers }, { members }) =>
  layers.some(({ id, visible }) => visible && members.includes(id));

/**
 * Puts a layer at a place counted from the back (as if it were not there yet), into a group or
 * (null) into none.
 * @param {Identifier} id
 * @param {number} index
 * @param {Identifier | null} group
 * @returns {Edit}
 */
export const placeLayer = (id, index, group) => (editor) => {
  const { layers } = editor.scene;
  const layer = layers.find((one) => one.id === id);
  if (!layer) return editor;
  const rest = layers.filter((one) => one !== layer);
  const groups = without(groupsOf(editor.scene), [id]).map((one) =>
    one.id === group ? { ...one, members: [...one.members, id] } : one,
  );
  const isThere = layers[index] === layer && (groupOf(editor.scene, id)?.id ?? null) === group;
  return isThere
    ? editor
    : withScene(editor, { layers: [...rest.slice(0, index), layer, ...rest.slice(index)], groups });
};

/**
 * Puts all layers of a group, together, at a place counted from the back (as if they were not there
 * yet).
 * @param {Identifier} id
 * @param {number} index
 * @returns {Edit}
 */
const placeGroup = (id, index) => (editor) => {
  const { members } = requireGroup(editor.scene, id);
  const { layers } = editor.scene;
  const own = layers.filter((layer) => members.includes(layer.id));
  if (layers[index] === own[0]) return editor;
  const rest = layers.filter((layer) => !members.includes(layer.id));
  return withScene(editor, { layers: [...rest.slice(0, index), ...own, ...rest.slice(index)] });
};

/**
 * Whether layers are whole groups (at least one), perhaps with layers of no group beside them.
 * @param {Scene} scene
 * @param {readonly Identifier[]} ids
 */
export const areBlocks = (scene, ids) => {
  const groups = groupsOf(scene).filter(({ members }) => members.some((id) => ids.includes(id)));
  return (
    groups.length > 0 && groups.every(({ members }) => members.every((id) => ids.includes(id)))
  );
};

/**
 * Moves whole groups, and layers of no group, past what is next to them; `steps` is 1 or -1. They
 * stop at the end.
 * @param {readonly Identifier[]} ids
 * @param {number} steps
 * @returns {Edit}
 */
export const moveBlocks = (ids, steps) => (editor) => {
  const blocks = blocksOf(editor.scene);
  /** @param {LayerBlock} block */
  const isChosen = ({ layers }) => ids.includes(layers[0].id);
  if (steps < 0) blocks.reverse();
  const last = blocks.at(-1);
  if (!last || isChosen(last)) return editor;
  for (let at = blocks.length - 2; at >= 0; at -= 1)
    if (isChosen(blocks[at])) [blocks[at], blocks[at + 1]] = [blocks[at + 1], blocks[at]];
  if (steps < 0) blocks.reverse();
  return withScene(editor, { layers: blocks.flatMap(({ layers }) => layers) });
};

/**
 * One layer one step further: past its neighbour, out of its group at the group's end, into an open
 * group next to it, past a closed one.
 * @param {Identifier} id
 * @param {number} steps
 * @returns {Edit}
 */
export const moveStep = (id, steps) => (editor) => {
  const { scene } = editor;
  const at = scene.layers.findIndex((layer) => layer.id === id);
  if (at < 0) return editor;
  const next = scene.layers[at + steps];
  const own = groupOf(scene, id);
  const other = next ? groupOf(scene, next.id) : null;
  if (own)
    return other === own
      ? placeLayer(id, at + steps, own.id)(editor)
      : placeLayer(id, at, null)(editor);
  if (!next) return editor;
  if (!other) return placeLayer(id, at + steps, null)(editor);
  if (other.collapsed) return placeLayer(id, at + steps * other.members.length, null)(editor);
  return placeLayer(id, at, other.id)(editor);
};

/**
 * A copy of a group in front of it: copyOf(id of a layer) → id of its copy, moved a little aside.
 * @param {Identifier} id
 * @param {Identifier} copyId
 * @param {(id: Identifier) => Identifier} copyOf
 * @returns {Edit}
 */
export const duplicateGroup = (id, copyId, copyOf) => (editor) => {
  const { scene } = editor;
  const group = requireGroup(scene, id);
  const own = scene.layers.filter((layer) => group.members.includes(layer.id));
  const copies = own.map((layer) => ({
    ...layer,
    id: copyOf(layer.id),
    locked: false,
    placement: aside(layer),
  }));
  const at = scene.layers.indexOf(own[own.length - 1]) + 1;
  const copy = {
    ...group,
    id: copyId,
    members: copies.map((layer) => layer.id),
    hid: group.hid.map(copyOf),
  };
  const layers = [...scene.layers.slice(0, at), ...copies, ...scene.layers.slice(at)];
  const next = withScene(editor, { layers, groups: [...groupsOf(scene), copy] });
  return freeze({ ...next, selected: copies[copies.length - 1].id });
};

const ASIDE_PX = 16;

/**
 * Where a copy lies: a little right of and below its original.
 * @param {Layer} layer
 */
export const aside = ({ placement }) => ({
  ...placement,
  centre_x_px: placement.centre_x_px + ASIDE_PX,
  centre_y_px: placement.centre_y_px + ASIDE_PX,
});

/**
 * The rows of the panel from front to back: {group} heads, and {layer, group} where their group is
 * open.
 * @param {Scene} scene
 * @returns {LayerRow[]}
 */
export const rowsOf = (scene) =>
  blocksOf(scene)
    .toReversed()
    .flatMap(({ group, layers }) => {
      const rows = layers.toReversed().map((layer) => ({ layer, group }));
      if (!group) return rows;
      return group.collapsed ? [{ group }] : [{ group }, ...rows];
    });

/**
 * How many of the layers that stay lie below the top of a row.
 * @param {Scene} scene
 * @param {readonly Layer[]} staying
 * @param {LayerRow | undefined} row
 */
const indexAbove = (scene, staying, row) => {
  if (!row) return 0;
  const ids = row.layer ? [row.layer.id] : row.group.members;
  const top = scene.layers.findLastIndex(({ id }) => ids.includes(id));
  return staying.filter((layer) => scene.layers.indexOf(layer) <= top).length;
};

/**
 * The row before which a group is dropped: of a layer in another group, that group's head.
 * @param {LayerRow | undefined} row
 * @returns {LayerRow | undefined}
 */
const headOf = (row) => (row?.layer && row.group ? { group: row.group } : row);

/**
 * The group that a layer joins when it is dropped under a row: none under a closed head.
 * @param {LayerRow | undefined} row
 */
const openGroupOf = (row) => {
  if (!row?.group) return null;
  return row.layer || !row.group.collapsed ? row.group : null;
};

/**
 * The edit that drops a dragged row (`id` of a layer, or of a group) between two others: `gap`
 * counts the rows above it, without those of what is dragged.
 * @param {Identifier} id
 * @param {number} gap
 * @returns {Edit}
 */
export const dropRow = (id, gap) => (editor) => {
  const { scene } = editor;
  const group = groupById(scene, id);
  const ids = group ? group.members : [id];
  const staying = scene.layers.filter((layer) => !ids.includes(layer.id));
  const rows = rowsOf(scene).filter((row) =>
    row.layer ? !ids.includes(row.layer.id) : row.group.id !== id,
  );
  const [above, below] = [rows[gap - 1], rows[gap]];
  if (group) return placeGroup(id, indexAbove(scene, staying, headOf(below)))(editor);
  const into = openGroupOf(above);
  const isInside = !above?.layer || below?.group === into || groupOf(scene, id) === into;
  const index = indexAbove(scene, staying, below);
  return placeLayer(id, index, into && isInside ? into.id : null)(editor);
};
