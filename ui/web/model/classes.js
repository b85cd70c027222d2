// What a layer is called by the segmenters: the vocabulary of a model, and choosing from it.

import { found } from "../kernels/searching.js";
import { setLayer } from "./edits.js";
import { isPainted, layerOf } from "./records.js";

const lastWord = (phrase) => phrase.trim().split(/\s+/).at(-1)?.toLowerCase() ?? "";

/** Whether a model's segmenters take any phrase (CLIPSeg), not only those of their list. */
export const takesAnyPhrase = (model) => Boolean(model?.members.includes("clipseg"));

/** The names to choose from: what the model's guide tells apart, else what the scene's layers are about; sorted. */
export const vocabularyOf = (model, { layers }) => {
  const known = model?.classes ?? [];
  const said = layers
    .flatMap(({ phrase, class_label }) => [class_label.trim(), lastWord(phrase)])
    .filter(Boolean);
  return [...new Set(known.length > 0 ? known : said)].toSorted();
};

/** The names that answer what was typed, the best first; all of them for nothing, or for a name as it stands. */
export const answersTo = (vocabulary, typed) =>
  vocabulary.includes(typed.trim()) ? vocabulary : found(vocabulary, typed, (name) => name);

/**
 * Calls a layer by a class. A painted layer without words of its own, or with its old class for words, is drawn by the
 * new one's name.
 */
export const setClass = (id, name) => (desk) => {
  const { phrase, class_label: old, ...layer } = layerOf(desk, id);
  const follows = isPainted(layer) && (phrase.trim() === "" || phrase === old);
  return setLayer(id, { class_label: name, ...(follows ? { phrase: name } : {}) })(desk);
};
