// Edits of the chosen layers, and walking from one to the next.

/**
 * @import { App, Edit } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { forEach, nudge, select, setLayer } from "../model/edits.js";
import { chosenIds, layerOf } from "../model/records.js";
import { calledOf } from "./layers.js";

/**
 * @param {App} app
 * @returns {Identifier[]}
 */
const listChosen = ({ store, session }) => chosenIds(store.record, session.state.also);

/**
 * An edit of all chosen layers as one step: editOf(ids) → edit.
 * @param {string} name
 * @param {(ids: readonly Identifier[], app: App) => Edit} editOf
 * @returns {(app: App) => void}
 */
export const onChosen = (name, editOf) => /** @param {App} app */ (app) => {
  const ids = listChosen(app);
  if (ids.length > 0)
    app.store.change(`${name} ${calledOf(app.store.record, ids)}`, editOf(ids, app));
};

/**
 * @param {number} dx
 * @param {number} dy
 * @returns {(app: App) => void}
 */
export const nudgeBy = (dx, dy) => /** @param {App} app */ (app) => {
  const ids = listChosen(app);
  const edit = forEach(ids, (id) => nudge(id, dx, dy));
  if (ids.length > 0) app.store.change("Nudge", edit, `nudge:${ids}`);
};

/**
 * All chosen ones take the other state of the selected one.
 * @param {string} name
 * @param {"visible" | "locked"} field
 * @returns {(app: App) => void}
 */
export const toggle = (name, field) =>
  onChosen(name, (ids, { store }) => {
    const value = !layerOf(store.record, store.record.selected)?.[field];
    return forEach(ids, (id) => setLayer(id, { [field]: value }));
  });

/** @param {App} app */
export const chooseAll = ({ store, session }) => {
  const ids = store.record.scene.layers.map(({ id }) => id);
  if (!store.record.selected) store.amend(select(ids.at(-1) ?? ""));
  session.set({ also: ids });
};

/**
 * The next object in front or behind, so that a person without a mouse can reach each.
 * @param {number} steps
 * @returns {(app: App) => void}
 */
export const walk =
  (steps) =>
  /** @param {App} app */ ({ store }) => {
    const { scene, selected } = store.record;
    const at = scene.layers.findIndex((layer) => layer.id === selected);
    const next = scene.layers[at < 0 ? scene.layers.length - 1 : at + steps];
    if (next) store.amend(select(next.id));
  };
