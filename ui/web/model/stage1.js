// Drafts: the pictures of a first stage, which a method of two stages goes on from.

/**
 * @import { EditorState, SessionState } from "../types/editor.d.ts"
 * @import { Digest, Stage1Image, Facts, RunSettings } from "../types/protocol.d.ts"
 */

import { candidateOf } from "./session.js";

/**
 * The newest draft of a digest, null for none.
 * @param {Pick<SessionState, "stage1Images">} state
 * @param {Digest} digest
 */
export const stage1Of = ({ stage1Images }, digest) =>
  stage1Images.findLast((stage1) => stage1.digest === digest) ?? null;

/**
 * The draft in view: the shown picture itself, else the one that it was made from; null for none.
 * @param {Readonly<SessionState>} state
 * @param {EditorState} editor
 */
export const stage1InView = (state, { picked }) => {
  const digest = state.viewed || picked;
  return stage1Of(state, digest) ?? stage1Of(state, candidateOf(state, digest)?.stage1 ?? "");
};

/**
 * How many pictures were made of a draft; where it was taken as a picture itself, that one does not
 * count.
 * @param {Pick<SessionState, "candidates">} state
 * @param {Stage1Image} stage1
 */
export const picturesOf = ({ candidates }, { digest }) =>
  candidates.filter(({ stage1, digest: own }) => stage1 === digest && own !== digest).length;

/**
 * The method of these settings, where it works in two stages; else the first one that does, null
 * for none.
 * @param {Readonly<Facts> | null} facts
 * @param {RunSettings} settings
 */
export const stagedMethod = (facts, { method }) => {
  const staged = (facts?.methods ?? []).filter(({ stage1 }) => stage1);
  return staged.find(({ id }) => id === method) ?? staged[0] ?? null;
};

/**
 * The first method that takes pictures as layers and works in one stage; null for none.
 * @param {Readonly<Facts> | null} facts
 */
export const plainMethod = (facts) => (facts?.methods ?? []).find(({ stage1 }) => !stage1) ?? null;

/**
 * The settings for making one object again: a method of two stages draws whole pictures, so another
 * one does that.
 * @param {Readonly<Facts> | null} facts
 * @param {RunSettings} settings
 */
export const settingsForOne = (facts, settings) => {
  const isStaged = (facts?.methods ?? []).some(
    ({ id, stage1 }) => stage1 && id === settings.method,
  );
  const method = plainMethod(facts);
  return isStaged && method ? { ...settings, method: method.id, options: {} } : settings;
};
