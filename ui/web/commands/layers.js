// Layers as a whole: copies of the chosen ones, and two that become one.

import { bytesOf, maskFromBytes } from "../kernels/tiles.js";
import { duplicate, forEach, mergeDown, select } from "../model/edits.js";
import {
  areBlocks,
  duplicateGroup,
  groupById,
  groupLayers,
  groupOf,
  groupTitle,
  groupsOf,
  isGroupShown,
  setGroup,
  toggleGroup,
  ungroup,
} from "../model/groups.js";
import { chosenIds, isPainted, layerOf, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";

/** A copy of every chosen layer right above it, of a whole group in front of it; the copies are chosen then. */
export const duplicateChosen = ({ store, session, newId }) => {
  const ids = chosenIds(store.record, session.state.also);
  if (ids.length === 0) return;
  const group = wholeGroup(store.record.scene, ids);
  const copies = new Map(ids.map((id) => [id, newId()]));
  const copyOf = (id) => copies.get(id);
  const each = forEach(ids, (id) => duplicate(id, copyOf(id)));
  const edit = group ? duplicateGroup(group.id, newId(), copyOf) : each;
  store.change(`Duplicate ${calledOf(store.record, ids)}`, edit);
  session.set({ also: ids.length > 1 ? [...copies.values()] : [] });
};

/** The group that has just these layers, or null. */
const wholeGroup = (scene, ids) => {
  const group = groupOf(scene, ids[0]);
  return group?.members.length === ids.length && areBlocks(scene, ids) ? group : null;
};

/** What a step on several layers is called. */
export const calledOf = ({ scene }, ids) => {
  const group = wholeGroup(scene, ids);
  if (group) return groupTitle(group);
  return ids.length === 1 ? titleOf(layerOf({ scene }, ids[0])) : `${ids.length} layers`;
};

/** Chooses all layers of a group: what is done next is done to each. */
export const chooseGroup = ({ store, session }, id) => {
  const { members } = groupById(store.record.scene, id);
  store.amend(select(members.at(-1)));
  session.set({ also: members });
};

/** The chosen layers become a group. */
export const groupChosen = (desk) => {
  const { store, session, newId } = desk;
  const ids = chosenIds(store.record, session.state.also);
  if (ids.length === 0) {
    return addNotice(session, {
      what: "No layer is selected.",
      remedy: "Choose some first.",
      brief: true,
    });
  }
  const group = { id: newId(), name: `Group ${groupsOf(store.record.scene).length + 1}` };
  store.change(`Group ${calledOf(store.record, ids)}`, groupLayers(ids, group));
  return chooseGroup(desk, group.id);
};

/** The groups of the chosen layers are dissolved; the layers stay. */
export const ungroupChosen = ({ store, session }) => {
  const ids = chosenIds(store.record, session.state.also);
  const group = ids.length > 0 && groupOf(store.record.scene, ids[0]);
  if (!group)
    return addNotice(session, {
      what: "No group is selected.",
      remedy: "Choose one first.",
      brief: true,
    });
  return store.change(`Ungroup ${groupTitle(group)}`, ungroup(ids));
};

export const hideGroup = ({ store }, id) => {
  const { scene } = store.record;
  const group = groupById(scene, id);
  store.change(
    `${isGroupShown(scene, group) ? "Hide" : "Show"} ${groupTitle(group)}`,
    toggleGroup(id),
  );
};

/** Opens or closes a group in the panel, which is no step. */
export const foldGroup = ({ store }, id) =>
  store.amend(setGroup(id, { collapsed: !groupById(store.record.scene, id).collapsed }));

/** What is inside either of two masks. */
const unionOf = ({ masks, pictures }, upper, lower) => {
  const [one, other] = [pictures.mask(upper.mask), pictures.mask(lower.mask)];
  if (!one || !other) return null;
  const [bytes, more] = [bytesOf(other), bytesOf(one)];
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Math.max(bytes[at], more[at]);
  const name = masks.newName();
  masks.put(name, maskFromBytes(bytes, other.width_px, other.height_px, other), other);
  return { mask: name };
};

/** The two as they look together, as a picture of the canvas' size. */
const pictureOf = async (desk, upper, lower) => {
  const file = await desk.drawTogether([lower, upper]);
  const { digest, width_px, height_px } = await desk.busyWith("Merging", () =>
    desk.bridge.takePicture(file),
  );
  const placement = {
    centre_x_px: width_px / 2,
    centre_y_px: height_px / 2,
    scale_x: 1,
    scale_y: 1,
    rotation_deg: 0,
    flip_x: false,
    flip_y: false,
  };
  return { picture: digest, mask: null, placement, opacity: 1, blend: "normal" };
};

/** The selected layer and the one below it become one: regions by what either covers, pictures as they look. */
export const mergeWithBelow = async (desk) => {
  const { store, session } = desk;
  const { scene, selected } = store.record;
  const at = scene.layers.findIndex(({ id }) => id === selected);
  if (at < 1) {
    return addNotice(session, {
      what: "There is no layer below to merge with.",
      remedy: "Select another.",
      brief: true,
    });
  }
  const [lower, upper] = [scene.layers[at - 1], scene.layers[at]];
  if (isPainted(lower) !== isPainted(upper)) {
    return addNotice(session, {
      what: `${titleOf(upper)} and ${titleOf(lower)} are a region and a picture.`,
      limit: "Two regions or two pictures can be merged.",
      remedy: "Reorder the layers first.",
    });
  }
  const patch = isPainted(lower)
    ? unionOf(desk, upper, lower)
    : await pictureOf(desk, upper, lower);
  // The person may have gone on meanwhile.
  const isSame =
    layerOf(store.record, upper.id) === upper && layerOf(store.record, lower.id) === lower;
  if (!patch || !isSame)
    return addNotice(session, {
      what: "The layers changed meanwhile.",
      remedy: "Merge once more.",
    });
  return store.change(`Merge ${titleOf(upper)} down`, mergeDown(upper.id, lower.id, patch));
};
