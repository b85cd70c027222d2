// Painting between two candidates: the other one shows in the base where the mask of the record's `mix` is inside.

import { freeze } from "./records.js";
import { candidateOf } from "./session.js";

/** The mix of a record becomes {base, other, mask}, or null. */
export const setMix = (mix) => (desk) => freeze({ ...desk, mix });

/** Ends the painting; the digest of what came out, if anything did, is picked. */
export const endMix =
  (picked = null) =>
  (desk) =>
    freeze({ ...desk, mix: null, picked: picked ?? desk.picked });

/** The mix with its candidates themselves, {base, other, mask}; null without one. */
export const mixOf = ({ mix }, { candidates }) => {
  const [base, other] = mix
    ? [mix.base, mix.other].map((id) => candidates.find((each) => each.id === id))
    : [];
  return base && other ? { base, other, mask: mix.mask } : null;
};

/** Whether strokes go between two candidates now: not while the collage is shown. */
export const isMixing = ({ store, session }) =>
  store.record.mix !== null && session.state.showing === "result";

const fits = (one, other) =>
  one.digest !== other.digest &&
  one.width_px === other.width_px &&
  one.height_px === other.height_px;

/**
 * What to paint between: {base, other}, candidates. The base is the picked one, else the shown one; the other is the
 * shown one, else what the base was made over, else another one of its run, else any. Null with fewer than two.
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
