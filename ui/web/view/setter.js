// One dial that sets several options of a method at once (TCIG's freedom), with the values it sets beside it.

import { formatNumber, roundTo } from "../kernels/numbers.js";
import { setOption } from "../model/edits.js";
import { h, set, show } from "./dom.js";
import { slider } from "./fields.js";

const dialOf = (method) => method?.options.find(({ sets }) => sets.length > 0) ?? null;

const valueOf = (settings, option) => settings.options[option.name] ?? option.default;

const methodOf = ({ state, record }) =>
  state.facts?.methods.find(({ id }) => id === record.settings.method) ?? null;

/** Whether what a method's dial would set is set on its own. */
export const isByHand = (method, { options }) => Boolean(options[dialOf(method)?.unless]);

/** The options that the dial sets, each with its present value: [{option, value}]. */
const setBy = (method, dial, settings) => {
  const share = (valueOf(settings, dial) - dial.minimum) / (dial.maximum - dial.minimum);
  return dial.sets.map(({ name, low, high }) => {
    const option = method.options.find((each) => each.name === name);
    const value = isByHand(method, settings)
      ? valueOf(settings, option)
      : low + (high - low) * share;
    return { option, value };
  });
};

const withUnit = (number, unit) =>
  unit === "×" ? `×${number}` : number + (unit.startsWith("px") ? " px" : "");

const told = ({ option, value }) => {
  const text = withUnit(formatNumber(roundTo(value, 0.01), 0.01), option.unit);
  const node = h("span", {
    class: "setter-value",
    title: option.help,
    "data-test": `sets-${option.name}`,
  });
  node.append(`${option.title.toLowerCase()} `, h("b", { text }));
  return node;
};

/** {node, update(shown)}: hidden for methods without such a dial. */
export const createSetter = (desk) => {
  const known = () => dialOf(methodOf(desk.shown()));
  const read = (shown) => {
    const dial = dialOf(methodOf(shown));
    return dial && !isByHand(methodOf(shown), shown.record.settings)
      ? valueOf(shown.record.settings, dial)
      : null;
  };
  const part = slider(desk, {
    label: "Freedom",
    test: "setter",
    format: (value) => formatNumber(value, 0.05),
    read,
    name: "Freedom",
    edit: (value) => setOption(known().name, value),
    merge: () => "setter",
  });
  const [title, number] = [
    h("span", { class: "setter-title" }),
    h("span", { class: "dial-value" }),
  ];
  const values = h("div", { class: "setter-values" });
  const head = h("div", { class: "setter-head" }, title, part.node, number);
  const node = h("div", { class: "setter", hidden: true }, head, values);
  const update = (shown) => {
    const method = methodOf(shown);
    const dial = dialOf(method);
    show(node, dial !== null);
    if (!dial) return;
    part.update(shown);
    const value = read(shown);
    set(title, { text: dial.title, title: dial.help });
    set(part.input, {
      "aria-label": dial.title,
      min: dial.minimum,
      max: dial.maximum,
      step: dial.step,
    });
    set(number, { text: value === null ? "by hand" : formatNumber(value, dial.step) });
    values.replaceChildren(...setBy(method, dial, shown.record.settings).map(told));
  };
  return { node, update };
};
