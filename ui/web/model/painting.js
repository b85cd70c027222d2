// Changing the mask of the selected layer: one gesture, one undo step, whatever draws.

/**
 * @import { App, Edit, EditorState, Mask, MaskStore, PaintedField, Pen, Size } from "../types/editor.d.ts"
 * @import { Obstacle, PaintParts, PaintTarget } from "../types/model.d.ts"
 * @import { Layer, Placement, Scene } from "../types/protocol.d.ts"
 */

import { betweenPlacements } from "../kernels/matrix.js";
import {
  bytesOf,
  changedBox,
  emptyMask,
  fullMask,
  greyMask,
  maskFromBytes,
} from "../kernels/tiles.js";
import { warp } from "../kernels/warping.js";
import { addLayer, setLayer } from "./edits.js";
import { PAINTED_FIELDS } from "./masks.js";
import { isMixing, setMix } from "./mixing.js";
import { buildPaintedLayer, isPainted, layerOf, requireLayer, titleOf } from "./records.js";
import { addNotice } from "./session.js";

/**
 * @param {Layer | null} layer
 * @param {MaskStore} masks
 * @param {PaintedField} [field]
 * @returns {Obstacle | null}
 */
const obstacleOf = (layer, masks, field = "mask") => {
  if (!layer) return null;
  if (layer.locked)
    return { what: `${titleOf(layer)} is locked.`, remedy: "Unlock it to paint on it." };
  if (!layer.visible)
    return { what: `${titleOf(layer)} is hidden.`, remedy: "Show it to paint on it." };
  if (layer[field] && !masks.get(layer[field]))
    return {
      what: `What is painted on ${titleOf(layer)} is still being read.`,
      remedy: "Try again in a moment.",
    };
  return null;
};

/**
 * Whether strokes change how free the selected layer is, instead of where it is.
 * @param {Pick<App, "store" | "session">} app
 */
export const paintsStrength = ({ store, session }) =>
  session.state.paints === "strength" && store.record.selected !== "";

/**
 * The strength of a layer as one grey everywhere, 0…255.
 * @param {Pick<Layer, "strength">} layer
 */
export const greyOf = ({ strength }) => Math.round(strength * 255);

/**
 * The painted strength of a layer; where none is painted yet, its number everywhere.
 * @param {Layer} layer
 * @param {Size} size
 * @param {MaskStore} masks
 */
export const strengthOf = (layer, { width_px, height_px }, masks) => {
  const map = layer.strength_map ? masks.get(layer.strength_map) : null;
  if (map?.width_px === width_px && map.height_px === height_px) return map;
  return greyMask(width_px, height_px, greyOf(layer));
};

/**
 * @param {Pick<App, "store" | "masks">} app
 * @returns {PaintTarget | { obstacle: Obstacle }}
 */
const strengthTarget = ({ store, masks }) => {
  const { scene, selected } = store.record;
  const layer = requireLayer(store.record, selected);
  const obstacle = obstacleOf(layer, masks, "strength_map");
  if (obstacle) return { obstacle };
  /**
   * @param {string} strength_map
   * @returns {Edit}
   */
  const edit = (strength_map) => setLayer(layer.id, { strength_map });
  const base = strengthOf(layer, scene, masks);
  return { title: `the strength of ${titleOf(layer)}`, obstacle, base, isNew: false, edit };
};

/**
 * What is painted on: the layer's mask; without one a picture is inside everywhere, and a region
 * nowhere.
 * @param {Layer} layer
 * @param {Size} size
 * @param {MaskStore} masks
 */
const baseOf = (layer, { width_px, height_px }, masks) => {
  const mask = layer.mask ? masks.get(layer.mask) : null;
  if (mask?.width_px === width_px && mask.height_px === height_px) return mask;
  return isPainted(layer) ? emptyMask(width_px, height_px) : fullMask(width_px, height_px);
};

/** @param {Scene} scene */
const nextName = ({ layers }) => `Region ${layers.filter(isPainted).length + 1}`;

/**
 * The name of a new mask of the canvas, on which nothing is painted yet.
 * @param {Pick<App, "store" | "masks">} app
 */
export const newEmptyMask = ({ store, masks }) => {
  const { width_px, height_px } = store.record.scene;
  const name = masks.newName();
  masks.put(name, emptyMask(width_px, height_px));
  return name;
};

/**
 * A painted layer for a mask; without one nothing is painted on it yet.
 * @param {Pick<App, "store" | "masks" | "newId">} parts
 * @param {string} [mask]
 */
export const newPaintedLayer = (parts, mask = newEmptyMask(parts)) => {
  const { scene } = parts.store.record;
  return buildPaintedLayer({ id: parts.newId(), name: nextName(scene), mask, scene });
};

/** @type {readonly (keyof Placement)[]} */
const PLACEMENT_FIELDS = Object.freeze([
  "centre_x_px",
  "centre_y_px",
  "scale_x",
  "scale_y",
  "rotation_deg",
  "flip_x",
  "flip_y",
]);

/**
 * @param {Placement} one
 * @param {Placement} other
 */
const samePlace = (one, other) =>
  one === other || PLACEMENT_FIELDS.every((field) => one[field] === other[field]);

/**
 * What is beyond the border of a layer's mask, or of its painted strength.
 * @param {Layer} layer
 * @param {PaintedField} field
 */
export const outsideOf = (layer, field) =>
  field === "mask" ? (isPainted(layer) ? 0 : 255) : greyOf(layer);

/**
 * The name of a layer's mask, or of its strength, after the layer went to another place.
 * @param {MaskStore} masks
 * @param {Layer} layer
 * @param {PaintedField} field
 * @param {Placement} from
 */
const moveMask = (masks, layer, field, from) => {
  const old = layer[field];
  const mask = old && masks.get(old);
  if (!mask) return old;
  const { width_px, height_px } = mask;
  const back = betweenPlacements(layer.placement, from);
  const outside = outsideOf(layer, field);
  const bytes = warp(bytesOf(mask), width_px, height_px, { back, outside });
  const name = masks.newName();
  masks.put(name, maskFromBytes(bytes, width_px, height_px, mask), mask);
  return name;
};

/**
 * Masks are measured on the canvas, but belong to their layers: at the end of every gesture the
 * masks of layers that changed their place go along. (masks) → (record before, record after) →
 * record.
 * @param {MaskStore} masks
 * @returns {(base: EditorState, record: EditorState) => EditorState}
 */
export const followLayers = (masks) => (base, record) => {
  const before = new Map(base.scene.layers.map((layer) => [layer.id, layer]));
  /** @param {Layer} layer */
  const editsOf = (layer) => {
    const old = before.get(layer.id);
    if (!old || samePlace(old.placement, layer.placement)) return [];
    const leftBehind = PAINTED_FIELDS.filter((each) => old[each] && old[each] === layer[each]);
    return leftBehind.map((field) =>
      setLayer(layer.id, { [field]: moveMask(masks, layer, field, old.placement) }),
    );
  };
  return record.scene.layers.flatMap(editsOf).reduce((result, edit) => edit(result), record);
};

/**
 * The mask that is painted on, {title, obstacle, base, isNew, edit(name of the new mask) → edit of
 * the record}: what lies between two candidates while these are painted into one another, else the
 * selected layer's (or its strength), else a new one's.
 * @param {Pick<PaintParts, "store" | "session" | "masks" | "newId">} parts
 * @returns {PaintTarget | { obstacle: Obstacle }}
 */
export const targetOf = (parts) => {
  const { store, masks } = parts;
  const { mix, scene, selected } = store.record;
  if (mix && isMixing(parts)) {
    const base = masks.get(mix.mask);
    const obstacle = base
      ? null
      : { what: "What was painted is still being read.", remedy: "Try again in a moment." };
    return {
      title: "the other picture",
      obstacle,
      base,
      isNew: false,
      edit: (mask) => setMix({ ...mix, mask }),
    };
  }
  if (paintsStrength(parts)) return strengthTarget(parts);
  const present = layerOf(store.record, selected);
  const obstacle = obstacleOf(present, masks);
  if (obstacle) return { obstacle };
  const layer = present ?? newPaintedLayer(parts);
  /**
   * @param {string} mask
   * @returns {Edit}
   */
  const edit = (mask) => (record) =>
    setLayer(layer.id, { mask })(present ? record : addLayer(layer)(record));
  return {
    title: titleOf(layer),
    obstacle,
    base: baseOf(layer, scene, masks),
    isNew: !present,
    edit,
  };
};

/**
 * Opens a gesture on the mask of the selected layer, of a new painted one when none is selected, or
 * between two candidates: {base, put(mask), commit(), cancel()}; null, and a sentence, when it
 * cannot be painted on now. parts: {store, session, masks, newId, touched(box)}; a box is what the
 * page has to draw anew.
 * @param {PaintParts} parts
 * @param {string} name
 * @returns {Pen | null}
 */
export const beginMask = (parts, name) => {
  const { store, session, masks, touched } = parts;
  const target = targetOf(parts);
  if (target.obstacle) {
    addNotice(session, { ...target.obstacle, brief: true });
    return null;
  }
  const { title, base, isNew, edit } = target;
  const key = masks.newName();
  const gesture = store.begin(`${name} ${title}`);
  let last = base;
  // Another step, or an undo, may have ended the gesture: what it left is not written any more.
  /** @param {Mask} mask */
  const put = (mask) => {
    if (!gesture.isOpen()) return;
    const box = changedBox(mask, last);
    last = mask;
    masks.put(key, mask, base);
    if (box) touched(box);
  };
  masks.put(key, base, base);
  gesture.update(edit(key));
  return {
    base,
    put,
    commit: () => (last === base && !isNew ? gesture.cancel() : gesture.commit()),
    cancel: gesture.cancel,
  };
};
