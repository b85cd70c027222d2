// The key sheet and the list of steps.

import { COMMANDS } from "../commands.js";
import { button } from "./fields.js";
import { icon } from "./icons.js";
import { h, keyed, set, show } from "./dom.js";

const SIGNS = { Left: "Arrows", Escape: "Esc", Delete: "Del" };

const keysOf = (chords) =>
  chords.flatMap((chord, index) => [
    index ? h("span", { class: "muted", text: " or " }) : null,
    ...chord.split(/\+(?!$)/).map((key) => h("kbd", { text: SIGNS[key] ?? key })),
  ]);

const POINTER_ROWS = [
  ["Wheel", "zoom at the pointer"],
  ["Space or middle button", "move the view"],
  ["Shift while dragging", "straight line, steps of 15°, free proportions"],
  ["Alt while scaling", "from the centre"],
  ["Ctrl while moving", "without snapping"],
  ["Double click on a slider", "back to its usual value"],
];

export const createKeySheet = (desk) => {
  const close = () => desk.session.set({ open: "" });
  const listed = Object.values(COMMANDS).filter(({ title, keys }) => title && keys.length);
  const columns = [...new Set(listed.map(({ group }) => group))].map((group) =>
    h(
      "div",
      { class: "key-group" },
      h("h3", { text: group }),
      listed
        .filter((command) => command.group === group)
        .map((command) =>
          h(
            "div",
            { class: "key-line" },
            h("span", { text: command.title }),
            h("span", { class: "key-chords" }, keysOf(command.keys)),
          ),
        ),
    ),
  );
  const pointer = h(
    "div",
    { class: "key-group" },
    h("h3", { text: "Mouse and pen" }),
    POINTER_ROWS.map(([what, does]) =>
      h(
        "div",
        { class: "key-line" },
        h("span", { text: does }),
        h("span", { class: "key-chords" }, h("kbd", { text: what })),
      ),
    ),
  );
  const shut = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": "Close", on: { click: close } },
    icon("close"),
  );
  const sheet = h(
    "div",
    { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": "Keys", tabindex: "-1" },
    h("div", { class: "sheet-head" }, h("h2", { text: "Keys" }), h("span", { class: "spring" }), shut),
    h("div", { class: "key-columns" }, columns, pointer),
  );
  const node = h(
    "div",
    {
      class: "veil",
      hidden: true,
      "data-test": "key-sheet",
      on: { click: (event) => event.target === node && close() },
    },
    sheet,
  );
  sheet.addEventListener("keydown", (event) => event.key === "Tab" && (event.preventDefault(), shut.focus()));
  let returnTo = null;
  const update = ({ state }) => {
    const open = state.open === "keys";
    if (open === !node.hidden) return;
    show(node, open);
    if (open) [returnTo] = [document.activeElement, shut.focus()];
    else returnTo?.focus();
  };
  return { node, update };
};

/** Every step since the document was opened; a click goes there. */
export const createHistory = (desk) => {
  const nodes = new Map();
  const list = h("div", { class: "history-list", role: "listbox", "aria-label": "Steps" });
  const popover = h(
    "div",
    { class: "menu history", hidden: true, "data-test": "history-list" },
    h("div", { class: "menu-heading", text: "Steps" }),
    list,
  );
  const opener = button(desk, "steps", { iconName: "steps", test: "history", title: "Steps so far", kind: "quiet" });
  const node = h("span", { class: "menu-box" }, opener, popover);
  const update = ({ state }) => {
    const open = state.open === "history";
    show(popover, open);
    set(opener, { "aria-expanded": String(open) });
    if (!open) return;
    const { entries, place } = desk.store.history;
    const items = entries.map((entry, index) => ({ entry, index }));
    keyed(
      list,
      nodes,
      items,
      ({ index }) => index,
      ({ index }) => ({
        node: h("button", {
          type: "button",
          class: "menu-item",
          role: "option",
          on: { click: () => desk.store.goTo(index) },
        }),
      }),
    );
    for (const { entry, index } of items) {
      set(nodes.get(index).node, {
        text: entry.name,
        "aria-selected": String(index === place),
        "data-undone": index > place,
      });
    }
    list.children[place]?.scrollIntoView({ block: "nearest" });
  };
  return { node, update };
};
