// The command palette: every action by name, found by a few letters.

/** @import { App, Command, Shown } from "../../types/editor.d.ts" */

import { COMMANDS } from "../../commands.js";
import { withBindings } from "../../commands/keymap.js";
import { search } from "../../kernels/searching.js";
import { focused, h, set, show } from "../dom/elements.js";
import { keysOf } from "./key-sheet.js";

const MOST = 12;

/** @param {App} app */
const listed = (app) =>
  withBindings(COMMANDS, app.session.state.bindings).filter(({ title }) => title);

/**
 * @param {App} app
 * @param {Command} command
 * @param {{ index: number, isChosen: boolean, run: (command: Command) => void }} item
 */
const createItem = (app, command, { index, isChosen, run }) =>
  h(
    "div",
    {
      class: "palette-item",
      role: "option",
      id: `palette-${index}`,
      "aria-selected": isChosen,
      "data-test": "palette-item",
      "data-command": command.id,
      on: { click: () => run(command) },
    },
    h("span", { text: command.title }),
    h("span", { class: "muted palette-group", text: command.group }),
    h("span", { class: "key-chords" }, keysOf(command.keys.slice(0, 1))),
  );

/**
 * The list under the field: {node, update(query), step(by), take()}.
 * @param {App} app
 * @param {HTMLElement} field
 * @param {() => void} close
 */
const createFound = (app, field, close) => {
  const node = h("div", {
    class: "palette-list",
    role: "listbox",
    id: "palette-list",
    "aria-label": "Commands",
  });
  /** @type {readonly Command[]} */
  let items = [];
  let place = 0;
  /** @param {Command} command */
  const run = (command) => {
    close();
    app.run(command.id);
  };
  const draw = () => {
    const rows = items.map((command, index) =>
      createItem(app, command, { index, isChosen: index === place, run }),
    );
    node.replaceChildren(
      ...rows,
      ...(rows.length ? [] : [h("p", { class: "muted", text: "No such command." })]),
    );
    set(field, { "aria-activedescendant": items.length ? `palette-${place}` : null });
  };
  /** @param {number} by */
  const step = (by) => {
    if (items.length) place = (place + by + items.length) % items.length;
    draw();
  };
  /** @param {string} query */
  const update = (query) => {
    items = search(
      listed(app),
      query,
      ({ title, words, group }) => `${title} ${group} ${words}`,
    ).slice(0, MOST);
    place = 0;
    draw();
  };
  return { node, update, step, take: () => void (items[place] && run(items[place])) };
};

const createField = () =>
  h("input", {
    class: "field-input palette-field",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    placeholder: "What do you want to do?",
    "aria-label": "Search the commands",
    "aria-expanded": "true",
    "aria-controls": "palette-list",
    "data-test": "palette-field",
  });

/** @param {App} app */
export const createCommandPalette = (app) => {
  const close = () => app.session.set({ open: "" });
  const field = createField();
  const list = createFound(app, field, close);
  /** @type {Readonly<Record<string, () => void>>} */
  const keys = {
    ArrowDown: () => list.step(1),
    ArrowUp: () => list.step(-1),
    Enter: () => list.take(),
    Escape: close,
  };
  field.addEventListener("input", () => list.update(field.value));
  field.addEventListener("keydown", (event) => {
    const act = keys[event.key];
    if (event.key === "Tab" || event.key in keys) event.preventDefault();
    if (!act) return;
    event.stopPropagation();
    act();
  });
  const box = h(
    "div",
    { class: "sheet palette", role: "dialog", "aria-label": "Commands" },
    field,
    list.node,
  );
  const node = h("div", { class: "veil palette-veil", hidden: true, "data-test": "palette" }, box);
  node.addEventListener("click", (event) => event.target === node && close());
  /** @type {HTMLElement | null} */
  let returnTo = null;
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const open = state.open === "palette";
    if (open !== node.hidden) return;
    show(node, open);
    if (!open) return void returnTo?.focus();
    returnTo = focused();
    field.value = "";
    list.update("");
    field.focus();
  };
  return { node, update };
};
