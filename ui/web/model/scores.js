// What is said of a candidate's layers by its scores: figures by name, the sentence of a failed
// layer, the rank.

/**
 * @import { Shown } from "../types/editor.d.ts"
 * @import { FailureNote, Figure } from "../types/model.d.ts"
 * @import { Candidate, Stage1Image, Identifier, Layer, LayerScore } from "../types/protocol.d.ts"
 */

import { titleOf } from "./records.js";

/**
 * The figures that are shown; all are better when larger. What nobody measured is null and stands
 * nowhere.
 * @type {readonly Omit<Figure, "value">[]}
 */
const FIGURES = Object.freeze([
  {
    field: "text",
    name: "words",
    title: "Words: how much the result is like the layer's phrase (cosine)",
  },
  {
    field: "image",
    name: "picture",
    title: "Picture: how much the result is like the layer's own picture (cosine)",
  },
  {
    field: "iou",
    name: "place",
    title: "Place: how much of the region asked for is what was found (0 to 1)",
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
 * The note of a layer that failed in a candidate, or null; `short` is for where there is little
 * room.
 * @param {Candidate | Stage1Image | null} candidate
 * @param {Layer} layer
 * @returns {FailureNote | null}
 */
export const failureOf = (candidate, layer) => {
  const reason = scoreOf(candidate, layer.id)?.failed;
  return reason
    ? { code: "failed", short: `failed: ${reason}`, text: `${titleOf(layer)} failed: ${reason}.` }
    : null;
};

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
