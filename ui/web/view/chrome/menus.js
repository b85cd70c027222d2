// Buttons with a list below them: menus of commands, and the steps so far.

import { h, keyed, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

/** A button with a menu below it; `items(shown)` gives [{title, hint, run}] or {heading}. */
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

const walk = (list, event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!steps) return;
  event.preventDefault();
  const all = [...list.querySelectorAll("button")];
  all[(all.indexOf(document.activeElement) + steps + all.length) % all.length]?.focus();
};

const menuItem = (app, { heading, title, hint, test, command, argument }) => {
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

const createStep = (app, index) => {
  const press = () => app.store.goTo(index);
  return {
    node: h("button", { type: "button", class: "menu-item", role: "option", on: { click: press } }),
  };
};

const updateList = (app, list, nodes) => {
  const { entries, place } = app.store.history;
  keyed(list, nodes, [...entries.keys()], String, (index) => createStep(app, index));
  for (const [index, { name }] of entries.entries()) {
    const { node } = nodes.get(String(index));
    set(node, { text: name, "aria-selected": index === place, "data-undone": index > place });
  }
  list.children[place]?.scrollIntoView({ block: "nearest" });
};

export const createHistoryMenu = (app) => {
  const nodes = new Map();
  const list = h("div", { role: "listbox", "aria-label": "Steps" });
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
  const update = ({ state }) => {
    const open = state.open === "history";
    show(popover, open);
    set(opener, { "aria-expanded": open });
    if (open) updateList(app, list, nodes);
  };
  return { node: h("span", { class: "menu-box" }, opener, popover), update };
};
