// The steps in which a layer's words are heard: two ends of one range.

import { formatFraction } from "../../kernels/numbers.js";
import { setLayer } from "../../model/edits.js";
import { withHigh, withLow } from "../../model/heard.js";
import { layerOf } from "../../model/records.js";
import { h, set, setVariable } from "../dom/elements.js";
import { slider } from "../dom/fields.js";

const TITLE =
  "The steps in which this layer's words are heard: 0 is the first and noisiest one, 1 the last";

const LOW = { label: "Heard from the share", side: `from`, normal: 0 };
const HIGH = { label: "Heard up to the share", side: `to`, normal: 1 };

/** {node, update(shown)}: two thumbs on one track. A double click on one puts it back to its end. */
export const createPromptRange = (app, id) => {
  const end = ({ side, label, normal, valueOf, withValue }) =>
    slider(app, {
      label,
      test: `heard-${side}`,
      normal,
      format: formatFraction,
      read: ({ record }) => valueOf(layerOf(record, id) ?? {}),
      name: "Heard",
      edit: (value) => (record) => setLayer(id, withValue(layerOf(record, id), value))(record),
      merge: () => `heard:${side}:${id}`,
    });
  const low = { ...LOW, valueOf: ({ heard_from = 0 }) => heard_from, withValue: withLow };
  const high = { ...HIGH, valueOf: ({ heard_to = 1 }) => heard_to, withValue: withHigh };
  const [from, to] = [end(low), end(high)];
  const range = h(
    "span",
    { class: "range", role: "group", "aria-label": "Heard" },
    from.node,
    to.node,
  );
  const value = h("span", { class: "dial-value" });
  const label = h("span", { class: "card-label", text: "Heard" });
  const node = h("div", { class: "card-line", title: TITLE }, label, range, value);
  const update = (shown) => {
    const { heard_from: first = 0, heard_to: last = 1 } = layerOf(shown.record, id);
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
