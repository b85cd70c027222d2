// The steps in which a layer's words act: two ends of one range.

/**
 * @import { App, LayerPatch, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Layer } from "../../types/protocol.d.ts"
 */

import { formatFraction } from "../../kernels/numbers.js";
import { withHigh, withLow } from "../../model/prompt-range.js";
import { layerOf } from "../../model/records.js";
import { h, set, setVariable } from "../dom/elements.js";
import { slider } from "../dom/number-fields.js";
import { editLayer } from "./card-lines.js";

const TITLE =
  "The steps in which this layer's words act: 0 is the first and noisiest one, 1 the last";

/**
 * One end of the range: what it is called, where it usually is, and how it is read and moved.
 * @typedef {object} RangeEnd
 * @property {string} label
 * @property {string} side
 * @property {number} normal
 * @property {(layer: Layer) => number} valueOf
 * @property {(layer: Layer, value: number) => LayerPatch} withValue
 */

/** @type {RangeEnd} */
const LOW = {
  label: "Active from the share",
  side: `start`,
  normal: 0,
  valueOf: ({ prompt_start = 0 }) => prompt_start,
  withValue: withLow,
};
/** @type {RangeEnd} */
const HIGH = {
  label: "Active up to the share",
  side: `end`,
  normal: 1,
  valueOf: ({ prompt_end = 1 }) => prompt_end,
  withValue: withHigh,
};

/**
 * {node, update(shown)}: two thumbs on one track. A double click on one puts it back to its end.
 * @param {App} app
 * @param {Identifier} id
 */
export const createPromptRange = (app, id) => {
  /** @param {RangeEnd} end */
  const end = ({ side, label, normal, valueOf, withValue }) =>
    slider(app, {
      label,
      test: `prompt-${side}`,
      normal,
      format: formatFraction,
      read: ({ record }) => {
        const layer = layerOf(record, id);
        return layer && valueOf(layer);
      },
      name: "Active",
      edit: (value) => editLayer(id, (layer) => withValue(layer, value)),
      merge: () => `prompt:${side}:${id}`,
    });
  const [from, to] = [end(LOW), end(HIGH)];
  const range = h(
    "span",
    { class: "range", role: "group", "aria-label": "Active" },
    from.node,
    to.node,
  );
  const value = h("span", { class: "dial-value" });
  const label = h("span", { class: "card-label", text: "Active" });
  const node = h("div", { class: "card-line", title: TITLE }, label, range, value);
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, { prompt_start: first = 0, prompt_end: last = 1 }) => {
    [from, to].forEach((part) => part.update(shown));
    setVariable(range, "--low", `${first * 100}%`);
    setVariable(range, "--high", `${last * 100}%`);
    // Both thumbs at the right end: only the lower one can still move.
    set(range, { "data-end": first > 0.9 });
    set(value, {
      text:
        first === 0 && last === 1 ? "always" : `${formatFraction(first)} – ${formatFraction(last)}`,
    });
  };
  return { node, update };
};
