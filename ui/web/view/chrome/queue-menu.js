// The queue: a pill that says what runs, and below it everything that runs or waits, of all scenes
// and subjects, each with its way to be stopped.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { QueueEntry, RequestKind } from "../../types/protocol.d.ts"
 */

import { formatSeconds, plural } from "../../kernels/numbers.js";
import { createKeyed, firstOf, h, lastOf, set, show } from "../dom/elements.js";

/** @type {Readonly<Record<RequestKind, string>>} */
const WORK = {
  compose: "pictures",
  reroll: "one layer",
  learn: "a learned look",
  decompose: "layers of a picture",
  subject: "training",
};

/** @param {QueueEntry} entry */
const standingOf = ({ state, place, done, total, left_s }) => {
  if (state === "queued") return place === 1 ? "is next" : `waits at place ${place}`;
  if (!total) return "is starting";
  const left = left_s === null ? "" : `, ${formatSeconds(left_s)} left`;
  return `step ${done} of ${total}${left}`;
};

/**
 * What the pill stands for: this page's own run, else whatever the server does.
 * @param {Shown} shown
 * @param {boolean} isRunning
 */
const standingOfAll = ({ state }, isRunning) => {
  if (state.job) return state.job.state === "queued" ? "queued" : "running";
  if (isRunning) return "running";
  return state.queue.jobs.length > 0 ? "queued" : "idle";
};

/** @param {Shown} shown */
const pillOf = (shown) => {
  const { jobs } = shown.state.queue;
  const running = jobs.find((entry) => entry.state === "running");
  const waiting = jobs.length - Number(running !== undefined);
  const standing = standingOfAll(shown, running !== undefined);
  const isTraining = !shown.state.job && running?.kind === "subject";
  const word = isTraining ? "training" : standing;
  return { standing, text: waiting ? `${word} · ${plural(waiting, "waits", "wait")}` : word };
};

/**
 * @param {App} app
 * @param {string} id
 */
const createRow = (app, id) => {
  const words = h("span", { class: "queue-words" }, h("b"), h("span", { class: "muted" }));
  const stop = h("button", {
    type: "button",
    class: "button quiet",
    text: "Stop",
    "data-test": "queue-stop",
    on: { click: () => app.run("cancelJob", id) },
  });
  return { node: h("div", { class: "queue-row", "data-test": "queue-row" }, words, stop), words };
};

/** @param {App} app */
export const createQueueMenu = (app) => {
  const list = h("div");
  const placeRows = createKeyed(list, String, (/** @type {string} */ id) => createRow(app, id));
  const empty = h("p", { class: "muted", text: "Nothing runs, and nothing waits." });
  const heading = h("div", { class: "menu-heading", text: "Runs and trainings" });
  const popover = h(
    "div",
    { class: "menu queue-menu", hidden: true, "data-test": "queue-list" },
    ...[heading, list, empty],
  );
  const toggle = () =>
    app.session.set({ open: app.session.state.open === "queue-menu" ? "" : "queue-menu" });
  const pill = h(
    "button",
    {
      type: "button",
      class: "pill",
      title: "What runs and what waits",
      "data-test": "queue",
      on: { click: toggle },
    },
    h("span", { class: "dot" }),
    h("b"),
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    const { standing, text } = pillOf(shown);
    const open = shown.state.open === "queue-menu";
    set(lastOf(pill), { text });
    set(pill, { "data-state": standing, "aria-expanded": String(open) });
    show(popover, open);
    if (!open) return;
    const { jobs } = shown.state.queue;
    show(empty, jobs.length === 0);
    placeRows(jobs.map(({ id }) => id)).forEach(({ node, words }, place) => {
      const entry = jobs[place];
      set(node, { "data-job": entry.id, "data-state": entry.state });
      set(firstOf(words), { text: entry.name || "Untitled" });
      set(lastOf(words), { text: ` · ${WORK[entry.kind]} · ${standingOf(entry)}` });
    });
  };
  return { node: h("span", { class: "menu-box" }, pill, popover), update };
};
