// The card of the selected layer, below the list: it folds, and what is left of the column is its.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Layer } from "../../types/protocol.d.ts"
 */

import { isRead } from "../../model/options.js";
import { chosenIds, titleOf } from "../../model/records.js";
import { h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";
import { createTracked } from "../dom/tracked.js";
import { createLayerCard } from "./layer-card.js";
import { warningsOf } from "./layer-warnings.js";

/** @param {App} app */
const createHead = (app) => {
  const title = h("span", { class: "card-title" });
  const count = h("span", { class: "muted card-count" });
  const fold = h(
    "button",
    {
      type: "button",
      class: "card-fold",
      "data-test": "card-fold",
      "aria-controls": "layer-card",
      on: { click: () => app.run("foldCard") },
    },
    icon("down"),
    title,
    count,
  );
  const close = button(app, "chooseNone", {
    iconName: "close",
    test: "card-close",
    title: "Select nothing (Escape)",
    kind: "quiet small",
  });
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = ({ record, state }, layer) => {
    const { length } = chosenIds(record, state.also);
    set(title, { text: titleOf(layer) });
    set(count, { text: length > 1 ? `and ${length - 1} more` : "" });
    set(fold, {
      "aria-expanded": String(state.cardOpen),
      title: state.cardOpen ? "Fold the card (I)" : "Unfold the card (I)",
    });
  };
  return { node: h("div", { class: "panel-head card-head" }, fold, close), update };
};

/** @param {App} app */
export const createCardPanel = (app) => {
  const head = createHead(app);
  const body = h("div", { class: "card-scroll", id: "layer-card" });
  const node = h(
    "section",
    { class: "card-panel", "aria-label": "The selected layer", "data-test": "card-panel" },
    head.node,
    body,
  );
  /** @type {Map<Identifier, ReturnType<typeof createLayerCard>>} */
  const cards = new Map();
  /** @param {Shown} shown */
  const forget = ({ scene }) => {
    const ids = new Set(scene.layers.map(({ id }) => id));
    for (const [id, card] of cards) {
      if (ids.has(id)) continue;
      card.node.remove();
      cards.delete(id);
    }
  };
  /** @param {Identifier} id */
  const cardOf = (id) => {
    const card = cards.get(id) ?? createLayerCard(app, id);
    cards.set(id, card);
    if (!card.node.parentNode) body.append(card.node);
    return card;
  };
  const redraw = createTracked(
    /** @type {(shown: Shown, ...rest: [Layer, ...unknown[]]) => void} */
    (shown, layer) => {
      head.update(shown, layer);
      const card = cardOf(layer.id);
      cards.forEach((other, id) => show(other.node, id === layer.id));
      card.update(shown, layer, warningsOf(shown, layer));
    },
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    const { selected, state } = shown;
    if (cards.size > 0) forget(shown);
    show(node, selected !== null);
    if (!selected) return;
    show(body, state.cardOpen);
    const isBusy = app.store.busy;
    const mask = isBusy || app.pictures.mask(selected.mask);
    const map = isBusy || app.pictures.mask(selected.strength_map);
    redraw(shown, selected, mask, map, state.theme, shown.spans, isRead(shown, selected));
  };
  return { node, update };
};
