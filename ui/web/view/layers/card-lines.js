// The lines that the card of a layer is made of: a label with words or with a dial.

/**
 * @import { App, Edit, LayerPatch, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Layer } from "../../types/protocol.d.ts"
 * @import { CardPart } from "../../types/view.d.ts"
 */

import { formatFraction } from "../../kernels/numbers.js";
import { setLayer } from "../../model/edits.js";
import { layerOf } from "../../model/records.js";
import { h, set } from "../dom/elements.js";
import { textField } from "../dom/fields.js";
import { slider } from "../dom/number-fields.js";

/** @typedef {"phrase" | "name" | "negative"} WordsField */
/** @typedef {"attention_positive" | "attention_negative" | "opacity"} DialField */

/**
 * @param {string} label
 * @param {string} title
 * @param {...HTMLElement} nodes
 */
export const line = (label, title, ...nodes) =>
  h(
    "div",
    { class: "card-line", title },
    h("span", { class: "card-label", text: label }),
    ...nodes,
  );

/**
 * An edit of a layer by what it now is; none of a layer that is gone.
 * @param {Identifier} id
 * @param {(layer: Layer) => LayerPatch} patchOf
 * @returns {Edit}
 */
export const editLayer = (id, patchOf) => (record) => {
  const layer = layerOf(record, id);
  return layer ? setLayer(id, patchOf(layer))(record) : record;
};

/**
 * A line of words: {node, update(shown)}.
 * @param {App} app
 * @param {Identifier} id
 * @param {{ label: string, test: string, field: WordsField, placeholder: string }} options
 */
export const words = (app, id, { label, test, field, placeholder }) => {
  const part = textField(app, {
    label,
    test,
    placeholder,
    read: ({ record }) => layerOf(record, id)?.[field] ?? null,
    name: label,
    edit: (value) => setLayer(id, { [field]: value }),
    merge: () => `${field}:${id}`,
  });
  return { input: part.node, node: line(label, placeholder, part.node), update: part.update };
};

/**
 * A slider with its number: {node, update(shown)}.
 * @param {App} app
 * @param {Identifier} id
 * @param {{
 *   label: string,
 *   title: string,
 *   test: string,
 *   field: DialField,
 *   high?: number,
 *   normal: number,
 * }} options
 * @returns {CardPart}
 */
export const dial = (app, id, { label, title, test, field, high = 1, normal }) => {
  const value = h("span", { class: "dial-value" });
  const part = slider(app, {
    label,
    test,
    high,
    normal,
    step: 0.05,
    format: formatFraction,
    read: ({ record }) => layerOf(record, id)?.[field] ?? null,
    name: label,
    edit: (number) => setLayer(id, { [field]: number }),
    merge: () => `${field}:${id}`,
  });
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    part.update(shown);
    set(value, { text: formatFraction(layer[field]) });
  };
  return { node: line(label, title, part.node, value), update };
};

/** @param {CardPart} part */
export const nodesOf = ({ node, nodes }) => nodes ?? (node ? [node] : []);
