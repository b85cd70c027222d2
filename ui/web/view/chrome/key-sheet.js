// The sheet of keys, printed from the table of commands: searched by words, and each key may be
// given anew.

/** @import { App, Bindings, Command, Shown } from "../../types/editor.d.ts" */

import { COMMANDS } from "../../commands.js";
import { rebind, withBindings } from "../../commands/keymap.js";
import { chordOf } from "../../kernels/chords.js";
import { search } from "../../kernels/searching.js";
import { focused, h, show } from "../dom/elements.js";
import { icon } from "../dom/icons.js";
import { keepFocus } from "./sheets.js";

/** @type {Readonly<Record<string, string>>} */
const SIGNS = { Escape: "Esc", Delete: "Del", Left: "←", Right: "→", Up: "↑", Down: "↓" };

/** @param {readonly string[]} chords */
export const keysOf = (chords) =>
  chords.flatMap((chord, index) => [
    ...(index ? [h("span", { class: "muted", text: " or " })] : []),
    ...chord.split(/\+(?!$)/).map((key) => h("kbd", { text: SIGNS[key] ?? key })),
  ]);

const POINTER_ROWS = [
  ["Wheel", "Zoom at the pointer"],
  ["Two fingers", "Move and zoom the view"],
  ["Space or middle button", "Move the view"],
  ["Shift while dragging", "Straight line, steps of 15°, any proportions"],
  ["Alt", "Brush erases; scaling from the centre"],
  ["Ctrl", "Regions subtract; moving without snapping"],
  ["Double click on a slider", "Back to its usual value"],
];

const MODIFIERS = ["Control", "Shift", "Alt", "Meta"];

/**
 * @param {string} title
 * @param {readonly HTMLElement[]} lines
 */
const groupOf = (title, lines) => h("div", { class: "key-group" }, h("h3", { text: title }), lines);

/**
 * A command's line; pressing its keys waits for the new ones.
 * @param {App} app
 * @param {Command} command
 */
const createLine = (app, command) => {
  const chords = h(
    "button",
    {
      type: "button",
      class: "key-chords",
      title: "Press to give it another key",
      "aria-label": `Keys of ${command.title}: ${command.keys.join(" or ") || "none"}. Press to change`,
      "data-test": "key-of",
      "data-command": command.id,
    },
    command.keys.length ? keysOf(command.keys) : h("span", { class: "muted", text: "none" }),
  );
  const wait = () => {
    chords.replaceChildren(h("span", { class: "key-wait", text: "press the new key …" }));
    chords.addEventListener("keydown", take);
    chords.addEventListener("blur", () => app.session.set({}), { once: true });
  };
  /** @param {KeyboardEvent} event */
  const take = (event) => {
    if (MODIFIERS.includes(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
    chords.removeEventListener("keydown", take);
    if (event.key === "Escape") return void chords.replaceChildren(...keysOf(command.keys));
    app.setBindings(rebind(COMMANDS, app.session.state.bindings, command.id, chordOf(event)));
  };
  chords.addEventListener("click", wait);
  return h("div", { class: "key-line" }, h("span", { text: command.title }), chords);
};

/**
 * @param {App} app
 * @param {HTMLElement} columns
 * @param {string} query
 */
const drawColumns = (app, columns, query) => {
  const all = withBindings(COMMANDS, app.session.state.bindings).filter(({ title }) => title);
  const shown = search(
    all,
    query,
    ({ title, group, keys }) => `${title} ${group} ${keys.join(" ")}`,
  );
  const titles = [...new Set(all.map(({ group }) => group))].filter((title) =>
    shown.some(({ group }) => group === title),
  );
  const groups = titles.map((title) => {
    const commands = shown.filter(({ group }) => group === title);
    return groupOf(
      title,
      commands.map((command) => createLine(app, command)),
    );
  });
  const rows = search(POINTER_ROWS, query, (row) => row.join(" ")).map(([what, does]) =>
    h(
      "div",
      { class: "key-line" },
      h("span", { text: does }),
      h("span", { class: "key-chords" }, h("kbd", { text: what })),
    ),
  );
  columns.replaceChildren(...groups, ...(rows.length ? [groupOf("Mouse and pen", rows)] : []));
};

/**
 * @param {App} app
 * @param {() => void} close
 */
const createHead = (app, close) => {
  const field = h("input", {
    class: "field-input key-search",
    type: "search",
    placeholder: "Search",
    "aria-label": "Search the keys",
    "data-test": "key-search",
  });
  const reset = h("button", {
    type: "button",
    class: "button quiet small",
    text: "Usual keys",
    title: "Give every command its usual keys again",
    "data-test": "keys-reset",
    on: { click: () => app.setBindings({}) },
  });
  const shape = {
    type: "button",
    class: "button quiet",
    "aria-label": "Close",
    on: { click: close },
  };
  const shut = h("button", shape, icon("close"));
  const spring = h("span", { class: "spring" });
  return {
    node: h("div", { class: "sheet-head" }, h("h2", { text: "Keys" }), field, spring, reset, shut),
    field,
  };
};

/** @param {App} app */
export const createKeySheet = (app) => {
  const close = () => app.session.set({ open: "" });
  const columns = h("div", { class: "key-columns" });
  const head = createHead(app, close);
  const about = { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": "Keys" };
  const sheet = h("div", about, head.node, columns);
  keepFocus(sheet);
  head.field.addEventListener("input", () => drawColumns(app, columns, head.field.value));
  head.field.addEventListener(
    "keydown",
    (event) => event.key === "Escape" && (event.stopPropagation(), close()),
  );
  const node = h("div", { class: "veil", hidden: true, "data-test": "key-sheet" }, sheet);
  node.addEventListener("click", (event) => event.target === node && close());
  /** @type {HTMLElement | null} */
  let returnTo = null;
  /** @type {Bindings | null} */
  let drawn = null;
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const open = state.open === "keys";
    if (open && (node.hidden || drawn !== state.bindings))
      drawColumns(app, columns, head.field.value);
    if (open) drawn = state.bindings;
    if (open !== node.hidden) return;
    if (open) returnTo = focused();
    show(node, open);
    (open ? head.field : returnTo)?.focus();
  };
  return { node, update };
};
