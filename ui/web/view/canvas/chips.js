// What lies on the canvas without being part of it: progress, the promise about pixels, and the
// view's switch.

/**
 * @import { App, Job, Shown } from "../../types/editor.d.ts"
 * @import { Facts, Identifier, QueueReport } from "../../types/protocol.d.ts"
 * @import { SeenFrame } from "../../types/view.d.ts"
 */

import { formatPercent, formatSeconds, plural } from "../../kernels/numbers.js";
import { reasonToWait } from "../../model/queue.js";
import { h, set, setVariable, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

const SOON_S = 0.5;

/**
 * A run may have fewer steps than were asked for: those before the largest strength of a layer are
 * left out.
 * @param {Job} job
 */
const skippedText = ({ asked, total }) =>
  asked > total && total
    ? `${plural(asked - total, "step is", "steps are")} left out: no layer may change that much.`
    : null;

/**
 * A run may have more steps than were asked for: those of a draft come before them.
 * @param {Job} job
 */
const addedText = ({ asked, total, kind }) =>
  asked > 0 && asked < total && kind === "compose"
    ? `${plural(total - asked, "step makes", "steps make")} the draft, then come the ${asked} ` +
      "that were asked for."
    : null;

/**
 * @param {Job} job
 * @param {QueueReport} queue
 */
const progressText = (job, queue) => {
  if (job.stopping) return "stopping …";
  if (job.state === "queued") return reasonToWait(queue, job.id);
  if (!job.total) return "starting …";
  const left =
    job.left_s === null
      ? ""
      : ` · ${job.left_s < SOON_S ? "almost done" : `${formatSeconds(job.left_s)} left`}`;
  return `step ${job.done} of ${job.total}${left}`;
};

/** @param {App} app */
export const createProgress = (app) => {
  const text = h("span", { "data-test": "progress", role: "status", "aria-live": "polite" });
  const preview = h("span", { class: "unseen", "data-test": "preview", hidden: true });
  const cancel = button(app, "cancelRun", {
    label: "cancels",
    test: "cancel",
    title: "Stop this run (Esc)",
    kind: "chip-button",
  });
  cancel.prepend(h("kbd", { text: "Esc" }));
  const bar = h("span", {
    class: "bar",
    role: "progressbar",
    "aria-label": "Steps",
    "aria-valuemin": "0",
  });
  const node = h("div", { class: "chip-box progress", hidden: true }, text, preview, cancel, bar);
  /** @param {SeenFrame} seen */
  const update = ({ state, hasPreview }) => {
    const { job } = state;
    show(node, job !== null);
    if (!job) return;
    set(text, { text: progressText(job, state.queue), title: skippedText(job) ?? addedText(job) });
    set(cancel, { disabled: job.stopping || !job.id });
    setVariable(bar, "--done", job.total ? `${(100 * job.done) / job.total}%` : "0%");
    set(bar, { "aria-valuenow": job.done, "aria-valuemax": job.total || 1 });
    show(preview, hasPreview);
    set(preview, { text: `preview of step ${job.done}` });
  };
  return { node, update };
};

/**
 * The count that the server took after decoding: 0 means that every pixel outside the object is the
 * same as before.
 */
export const createPromise = () => {
  const text = h("span", { "data-test": "changed-outside" });
  const sign = h("span", { class: "sign" }, icon("check"), icon("warn"));
  const node = h("div", { class: "chip-box promise", hidden: true, role: "status" }, sign, text);
  /** @param {SeenFrame} seen */
  const update = ({ candidate, state }) => {
    const count = candidate?.changed_outside ?? null;
    show(node, count !== null && state.showing === "result" && !state.job);
    set(text, { text: count === null ? "" : `changed pixels outside: ${count}` });
    set(node, {
      "data-good": count === 0,
      title:
        count === 0
          ? "Every pixel outside this object is exactly as it was."
          : "Some pixels outside this object differ from the picture before.",
    });
  };
  return { node, update };
};

/** How many pixels differ from the picture before, while they are shown. */
export const createChangedCount = () => {
  const node = h("div", {
    class: "chip-box changed",
    hidden: true,
    role: "status",
    "data-test": "changed-pixels",
  });
  /** @param {SeenFrame} seen */
  const update = ({ changes }) => {
    show(node, Boolean(changes));
    if (changes)
      set(node, {
        text: `${plural(changes.count, "pixel", "pixels")} changed · ${formatPercent(changes.share)}`,
      });
  };
  return { node, update };
};

/** @param {App} app */
export const createShowingSwitch = (app) => {
  /**
   * @param {"collage" | "result"} showing
   * @param {string} label
   */
  const side = (showing, label) =>
    h("button", {
      type: "button",
      role: "radio",
      "data-test": `show-${showing}`,
      text: label,
      on: { click: () => app.session.state.showing !== showing && app.run("flipView") },
    });
  const [collage, result] = [side("collage", "Collage"), side("result", "Result")];
  const node = h(
    "div",
    {
      class: "chip-box switch",
      role: "radiogroup",
      "aria-label": "What the canvas shows",
      title: "Collage ⇄ result (`)",
    },
    collage,
    result,
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    show(node, Boolean(shown.shownDigest || shown.state.job));
    set(collage, { "aria-checked": String(shown.state.showing === "collage") });
    set(result, { "aria-checked": String(shown.state.showing === "result") });
  };
  return { node, update };
};

/** What is being read in, as long as it takes. */
export const createReadingNote = () => {
  const text = h("span");
  const node = h(
    "div",
    { class: "chip-box reading", role: "status", hidden: true },
    h("span", { class: "spinner" }),
    text,
  );
  /** @param {SeenFrame} seen */
  const update = ({ state }) => {
    show(node, state.reading !== "");
    set(text, { text: `${state.reading} …` });
  };
  return { node, update };
};

/**
 * Shown over an empty canvas.
 * @param {App} app
 */
export const createInvitation = (app) => {
  const add = button(app, "addPicture", {
    label: "Add pictures",
    iconName: "plus",
    test: "invite-add",
    kind: "accent",
  });
  const paint = button(app, "addPainted", {
    label: "Paint a region",
    iconName: "region",
    test: "invite-paint",
  });
  const examples = h("div", { class: "invite-examples", role: "group", "aria-label": "Examples" });
  const parts = [
    icon("picture"),
    h("p", { class: "invite-title", text: "Drop cut-out pictures here" }),
    h("p", {
      class: "muted",
      text: "PNG, JPEG or WebP; or a scene: .ora, .psd, .kra. You can also paste.",
    }),
    h("div", { class: "invite-ways" }, add, paint),
    h("p", { class: "muted invite-or", text: "or begin with an example" }),
    examples,
  ];
  const node = h(
    "div",
    { class: "invitation", hidden: true },
    h("div", { class: "invite-sheet" }, parts),
  );
  /** @type {Readonly<Facts> | null} */
  let known = null;
  /** @param {Readonly<Facts> | null} facts */
  const list = (facts) => {
    known = facts;
    /** @param {{ id: Identifier, title: string }} parts */
    const open = ({ id, title }) =>
      h("button", {
        type: "button",
        class: "button small",
        "data-test": `invite-${id}`,
        text: title,
        on: { click: () => app.run("openExample", id) },
      });
    examples.replaceChildren(...(facts?.examples ?? []).map(open));
  };
  /** @param {SeenFrame} seen */
  const update = ({ scene, shownDigest, state }) => {
    if (state.facts !== known) list(state.facts);
    show(node, scene.layers.length === 0 && !shownDigest && Boolean(state.project));
  };
  return { node, update };
};

/** @param {{ index: number }} one */
const named = ({ index }) => `candidate ${index + 1}`;

/**
 * What is painted into what, and the two ways out.
 * @param {App} app
 */
export const createMixChip = (app) => {
  const [base, other] = [h("img", { alt: "" }), h("img", { alt: "" })];
  const text = h("span", { "data-test": "mix-text" });
  const shape = { kind: "chip-button" };
  const accept = {
    ...shape,
    label: "Keep",
    test: "mix-keep",
    title: "Keep it as a new candidate (Enter)",
    key: "⏎",
  };
  const discard = {
    ...shape,
    label: "Put away",
    test: "mix-leave",
    title: "Stop; undo brings it back (Shift X)",
  };
  const ways = [button(app, "accept", accept), button(app, "discard", discard)];
  const node = h(
    "div",
    { class: "chip-box mix-chip", hidden: true, role: "status" },
    other,
    text,
    base,
    ways,
  );
  /** @param {SeenFrame} seen */
  const update = ({ mix, state }) => {
    show(node, mix !== null && state.showing === "result");
    if (!mix) return;
    set(base, { src: app.pictures.url(mix.base.digest) });
    set(other, { src: app.pictures.url(mix.other.digest) });
    set(text, { text: "into" });
    set(node, {
      title: `Paint ${named(mix.other)} into ${named(mix.base)}; the eraser takes it back`,
    });
    set(node, { "aria-label": `Painting ${named(mix.other)} into ${named(mix.base)}` });
  };
  return { node, update };
};
