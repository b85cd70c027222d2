// Buttons with a list below them: menus of commands.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { MenuEntry } from "../../types/view.d.ts"
 */

import { h, set, show } from "../dom/elements.js";
import { icon } from "../dom/icons.js";

/**
 * A button with a menu below it; `items(shown)` gives [{title, hint, run}] or {heading}.
 * @param {App} app
 * @param {{
 *   name: string,
 *   title: string,
 *   test: string,
 *   items: (shown: Shown) => readonly MenuEntry[],
 *   iconName?: string,
 * }} options
 */
export const createMenu = (app, { name, title, test, items, iconName = "" }) => {
  const list = h("div", { class: "menu", role: "menu", "aria-label": title, hidden: true });
  const opener = h(
    "button",
    {
      type: "button",
      class: "button",
      "data-test": test,
      "aria-haspopup": "menu",
      "aria-label": iconName ? title : null,
      title: iconName ? title : null,
      on: { click: () => toggle() },
    },
    iconName ? icon(iconName) : null,
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
    if (key !== known)
      fill(
        list,
        entries.map((entry) => menuItem(app, entry)),
      );
    known = key;
    if (open && list.hidden) requestAnimationFrame(() => list.querySelector("button")?.focus());
    if (!open && !list.hidden && list.contains(document.activeElement)) opener.focus();
    show(list, open);
  };
  return { node, update };
};

/**
 * New entries in place of the old ones; the one that has the focus keeps it.
 * @param {HTMLElement} list
 * @param {readonly HTMLElement[]} entries
 */
const fill = (list, entries) => {
  const focused = [...list.children].findIndex((each) => each === document.activeElement);
  list.replaceChildren(...entries);
  if (focused >= 0) entries[focused]?.focus();
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
const menuItem = (app, { heading, title, hint, test, command = "", argument, ticked }) => {
  if (heading) return h("div", { class: "menu-heading", text: heading });
  const turns = ticked !== undefined;
  const run = () => {
    if (!turns) app.session.set({ open: "" });
    app.run(command, argument);
  };
  const role = turns ? { role: "menuitemcheckbox", "aria-checked": ticked } : { role: "menuitem" };
  return h(
    "button",
    { type: "button", ...role, class: "menu-item", "data-test": test, on: { click: run } },
    h("span", { text: turns ? `${ticked ? "☑" : "☐"} ${title}` : title }),
    hint ? h("kbd", { text: hint }) : null,
  );
};
