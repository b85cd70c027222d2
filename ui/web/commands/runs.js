// Making pictures: generate, re-roll one object, look through the candidates, accept or discard
// them.

/**
 * @import { App, Batch, CompareMode, SessionState } from "../types/editor.d.ts"
 * @import {
 *   Candidate, ComposeRequest, Digest, Identifier, Layer, RerollRequest,
 * } from "../types/protocol.d.ts"
 */

import { nudge, pick, setSettings, toggleStar } from "../model/edits.js";
import { plainMethod, settingsForOne } from "../model/stage1.js";
import { layerOf, titleOf } from "../model/records.js";
import { SUBJECT_METHOD, referenceOf, subjectOfRun } from "../model/subjects.js";
import { addNotice, batchesOf, candidateOf, isWorking } from "../model/session.js";

export const FEATHER_PX = 4;

/**
 * Whether a run is going on; then a sentence says so.
 * @param {App} app
 */
export const isBusy = ({ session }) => {
  if (!isWorking(session.state)) return false;
  addNotice(session, {
    what: "A run is going on.",
    remedy: "Wait for it, or press Esc to stop it.",
    brief: true,
  });
  return true;
};

/**
 * The batch whose candidates the strip shows.
 * @param {Readonly<SessionState>} state
 * @returns {Batch | null}
 */
export const shownBatch = (state) => {
  const batches = batchesOf(state);
  return batches.find(({ job }) => job === state.batch) ?? batches[0] ?? null;
};

/** @param {App} app */
export const generate = async (app) => {
  if (isBusy(app)) return;
  const { store, session, bridge, random } = app;
  if (session.state.freshSeeds) store.change("New seed", setSettings({ seed: random() }));
  session.set({ viewed: "", showing: "result", comparing: false, notices: [] });
  const subject = subjectOfRun(session.state, store.record);
  const drawn = subject ? { subject: referenceOf(subject) } : {};
  /** @type {ComposeRequest} */
  const request = {
    kind: "compose",
    settings: store.record.settings,
    close_ups: session.state.closeUp,
    ...drawn,
  };
  settle(app, await bridge.generate(request));
};

/**
 * After a run without pictures the stage goes back to what it showed.
 * @param {App} app
 * @param {string} end
 */
export const settle = ({ store, session }, end) => {
  const { viewed } = session.state;
  if (end !== "finished" && !viewed && !store.record.picked) session.set({ showing: "collage" });
};

/** @param {App} app */
export const reroll = (app) => rerollLayer(app, app.store.record.selected);

/**
 * Makes one layer again over the picked picture; a candidate that is only being looked at is
 * accepted first. With several tries it goes on with new seeds until a candidate passes its scores.
 * @param {App} app
 * @param {Identifier} layerId
 * @param {number} [tries]
 */
export const rerollLayer = async (app, layerId, tries = app.session.state.tries) => {
  if (isBusy(app)) return;
  const { store, session, bridge, random } = app;
  const layer = layerOf(store.record, layerId);
  if (!layer) {
    return addNotice(session, {
      what: "No object is selected.",
      remedy: "Click one on the canvas, then press R.",
      brief: true,
    });
  }
  accept(app);
  const source = store.record.picked;
  if (!source) {
    return addNotice(session, {
      what: "There is no picture to re-roll in yet.",
      remedy: "Generate first, then pick one of the candidates.",
    });
  }
  session.set({ viewed: "", showing: "result", comparing: false });
  const settings = { ...settingsOf(app, layer), seed: random() };
  /** @type {RerollRequest} */
  const request = {
    kind: "reroll",
    settings,
    layer_id: layerId,
    source,
    feather_px: FEATHER_PX,
    tries,
    crop: session.state.closeUp,
  };
  settle(app, await bridge.generate(request));
  if (tries > 1) tellTries(app, layerId);
};

/**
 * The settings for one layer: what draws whole pictures alone, or a subject that the layer is not,
 * gives way.
 * @param {App} app
 * @param {Pick<Layer, "subject">} layer
 */
const settingsOf = ({ session, store }, { subject }) => {
  const { facts } = session.state;
  const { settings } = store.record;
  const method = plainMethod(facts);
  if (settings.method !== SUBJECT_METHOD || !method) return settingsForOne(facts, settings);
  return subject ? settings : { ...settings, method: method.id, options: {} };
};

/** Two at the least, or there is nothing to choose from. */
const FEWEST_VARIED = 2;

/**
 * Makes candidates that differ in one layer alone: the first of them is the shown whole picture, as
 * far as the scene is as it was.
 * @param {App} app
 * @param {Identifier} [layerId]
 */
export const vary = async (app, layerId = app.store.record.selected) => {
  if (isBusy(app)) return;
  const { store, session, bridge } = app;
  const layer = layerOf(store.record, layerId);
  if (!layer) {
    addNotice(session, {
      what: "No layer is selected.",
      remedy: "Choose the one that shall vary.",
      brief: true,
    });
    return;
  }
  const shown = candidateOf(session.state, session.state.viewed || store.record.picked);
  const settings = settingsOf(app, layer);
  const seed = shown && !shown.layer_id ? shown.seed : settings.seed;
  const asked = { ...settings, seed, count: Math.max(FEWEST_VARIED, settings.count) };
  session.set({ viewed: "", showing: "result", comparing: false, notices: [] });
  /** @type {ComposeRequest} */
  const request = {
    kind: "compose",
    settings: asked,
    varied: layer.id,
    close_ups: session.state.closeUp,
  };
  settle(app, await bridge.generate(request));
};

/** How often a failed layer is tried when somebody asks for it by one press. */
const USUAL_TRIES = 4;

/**
 * @param {App} app
 * @param {Identifier} layerId
 */
export const rerollUntilPassed = (app, layerId) =>
  rerollLayer(app, layerId, Math.max(USUAL_TRIES, app.session.state.tries));

/**
 * @param {App} app
 * @param {Identifier} layerId
 */
const tellTries = ({ store, session }, layerId) => {
  const made = shownBatch(session.state)?.candidates ?? [];
  const layer = layerOf(store.record, layerId);
  if (!layer || made.length === 0 || made[0].layer_id !== layerId) return;
  const passed = made.some(({ scores }) => scores.every(({ failed }) => !failed));
  const count = made.length === 1 ? "1 candidate" : `${made.length} candidates`;
  addNotice(session, {
    tone: passed ? "good" : "note",
    what: passed
      ? `${titleOf(layer)} passes after ${count}.`
      : `${titleOf(layer)} failed in all ${count}.`,
    remedy: passed ? "" : "Raise its strength or its attention, or hold its edges, and try again.",
    brief: passed,
  });
};

/**
 * A star for the candidate on the stage, or none any more; stars are kept with the scene.
 * @param {App} app
 */
export const star = ({ store, session }) => {
  const digest = session.state.viewed || store.record.picked;
  if (!digest)
    return addNotice(session, {
      what: "No candidate is shown.",
      remedy: "Generate first.",
      brief: true,
    });
  const isStarred = (store.record.starred ?? []).includes(digest);
  return store.change(isStarred ? "Take the star away" : "Star a candidate", toggleStar(digest));
};

/**
 * Shows a picture that was made, in the strip of its own run.
 * @param {App} app
 * @param {Candidate} candidate
 */
export const viewMade = ({ session }, { digest, job }) =>
  session.set({ viewed: digest, batch: job, showing: "result", comparing: false });

/** @param {App} app */
export const cancelRun = ({ bridge }) => bridge.cancel();

/** @param {App} app */
export const accept = ({ store, session }) => {
  const { viewed } = session.state;
  if (!viewed) return;
  const carried = session.state.moved[candidateOf(session.state, viewed)?.job ?? ""];
  store.change("Accept a candidate", (record) => {
    const next = pick(viewed)(record);
    return carried ? nudge(carried.id, carried.dx, carried.dy)(next) : next;
  });
  session.set({ viewed: "", showing: "result", comparing: false });
};

/** @param {App} app */
export const discard = ({ store, session }) => {
  const batch = shownBatch(session.state);
  if (!batch) return;
  const { dismissed } = session.state;
  const count = batch.candidates.length || batch.stage1Images.length;
  session.set({
    dismissed: [...dismissed, batch.job],
    viewed: "",
    batch: "",
    comparing: false,
    showing: store.record.picked ? "result" : "collage",
  });
  const restore = () =>
    session.set({
      dismissed: session.state.dismissed.filter((job) => job !== batch.job),
      batch: batch.job,
    });
  addNotice(session, {
    what: `Put away ${count === 1 ? "a candidate" : `${count} candidates`}.`,
    action: { title: "Bring back", run: restore },
  });
};

/**
 * Looks at a candidate without picking it.
 * @param {App} app
 * @param {Digest} digest
 */
export const view = ({ store, session }, digest) =>
  session.set({
    viewed: digest === store.record.picked ? "" : digest,
    showing: "result",
    comparing: false,
  });

/**
 * @param {App} app
 * @param {number} steps
 */
export const step = (app, steps) => {
  const { store, session } = app;
  const batch = shownBatch(session.state);
  if (!batch) return;
  const shown = session.state.viewed || store.record.picked;
  const at = batch.candidates.findIndex(({ digest }) => digest === shown);
  const count = batch.candidates.length;
  if (count === 0) return;
  const next = at < 0 ? (steps > 0 ? 0 : count - 1) : (at + steps + count) % count;
  view(app, batch.candidates[next].digest);
};

/**
 * @param {App} app
 * @param {Identifier} job
 */
export const showBatch = (app, job) => {
  app.session.set({ batch: job });
  const batch = shownBatch(app.session.state);
  const made = batch ? [...batch.candidates, ...batch.stage1Images] : [];
  if (made.length > 0 && !made.some(({ digest }) => digest === app.store.record.picked))
    view(app, made[0].digest);
  else app.session.set({ viewed: "", showing: "result" });
};

/**
 * Turns a way of comparing on, or off again: "split", "blink" or "changed".
 * @param {CompareMode} mode
 * @returns {(app: App) => unknown}
 */
export const compareBy =
  (mode) =>
  ({ store, session }) => {
    const { compare, viewed } = session.state;
    if (!viewed && !store.record.picked)
      return addNotice(session, {
        what: "There is no result to compare yet.",
        remedy: "Generate first.",
        brief: true,
      });
    return session.set({
      compare: compare === mode ? "" : mode,
      showing: "result",
      comparing: false,
    });
  };

/** @param {App} app */
export const flipView = ({ store, session }) => {
  const { showing, viewed, job } = session.state;
  const hasResult = viewed || store.record.picked || job;
  if (showing === "collage" && !hasResult) {
    return addNotice(session, {
      what: "There is no result yet.",
      remedy: "Generate first.",
      brief: true,
    });
  }
  return session.set({ showing: showing === "collage" ? "result" : "collage", comparing: false });
};
