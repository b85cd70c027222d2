// Buttons with a list below them: menus of commands, and the steps so far.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { MenuEntry } from "../../types/view.d.ts"
 */

import { createKeyed, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

/**
 * A button with a menu below it; `items(shown)` gives [{title, hint, run}] or {heading}.
 * @param {App} app
 * @param {{
 *   name: string,
 *   title: string,
 *   test: string,
 *   items: (shown: Shown) => readonly MenuEntry[],
 * }} options
 */
export const createMenu = (app, { name, title, test, items }) => {
  const list = h("div", { class: "menu", role: "menu", "aria-label": title, hidden: true });
  const opener = h(
    "button",
    {
      type: "button",
      class: "button",
      "data-test": test,
      "aria-haspopup": "menu",
      on: { click: () => toggle() },
    },
    h("span", { text: title }),
    icon("down"),
  );
  const toggle = () => app.session.set({ open: app.session.state.open === name ? "" : name });
  const node = h("div", { class: "menu-box" }, opener, list);
  list.addEventListener("keydown", (event) => walk(list, event));
  let known = "";
  /** @param {Shown} shown */
  const update = (shown) => {
    const open = shown.state.open === name;
    set(opener, { "aria-expanded": String(open) });
    const entries = items(shown);
    const key = JSON.stringify(entries);
    if (key !== known) list.replaceChildren(...entries.map((entry) => menuItem(app, entry)));
    known = key;
    if (open && list.hidden) requestAnimationFrame(() => list.querySelector("button")?.focus());
    if (!open && !list.hidden && list.contains(document.activeElement)) opener.focus();
    show(list, open);
  };
  return { node, update };
};

/** @type {Readonly<Record<string, number>>} */
const STEPS = { ArrowDown: 1, ArrowUp: -1 };

/**
 * @param {HTMLElement} list
 * @param {KeyboardEvent} event
 */
const walk = (list, event) => {
  const steps = STEPS[event.key];
  if (!steps) return;
  event.preventDefault();
  const all = [...list.querySelectorAll("button")];
  const place = all.findIndex((each) => each === document.activeElement);
  all[(place + steps + all.length) % all.length]?.focus();
};

/**
 * @param {App} app
 * @param {MenuEntry} entry
 */
const menuItem = (app, { heading, title, hint, test, command = "", argument }) => {
  if (heading) return h("div", { class: "menu-heading", text: heading });
  const run = () => {
    app.session.set({ open: "" });
    app.run(command, argument);
  };
  return h(
    "button",
    { type: "button", role: "menuitem", class: "menu-item", "data-test": test, on: { click: run } },
    h("span", { text: title }),
    hint ? h("kbd", { text: hint }) : null,
  );
};

/**
 * @param {App} app
 * @param {number} index
 */
const createStep = (app, index) => {
  const press = () => app.store.goTo(index);
  return {
    node: h("button", { type: "button", class: "menu-item", role: "option", on: { click: press } }),
  };
};

/** @param {App} app */
export const createHistoryMenu = (app) => {
  const list = h("div", { role: "listbox", "aria-label": "Steps" });
  const placeSteps = createKeyed(list, String, (/** @type {number} */ index) =>
    createStep(app, index),
  );
  const updateList = () => {
    const { entries, place } = app.store.history;
    placeSteps([...entries.keys()]).forEach(({ node }, index) => {
      const { name } = entries[index];
      set(node, { text: name, "aria-selected": index === place, "data-undone": index > place });
    });
    list.children[place]?.scrollIntoView({ block: "nearest" });
  };
  const heading = h("div", { class: "menu-heading", text: "Steps" });
  const popover = h(
    "div",
    { class: "menu history", hidden: true, "data-test": "history-list" },
    heading,
    list,
  );
  const opener = button(app, "steps", {
    iconName: "steps",
    test: "history",
    title: "Steps so far",
    kind: "quiet",
  });
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const open = state.open === "history";
    show(popover, open);
    set(opener, { "aria-expanded": open });
    if (open) updateList();
  };
  return { node: h("span", { class: "menu-box" }, opener, popover), update };
};
