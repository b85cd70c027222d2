// The steps in which a layer's words act: two ends of one range.

import { formatFraction } from "../../kernels/numbers.js";
import { setLayer } from "../../model/edits.js";
import { withHigh, withLow } from "../../model/prompt-range.js";
import { layerOf } from "../../model/records.js";
import { h, set, setVariable } from "../dom/elements.js";
import { slider } from "../dom/fields.js";

const TITLE =
  "The steps in which this layer's words act: 0 is the first and noisiest one, 1 the last";

const LOW = { label: "Active from the share", side: `start`, normal: 0 };
const HIGH = { label: "Active up to the share", side: `end`, normal: 1 };

/** {node, update(shown)}: two thumbs on one track. A double click on one puts it back to its end. */
export const createPromptRange = (app, id) => {
  const end = ({ side, label, normal, valueOf, withValue }) =>
    slider(app, {
      label,
      test: `prompt-${side}`,
      normal,
      format: formatFraction,
      read: ({ record }) => valueOf(layerOf(record, id) ?? {}),
      name: "Active",
      edit: (value) => (record) => setLayer(id, withValue(layerOf(record, id), value))(record),
      merge: () => `prompt:${side}:${id}`,
    });
  const low = { ...LOW, valueOf: ({ prompt_start = 0 }) => prompt_start, withValue: withLow };
  const high = { ...HIGH, valueOf: ({ prompt_end = 1 }) => prompt_end, withValue: withHigh };
  const [from, to] = [end(low), end(high)];
  const range = h(
    "span",
    { class: "range", role: "group", "aria-label": "Active" },
    from.node,
    to.node,
  );
  const value = h("span", { class: "dial-value" });
  const label = h("span", { class: "card-label", text: "Active" });
  const node = h("div", { class: "card-line", title: TITLE }, label, range, value);
  const update = (shown) => {
    const { prompt_start: first = 0, prompt_end: last = 1 } = layerOf(shown.record, id);
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
