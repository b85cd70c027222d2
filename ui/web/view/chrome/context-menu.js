// The menu at the pointer: what can be done with what lies there, from the table of commands.

/**
 * @import { App, Command, Point, Shown } from "../../types/editor.d.ts"
 */

import { COMMANDS } from "../../commands.js";
import { withBindings } from "../../commands/keymap.js";
import { select } from "../../model/edits.js";
import { chosenIds } from "../../model/records.js";
import { elementOf, focused, h, show } from "../dom/elements.js";
import { keysOf } from "./key-sheet.js";

const OPEN = "context";
const LINE = "-";

/** Of one layer. */
const ONE = ["reroll", "vary", LINE, "duplicate", "hide", "lock", "delete"];
const ORDER = [LINE, "forward", "backward", "mergeDown"];
const SHAPE = [LINE, "flipX", "flipY", "alignCentre", "alignMiddle", "cropCanvas"];

/** Of several. */
const MANY = ["group", "duplicate", "hide", "lock", "delete"];
const ARRANGE = [
  LINE,
  "alignLeft",
  "alignCentre",
  "alignRight",
  "alignTop",
  "alignMiddle",
  "alignBottom",
  "distributeAcross",
  "distributeDown",
];

/** Where no layer is. */
const NONE = ["addPicture", "addPainted", LINE, "chooseAll", "fit", LINE];
const CANVAS = ["resizeCanvas", "cropCanvas", "extendCanvas", "export"];

/** @param {number} count of the chosen layers */
const idsFor = (count) => {
  if (count === 0) return [...NONE, ...CANVAS];
  return count === 1 ? [...ONE, ...ORDER, ...SHAPE] : [...MANY, ...ORDER.slice(0, 3), ...ARRANGE];
};

/**
 * What the menu is about: the layer under the pointer is chosen, unless it is among the chosen ones.
 * @param {App} app
 * @param {string} id of the layer, "" for none
 */
const chooseFor = ({ store, session }, id) => {
  if (id && chosenIds(store.record, session.state.also).includes(id)) return;
  session.set({ also: [] });
  store.amend(select(id));
};

/**
 * @param {App} app
 * @param {Command} command
 * @param {() => void} close
 */
const createItem = (app, { id, title, keys }, close) => {
  const run = () => {
    close();
    app.run(id);
  };
  const shape = { type: "button", role: "menuitem", class: "menu-item", tabindex: -1 };
  return h(
    "button",
    { ...shape, "data-test": "context-item", "data-command": id, on: { click: run } },
    h("span", { text: title }),
    h("span", { class: "key-chords" }, keysOf(keys.slice(0, 1))),
  );
};

/**
 * @param {App} app
 * @param {() => void} close
 * @returns {HTMLElement[]}
 */
const createItems = (app, close) => {
  const count = chosenIds(app.store.record, app.session.state.also).length;
  const commands = withBindings(COMMANDS, app.session.state.bindings);
  return idsFor(count).map((id) => {
    const command = commands.find((one) => one.id === id);
    if (command) return createItem(app, command, close);
    return h("div", { class: "menu-line", role: "separator" });
  });
};

/**
 * @param {HTMLElement} menu
 * @param {KeyboardEvent} event
 */
const walk = (menu, event) => {
  const all = [...menu.querySelectorAll("button")];
  const place = all.findIndex((each) => each === document.activeElement);
  /** @type {Readonly<Record<string, number>>} */
  const targets = {
    ArrowDown: (place + 1) % all.length,
    ArrowUp: (place - 1 + all.length) % all.length,
    Home: 0,
    End: all.length - 1,
  };
  if (!(event.key in targets)) return;
  event.preventDefault();
  event.stopPropagation();
  all[targets[event.key]]?.focus();
};

/**
 * @param {App} app
 * @param {(point: Point) => string} layerAt the layer that is seen at a point of the stage, or ""
 */
export const createContextMenu = (app, layerAt) => {
  const shape = { class: "menu context-menu", role: "menu", "aria-label": "What can be done here" };
  const node = h("div", { ...shape, hidden: true, "data-test": "context-menu" });
  /** @type {HTMLElement | null} */
  let returnTo = null;
  const close = () => app.session.set({ open: "" });
  /** @param {MouseEvent} event */
  const open = (event) => {
    const target = elementOf(event);
    const row = /** @type {HTMLElement | null} */ (target.closest("[data-test=layer-row]"));
    const canvas = target.closest("[data-test=canvas]");
    if (!row && !canvas) return;
    event.preventDefault();
    const box = target.getBoundingClientRect();
    const isByKey = event.button !== 2;
    const at = { x: event.clientX - box.left, y: event.clientY - box.top };
    if (!isByKey || row) chooseFor(app, row ? (row.dataset.layer ?? "") : layerAt(at));
    returnTo = focused();
    node.replaceChildren(...createItems(app, close));
    app.session.set({ open: OPEN });
    show(node, true);
    const place = isByKey
      ? { x: box.left + 24, y: box.top + 24 }
      : { x: event.clientX, y: event.clientY };
    node.style.left = `${Math.max(4, Math.min(place.x, innerWidth - node.offsetWidth - 4))}px`;
    node.style.top = `${Math.max(4, Math.min(place.y, innerHeight - node.offsetHeight - 4))}px`;
    node.querySelector("button")?.focus();
  };
  node.addEventListener("keydown", (event) => walk(node, event));
  node.addEventListener("contextmenu", (event) => event.preventDefault());
  /** @param {Shown} shown */
  const update = ({ state }) => {
    if (state.open === OPEN || node.hidden) return;
    if (node.contains(document.activeElement)) returnTo?.focus();
    show(node, false);
  };
  return { node, update, open };
};
