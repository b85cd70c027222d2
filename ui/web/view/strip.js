// The strip under the canvas: the candidates of a run, to look at, accept or put away.

import { plural } from "../kernels/numbers.js";
import { batchesOf } from "../model/session.js";
import { layerOf, titleOf } from "../model/records.js";
import { button } from "./fields.js";
import { icon } from "./icons.js";
import { h, keyed, set, show } from "./dom.js";

const createThumb = (desk, candidate) => {
  const seed = h("span", { class: "candidate-seed", text: String(candidate.seed) });
  const same =
    candidate.changed_outside === null || candidate.changed_outside === undefined
      ? null
      : h(
          "span",
          {
            class: candidate.changed_outside === 0 ? "candidate-same" : "candidate-changed",
            title: `changed pixels outside: ${candidate.changed_outside}`,
          },
          icon(candidate.changed_outside === 0 ? "check" : "warn"),
        );
  const node = h(
    "button",
    {
      type: "button",
      class: "candidate",
      role: "option",
      "data-test": "candidate",
      "data-index": candidate.index,
      "data-digest": candidate.digest,
      title: `Seed ${candidate.seed}`,
      on: { click: () => desk.run("view", candidate.digest), dblclick: () => desk.run("accept") },
    },
    h("img", {
      src: desk.pictures.url(candidate.digest),
      alt: `Candidate ${candidate.index + 1}, seed ${candidate.seed}`,
      draggable: "false",
    }),
    seed,
    same,
  );
  const update = (shown) => {
    const current = shown.shownDigest === candidate.digest;
    set(node, {
      "aria-selected": String(current),
      "data-picked": shown.record.picked === candidate.digest,
      tabindex: current ? "0" : "-1",
    });
  };
  return { node, update };
};

const headline = (shown) => {
  const { batch } = shown;
  if (!batch) return shown.state.job ? "On its way" : "No pictures yet";
  if (!batch.layerId) return "Whole picture";
  const layer = layerOf(shown.record, batch.layerId);
  return layer ? titleOf(layer) : "A deleted layer";
};

const subline = (shown) => {
  const { batch, state } = shown;
  if (batch) return plural(batch.candidates.length, "candidate", "candidates");
  return state.job ? "The candidates appear here." : "Generate makes the first ones. They stay here, run by run.";
};

/** Steps through the runs of this scene, the newest first. */
const createRuns = (desk) => {
  const place = h("span", { class: "muted" });
  const go = (steps) => () => {
    const batches = batchesOf(desk.session.state);
    const at = batches.findIndex(({ job }) => job === desk.shown().batch?.job);
    const next = batches[at + steps];
    if (next) desk.run("showBatch", next.job);
  };
  const newer = button(desk, go(-1), {
    iconName: "left",
    test: "newer-run",
    title: "A newer run",
    kind: "quiet small",
  });
  const older = button(desk, go(1), {
    iconName: "right",
    test: "older-run",
    title: "An older run",
    kind: "quiet small",
  });
  const node = h("span", { class: "runs" }, newer, place, older);
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

/** Held down, the stage shows the picture that the candidate was made over. */
const createCompare = (desk) => {
  const compare = (comparing) => () => desk.session.set({ comparing });
  const node = button(desk, () => {}, {
    label: "Before",
    iconName: "compare",
    test: "compare",
    title: "Hold to see the picture before",
    kind: "quiet",
  });
  for (const kind of ["pointerdown", "keydown"]) node.addEventListener(kind, compare(true));
  for (const kind of ["pointerup", "pointerleave", "keyup", "blur"]) node.addEventListener(kind, compare(false));
  return { node, update: (shown) => show(node, Boolean(shown.candidate?.source)) };
};

export const createStrip = (desk) => {
  const nodes = new Map();
  const title = h("span", { class: "strip-title" });
  const count = h("span", { class: "muted" });
  const runs = createRuns(desk);
  const compare = createCompare(desk);
  const discard = button(desk, "discard", {
    label: "Discard",
    test: "discard",
    title: "Put these candidates away (Shift X)",
  });
  const accept = button(desk, "accept", {
    label: "Accept",
    test: "accept",
    title: "Go on with this one (Enter)",
    kind: "accent",
    key: "⏎",
  });
  const keys = (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (steps) {
      event.preventDefault();
      desk
        .run(steps > 0 ? "next" : "previous")
        .then(() => requestAnimationFrame(() => list.querySelector('[aria-selected="true"]')?.focus()));
    }
    if (event.key === "Enter") {
      event.preventDefault();
      desk.run("accept");
    }
  };
  const list = h("div", {
    class: "candidates",
    role: "listbox",
    "aria-label": "Candidates",
    "aria-orientation": "horizontal",
    "data-test": "candidates",
    on: { keydown: keys },
  });
  const node = h(
    "section",
    { class: "strip", "aria-label": "Results" },
    h(
      "div",
      { class: "strip-head" },
      title,
      count,
      runs.node,
      h("span", { class: "spring" }),
      compare.node,
      discard,
      accept,
    ),
    list,
  );
  const update = (shown) => {
    const candidates = shown.batch?.candidates ?? [];
    set(title, {
      text: headline(shown),
      "data-tint": shown.batch?.layerId ? desk.tints.indexOf(shown.batch.layerId) : null,
    });
    set(count, { text: subline(shown) });
    keyed(
      list,
      nodes,
      candidates,
      (candidate) => candidate.id,
      (candidate) => createThumb(desk, candidate),
    );
    candidates.forEach((candidate, index) => nodes.get(candidate.id).update(shown, index));
    if (candidates.length && !list.querySelector('[tabindex="0"]')) list.firstChild.tabIndex = 0;
    [runs, compare].forEach((part) => part.update(shown));
    show(discard, candidates.length > 0);
    show(accept, candidates.length > 0);
    set(accept, { disabled: !shown.state.viewed });
    show(list, candidates.length > 0);
    set(node, { "data-empty": candidates.length === 0 });
  };
  return { node, update };
};
