// One layer's row: eye, lock, thumbnail, phrase in its colour, freedom, coverage, warnings; its card when selected.

import { formatFraction, formatPercent, plural } from "../kernels/numbers.js";
import { select, setLayer } from "../model/edits.js";
import { chosenIds, isPainted, layerOf, titleOf } from "../model/records.js";
import { failureOf } from "../model/scores.js";
import { createCard } from "./card.js";
import { slider } from "./fields.js";
import { icon } from "./icons.js";
import { h, set, show } from "./dom.js";
import { createRowSubject } from "./subjectlayer.js";
import { createMaskThumb } from "./thumbs.js";

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
  no_class: "no class",
  unknown_class: "unknown class",
  no_mask: "nothing painted",
  overlap: "partly covered",
  tiny: "small",
  ignored: "partly ignored",
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
  return {
    node,
    update: (value, title) =>
      set(node, { "aria-pressed": String(value), "aria-label": title, title }),
  };
};

const WORDLESS_PICTURE = "Without a phrase the layer only gives its pixels.";
const WORDLESS_REGION = "Without words nobody knows what to draw here.";

/** What has to be mended before anything can be drawn. */
const STOPS = ["no_class", "unknown_class", "no_mask"];

const HERE = ["hidden", "no_phrase", "phrase_missing"];

/**
 * What a person should know of a layer. Hidden, without words, or not in the prompt is seen here at once; the server's
 * notes come with the next save, and say more of a missing phrase (the nearest words of the prompt).
 */
const warningsOf = (shown, layer) => {
  if (!layer.visible) return [{ code: "hidden", text: "Hidden layers take no part." }];
  const told = shown.state.notes.filter((note) => note.layer_id === layer.id);
  const failure = failureOf(shown.scored, layer);
  const notes = [...(failure ? [failure] : []), ...told.filter(({ code }) => !HERE.includes(code))];
  const phrase = layer.phrase.trim();
  const named =
    isPainted(layer) && (layer.class_label.trim() || notes.some(({ code }) => code === "no_class"));
  if (!phrase && named) return notes;
  if (!phrase)
    return [
      { code: "no_phrase", text: isPainted(layer) ? WORDLESS_REGION : WORDLESS_PICTURE },
      ...notes,
    ];
  // An empty prompt becomes the layers' phrases.
  if (!shown.unlinked.has(layer.id) || !shown.scene.prompt.trim()) return notes;
  const missing = { code: "phrase_missing", text: `“${phrase}” does not stand in the prompt.` };
  const [first, rest] = [true, false].map((stops) =>
    notes.filter(({ code }) => STOPS.includes(code) === stops),
  );
  return [...first, told.find(({ code }) => code === missing.code) ?? missing, ...rest];
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
  const node = h(
    "div",
    { class: "free", title: "Freedom: 0 keeps the pixels, 1 invents them anew" },
    dial.node,
    value,
  );
  const update = (shown, layer) => {
    dial.update(shown);
    show(dial.node, !layer.noise_map);
    set(value, { text: layer.noise_map ? "painted" : `free ${formatFraction(layer.noise)}` });
  };
  return { node, update };
};

const createWords = () => {
  const phrase = h("span", { class: "row-phrase" });
  const cover = h("span", { class: "muted" });
  const warning = h("span", { class: "row-warning", "data-test": "layer-warning" });
  const subject = createRowSubject();
  const node = h(
    "div",
    { class: "row-words" },
    phrase,
    subject.node,
    h("span", { class: "row-line" }, cover, warning),
  );
  const update = (shown, layer) => {
    const warnings = warningsOf(shown, layer);
    subject.update(shown, layer);
    set(phrase, {
      text: layer.phrase || layer.class_label || layer.name || "no phrase",
      class: `row-phrase${shown.unlinked.has(layer.id) || !layer.phrase ? " unlinked" : ""}`,
    });
    show(cover, layer.visible);
    set(cover, { text: layer.visible ? coverageText(shown, layer.id, warnings.length > 0) : "" });
    const text = warnings.length
      ? (warnings[0].short ?? SHORT[warnings[0].code] ?? warnings[0].text)
      : "";
    const title = warnings.map((note) => note.text).join("\n") || null;
    set(warning, { text, title, "data-code": warnings[0]?.code ?? null });
    show(warning, warnings.length > 0);
    return warnings;
  };
  return { node, update };
};

/** What a row depends on; while these stay the same it is left alone. */
const partsOf = (desk, shown, { layer, group }, isFront) => [
  layer,
  group,
  shown.record.selected,
  isFront,
  shown.state.coverage,
  shown.state.notes,
  shown.spans,
  shown.state.hovered === layer.id,
  shown.shownDigest,
  shown.scored,
  shown.model,
  shown.state.tuned,
  shown.state.looks,
  shown.state.library,
  shown.state.lookSteps,
  shown.state.tries,
  shown.state.heat,
  shown.state.job,
  shown.state.theme,
  shown.state.moreOpen,
  shown.state.also,
  desk.store.busy || desk.pictures.mask(layer.mask),
  desk.store.busy || desk.pictures.mask(layer.noise_map),
  shown.state.paints,
  shown.batches,
  shown.state.tool,
];

const attributesOf = (desk, shown, { layer, group }, isFront) => {
  const isSelected = shown.record.selected === layer.id;
  return {
    "aria-selected": isSelected,
    "aria-expanded": isSelected,
    "aria-label": titleOf(layer),
    "aria-level": group ? 2 : 1,
    "data-within": group?.id ?? null,
    tabindex: isSelected || (isFront && !shown.selected) ? 0 : -1,
    "data-tint": desk.tints.indexOf(layer.id),
    "data-line": desk.tints.lineOf(layer.id),
    "data-hidden": !layer.visible,
    "data-chosen": chosenIds(shown.record, shown.state.also).includes(layer.id),
    "data-hovered": shown.state.hovered === layer.id,
  };
};

const createHead = (desk, id) => {
  const eye = toggle(desk, id, {
    test: "eye",
    field: "visible",
    on: "eye",
    off: "eyeShut",
    name: ["Show", "Hide"],
  });
  const lock = toggle(desk, id, {
    test: "lock",
    field: "locked",
    on: "lock",
    off: "unlock",
    name: ["Lock", "Unlock"],
  });
  const thumb = h("img", { class: "thumb", alt: "", draggable: "false", loading: "lazy" });
  const mask = createMaskThumb(desk, id);
  const [words, freedom] = [createWords(), createFreedom(desk, id)];
  const box = h("span", { class: "thumb-box" }, thumb, mask.node);
  const node = h("div", { class: "row-head" }, eye.node, lock.node, box, words.node, freedom.node);
  const update = (shown, layer) => {
    eye.update(layer.visible, layer.visible ? "Hide" : "Show");
    lock.update(layer.locked, layer.locked ? "Unlock" : "Lock");
    show(thumb, layer.picture !== null);
    if (layer.picture) set(thumb, { src: desk.pictures.url(layer.picture) });
    mask.update(layer);
    freedom.update(shown, layer);
    return words.update(shown, layer);
  };
  return { node, update };
};

/** A click selects; with Ctrl it takes the layer to the chosen ones or away, with Shift all up to it. */
const choose = (desk, id, { ctrlKey, metaKey, shiftKey }) => {
  const { store, session } = desk;
  const ids = store.record.scene.layers.map((layer) => layer.id);
  const now = chosenIds(store.record, session.state.also);
  const selected = now.length > 0 ? store.record.selected : id;
  if (shiftKey) {
    const ends = [ids.indexOf(selected), ids.indexOf(id)].toSorted((one, other) => one - other);
    session.set({ also: ids.slice(ends[0], ends[1] + 1) });
    return store.amend(select(selected));
  }
  if (!ctrlKey && !metaKey) {
    session.set({ also: [] });
    return store.amend(select(id));
  }
  const also = now.includes(id) ? now.filter((other) => other !== id) : [...now, id];
  session.set({ also });
  return store.amend(select(selected === id && now.length > 0 ? (also.at(-1) ?? "") : selected));
};

/** The row of the layer `id`: {node, update(shown, {layer, group}, isFront)}; its card comes when first selected. */
export const createRow = (desk, id) => {
  const head = createHead(desk, id);
  const node = h(
    "div",
    { class: "row", role: "treeitem", "data-test": "layer-row", "data-layer": id },
    head.node,
  );
  const isPlain = (target) => !target.closest("button, input, textarea, .card");
  node.addEventListener("click", (event) => isPlain(event.target) && choose(desk, id, event));
  node.addEventListener("pointerenter", () => desk.session.set({ hovered: id }));
  node.addEventListener("pointerleave", () => desk.session.set({ hovered: "" }));
  let card = null;
  let last = [];
  const update = (shown, row, isFront) => {
    const { layer } = row;
    const parts = partsOf(desk, shown, row, isFront);
    if (last.length && parts.every((part, index) => part === last[index])) return;
    last = parts;
    set(node, attributesOf(desk, shown, row, isFront));
    const warnings = head.update(shown, layer);
    const isSelected = shown.record.selected === id;
    if (isSelected && !card) node.append((card = createCard(desk, id)).node);
    if (card) show(card.node, isSelected);
    if (isSelected) card.update(shown, layer, warnings);
  };
  return { node, update };
};
