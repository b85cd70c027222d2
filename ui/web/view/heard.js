// The steps in which a layer's words are heard: two ends of one range.

import { formatFraction } from "../kernels/numbers.js";
import { setLayer } from "../model/edits.js";
import { layerOf } from "../model/records.js";
import { withEnd } from "../model/heard.js";
import { slider } from "./fields.js";
import { h, set, setVariable } from "./dom.js";

const TITLE = "The steps in which this layer's words are heard: 0 is the first and noisiest one, 1 the last";

/** {node, update(shown)}: two thumbs on one track. A double click on one puts it back to its end. */
export const createHeard = (desk, id) => {
  const end = (field, label, normal) =>
    slider(desk, {
      label,
      test: field.replace("_", "-"),
      normal,
      format: formatFraction,
      read: ({ record }) => layerOf(record, id)?.[field] ?? normal,
      name: "Heard",
      edit: (value) => (record) => setLayer(id, withEnd(layerOf(record, id), field, value))(record),
      merge: () => `${field}:${id}`,
    });
  const [from, to] = [end("heard_from", "Heard from", 0), end("heard_to", "Heard up to", 1)];
  const range = h("span", { class: "range", role: "group", "aria-label": "Heard" }, from.node, to.node);
  const value = h("span", { class: "dial-value" });
  const label = h("span", { class: "card-label", text: "Heard" });
  const node = h("div", { class: "card-line", title: TITLE }, label, range, value);
  const update = (shown) => {
    const { heard_from: low = 0, heard_to: high = 1 } = layerOf(shown.record, id);
    [from, to].forEach((part) => part.update(shown));
    setVariable(range, "--from", `${low * 100}%`);
    setVariable(range, "--to", `${high * 100}%`);
    // Both thumbs at the right end: only the lower one can still move.
    set(range, { "data-end": low > 0.9 });
    set(value, { text: low === 0 && high === 1 ? "always" : `${formatFraction(low)} – ${formatFraction(high)}` });
  };
  return { node, update };
};
