// The list of steps since the document was opened; a click goes to one.

import { button } from "./fields.js";
import { h, keyed, set, show } from "./dom.js";

const createStep = (desk, index) => {
  const press = () => desk.store.goTo(index);
  return {
    node: h("button", { type: "button", class: "menu-item", role: "option", on: { click: press } }),
  };
};

const updateList = (desk, list, nodes) => {
  const { entries, place } = desk.store.history;
  keyed(list, nodes, [...entries.keys()], String, (index) => createStep(desk, index));
  for (const [index, { name }] of entries.entries()) {
    const { node } = nodes.get(String(index));
    set(node, { text: name, "aria-selected": index === place, "data-undone": index > place });
  }
  list.children[place]?.scrollIntoView({ block: "nearest" });
};

export const createSteps = (desk) => {
  const nodes = new Map();
  const list = h("div", { role: "listbox", "aria-label": "Steps" });
  const heading = h("div", { class: "menu-heading", text: "Steps" });
  const popover = h(
    "div",
    { class: "menu history", hidden: true, "data-test": "history-list" },
    heading,
    list,
  );
  const opener = button(desk, "steps", {
    iconName: "steps",
    test: "history",
    title: "Steps so far",
    kind: "quiet",
  });
  const update = ({ state }) => {
    const open = state.open === "history";
    show(popover, open);
    set(opener, { "aria-expanded": open });
    if (open) updateList(desk, list, nodes);
  };
  return { node: h("span", { class: "menu-box" }, opener, popover), update };
};
