// Rows of the panel dragged to another place.

import { dropRow, groupById, groupTitle } from "../../model/groups.js";
import { layerOf, titleOf } from "../../model/records.js";
import { show } from "../dom/elements.js";

export const rowsIn = (list) =>
  [...list.children].filter((row) => row.dataset.layer || row.dataset.group);

const middleOf = (row) => {
  const box = row.firstChild.getBoundingClientRect();
  return box.top + box.height / 2;
};

/** Whether a row goes along when another one is dragged: itself, and the layers of a dragged group. */
const goesAlong = (row, dragged) =>
  row === dragged || row.dataset.within === (dragged.dataset.group ?? "none");

/** How many of the rows that stay are above a height. */
const gapAt = (list, dragged, y) =>
  rowsIn(list).filter((row) => !goesAlong(row, dragged) && middleOf(row) < y).length;

const markDrop = (list, line, dragged, y) => {
  const staying = rowsIn(list).filter((row) => !goesAlong(row, dragged));
  const box = list.getBoundingClientRect();
  const next = staying[gapAt(list, dragged, y)];
  const top = next
    ? next.getBoundingClientRect().top
    : rowsIn(list).at(-1).getBoundingClientRect().bottom;
  line.style.top = `${top - box.top + list.scrollTop - 1}px`;
};

const CONTROLS = "button, input, textarea, select, summary, .class-names";

/** Whether a press on this element begins a drag: on all of a row but its controls, and on a name nobody is typing. */
const isGrip = (target) => {
  const control = target.closest(CONTROLS);
  return !control || (control.dataset.test === "group-name" && control !== document.activeElement);
};

const FAR_PX = 5;

const EDGE_PX = 24;

const SCROLL_PX = 8;

/** Scrolls the list while something is dragged along its upper or lower edge. */
const scrollAt = (list, y) => {
  const box = list.parentNode.getBoundingClientRect();
  if (y < box.top + EDGE_PX) list.parentNode.scrollTop -= SCROLL_PX;
  else if (y > box.bottom - EDGE_PX) list.parentNode.scrollTop += SCROLL_PX;
};

/** What a press takes along: {id, row, name: a name's field that was pressed, y, active}; null beside all rows. */
const pressed = ({ target, button: which, clientY: y }) => {
  const row = target.closest("[data-layer], [data-group]");
  if (!row || which !== 0 || !isGrip(target)) return null;
  return {
    id: row.dataset.layer ?? row.dataset.group,
    row,
    name: target.closest("input"),
    y,
    active: false,
  };
};

/** Dragging a row to another place. Escape, lost capture and blur leave everything as it was. */
export const connectReordering = (app, list, line) => {
  let drag = null;
  const stop = () => {
    const wasActive = drag?.active ?? false;
    drag?.row.classList.remove("dragged");
    drag = null;
    show(line, false);
    return wasActive;
  };
  const begin = (event) => {
    drag.active = true;
    drag.row.setPointerCapture(event.pointerId);
    drag.row.classList.add("dragged");
    show(line, true);
  };
  const drop = (event) => {
    if (!drag) return;
    const { id, row, active, name } = drag;
    const gap = gapAt(list, row, event.clientY);
    stop();
    if (active) app.store.change(`Reorder ${nameOf(app, id)}`, dropRow(id, gap));
    else name?.focus();
  };
  const press = (event) => void (drag = pressed(event));
  const move = (event) => {
    if (!drag || (!drag.active && Math.abs(event.clientY - drag.y) < FAR_PX)) return;
    if (!(event.buttons & 1)) return void stop();
    if (!drag.active) begin(event);
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

const nameOf = ({ store }, id) => {
  const group = groupById(store.record.scene, id);
  return group ? groupTitle(group) : titleOf(layerOf(store.record, id));
};
