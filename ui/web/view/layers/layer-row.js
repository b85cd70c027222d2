// One layer's row: eye, lock, thumbnail, phrase in its colour, strength, coverage, warnings.

/**
 * @import { App, LayerRow, Shown } from "../../types/editor.d.ts"
 * @import { Group, Identifier, Layer } from "../../types/protocol.d.ts"
 * @import { Warning } from "../../types/view.d.ts"
 */

import { select, setLayer } from "../../model/edits.js";
import { isRead } from "../../model/options.js";
import { chosenIds, layerOf, titleOf } from "../../model/records.js";
import { elementOf, h, set, show } from "../dom/elements.js";
import { icon } from "../dom/icons.js";
import { createTracked } from "../dom/tracked.js";
import { createRowSubject } from "../subjects/subject-chip.js";
import { coverageOf, shortOf, warningsOf } from "./layer-warnings.js";
import { createRowStrength } from "./strength-field.js";
import { createMaskThumb } from "./tints.js";

/**
 * @param {App} app
 * @param {Identifier} id
 * @param {{
 *   test: string,
 *   field: "visible" | "locked",
 *   on: string,
 *   off: string,
 *   name: readonly [on: string, off: string],
 * }} options
 */
const toggle = (app, id, { test, field, on, off, name }) => {
  /** @param {MouseEvent} event */
  const press = (event) => {
    event.stopPropagation();
    const layer = layerOf(app.store.record, id);
    if (!layer) return;
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
    update: (/** @type {boolean} */ value, /** @type {string} */ title) =>
      set(node, { "aria-pressed": String(value), "aria-label": title, title }),
  };
};

/**
 * The first warning in short words, all of them in the tooltip.
 * @param {HTMLElement} node
 * @param {readonly Warning[]} warnings
 */
const tellFirst = (node, warnings) => {
  const [first] = warnings;
  const title = warnings.map(({ text }) => text).join("\n") || null;
  const text = first ? shortOf(first) : "";
  set(node, { text, title, "data-code": first?.code ?? null });
  show(node, warnings.length > 0);
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
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    const warnings = warningsOf(shown, layer);
    subject.update(shown, layer);
    const isUnlinked = shown.unlinked.has(layer.id) || (!layer.phrase && isRead(shown, layer));
    set(phrase, {
      text: layer.phrase || layer.class_label || layer.name || "no phrase",
      class: isUnlinked ? "row-phrase unlinked" : "row-phrase",
    });
    show(cover, layer.visible && warnings.length === 0);
    set(cover, coverageOf(shown, layer.id));
    tellFirst(warning, warnings);
  };
  return { node, update };
};

/** @typedef {{ layer: Layer, group: Group | null, isFront: boolean, isHovered: boolean }} RowPlace */

/**
 * @param {App} app
 * @param {Shown} shown
 * @param {RowPlace} row
 */
const attributesOf = (app, shown, { layer, group, isFront, isHovered }) => {
  const isSelected = shown.record.selected === layer.id;
  return {
    "aria-selected": isSelected,
    "aria-label": titleOf(layer),
    "aria-level": group ? 2 : 1,
    "data-within": group?.id ?? null,
    tabindex: isSelected || (isFront && !shown.selected) ? 0 : -1,
    "data-tint": app.tints.indexOf(layer.id),
    "data-line": app.tints.lineOf(layer.id),
    "data-hidden": !layer.visible,
    "data-chosen": chosenIds(shown.record, shown.state.also).includes(layer.id),
    "data-hovered": isHovered,
  };
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
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
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    eye.update(layer.visible, layer.visible ? "Hide" : "Show");
    lock.update(layer.locked, layer.locked ? "Unlock" : "Lock");
    show(thumb, layer.picture !== null);
    if (layer.picture) set(thumb, { src: app.pictures.url(layer.picture) });
    mask.update(layer);
    strength.update(shown, layer);
    words.update(shown, layer);
  };
  return { node, update };
};

/**
 * A click selects; with Ctrl it takes the layer to the chosen ones or away, with Shift all up to
 * it.
 * @param {App} app
 * @param {Identifier} id
 * @param {MouseEvent} event
 */
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

/**
 * A picture file that is dropped on a row becomes the layer's mask.
 * @param {App} app
 * @param {HTMLElement} node
 * @param {Identifier} id
 */
const takeMasks = (app, node, id) => {
  /** @param {DragEvent} event */
  const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files") ?? false;
  node.addEventListener("dragover", (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener("drop", (event) => {
    const [file] = event.dataTransfer?.files ?? [];
    if (!file) return;
    event.preventDefault();
    event.stopPropagation();
    app.run("maskFromFile", id, file);
  });
};

/**
 * The row of the layer `id`.
 * @param {App} app
 * @param {Identifier} id
 */
export const createLayerRow = (app, id) => {
  const head = createHead(app, id);
  const node = h(
    "div",
    { class: "row", role: "treeitem", "data-test": "layer-row", "data-layer": id },
    head.node,
  );
  /** @param {HTMLElement} target */
  const isPlain = (target) => !target.closest("button, input, textarea");
  node.addEventListener("click", (event) => isPlain(elementOf(event)) && choose(app, id, event));
  takeMasks(app, node, id);
  node.addEventListener("pointerenter", () => app.session.set({ hovered: id }));
  node.addEventListener("pointerleave", () => app.session.set({ hovered: "" }));
  /**
   * @param {Shown} shown
   * @param {RowPlace} row
   */
  const draw = (shown, row) => {
    set(node, attributesOf(app, shown, row));
    head.update(shown, row.layer);
  };
  // Beside what is read of what is shown, a row depends on its place, its masks and the colours.
  const redraw = createTracked(
    /** @type {(shown: Shown, ...place: [Layer, Group | null, boolean, boolean, ...unknown[]]) => void} */
    (shown, layer, group, isFront, isHovered) => draw(shown, { layer, group, isFront, isHovered }),
  );
  /**
   * @param {Shown} shown
   * @param {LayerRow} row
   * @param {boolean} isFront
   */
  const update = (shown, { layer, group }, isFront) => {
    if (!layer) return;
    const { hovered, theme } = shown.state;
    const isBusy = app.store.busy;
    const mask = isBusy || app.pictures.mask(layer.mask);
    const map = isBusy || app.pictures.mask(layer.strength_map);
    redraw(shown, layer, group, isFront, hovered === id, mask, map, theme, shown.spans);
  };
  return { node, update };
};
