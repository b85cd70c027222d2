// The queue: a pill that says what runs, and below it everything that runs or waits, of all scenes
// and subjects, each with its ways to be moved and stopped, and a pause for all of it.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { QueueReport } from "../../types/protocol.d.ts"
 */

import { describeQueue, describeRun, ownRuns, placeAfter } from "../../model/queue.js";
import { createKeyed, firstOf, h, lastOf, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";

/** @typedef {"first" | "earlier" | "later"} Way */

/** @type {Readonly<Record<Way, { iconName: string, title: string }>>} */
const WAYS = {
  first: { iconName: "toFront", title: "To the front of those that wait (Alt+Home)" },
  earlier: { iconName: "earlier", title: "One place earlier (Alt+Up)" },
  later: { iconName: "later", title: "One place later (Alt+Down)" },
};

/** @type {Readonly<Record<string, Way>>} */
const WAY_KEYS = { Home: "first", ArrowUp: "earlier", ArrowDown: "later" };

/**
 * Keys of a row: Alt with an arrow or Home moves it, an arrow alone goes to the next row, Delete
 * stops it.
 * @param {App} app
 * @param {string} id
 * @param {KeyboardEvent} event
 */
const pressRowKey = (app, id, event) => {
  const row = /** @type {HTMLElement} */ (event.currentTarget);
  const { key } = event;
  const isStop = key === "Delete" && event.target === row;
  if (!isStop && !(key in WAY_KEYS)) return;
  event.preventDefault();
  event.stopPropagation();
  if (isStop) app.run("cancelJob", id);
  else if (event.altKey) app.run("moveJob", id, WAY_KEYS[key]);
  else {
    const next = key === "ArrowDown" ? row.nextElementSibling : row.previousElementSibling;
    if (next instanceof HTMLElement) next.focus();
  }
};

/**
 * @param {App} app
 * @param {string} id
 */
const createRow = (app, id) => {
  const words = h("span", { class: "queue-words" }, h("b"), h("span", { class: "muted" }));
  const ways = Object.entries(WAYS).map(([way, { iconName, title }]) => ({
    way: /** @type {Way} */ (way),
    node: button(app, () => app.run("moveJob", id, way), {
      iconName,
      test: `queue-${way}`,
      title,
      kind: "quiet small",
    }),
  }));
  const stop = button(app, () => app.run("cancelJob", id), {
    label: "Stop",
    test: "queue-stop",
    title: "Stop this run (Delete)",
    kind: "quiet small",
  });
  const controls = h("span", { class: "queue-controls" }, ...ways.map(({ node }) => node), stop);
  const node = h(
    "div",
    {
      class: "queue-row",
      role: "listitem",
      tabindex: 0,
      "data-test": "queue-row",
      on: { keydown: (/** @type {KeyboardEvent} */ event) => pressRowKey(app, id, event) },
    },
    words,
    controls,
  );
  /** @param {QueueReport} queue */
  const update = (queue) => {
    const entry = queue.jobs.find((one) => one.id === id);
    if (!entry) return;
    const { name, text } = describeRun(entry, queue);
    set(node, { "data-job": id, "data-state": entry.state });
    set(firstOf(words), { text: name });
    set(lastOf(words), { text });
    for (const { way, node: move } of ways) {
      show(move, entry.state === "queued");
      set(move, { disabled: placeAfter(queue, id, way) === null });
    }
  };
  return { node, update };
};

/**
 * What stands above the rows: the pause, and the end of all runs of the open scene.
 * @param {App} app
 */
const createHead = (app) => {
  const pause = button(app, "pauseQueue", {
    label: "Pause",
    test: "queue-pause",
    title: "What runs stops after its step and keeps what is done",
    kind: "quiet small",
  });
  const own = button(app, "cancelOwn", {
    label: "Stop this scene's",
    test: "queue-stop-own",
    title: "Stop all that runs or waits of the open scene",
    kind: "quiet small",
  });
  const heading = h("span", { class: "menu-heading", text: "Runs and trainings" });
  const node = h("div", { class: "queue-head" }, heading, h("span", {}, own, pause));
  const reason = h("p", { role: "status", "data-test": "queue-pause-reason" });
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const { queue, project } = state;
    set(lastOf(pause), { text: queue.pause ? "Go on" : "Pause" });
    show(own, ownRuns(queue, project).length > 1);
    show(reason, queue.pause !== "");
    set(reason, { text: queue.pause });
  };
  return { nodes: [node, reason], update };
};

/** @param {App} app */
export const createQueueMenu = (app) => {
  const list = h("div", { role: "list", "aria-label": "Runs and trainings" });
  const placeRows = createKeyed(list, String, (/** @type {string} */ id) => createRow(app, id));
  const empty = h("p", { class: "muted", text: "Nothing runs, and nothing waits." });
  const head = createHead(app);
  const popover = h(
    "div",
    { class: "menu queue-menu", hidden: true, "data-test": "queue-list" },
    ...[...head.nodes, list, empty],
  );
  const pill = h(
    "button",
    {
      type: "button",
      class: "pill",
      title: "What runs and what waits",
      "data-test": "queue",
      on: { click: () => app.run("queue") },
    },
    h("span", { class: "dot" }),
    h("b"),
  );
  /** @param {Shown} shown */
  const updateRows = ({ state }) => {
    const { queue } = state;
    const focused = document.activeElement;
    placeRows(queue.jobs.map(({ id }) => id)).forEach((row) => row.update(queue));
    // A row that took another place has lost the focus on the way.
    if (focused instanceof HTMLElement && list.contains(focused)) focused.focus();
  };
  /** @param {Shown} shown */
  const update = (shown) => {
    const { queue, job, open: opened } = shown.state;
    const { standing, text } = describeQueue(job, queue);
    const open = opened === "queue-menu";
    set(lastOf(pill), { text });
    set(pill, { "data-state": standing, "aria-expanded": String(open) });
    show(popover, open);
    if (!open) return;
    show(empty, queue.jobs.length === 0);
    head.update(shown);
    updateRows(shown);
  };
  return { node: h("span", { class: "menu-box" }, pill, popover), update };
};
