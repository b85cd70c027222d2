// What was made from what: pictures of a scene as a tree, from whole pictures to the re-rolls and
// mixes over them; and what each step of undo was about.

/**
 * @import { EditorState } from "../types/editor.d.ts"
 * @import { Candidate, Digest, Identifier } from "../types/protocol.d.ts"
 */

/** @typedef {{ candidate: Candidate, parent: Identifier | "", level: number }} LineageRow */

/**
 * The pictures as rows of a tree, each after the one that it was made from. `level` counts from 1.
 * @param {readonly Candidate[]} candidates in the order in which they were made
 * @returns {LineageRow[]}
 */
export const buildLineage = (candidates) => {
  /** @type {Map<Digest, Candidate>} */
  const byDigest = new Map();
  /** @type {Map<Identifier | "", Candidate[]>} */
  const children = new Map();
  for (const candidate of candidates) {
    const parent = byDigest.get(candidate.source)?.id ?? "";
    children.set(parent, [...(children.get(parent) ?? []), candidate]);
    byDigest.set(candidate.digest, candidate);
  }
  /**
   * @param {Identifier | ""} parent
   * @param {number} level
   * @returns {LineageRow[]}
   */
  const listBelow = (parent, level) =>
    (children.get(parent) ?? []).flatMap((candidate) => [
      { candidate, parent, level },
      ...listBelow(candidate.id, level + 1),
    ]);
  return listBelow("", 1);
};

/**
 * The row that a key leads to from the row at `at`: the one above or below, the picture that it was
 * made from, or the first that was made from it; -1 where there is none.
 * @param {readonly LineageRow[]} rows
 * @param {number} at
 * @param {string} key
 */
export const walkLineage = (rows, at, key) => {
  const { parent, candidate } = rows[at];
  if (key === "ArrowLeft") return rows.findIndex((row) => row.candidate.id === parent);
  if (key === "ArrowRight") return rows.findIndex((row) => row.parent === candidate.id);
  const next = { ArrowUp: at - 1, ArrowDown: at + 1, Home: 0, End: rows.length - 1 }[key] ?? -1;
  return next < rows.length ? next : -1;
};

/**
 * The picture that a step is about: the one that was accepted, or that of the layer that it changed.
 * @param {EditorState} before
 * @param {EditorState} after
 * @returns {Digest | ""}
 */
export const pictureOfStep = (before, after) => {
  if (after.picked && after.picked !== before.picked) return after.picked;
  const known = new Set(before.scene.layers);
  return after.scene.layers.find((layer) => !known.has(layer) && layer.picture)?.picture ?? "";
};
