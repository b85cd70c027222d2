// What a layer is called by the segmenters: the vocabulary of a model, and choosing from it.

/**
 * @import { Edit } from "../types/editor.d.ts"
 * @import { Identifier, ModelFacts, Scene } from "../types/protocol.d.ts"
 */

import { search } from "../kernels/searching.js";
import { setLayer } from "./edits.js";
import { isPainted, requireLayer } from "./records.js";

/** @param {string} phrase */
const lastWord = (phrase) => phrase.trim().split(/\s+/).at(-1)?.toLowerCase() ?? "";

/**
 * Whether a model's segmenters take any phrase (CLIPSeg), not only those of their list.
 * @param {ModelFacts | null} model
 */
export const takesAnyPhrase = (model) => Boolean(model?.members.includes("clipseg"));

/**
 * The names to choose from: what the model's guide tells apart, else what the scene's layers are
 * about; sorted.
 * @param {ModelFacts | null} model
 * @param {Scene} scene
 */
export const vocabularyOf = (model, { layers }) => {
  const known = model?.classes ?? [];
  const names = layers
    .flatMap(({ phrase, class_label }) => [class_label.trim(), lastWord(phrase)])
    .filter(Boolean);
  return [...new Set(known.length > 0 ? known : names)].toSorted();
};

/**
 * The names that answer what was typed, the best first; all of them for nothing, or for a name as
 * it stands.
 * @param {readonly string[]} vocabulary
 * @param {string} typed
 */
export const answersTo = (vocabulary, typed) =>
  vocabulary.includes(typed.trim()) ? vocabulary : search(vocabulary, typed, (name) => name);

/**
 * Calls a layer by a class. A painted layer without words of its own, or with its old class for
 * words, is drawn by the new one's name.
 * @param {Identifier} id
 * @param {string} name
 * @returns {Edit}
 */
export const setClass = (id, name) => (editor) => {
  const { phrase, class_label: old, ...layer } = requireLayer(editor, id);
  const follows = isPainted(layer) && (phrase.trim() === "" || phrase === old);
  return setLayer(id, { class_label: name, ...(follows ? { phrase: name } : {}) })(editor);
};
