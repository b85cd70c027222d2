// The strip under the canvas: the candidates of a run, to look at, accept or put away.

/**
 * @import { App, Batch, SessionState, Shown } from "../../types/editor.d.ts"
 * @import { Candidate } from "../../types/protocol.d.ts"
 */

import { plural } from "../../kernels/numbers.js";
import { layerOf, titleOf } from "../../model/records.js";
import { placeOf, verdictLines } from "../../model/scores.js";
import { batchesOf } from "../../model/session.js";
import { CANDIDATE, createKeyed, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { createCompareButtons } from "./compare-buttons.js";
import { createStage1Images } from "./stage1-images.js";
import {
  createRankSign,
  createThumbVeil,
  createUnchangedSign,
  focusShown,
  keepReachable,
} from "./thumb-signs.js";

/**
 * @param {App} app
 * @param {Candidate} candidate
 */
const createThumb = (app, candidate) => {
  const { index, seed, digest } = candidate;
  const shape = {
    type: "button",
    class: "candidate",
    role: "option",
    title: `Seed ${seed}`,
    draggable: "true",
  };
  const hooks = { "data-test": "candidate", "data-index": index, "data-digest": digest };
  /** @param {DragEvent} event */
  const carry = ({ dataTransfer }) => dataTransfer?.setData(CANDIDATE, candidate.id);
  const on = {
    click: () => app.run("view", digest),
    dblclick: () => app.run("accept"),
    dragstart: carry,
  };
  const alt = `Candidate ${index + 1}, seed ${seed}`;
  const picture = h("img", { src: app.pictures.url(digest), alt, draggable: "false" });
  const label = h("span", { class: "candidate-seed", text: String(seed) });
  const [place, veil] = [createRankSign(), createThumbVeil(app)];
  const node = h(
    "button",
    { ...shape, ...hooks, on },
    picture,
    label,
    createUnchangedSign(candidate),
    place.node,
    veil.node,
  );
  /**
   * @param {Shown} shown
   * @param {Candidate} now
   */
  const update = (shown, now) => {
    set(node, { "data-starred": (shown.record.starred ?? []).includes(digest) });
    veil.update(shown, now);
    place.update(
      placeOf(now, shown.batch?.candidates ?? []),
      verdictLines(now, shown.record.scene.layers),
    );
    const current = shown.shownDigest === digest;
    set(node, {
      "aria-selected": current,
      "data-picked": shown.record.picked === digest,
      tabindex: current ? 0 : -1,
    });
    set(node, { "data-other": shown.mix?.other.digest === digest });
  };
  return { node, update };
};

/** @param {Shown} shown */
const headline = (shown) => {
  const { batch } = shown;
  if (!batch) return shown.state.job ? "On its way" : "No pictures yet";
  const varied = layerOf(shown.record, shown.state.varied[batch.job] ?? "");
  if (varied) return titleOf(varied);
  if (!batch.layerId) return "Whole picture";
  const layer = layerOf(shown.record, batch.layerId);
  return layer ? titleOf(layer) : "A deleted layer";
};

/**
 * @param {Batch} batch
 * @param {Readonly<SessionState>} state
 */
const sublineOf = ({ job, candidates }, state) => {
  const layouts = candidates.filter(({ layout }) => layout).length;
  if (layouts) return `${plural(layouts, "layout", "layouts")}: click one, then retouch it`;
  const count = plural(candidates.length, "candidate", "candidates");
  if (state.varied[job]) return `${count}, it alone varies`;
  if (candidates.length) return count;
  return state.job ? "The candidates follow." : "Refine a draft to make some.";
};

/** @param {Shown} shown */
const subline = ({ batch, state }) => {
  if (batch) return sublineOf(batch, state);
  return state.job
    ? "The candidates appear here."
    : "Generate makes the first ones. They stay here, run by run.";
};

/**
 * Steps through the runs of this scene, the newest first.
 * @param {App} app
 */
const createRuns = (app) => {
  const place = h("span", { class: "muted" });
  /** @param {number} steps */
  const go = (steps) => () => {
    const batches = batchesOf(app.session.state);
    const at = batches.findIndex(({ job }) => job === app.shown().batch?.job);
    const next = batches[at + steps];
    if (next) app.run("showBatch", next.job);
  };
  const kind = "quiet small";
  const older = button(app, go(1), {
    iconName: "left",
    test: "older-run",
    title: "The run before",
    kind,
  });
  const newer = button(app, go(-1), {
    iconName: "right",
    test: "newer-run",
    title: "The run after",
    kind,
  });
  const node = h("span", { class: "runs" }, older, place, newer);
  /** @param {Shown} shown */
  const update = (shown) => {
    const { batches } = shown;
    const at = batches.findIndex(({ job }) => job === shown.batch?.job);
    show(node, batches.length > 1);
    set(place, { text: `run ${batches.length - at} of ${batches.length}` });
    set(newer, { disabled: at <= 0 });
    set(older, { disabled: at >= batches.length - 1 });
  };
  return { node, update };
};

/** @type {Readonly<Record<string, string>>} */
const STEPPING = { ArrowLeft: "previous", ArrowRight: "next", Enter: "accept" };

/**
 * Arrows step, Enter accepts; the focus goes with the shown candidate.
 * @param {App} app
 * @param {HTMLElement} list
 */
const connectStepping = (app, list) =>
  list.addEventListener("keydown", (event) => {
    const command = STEPPING[event.key];
    if (!command || event.ctrlKey) return;
    event.preventDefault();
    app.run(command).then(() => requestAnimationFrame(() => focusShown(list)));
  });

/** @param {App} app */
const createCandidates = (app) => {
  const shape = {
    class: "candidates",
    role: "listbox",
    "aria-label": "Candidates",
    "data-test": "candidates",
  };
  const list = h("div", { ...shape, "aria-orientation": "horizontal" });
  connectStepping(app, list);
  /** @param {Candidate} candidate */
  const thumbOf = (candidate) => createThumb(app, candidate);
  const placeThumbs = createKeyed(list, ({ id }) => id, thumbOf);
  /** @param {Shown} shown */
  const update = (shown) => {
    const candidates = shown.batch?.candidates ?? [];
    placeThumbs(candidates).forEach((thumb, index) => thumb.update(shown, candidates[index]));
    keepReachable(list);
    show(list, candidates.length > 0);
  };
  return { node: list, update };
};

/** @param {App} app */
const createChoices = (app) => {
  const away = { label: "Discard", test: "discard", title: "Put these candidates away (Shift X)" };
  const take = {
    label: "Accept",
    test: "accept",
    title: "Go on with this one (Enter)",
    kind: "accent",
    key: "⏎",
  };
  const [discard, accept] = [button(app, "discard", away), button(app, "accept", take)];
  const star = button(app, "star", {
    iconName: "star",
    test: "star",
    title: "Star (Shift S)",
    kind: "quiet",
  });
  const into = {
    iconName: "decompose",
    test: "decompose",
    title: "Decompose into layers (Shift D)",
    kind: "quiet",
  };
  const decompose = button(app, "decompose", into);
  const touch = createRetouchButtons(app);
  /** @param {Shown} shown */
  const update = (shown) => {
    [star, decompose, discard, accept].forEach((each) => show(each, shown.batch !== null));
    set(star, {
      disabled: !shown.ownDigest,
      "aria-pressed": (shown.record.starred ?? []).includes(shown.ownDigest),
    });
    set(decompose, { disabled: shown.state.job !== null || !shown.ownDigest });
    set(accept, { disabled: !shown.state.viewed && !shown.mix });
    touch.update(shown);
  };
  return { nodes: [...touch.nodes, star, decompose, discard, accept], update };
};

/** @param {App} app */
export const createStrip = (app) => {
  const title = h("span", { class: "strip-title" });
  const count = h("span", { class: "muted" });
  const [runs, compare] = [createRuns(app), createCompareButtons(app)];
  const [choices, list] = [createChoices(app), createCandidates(app)];
  const spring = h("span", { class: "spring" });
  const head = h(
    "div",
    { class: "strip-head" },
    title,
    count,
    runs.node,
    spring,
    compare.node,
    choices.nodes,
  );
  const stage1Images = createStage1Images(app);
  const pictures = h("div", { class: "strip-pictures" }, head, list.node);
  const node = h(
    "section",
    { class: "strip", "aria-label": "Results" },
    stage1Images.node,
    pictures,
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    const layerId = shown.batch && (shown.batch.layerId || shown.state.varied[shown.batch.job]);
    set(title, {
      text: headline(shown),
      "data-tint": layerId ? app.tints.indexOf(layerId) : null,
    });
    set(count, { text: subline(shown) });
    [stage1Images, runs, compare, choices, list].forEach((part) => part.update(shown));
    set(node, { "data-empty": shown.batch === null });
  };
  return { node, update };
};

/**
 * Retouch the layout in view; show where subjects were found.
 * @param {App} app
 */
const createRetouchButtons = (app) => {
  const touch = "Give the subject in this layout its own looks (T)";
  const retouch = button(app, "retouch", {
    label: "Retouch",
    test: "retouch",
    title: touch,
    kind: "accent",
    key: "T",
  });
  const found = "Show where the subject was found";
  const masks = button(app, "showMasks", {
    label: "Mask",
    test: "show-masks",
    title: found,
    kind: "small flip",
  });
  /** @param {Shown} shown */
  const update = (shown) => {
    const made = shown.batch?.candidates ?? [];
    show(
      retouch,
      made.some(({ layout }) => layout),
    );
    set(retouch, { disabled: shown.state.job !== null || !shown.candidate?.layout });
    show(
      masks,
      made.some(({ mask }) => mask),
    );
    set(masks, { "aria-pressed": shown.state.masksShown });
  };
  return { nodes: [masks, retouch], update };
};
