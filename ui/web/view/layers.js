// The layers panel: the top row is in front. Rows are dragged, or walked with the arrows like a list.

import { moveTo, select } from "../model/edits.js";
import { titleOf } from "../model/records.js";
import { button } from "./fields.js";
import { h, keyed, set, show } from "./dom.js";
import { createRow } from "./row.js";

const ARROWS = { ArrowDown: 1, ArrowUp: -1 };

/** Which position from the back a row dropped at a height gets. */
const dropIndex = (list, y, layers) => {
  const rows = [...list.children].filter((row) => row.dataset.layer);
  const above = rows.filter((row) => {
    const box = row.firstChild.getBoundingClientRect();
    return box.top + box.height / 2 < y;
  }).length;
  return layers.length - above;
};

const markDrop = (list, line, y) => {
  const rows = [...list.children].filter((row) => row.dataset.layer);
  const box = list.getBoundingClientRect();
  const next = rows.find((row) => {
    const head = row.firstChild.getBoundingClientRect();
    return head.top + head.height / 2 >= y;
  });
  const top = next ? next.getBoundingClientRect().top : rows.at(-1).getBoundingClientRect().bottom;
  line.style.top = `${top - box.top + list.scrollTop - 1}px`;
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
  const drop = (event) => {
    if (!drag) return;
    const { id, active } = drag;
    stop();
    if (!active) return;
    const { layers } = desk.store.record.scene;
    const from = layers.findIndex((layer) => layer.id === id);
    const to = dropIndex(list, event.clientY, layers);
    desk.store.change(`Reorder ${titleOf(layers[from])}`, moveTo(id, to > from ? to - 1 : to));
  };
  list.addEventListener("pointerdown", (event) => {
    const row = event.target.closest("[data-layer]");
    if (!row || event.button !== 0 || event.target.closest("button, input, textarea, .card")) return;
    drag = { id: row.dataset.layer, row, y: event.clientY, active: false };
    row.setPointerCapture(event.pointerId);
  });
  list.addEventListener("pointermove", (event) => {
    if (!drag || (!drag.active && Math.abs(event.clientY - drag.y) < 5)) return;
    drag.active = true;
    drag.row.classList.add("dragged");
    show(line, true);
    markDrop(list, line, event.clientY);
  });
  list.addEventListener("pointerup", drop);
  list.addEventListener("lostpointercapture", stop);
  desk.onCancel(stop);
};

/** One step in the tree with the arrows; the selection goes along. */
const walk = (desk, list, event) => {
  const steps = ARROWS[event.key];
  if (!steps || event.altKey || event.target.closest("input, textarea, button, select")) return;
  event.preventDefault();
  const rows = [...list.children].filter((row) => row.dataset.layer);
  const at = rows.findIndex((row) => row.dataset.layer === desk.store.record.selected);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + steps))];
  if (!next) return;
  desk.store.amend(select(next.dataset.layer));
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
    if (selected && selected !== revealed) nodes.get(selected)?.node.scrollIntoView({ block: "nearest" });
    revealed = selected;
  };
  const rowOf = ({ id }) => createRow(desk, id);
  const update = (shown) => {
    const layers = shown.scene.layers.toReversed();
    keyed(list, nodes, layers, ({ id }) => id, rowOf);
    if (line.parentNode !== list || line.nextSibling) list.append(line);
    layers.forEach((layer, index) => nodes.get(layer.id).update(shown, layer, index === 0));
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
  const shape = { iconName: "plus", test: "add-picture", title: "Add pictures (Ctrl I)", kind: "quiet small" };
  const paint = { iconName: "region", test: "add-painted", title: "Add a painted region (N)", kind: "quiet small" };
  const tune = { label: "Auto-adjust", iconName: "tune", test: "autotune", kind: "quiet small" };
  const tuning = button(desk, "autotune", { ...tune, title: "Choose the dials of all layers, with reasons (Shift A)" });
  const painted = button(desk, "addPainted", paint);
  const adds = h("span", { class: "group" }, tuning, painted, button(desk, "addPicture", shape));
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
    set(tuning, { disabled: shown.state.reading !== "" });
  };
  return { node, update };
};
