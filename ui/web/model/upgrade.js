// What a page of version 0.1.0 left in this browser, under the present names: a copy of unsaved
// work that the server never got, and keys that a person gave to commands.
//
// The server brings its own scenes over (backend/scene/upgrade.py, backend/plan/upgrade.py); a test
// compares these tables with those.

/**
 * @import { UnsavedCopy } from "../types/model.d.ts"
 */

const LAYER_FIELDS = Object.freeze({
  noise: "strength",
  noise_map: "strength_map",
  heard_from: "prompt_start",
  heard_to: "prompt_end",
  look: "embedding",
});

const OPTIONS = Object.freeze({
  looks: "embeddings",
  freedom: "mask_tolerance",
  per_draft: "per_stage1",
  rivals: "competing_tokens",
  side_paths: "reference_branch",
});

const STARTS = Object.freeze({ dream: "sample", place: "background" });

const COMMAND_IDS = Object.freeze({
  learnLook: "learnEmbedding",
  learnLooks: "learnEmbeddings",
  forgetLook: "forgetEmbedding",
  draftToLayers: "stage1ToLayers",
  clearFreedom: "clearStrength",
  cancel: "escape",
});

/**
 * A name as it is now.
 * @param {Readonly<Record<string, string>>} names
 * @param {string} name
 */
const nameIn = (names, name) => (Object.hasOwn(names, name) ? names[name] : name);

/**
 * A record with some of its keys renamed, in their order.
 * @param {Readonly<Record<string, unknown>>} record
 * @param {Readonly<Record<string, string>>} names
 * @returns {Record<string, unknown>}
 */
const renameKeys = (record, names) =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [nameIn(names, key), value]));

/** @param {Readonly<Record<string, unknown>>} options */
const upgradeOptions = (options) => {
  const renamed = renameKeys(options, OPTIONS);
  return typeof renamed.start === "string"
    ? { ...renamed, start: nameIn(STARTS, renamed.start) }
    : renamed;
};

/**
 * A copy of unsaved work in the present format, null where there is none: {revision, scene, editor};
 * version 0.1.0 wrote {revision, scene, desk} with scenes of format 1.
 * @param {any} copy
 * @returns {UnsavedCopy | null}
 */
export const upgradeUnsaved = (copy) => {
  if (copy?.editor) return copy;
  if (!copy?.desk || !copy.scene) return null;
  const { desk: editor, scene, ...rest } = copy;
  return {
    ...rest,
    scene: {
      ...scene,
      version: 2,
      layers: scene.layers.map((/** @type {Record<string, unknown>} */ layer) =>
        renameKeys(layer, LAYER_FIELDS),
      ),
    },
    editor: {
      ...editor,
      settings: { ...editor.settings, options: upgradeOptions(editor.settings.options ?? {}) },
    },
  };
};

/**
 * Keys by the commands' present ids.
 * @param {Record<string, unknown> | null} bindings
 */
export const upgradeBindings = (bindings) => bindings && renameKeys(bindings, COMMAND_IDS);
