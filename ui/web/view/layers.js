// The layers panel: the top row is in front. Rows are dragged, or walked with the arrows like a list.

import { select } from "../model/edits.js";
import { dropRow, groupById, groupTitle, rowsOf } from "../model/groups.js";
import { chosenIds, layerOf, titleOf } from "../model/records.js";
import { button } from "./fields.js";
import { h, keyed, set, show } from "./dom.js";
import { createGroupRow } from "./grouprow.js";
import { createRow } from "./row.js";

const ARROWS = { ArrowDown: 1, ArrowUp: -1 };

const rowsIn = (list) => [...list.children].filter((row) => row.dataset.layer || row.dataset.group);

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
const reordering = (desk, list, line) => {
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
    if (active) desk.store.change(`Reorder ${nameOf(desk, id)}`, dropRow(id, gap));
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
  desk.onCancel(stop);
};

const nameOf = ({ store }, id) => {
  const group = groupById(store.record.scene, id);
  return group ? groupTitle(group) : titleOf(layerOf(store.record, id));
};

/** Right opens a group, Left closes it. */
const fold = (desk, row, key) => {
  const group = row && groupById(desk.store.record.scene, row.dataset.group ?? "");
  if (group && group.collapsed === (key === "ArrowRight")) desk.run("foldGroup", group.id);
};

/** One step in the tree with the arrows; the selection goes along. */
const walk = (desk, list, event) => {
  if (event.altKey || event.target.closest("input, textarea, button, select")) return;
  const rows = rowsIn(list);
  const own = rows.indexOf(event.target.closest("[data-layer], [data-group]"));
  if (event.key === "ArrowRight" || event.key === "ArrowLeft")
    return void fold(desk, rows[own], event.key);
  const steps = ARROWS[event.key];
  if (!steps) return;
  event.preventDefault();
  const at =
    own >= 0 ? own : rows.findIndex((row) => row.dataset.layer === desk.store.record.selected);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + steps))];
  if (!next) return;
  if (next.dataset.group) desk.run("chooseGroup", next.dataset.group);
  else {
    desk.session.set({ also: [] });
    desk.store.amend(select(next.dataset.layer));
  }
  next.focus();
};

const createList = (desk) => {
  const nodes = new Map();
  const line = h("div", { class: "drop-line", hidden: true });
  const shape = {
    class: "layer-list",
    role: "tree",
    "aria-multiselectable": "true",
    "aria-label": "Layers, front to back",
    "data-test": "layers",
  };
  const list = h("div", shape);
  list.addEventListener("keydown", (event) => walk(desk, list, event));
  reordering(desk, list, line);
  let revealed = "";
  const reveal = ({ selected }) => {
    if (selected && selected !== revealed)
      nodes.get(selected)?.node.scrollIntoView({ block: "nearest" });
    revealed = selected;
  };
  const keyOf = ({ layer, group }) => layer?.id ?? group.id;
  const rowOf = ({ layer, group }) =>
    layer ? createRow(desk, layer.id) : createGroupRow(desk, group.id);
  const update = (shown) => {
    const rows = rowsOf(shown.scene);
    keyed(list, nodes, rows, keyOf, rowOf);
    if (line.parentNode !== list || line.nextSibling) list.append(line);
    rows.forEach((row, index) => nodes.get(keyOf(row)).update(shown, row, index === 0));
    reveal(shown.record);
  };
  return { node: list, update };
};

export const createLayers = (desk) => {
  const list = createList(desk);
  const invitation = "Drop cut-out pictures on the canvas, paste one, or add one here.";
  const words = [h("p", { text: "No layers yet." }), h("p", { class: "muted", text: invitation })];
  const empty = h("div", { class: "empty", hidden: true }, words);
  const count = h("span", { class: "muted" });
  const shape = {
    iconName: "plus",
    test: "add-picture",
    title: "Add pictures (Ctrl I)",
    kind: "quiet small",
  };
  const paint = {
    iconName: "region",
    test: "add-painted",
    title: "Add a painted region (N)",
    kind: "quiet small",
  };
  const tune = { label: "Auto-adjust", iconName: "tune", test: "autotune", kind: "quiet small" };
  const tuning = button(desk, "autotune", {
    ...tune,
    title: "Choose the dials of all layers, with reasons (Shift A)",
  });
  const painted = button(desk, "addPainted", paint);
  const gather = {
    ...shape,
    iconName: "group",
    test: "group-layers",
    title: "Group the chosen layers (Ctrl G)",
  };
  const grouping = button(desk, "group", gather);
  const adds = h(
    "span",
    { class: "group" },
    tuning,
    grouping,
    painted,
    button(desk, "addPicture", shape),
  );
  const parts = [h("h2", { text: "Layers" }), count, h("span", { class: "spring" }), adds];
  const head = h("div", { class: "panel-head" }, parts);
  const scroll = h("div", { class: "layer-scroll" }, list.node, empty);
  const node = h("section", { class: "layers", "aria-label": "Layers" }, head, scroll);
  const update = (shown) => {
    const { length } = shown.scene.layers;
    list.update(shown);
    set(count, { text: length ? String(length) : "" });
    show(empty, length === 0);
    show(tuning, length > 0);
    show(grouping, chosenIds(shown.record, shown.state.also).length > 1);
    set(tuning, { disabled: shown.state.reading !== "" });
  };
  return { node, update };
};
