// The sheet of keys, printed from the table of commands.

import { COMMANDS } from "../commands.js";
import { icon } from "./icons.js";
import { h, show } from "./dom.js";

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

const lineOf = (words, chords) =>
  h("div", { class: "key-line" }, h("span", { text: words }), h("span", { class: "key-chords" }, chords));

const groupOf = (title, lines) => h("div", { class: "key-group" }, h("h3", { text: title }), lines);

const createColumns = () => {
  const listed = Object.values(COMMANDS).filter(({ title, keys }) => title && keys.length);
  const groups = [...new Set(listed.map(({ group }) => group))];
  const columns = groups.map((title) => {
    const commands = listed.filter(({ group }) => group === title);
    return groupOf(
      title,
      commands.map((command) => lineOf(command.title, keysOf(command.keys))),
    );
  });
  const pointer = POINTER_ROWS.map(([what, does]) => lineOf(does, h("kbd", { text: what })));
  return h("div", { class: "key-columns" }, columns, groupOf("Mouse and pen", pointer));
};

const createSheet = (close) => {
  const shut = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": "Close", on: { click: close } },
    icon("close"),
  );
  const sheet = h(
    "div",
    { class: "sheet", role: "dialog", "aria-modal": "true", "aria-label": "Keys" },
    h("div", { class: "sheet-head" }, h("h2", { text: "Keys" }), h("span", { class: "spring" }), shut),
    createColumns(),
  );
  // The only thing to focus in the sheet is its button, so Tab stays on it.
  sheet.addEventListener("keydown", (event) => event.key === "Tab" && event.preventDefault());
  return { sheet, shut };
};

export const createKeySheet = (desk) => {
  const close = () => desk.session.set({ open: "" });
  const { sheet, shut } = createSheet(close);
  const node = h("div", { class: "veil", hidden: true, "data-test": "key-sheet" }, sheet);
  node.addEventListener("click", (event) => event.target === node && close());
  let returnTo = null;
  const update = ({ state }) => {
    const open = state.open === "keys";
    if (open !== node.hidden) return;
    if (open) returnTo = document.activeElement;
    show(node, open);
    (open ? shut : returnTo)?.focus();
  };
  return { node, update };
};
