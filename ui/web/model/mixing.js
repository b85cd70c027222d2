// Painting between two candidates: the other one shows in the base where the mask of the record's
// `mix` is inside.

/**
 * @import { App, Edit, EditorState, Mix, SessionState } from "../types/editor.d.ts"
 * @import { Candidate, Digest, MixRecord } from "../types/protocol.d.ts"
 */

import { freeze } from "./records.js";
import { candidateOf } from "./session.js";

/**
 * The mix of a record becomes {base, other, mask}, or null.
 * @param {MixRecord | null} mix
 * @returns {Edit}
 */
export const setMix = (mix) => (editor) => freeze({ ...editor, mix });

/**
 * What is painted between two candidates becomes another mask.
 * @param {string} mask
 * @returns {Edit}
 */
export const setMixMask = (mask) => (editor) =>
  editor.mix ? setMix({ ...editor.mix, mask })(editor) : editor;

/**
 * Ends the painting; the digest of what came out, if anything did, is picked.
 * @param {Digest | null} [picked]
 * @returns {Edit}
 */
export const endMix =
  (picked = null) =>
  (editor) =>
    freeze({ ...editor, mix: null, picked: picked ?? editor.picked });

/**
 * The mix with its candidates themselves, {base, other, mask}; null without one.
 * @param {EditorState} editor
 * @param {Readonly<SessionState>} state
 * @returns {Mix | null}
 */
export const mixOf = ({ mix }, { candidates }) => {
  if (!mix) return null;
  const [base, other] = [mix.base, mix.other].map((id) =>
    candidates.find((each) => each.id === id),
  );
  return base && other ? { base, other, mask: mix.mask } : null;
};

/**
 * Whether strokes go between two candidates now: not while the collage is shown.
 * @param {Pick<App, "store" | "session">} app
 */
export const isMixing = ({ store, session }) =>
  store.record.mix !== null && session.state.showing === "result";

/**
 * @param {Candidate} one
 * @param {Candidate} other
 */
const fits = (one, other) =>
  one.digest !== other.digest &&
  one.width_px === other.width_px &&
  one.height_px === other.height_px;

/**
 * What to paint between: {base, other}, candidates. The base is the picked one, else the shown one;
 * the other is the shown one, else what the base was made over, else another one of its run, else
 * any. Null with fewer than two.
 * @param {EditorState} editor
 * @param {Readonly<SessionState>} state
 * @returns {{ base: Candidate, other: Candidate } | null}
 */
export const pairFor = ({ picked }, state) => {
  const shown = candidateOf(state, state.viewed || picked);
  const base = candidateOf(state, picked) ?? shown;
  if (!base) return null;
  const run = state.candidates.filter(({ job }) => job === base.job);
  const wanted = [shown, candidateOf(state, base.source), ...run, ...state.candidates.toReversed()];
  const other = wanted.find((each) => each && fits(base, each));
  return other ? { base, other } : null;
};
