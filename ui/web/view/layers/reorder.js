// Rows of the panel dragged to another place.

/**
 * @import { App } from "../../types/editor.d.ts"
 * @import { Identifier } from "../../types/protocol.d.ts"
 */

import { dropRow, groupById, groupTitle } from "../../model/groups.js";
import { layerOf, titleOf } from "../../model/records.js";
import { elementOf, firstOf, show } from "../dom/elements.js";

/** @param {HTMLElement} list */
export const rowsIn = (list) =>
  /** @type {HTMLElement[]} */ ([...list.children]).filter(
    (row) => row.dataset.layer || row.dataset.group,
  );

/** @param {HTMLElement} row */
const middleOf = (row) => {
  const box = firstOf(row).getBoundingClientRect();
  return box.top + box.height / 2;
};

/**
 * Whether a row goes along when another one is dragged: itself, and the layers of a dragged group.
 * @param {HTMLElement} row
 * @param {HTMLElement} dragged
 */
const goesAlong = (row, dragged) =>
  row === dragged || row.dataset.within === (dragged.dataset.group ?? "none");

/**
 * How many of the rows that stay are above a height.
 * @param {HTMLElement} list
 * @param {HTMLElement} dragged
 * @param {number} y
 */
const gapAt = (list, dragged, y) =>
  rowsIn(list).filter((row) => !goesAlong(row, dragged) && middleOf(row) < y).length;

/**
 * @param {HTMLElement} list
 * @param {HTMLElement} line
 * @param {HTMLElement} dragged
 * @param {number} y
 */
const markDrop = (list, line, dragged, y) => {
  const staying = rowsIn(list).filter((row) => !goesAlong(row, dragged));
  const box = list.getBoundingClientRect();
  const next = staying[gapAt(list, dragged, y)];
  const top = next
    ? next.getBoundingClientRect().top
    : (rowsIn(list).at(-1) ?? list).getBoundingClientRect().bottom;
  line.style.top = `${top - box.top + list.scrollTop - 1}px`;
};

const CONTROLS = "button, input, textarea, select, summary, .class-names";

/**
 * Whether a press on this element begins a drag: on all of a row but its controls, and on a name
 * nobody is typing.
 * @param {HTMLElement} target
 */
const isGrip = (target) => {
  const control = /** @type {HTMLElement | null} */ (target.closest(CONTROLS));
  return !control || (control.dataset.test === "group-name" && control !== document.activeElement);
};

const FAR_PX = 5;

const EDGE_PX = 24;

const SCROLL_PX = 8;

/**
 * Scrolls the list while something is dragged along its upper or lower edge.
 * @param {HTMLElement} list
 * @param {number} y
 */
const scrollAt = (list, y) => {
  const around = list.parentElement;
  if (!around) return;
  const box = around.getBoundingClientRect();
  if (y < box.top + EDGE_PX) around.scrollTop -= SCROLL_PX;
  else if (y > box.bottom - EDGE_PX) around.scrollTop += SCROLL_PX;
};

/**
 * What a press takes along: a row, and a name's field in it that was pressed.
 * @typedef {object} RowDrag
 * @property {Identifier} id
 * @property {HTMLElement} row
 * @property {HTMLInputElement | null} name
 * @property {number} y
 * @property {boolean} active
 */

/**
 * The row that an event is in.
 * @param {Event} event
 */
export const rowAt = (event) =>
  /** @type {HTMLElement | null} */ (elementOf(event).closest("[data-layer], [data-group]"));

/**
 * What a press takes along; null beside all rows.
 * @param {PointerEvent} event
 * @returns {RowDrag | null}
 */
const dragOf = (event) => {
  const row = rowAt(event);
  if (!row || event.button !== 0 || !isGrip(elementOf(event))) return null;
  const id = row.dataset.layer ?? row.dataset.group ?? "";
  const name = elementOf(event).closest("input");
  return { id, row, name, y: event.clientY, active: false };
};

/**
 * Dragging a row to another place. Escape, lost capture and blur leave everything as it was.
 * @param {App} app
 * @param {HTMLElement} list
 * @param {HTMLElement} line
 */
export const connectReordering = (app, list, line) => {
  /** @type {RowDrag | null} */
  let drag = null;
  const stop = () => {
    const wasActive = drag?.active ?? false;
    drag?.row.classList.remove("dragged");
    drag = null;
    show(line, false);
    return wasActive;
  };
  /**
   * @param {RowDrag} drag
   * @param {PointerEvent} event
   */
  const begin = (drag, event) => {
    drag.active = true;
    drag.row.setPointerCapture(event.pointerId);
    drag.row.classList.add("dragged");
    show(line, true);
  };
  /** @param {PointerEvent} event */
  const drop = (event) => {
    if (!drag) return;
    const { id, row, active, name } = drag;
    const gap = gapAt(list, row, event.clientY);
    stop();
    if (active) app.store.change(`Reorder ${nameOf(app, id)}`, dropRow(id, gap));
    else name?.focus();
  };
  /** @param {PointerEvent} event */
  const press = (event) => void (drag = dragOf(event));
  /** @param {PointerEvent} event */
  const move = (event) => {
    if (!drag || (!drag.active && Math.abs(event.clientY - drag.y) < FAR_PX)) return;
    if (!(event.buttons & 1)) return void stop();
    if (!drag.active) begin(drag, event);
    scrollAt(list, event.clientY);
    markDrop(list, line, drag.row, event.clientY);
  };
  list.addEventListener("pointerdown", press);
  // A press on a name takes it along; it is typed in after a click without a drag.
  list.addEventListener("mousedown", (event) => drag?.name && event.preventDefault());
  list.addEventListener("pointermove", move);
  list.addEventListener("pointerup", drop);
  for (const kind of ["lostpointercapture", "pointercancel"]) list.addEventListener(kind, stop);
  app.onCancel(stop);
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
const nameOf = ({ store }, id) => {
  const group = groupById(store.record.scene, id);
  const layer = layerOf(store.record, id);
  if (group) return groupTitle(group);
  return layer ? titleOf(layer) : "a layer";
};
