// One layer's row: eye, lock, thumbnail, phrase in its colour, strength, coverage, warnings; its card when selected.

import { select, setLayer } from "../../model/edits.js";
import { chosenIds, layerOf, titleOf } from "../../model/records.js";
import { h, set, show } from "../dom/elements.js";
import { icon } from "../dom/icons.js";
import { createRowSubject } from "../subjects/subject-chip.js";
import { createLayerCard } from "./layer-card.js";
import { coverageText, SHORT, warningsOf } from "./layer-warnings.js";
import { createRowStrength } from "./strength-field.js";
import { createMaskThumb } from "./tints.js";

const toggle = (app, id, { test, field, on, off, name }) => {
  const press = (event) => {
    event.stopPropagation();
    const layer = layerOf(app.store.record, id);
    app.store.change(
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
const partsOf = (app, shown, { layer, group }, isFront) => [
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
  app.store.busy || app.pictures.mask(layer.mask),
  app.store.busy || app.pictures.mask(layer.strength_map),
  shown.state.paints,
  shown.batches,
  shown.state.tool,
];

const attributesOf = (app, shown, { layer, group }, isFront) => {
  const isSelected = shown.record.selected === layer.id;
  return {
    "aria-selected": isSelected,
    "aria-expanded": isSelected,
    "aria-label": titleOf(layer),
    "aria-level": group ? 2 : 1,
    "data-within": group?.id ?? null,
    tabindex: isSelected || (isFront && !shown.selected) ? 0 : -1,
    "data-tint": app.tints.indexOf(layer.id),
    "data-line": app.tints.lineOf(layer.id),
    "data-hidden": !layer.visible,
    "data-chosen": chosenIds(shown.record, shown.state.also).includes(layer.id),
    "data-hovered": shown.state.hovered === layer.id,
  };
};

const createHead = (app, id) => {
  const eye = toggle(app, id, {
    test: "eye",
    field: "visible",
    on: "eye",
    off: "eyeShut",
    name: ["Show", "Hide"],
  });
  const lock = toggle(app, id, {
    test: "lock",
    field: "locked",
    on: "lock",
    off: "unlock",
    name: ["Lock", "Unlock"],
  });
  const thumb = h("img", { class: "thumb", alt: "", draggable: "false", loading: "lazy" });
  const mask = createMaskThumb(app, id);
  const [words, strength] = [createWords(), createRowStrength(app, id)];
  const box = h("span", { class: "thumb-box" }, thumb, mask.node);
  const node = h("div", { class: "row-head" }, eye.node, lock.node, box, words.node, strength.node);
  const update = (shown, layer) => {
    eye.update(layer.visible, layer.visible ? "Hide" : "Show");
    lock.update(layer.locked, layer.locked ? "Unlock" : "Lock");
    show(thumb, layer.picture !== null);
    if (layer.picture) set(thumb, { src: app.pictures.url(layer.picture) });
    mask.update(layer);
    strength.update(shown, layer);
    return words.update(shown, layer);
  };
  return { node, update };
};

/** A click selects; with Ctrl it takes the layer to the chosen ones or away, with Shift all up to it. */
const choose = (app, id, { ctrlKey, metaKey, shiftKey }) => {
  const { store, session } = app;
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
export const createLayerRow = (app, id) => {
  const head = createHead(app, id);
  const node = h(
    "div",
    { class: "row", role: "treeitem", "data-test": "layer-row", "data-layer": id },
    head.node,
  );
  const isPlain = (target) => !target.closest("button, input, textarea, .card");
  node.addEventListener("click", (event) => isPlain(event.target) && choose(app, id, event));
  node.addEventListener("pointerenter", () => app.session.set({ hovered: id }));
  node.addEventListener("pointerleave", () => app.session.set({ hovered: "" }));
  let card = null;
  let last = [];
  const update = (shown, row, isFront) => {
    const { layer } = row;
    const parts = partsOf(app, shown, row, isFront);
    if (last.length && parts.every((part, index) => part === last[index])) return;
    last = parts;
    set(node, attributesOf(app, shown, row, isFront));
    const warnings = head.update(shown, layer);
    const isSelected = shown.record.selected === id;
    if (isSelected && !card) node.append((card = createLayerCard(app, id)).node);
    if (card) show(card.node, isSelected);
    if (isSelected) card.update(shown, layer, warnings);
  };
  return { node, update };
};
