// The layers panel: the top row is in front. Rows are dragged, or walked with the arrows like a list.

import { select } from "../../model/edits.js";
import { groupById, rowsOf } from "../../model/groups.js";
import { chosenIds } from "../../model/records.js";
import { h, keyed, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { createGroupRow } from "./group-row.js";
import { createLayerRow } from "./layer-row.js";
import { connectReordering, rowsIn } from "./reorder.js";

const ARROWS = { ArrowDown: 1, ArrowUp: -1 };

/** Right opens a group, Left closes it. */
const fold = (app, row, key) => {
  const group = row && groupById(app.store.record.scene, row.dataset.group ?? "");
  if (group && group.collapsed === (key === "ArrowRight")) app.run("foldGroup", group.id);
};

/** One step in the tree with the arrows; the selection goes along. */
const walk = (app, list, event) => {
  if (event.altKey || event.target.closest("input, textarea, button, select")) return;
  const rows = rowsIn(list);
  const own = rows.indexOf(event.target.closest("[data-layer], [data-group]"));
  if (event.key === "ArrowRight" || event.key === "ArrowLeft")
    return void fold(app, rows[own], event.key);
  const steps = ARROWS[event.key];
  if (!steps) return;
  event.preventDefault();
  const at =
    own >= 0 ? own : rows.findIndex((row) => row.dataset.layer === app.store.record.selected);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + steps))];
  if (!next) return;
  if (next.dataset.group) app.run("chooseGroup", next.dataset.group);
  else {
    app.session.set({ also: [] });
    app.store.amend(select(next.dataset.layer));
  }
  next.focus();
};

const createList = (app) => {
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
  list.addEventListener("keydown", (event) => walk(app, list, event));
  connectReordering(app, list, line);
  let revealed = "";
  const reveal = ({ selected }) => {
    if (selected && selected !== revealed)
      nodes.get(selected)?.node.scrollIntoView({ block: "nearest" });
    revealed = selected;
  };
  const keyOf = ({ layer, group }) => layer?.id ?? group.id;
  const rowOf = ({ layer, group }) =>
    layer ? createLayerRow(app, layer.id) : createGroupRow(app, group.id);
  const update = (shown) => {
    const rows = rowsOf(shown.scene);
    keyed(list, nodes, rows, keyOf, rowOf);
    if (line.parentNode !== list || line.nextSibling) list.append(line);
    rows.forEach((row, index) => nodes.get(keyOf(row)).update(shown, row, index === 0));
    reveal(shown.record);
  };
  return { node: list, update };
};

export const createLayersPanel = (app) => {
  const list = createList(app);
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
  const tuning = button(app, "autotune", {
    ...tune,
    title: "Choose the dials of all layers, with reasons (Shift A)",
  });
  const painted = button(app, "addPainted", paint);
  const gather = {
    ...shape,
    iconName: "group",
    test: "group-layers",
    title: "Group the chosen layers (Ctrl G)",
  };
  const grouping = button(app, "group", gather);
  const adds = h(
    "span",
    { class: "group" },
    tuning,
    grouping,
    painted,
    button(app, "addPicture", shape),
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
