// Layers as a whole: copies of the chosen ones, and two that become one.

/**
 * @import { App, EditorState, LayerPatch } from "../types/editor.d.ts"
 * @import { Identifier, Layer, Scene } from "../types/protocol.d.ts"
 */

import { bytesOf, maskFromBytes } from "../kernels/tiles.js";
import { duplicate, forEach, mergeDown, select } from "../model/edits.js";
import {
  areBlocks,
  duplicateGroup,
  groupLayers,
  groupOf,
  groupTitle,
  groupsOf,
  isGroupShown,
  requireGroup,
  setGroup,
  toggleGroup,
  ungroup,
} from "../model/groups.js";
import { chosenIds, isPainted, layerOf, requireLayer, titleOf } from "../model/records.js";
import { addNotice } from "../model/session.js";

/**
 * A copy of every chosen layer right above it, of a whole group in front of it; the copies are
 * chosen then.
 * @param {App} app
 */
export const duplicateChosen = ({ store, session, newId }) => {
  const ids = chosenIds(store.record, session.state.also);
  if (ids.length === 0) return;
  const group = wholeGroup(store.record.scene, ids);
  const copies = new Map(ids.map((id) => [id, newId()]));
  /** @param {Identifier} id */
  const copyOf = (id) => copies.get(id) ?? newId();
  const each = forEach(ids, (id) => duplicate(id, copyOf(id)));
  const edit = group ? duplicateGroup(group.id, newId(), copyOf) : each;
  store.change(`Duplicate ${calledOf(store.record, ids)}`, edit);
  session.set({ also: ids.length > 1 ? [...copies.values()] : [] });
};

/**
 * The group that has just these layers, or null.
 * @param {Scene} scene
 * @param {readonly Identifier[]} ids
 */
const wholeGroup = (scene, ids) => {
  const group = groupOf(scene, ids[0]);
  return group?.members.length === ids.length && areBlocks(scene, ids) ? group : null;
};

/**
 * What a step on several layers is called.
 * @param {Pick<EditorState, "scene">} editor
 * @param {readonly Identifier[]} ids
 */
export const calledOf = ({ scene }, ids) => {
  const group = wholeGroup(scene, ids);
  if (group) return groupTitle(group);
  return ids.length === 1 ? titleOf(requireLayer({ scene }, ids[0])) : `${ids.length} layers`;
};

/**
 * Chooses all layers of a group: what is done next is done to each.
 * @param {App} app
 * @param {Identifier} id
 */
export const chooseGroup = ({ store, session }, id) => {
  const { members } = requireGroup(store.record.scene, id);
  store.amend(select(members[members.length - 1]));
  session.set({ also: members });
};

/**
 * The chosen layers become a group.
 * @param {App} app
 */
export const groupChosen = (app) => {
  const { store, session, newId } = app;
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
  return chooseGroup(app, group.id);
};

/**
 * The groups of the chosen layers are dissolved; the layers stay.
 * @param {App} app
 */
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

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const hideGroup = ({ store }, id) => {
  const { scene } = store.record;
  const group = requireGroup(scene, id);
  store.change(
    `${isGroupShown(scene, group) ? "Hide" : "Show"} ${groupTitle(group)}`,
    toggleGroup(id),
  );
};

/**
 * Opens or closes a group in the panel, which is no step.
 * @param {App} app
 * @param {Identifier} id
 */
export const foldGroup = ({ store }, id) =>
  store.amend(setGroup(id, { collapsed: !requireGroup(store.record.scene, id).collapsed }));

/**
 * What is inside either of two masks.
 * @param {App} app
 * @param {Layer} upper
 * @param {Layer} lower
 * @returns {LayerPatch | null}
 */
const unionOf = ({ masks, pictures }, upper, lower) => {
  const [one, other] = [pictures.mask(upper.mask), pictures.mask(lower.mask)];
  if (!one || !other) return null;
  const [bytes, more] = [bytesOf(other), bytesOf(one)];
  for (let at = 0; at < bytes.length; at += 1) bytes[at] = Math.max(bytes[at], more[at]);
  const name = masks.newName();
  masks.put(name, maskFromBytes(bytes, other.width_px, other.height_px, other), other);
  return { mask: name };
};

/**
 * The two as they look together, as a picture of the canvas' size.
 * @param {App} app
 * @param {Layer} upper
 * @param {Layer} lower
 * @returns {Promise<LayerPatch>}
 */
const pictureOf = async (app, upper, lower) => {
  const file = await app.drawTogether([lower, upper]);
  const { digest, width_px, height_px } = await app.busyWith("Merging", () =>
    app.bridge.takePicture(file),
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

/**
 * The selected layer and the one below it become one: regions by what either covers, pictures as
 * they look.
 * @param {App} app
 */
export const mergeWithBelow = async (app) => {
  const { store, session } = app;
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
  const patch = isPainted(lower) ? unionOf(app, upper, lower) : await pictureOf(app, upper, lower);
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
