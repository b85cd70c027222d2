// The layers panel: the top row is in front. Rows are dragged, or walked with the arrows like a
// list.

/**
 * @import { App, LayerRow, Shown } from "../../types/editor.d.ts"
 * @import { Keyed, RowView } from "../../types/view.d.ts"
 */

import { select } from "../../model/edits.js";
import { groupById, rowsOf } from "../../model/groups.js";
import { chosenIds } from "../../model/records.js";
import { createKeyed, elementOf, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { createGroupRow } from "./group-row.js";
import { createLayerRow } from "./layer-row.js";
import { connectReordering, rowAt, rowsIn } from "./reorder.js";

/** @type {Readonly<Record<string, number>>} */
const ARROWS = { ArrowDown: 1, ArrowUp: -1 };

/**
 * Right opens a group, Left closes it.
 * @param {App} app
 * @param {HTMLElement | undefined} row
 * @param {string} key
 */
const fold = (app, row, key) => {
  const group = row && groupById(app.store.record.scene, row.dataset.group ?? "");
  if (group && group.collapsed === (key === "ArrowRight")) app.run("foldGroup", group.id);
};

/**
 * @param {App} app
 * @param {HTMLElement} row
 */
const choose = (app, { dataset: { group, layer = "" } }) => {
  if (group) return void app.run("chooseGroup", group);
  app.session.set({ also: [] });
  app.store.amend(select(layer));
};

/**
 * One step in the tree with the arrows; the selection goes along.
 * @param {App} app
 * @param {HTMLElement} list
 * @param {KeyboardEvent} event
 */
const walk = (app, list, event) => {
  if (event.altKey || elementOf(event).closest("input, textarea, button, select")) return;
  const rows = rowsIn(list);
  const row = rowAt(event);
  const own = row ? rows.indexOf(row) : -1;
  if (event.key === "ArrowRight" || event.key === "ArrowLeft")
    return void fold(app, rows[own], event.key);
  const steps = ARROWS[event.key];
  if (!steps) return;
  event.preventDefault();
  const { selected } = app.store.record;
  const at = own >= 0 ? own : rows.findIndex((each) => each.dataset.layer === selected);
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + steps))];
  if (!next) return;
  choose(app, next);
  next.focus();
};

/** @param {App} app */
const createList = (app) => {
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
  /** @param {readonly Keyed[]} views @param {number} at @param {string} selected */
  const reveal = (views, at, selected) => {
    if (selected && selected !== revealed) views[at]?.node.scrollIntoView({ block: "nearest" });
    revealed = selected;
  };
  /** @param {LayerRow} row */
  const keyOf = (row) => (row.layer ? row.layer.id : row.group.id);
  /**
   * @param {LayerRow} row
   * @returns {RowView}
   */
  const rowOf = (row) =>
    row.layer ? createLayerRow(app, row.layer.id) : createGroupRow(app, row.group.id);
  const placeRows = createKeyed(list, keyOf, rowOf);
  /** @param {Shown} shown */
  const update = (shown) => {
    const rows = rowsOf(shown.scene);
    const views = placeRows(rows);
    if (line.parentNode !== list || line.nextSibling) list.append(line);
    views.forEach((view, index) => view.update(shown, rows[index], index === 0));
    const { selected } = shown.record;
    reveal(
      views,
      rows.findIndex((row) => keyOf(row) === selected),
      selected,
    );
  };
  return { node: list, update };
};

/** @param {App} app */
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
  /** @param {Shown} shown */
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
