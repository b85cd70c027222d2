// What is said of a candidate's layers by its scores: figures by name, the verdict in words, the
// rank.

/**
 * @import { Shown } from "../types/editor.d.ts"
 * @import { Figure, VerdictNote } from "../types/model.d.ts"
 * @import { Candidate, Stage1Image, Identifier, Layer, LayerScore } from "../types/protocol.d.ts"
 */

import { titleOf } from "./records.js";

/**
 * The figures that are shown; all are better when larger, from 0 to 1, and each was held against
 * pictures whose truth is known. What nobody measured is null and stands nowhere.
 * @type {readonly Omit<Figure, "value">[]}
 */
const FIGURES = Object.freeze([
  {
    field: "form",
    name: "form",
    title: "Form: how much more its outline is like what was asked for than like anything else",
  },
  {
    field: "place",
    name: "place",
    title: "Place: how much of the place asked for it covers",
  },
  {
    field: "colour",
    name: "colour",
    title: "Colour: how sure it is that the colour is the one asked for, among all colours",
  },
]);

/**
 * The scores of a layer in a candidate, null without any.
 * @param {Candidate | Stage1Image | null} candidate
 * @param {Identifier} layerId
 * @returns {LayerScore | null}
 */
export const scoreOf = (candidate, layerId) =>
  candidate?.scores?.find((score) => score.layer_id === layerId) ?? null;

/**
 * The figures of a score that were measured: [{field, name, title, value}].
 * @param {LayerScore | null} score
 * @returns {Figure[]}
 */
export const figuresOf = (score) =>
  FIGURES.flatMap((figure) => {
    const value = score?.[figure.field] ?? null;
    return value === null ? [] : [{ ...figure, value }];
  });

/**
 * The verdict on a layer in a candidate, in words: why it failed, or why nobody can say; null where
 * it passed. `short` is for where there is little room.
 * @param {Candidate | Stage1Image | null} candidate
 * @param {Layer} layer
 * @returns {VerdictNote | null}
 */
export const verdictOf = (candidate, layer) => {
  const { failed = "", unjudged = "" } = scoreOf(candidate, layer.id) ?? {};
  const title = titleOf(layer);
  if (failed) return { code: "failed", short: failed, text: `${title} failed: ${failed}.` };
  if (!unjudged) return null;
  const words = `cannot be judged: ${unjudged}`;
  return { code: "unjudged", short: words, text: `${title} ${words}.` };
};

/**
 * What is to be said of a candidate's layers: a line for each that failed or cannot be judged.
 * @param {Candidate | Stage1Image} candidate
 * @param {readonly Layer[]} layers
 */
export const verdictLines = (candidate, layers) =>
  layers.flatMap((layer) => verdictOf(candidate, layer)?.text ?? []);

/**
 * The place of a candidate among the ranked of its run: {rank, of, failed}; null where there is
 * nothing to compare.
 * @param {Candidate | Stage1Image} candidate
 * @param {readonly (Candidate | Stage1Image)[]} candidates
 */
export const placeOf = (candidate, candidates) => {
  const of = candidates.filter(({ rank }) => rank > 0).length;
  if (!(candidate.rank > 0) || of < 2) return null;
  return {
    rank: candidate.rank,
    of,
    failed: candidate.scores.filter(({ failed }) => failed).length,
  };
};

/**
 * The digest of the grey picture of where a layer's words looked; "" without one.
 * @param {Candidate | Stage1Image | null} scored
 * @param {Identifier} id
 */
export const heatOf = (scored, id) => scoreOf(scored, id)?.heat ?? "";
