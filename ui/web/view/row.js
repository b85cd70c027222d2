// One layer's row: eye, lock, thumbnail, phrase in its colour, freedom, coverage and warnings; and its card when selected.

import { formatFraction, formatPercent, plural } from "../kernels/numbers.js";
import { select, setLayer } from "../model/edits.js";
import { layerOf, titleOf } from "../model/records.js";
import { createCard } from "./card.js";
import { slider } from "./fields.js";
import { icon } from "./icons.js";
import { h, set, show } from "./dom.js";

/** Short words for the row; the whole sentence is in the card and in the tooltip. */
const SHORT = {
  hidden: "hidden",
  empty: "empty",
  off_canvas: "off the canvas",
  too_small: "too small",
  covered: "covered",
  phrase_missing: "not in the prompt",
  phrase_truncated: "beyond the prompt's end",
  no_phrase: "no phrase",
};

const toggle = (desk, id, { test, field, on, off, name }) => {
  const press = (event) => {
    event.stopPropagation();
    const layer = layerOf(desk.store.record, id);
    desk.store.change(
      `${layer[field] ? name[1] : name[0]} ${titleOf(layer)}`,
      setLayer(id, { [field]: !layer[field] }),
    );
  };
  const node = h(
    "button",
    { type: "button", class: `toggle ${test}`, "data-test": test, on: { click: press } },
    icon(on),
    icon(off),
  );
  return { node, update: (value, title) => set(node, { "aria-pressed": String(value), "aria-label": title, title }) };
};

const warningsOf = (shown, layer) => {
  if (!layer.visible) return [{ code: "hidden", text: "Hidden layers take no part." }];
  const notes = shown.state.notes.filter(
    (note) =>
      note.layer_id === layer.id &&
      note.code !== "phrase_missing" &&
      note.code !== "no_phrase" &&
      note.code !== "hidden",
  );
  if (!layer.phrase.trim())
    return [{ code: "no_phrase", text: "Without a phrase the layer only gives its pixels." }, ...notes];
  if (shown.unlinked.has(layer.id))
    return [{ code: "phrase_missing", text: `“${layer.phrase.trim()}” does not stand in the prompt.` }, ...notes];
  return notes;
};

const coverageText = (shown, id, isWarned) => {
  const found = shown.state.coverage.find(({ layer_id }) => layer_id === id);
  if (!found) return "";
  if (isWarned) return formatPercent(found.visible_frac);
  return `${formatPercent(found.visible_frac)} · ${plural(Math.round(found.cells), "cell", "cells")}`;
};

const createFreedom = (desk, id) => {
  const value = h("span", { class: "free-value" });
  const dial = slider(desk, {
    label: "Freedom (noise): how much this object may change",
    test: "noise",
    step: 0.05,
    normal: 0.6,
    format: (number) => `free ${formatFraction(number)}`,
    read: ({ record }) => layerOf(record, id)?.noise ?? null,
    name: "Freedom",
    edit: (noise) => setLayer(id, { noise }),
    merge: () => `noise:${id}`,
  });
  const node = h("div", { class: "free", title: "Freedom: 0 keeps the pixels, 1 invents them anew" }, dial.node, value);
  const update = (shown, layer) => {
    dial.update(shown);
    set(value, { text: `free ${formatFraction(layer.noise)}` });
  };
  return { node, update };
};

const createWords = () => {
  const phrase = h("span", { class: "row-phrase" });
  const cover = h("span", { class: "muted" });
  const warning = h("span", { class: "row-warning", "data-test": "layer-warning" });
  const node = h("div", { class: "row-words" }, phrase, h("span", { class: "row-line" }, cover, warning));
  const update = (shown, layer) => {
    const warnings = warningsOf(shown, layer);
    set(phrase, {
      text: layer.phrase || layer.name || "no phrase",
      class: `row-phrase${shown.unlinked.has(layer.id) || !layer.phrase ? " unlinked" : ""}`,
    });
    set(cover, { text: layer.visible ? coverageText(shown, layer.id, warnings.length > 0) : "" });
    const text = warnings.length ? (SHORT[warnings[0].code] ?? warnings[0].text) : "";
    set(warning, { text, title: warnings.map((note) => note.text).join("\n") || null });
    show(warning, warnings.length > 0);
    return warnings;
  };
  return { node, update };
};

/** The row of the layer `id`: {node, update(shown, layer, isFront)}. */
export const createRow = (desk, id) => {
  const eye = toggle(desk, id, { test: "eye", field: "visible", on: "eye", off: "eyeShut", name: ["Show", "Hide"] });
  const lock = toggle(desk, id, { test: "lock", field: "locked", on: "lock", off: "unlock", name: ["Lock", "Unlock"] });
  const thumb = h("img", { class: "thumb", alt: "", draggable: "false", loading: "lazy" });
  const words = createWords();
  const freedom = createFreedom(desk, id);
  const head = h(
    "div",
    { class: "row-head" },
    eye.node,
    lock.node,
    h("span", { class: "thumb-box" }, thumb),
    words.node,
    freedom.node,
  );
  const node = h(
    "div",
    {
      class: "row",
      role: "treeitem",
      "data-test": "layer-row",
      "data-layer": id,
      on: {
        click: (event) => !event.target.closest("button, input, textarea, .card") && desk.store.amend(select(id)),
        pointerenter: () => desk.session.set({ hovered: id }),
        pointerleave: () => desk.session.set({ hovered: "" }),
      },
    },
    head,
  );
  let card = null;
  let last = [];
  const update = (shown, layer, isFront) => {
    const selected = shown.record.selected === id;
    const parts = [
      layer,
      selected,
      isFront,
      shown.state.coverage,
      shown.state.notes,
      shown.spans,
      shown.state.hovered === id,
      shown.pickedDigest,
      shown.state.job,
      desk.session.state.theme,
    ];
    if (last.length && parts.every((part, index) => part === last[index])) return;
    last = parts;
    const focusable = selected || (isFront && !shown.selected);
    set(node, {
      "aria-selected": String(selected),
      "aria-expanded": String(selected),
      "aria-label": titleOf(layer),
      tabindex: focusable ? "0" : "-1",
      "data-tint": desk.tints.indexOf(id),
      "data-line": desk.tints.lineOf(id),
      "data-hidden": !layer.visible,
      "data-hovered": shown.state.hovered === id,
    });
    eye.update(layer.visible, layer.visible ? "Hide" : "Show");
    lock.update(layer.locked, layer.locked ? "Unlock" : "Lock");
    if (layer.picture) set(thumb, { src: desk.pictures.url(layer.picture) });
    const warnings = words.update(shown, layer);
    freedom.update(shown, layer);
    if (selected && !card) node.append((card = createCard(desk, id)).node);
    if (card) show(card.node, selected);
    if (selected) card.update(shown, layer, warnings);
  };
  return { node, update };
};
