// The options of the chosen method, and the one dial that sets several of them at once (TCIG's tolerance for masks).

import { formatNumber, roundTo } from "../../kernels/numbers.js";
import { setOption } from "../../model/edits.js";
import { h, set, show } from "../dom/elements.js";
import { choice, numberField, slider, tick } from "../dom/fields.js";

const dialOf = (method) => method?.options.find(({ sets }) => sets.length > 0) ?? null;

const valueOf = (settings, option) => settings.options[option.name] ?? option.default;

const methodOf = ({ state, record }) =>
  state.facts?.methods.find(({ id }) => id === record.settings.method) ?? null;

/** Whether what a method's dial would set is set on its own. */
const isSetByHand = (method, { options }) => Boolean(options[dialOf(method)?.unless]);

/** The options that the dial sets, each with its present value: [{option, value}]. */
const setBy = (method, dial, settings) => {
  const share = (valueOf(settings, dial) - dial.minimum) / (dial.maximum - dial.minimum);
  return dial.sets.map(({ name, low, high }) => {
    const option = method.options.find((each) => each.name === name);
    const value = isSetByHand(method, settings)
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
export const createLinkedDial = (app) => {
  const known = () => dialOf(methodOf(app.shown()));
  const read = (shown) => {
    const dial = dialOf(methodOf(shown));
    return dial && !isSetByHand(methodOf(shown), shown.record.settings)
      ? valueOf(shown.record.settings, dial)
      : null;
  };
  const part = slider(app, {
    label: "Mask tolerance",
    test: "setter",
    format: (value) => formatNumber(value, 0.05),
    read,
    name: "Mask tolerance",
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

const isSet = (options, { name }) =>
  options.some(({ sets }) => sets.some((each) => each.name === name));

const optionField = (app, option) => {
  const shared = {
    label: option.title,
    test: `option-${option.name}`,
    name: option.title,
    read: ({ record }) => record.settings.options[option.name] ?? option.default,
    edit: (value) => setOption(option.name, value),
  };
  if (option.kind === "bool") return tick(app, shared);
  if (option.kind === "choice")
    return choice(app, {
      ...shared,
      options: () => option.choices.map((id) => ({ id, title: id })),
    });
  const whole = option.kind === "int";
  return numberField(app, {
    ...shared,
    label: "",
    title: option.title,
    low: option.minimum,
    high: option.maximum,
    step: whole ? 1 : option.step,
    whole,
  });
};

const optionLine = ({ kind, title, unit, help, section }, field) => {
  const about = [help, section].filter(Boolean).join(" · ");
  const words = h("span", {}, title, unit ? h("small", { text: unit }) : null);
  return h(kind === "bool" ? "label" : "div", { class: "option", title: about }, words, field.node);
};

/** The options of the chosen method, as its facts describe them. */
export const createMethodOptions = (app) => {
  const node = h("div", { class: "method-options" });
  let known = null;
  let fields = [];
  const update = (shown) => {
    const method =
      shown.state.facts?.methods.find(({ id }) => id === shown.record.settings.method) ?? null;
    if (method !== known) {
      known = method;
      const options = method?.options ?? [];
      fields = options
        .filter(({ sets }) => sets.length === 0)
        .map((option) => {
          const field = optionField(app, option);
          return { field, line: optionLine(option, field), follows: isSet(options, option) };
        });
      node.replaceChildren(...fields.map(({ line }) => line));
    }
    const byHand = isSetByHand(known, shown.record.settings);
    for (const { field, line, follows } of fields) {
      show(line, !follows || byHand);
      field.update(shown);
    }
  };
  return { node, update };
};
