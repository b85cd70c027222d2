// The frozen records that undo moves between: an EditorState holds the scene, the dials of a run,
// what is picked and selected, the two candidates {base, other: ids, mask: name} between which
// somebody paints (`mix`, else null), the id of the subject that runs draw ("" for none chosen),
// and the digests of the candidates that somebody starred.

/**
 * @import { EditorState, Point, Size } from "../types/editor.d.ts"
 * @import { NewLayer } from "../types/model.d.ts"
 * @import { Identifier, Layer, ProjectReply, Scene } from "../types/protocol.d.ts"
 */

/**
 * Freezes a value to its depth.
 * @template Value
 * @param {Value} value
 * @returns {Value}
 */
export const freeze = (value) => {
  if (value === null || typeof value !== "object" || Object.isFrozen(value)) return value;
  Object.values(value).forEach(freeze);
  return Object.freeze(value);
};

/**
 * An EditorState from the server's project reply.
 * @param {Pick<ProjectReply, "scene" | "editor">} project
 * @returns {EditorState}
 */
export const editorFromProject = (project) =>
  freeze({
    scene: project.scene,
    settings: project.editor.settings,
    picked: project.editor.picked,
    selected: project.editor.selected,
    mix: project.editor.mix ?? null,
    subject: project.editor.subject ?? "",
    starred: project.editor.starred ?? [],
  });

/**
 * What the server keeps: the scene, and the rest beside it.
 * @param {EditorState} editor
 */
export const editorToMessage = ({
  scene,
  settings,
  picked,
  selected,
  mix,
  subject = "",
  starred = [],
}) => ({
  scene,
  editor: { settings, picked, selected, mix, subject, starred },
});

/** @type {readonly (keyof EditorState)[]} */
const KEPT_PARTS = Object.freeze(["scene", "settings", "picked", "mix", "subject", "starred"]);

/**
 * Whether two records differ in something worth saving; a selection alone is not.
 * @param {EditorState} one
 * @param {EditorState} other
 */
export const sameWork = (one, other) => KEPT_PARTS.every((part) => one[part] === other[part]);

/**
 * A layer for a picture that was just taken.
 * @param {NewLayer} layer
 * @returns {Layer}
 */
export const buildLayer = ({ id, name, phrase, picture, placement, strength = 0.6 }) =>
  freeze({
    id,
    name,
    picture,
    mask: null,
    placement: { rotation_deg: 0, flip_x: false, flip_y: false, ...placement },
    opacity: 1,
    blend: "normal",
    visible: true,
    locked: false,
    phrase,
    negative: "",
    strength,
    attention_positive: 0.5,
    attention_negative: 0.8,
    structure: { kind: "none", weight: 0 },
    embedding: null,
    subject: null,
    class_label: "",
    seed: null,
    strength_map: null,
    prompt_start: 0,
    prompt_end: 1,
    loras: [],
  });

/**
 * A layer without a picture: a phrase for the region that its mask names. It brings no pixels, so
 * it is all free.
 * @param {{ id: Identifier, name: string, mask: string, scene: Scene }} layer
 * @returns {Layer}
 */
export const buildPaintedLayer = ({ id, name, mask, scene }) => {
  const placement = {
    centre_x_px: scene.width_px / 2,
    centre_y_px: scene.height_px / 2,
    scale_x: 1,
    scale_y: 1,
  };
  return freeze({
    ...buildLayer({ id, name, phrase: "", picture: null, placement }),
    mask,
    strength: 1,
  });
};

const LARGEST_SHARE = 0.6;

/**
 * A placement for a picture of a size: at a point, shrunk to at most 60 % of the canvas, never
 * enlarged.
 * @param {Size} size
 * @param {Scene} scene
 * @param {Point} centre
 */
export const firstPlacement = (size, scene, centre) => {
  const share = Math.min(
    (LARGEST_SHARE * scene.width_px) / size.width_px,
    (LARGEST_SHARE * scene.height_px) / size.height_px,
  );
  const scale = Math.min(1, share);
  return { centre_x_px: centre.x, centre_y_px: centre.y, scale_x: scale, scale_y: scale };
};

/**
 * A placement with which a picture just covers the canvas.
 * @param {Size} size
 * @param {Scene} scene
 */
export const coveringPlacement = (size, scene) => {
  const scale = Math.max(scene.width_px / size.width_px, scene.height_px / size.height_px);
  return {
    centre_x_px: scene.width_px / 2,
    centre_y_px: scene.height_px / 2,
    scale_x: scale,
    scale_y: scale,
  };
};

/**
 * @param {Pick<EditorState, "scene">} editor
 * @param {Identifier} id
 * @returns {Layer | null}
 */
export const layerOf = (editor, id) => editor.scene.layers.find((layer) => layer.id === id) ?? null;

/**
 * The layer of an id that is known to be there; a RangeError names one that is not.
 * @param {Pick<EditorState, "scene">} editor
 * @param {Identifier} id
 * @returns {Layer}
 */
export const requireLayer = (editor, id) => {
  const layer = layerOf(editor, id);
  if (!layer) throw new RangeError(`There is no layer ${id}.`);
  return layer;
};

/**
 * The ids of the selected layer and of those chosen with it (`also`, which then names it too), from
 * back to front.
 * @param {EditorState} editor
 * @param {readonly Identifier[]} also
 */
export const chosenIds = ({ scene, selected }, also) => {
  const chosen = also.includes(selected) ? also : [selected];
  return scene.layers.map(({ id }) => id).filter((id) => chosen.includes(id));
};

/**
 * Whether a layer is a painted region and no picture.
 * @param {Pick<Layer, "picture">} layer
 */
export const isPainted = (layer) => layer.picture === null;

/**
 * What a person calls a layer: its name, else its phrase.
 * @param {Pick<Layer, "name" | "phrase">} layer
 */
export const titleOf = (layer) => layer.name || layer.phrase || "Layer without words";

/**
 * Before the server has answered.
 * @type {EditorState}
 */
export const NOTHING = freeze({
  scene: {
    version: 2,
    name: "",
    width_px: 512,
    height_px: 512,
    prompt: "",
    negative: "",
    layers: [],
    groups: [],
    loras: [],
  },
  settings: {
    model: "",
    method: "",
    sampler: "ddim",
    steps: 30,
    guidance_scale: 5,
    seed: 0,
    count: 4,
    options: {},
    weighted_prompt: true,
    clip_skip: 1,
  },
  picked: "",
  selected: "",
  mix: null,
  subject: "",
  starred: [],
});
