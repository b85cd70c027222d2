// The options of the chosen method, and the one dial that sets several of them at once (TCIG's
// tolerance for masks).

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { MethodOption } from "../../types/model.d.ts"
 * @import { MethodFacts, OptionValue, RunSettings } from "../../types/protocol.d.ts"
 * @import { Part } from "../../types/view.d.ts"
 */

import { formatNumber, roundTo } from "../../kernels/numbers.js";
import { setOption } from "../../model/edits.js";
import { linkedOption, optionsOf, optionValue, rangeOf } from "../../model/options.js";
import { h, set, show } from "../dom/elements.js";
import { choice, tick } from "../dom/fields.js";
import { numberField, slider } from "../dom/number-fields.js";

/** @param {Shown} shown */
const methodOf = ({ state, record }) =>
  state.facts?.methods.find(({ id }) => id === record.settings.method) ?? null;

/**
 * Whether what a method's dial would set is set on its own.
 * @param {MethodFacts | null} method
 * @param {RunSettings} settings
 */
const isSetByHand = (method, { options }) => Boolean(options[linkedOption(method)?.unless ?? ""]);

/** @typedef {{ option: MethodOption, value: number }} LinkedValue */

/**
 * The options that the dial sets, each with its present value.
 * @param {MethodFacts} method
 * @param {MethodOption} dial
 * @param {RunSettings} settings
 * @returns {readonly LinkedValue[]}
 */
const linkedValues = (method, dial, settings) => {
  const range = rangeOf(dial);
  const place = Number(optionValue(settings, dial));
  const share = (place - range.low) / (range.high - range.low);
  const isByHand = isSetByHand(method, settings);
  const options = optionsOf(method);
  return Object.entries(dial.sets ?? {}).flatMap(([name, [low, high]]) => {
    const option = options.find((each) => each.name === name);
    if (!option) return [];
    const own = Number(optionValue(settings, option));
    return [{ option, value: isByHand ? own : low + (high - low) * share }];
  });
};

/**
 * @param {string} number
 * @param {string} unit
 */
const withUnit = (number, unit = "") =>
  unit === "×" ? `×${number}` : number + (unit.startsWith("px") ? " px" : "");

/** @param {LinkedValue} linked */
const describe = ({ option, value }) => {
  const text = withUnit(formatNumber(roundTo(value, 0.01), 0.01), option.unit);
  const node = h("span", {
    class: "setter-value",
    title: option.description,
    "data-test": `sets-${option.name}`,
  });
  node.append(`${option.title.toLowerCase()} `, h("b", { text }));
  return node;
};

/**
 * {node, update(shown)}: hidden for methods without such a dial.
 * @param {App} app
 */
export const createLinkedDial = (app) => {
  /** @param {Shown} shown */
  const read = (shown) => {
    const method = methodOf(shown);
    const { settings } = shown.record;
    const dial = linkedOption(method);
    return dial && !isSetByHand(method, settings) ? Number(optionValue(settings, dial)) : null;
  };
  const part = slider(app, {
    label: "Mask tolerance",
    test: "setter",
    format: (value) => formatNumber(value, 0.05),
    read,
    name: "Mask tolerance",
    edit: (value) => setOption(linkedOption(methodOf(app.shown()))?.name ?? "", value),
    merge: () => "setter",
  });
  const [title, number] = [
    h("span", { class: "setter-title" }),
    h("span", { class: "dial-value" }),
  ];
  const values = h("div", { class: "setter-values" });
  const head = h("div", { class: "setter-head" }, title, part.node, number);
  const node = h("div", { class: "setter", hidden: true }, head, values);
  /** @param {Shown} shown */
  const update = (shown) => {
    const method = methodOf(shown);
    const dial = linkedOption(method);
    show(node, dial !== null);
    if (!method || !dial) return;
    part.update(shown);
    const value = read(shown);
    set(title, { text: dial.title, title: dial.description });
    const { low, high, step } = rangeOf(dial);
    set(part.input, {
      "aria-label": dial.title,
      min: low,
      max: high,
      step,
    });
    set(number, { text: value === null ? "by hand" : formatNumber(value, step) });
    values.replaceChildren(...linkedValues(method, dial, shown.record.settings).map(describe));
  };
  return { node, update };
};

/**
 * @param {readonly MethodOption[]} options
 * @param {MethodOption} option
 */
const isLinked = (options, { name }) => options.some(({ sets = {} }) => name in sets);

/**
 * @param {App} app
 * @param {MethodOption} option
 * @returns {Part}
 */
const optionField = (app, option) => {
  const { name, title, type } = option;
  /** @param {Shown} shown */
  const read = ({ record }) => optionValue(record.settings, option);
  /** @param {OptionValue} value */
  const edit = (value) => setOption(name, value);
  const shared = { test: `option-${name}`, name: title };
  if (type === "boolean") return tick(app, { ...shared, label: title, read, edit });
  const choices = option.enum;
  if (choices) {
    return choice(app, {
      ...shared,
      label: title,
      options: () => choices.map((id) => ({ id, title: id })),
      read: (shown) => String(read(shown)),
      edit,
    });
  }
  return numberField(app, {
    ...shared,
    ...rangeOf(option),
    whole: type === "integer",
    label: "",
    title,
    read: (shown) => Number(read(shown)),
    edit,
  });
};

/**
 * @param {MethodOption} option
 * @param {Part} field
 */
const optionLine = ({ type, title, unit, description, section }, field) => {
  const about = [description, section].filter(Boolean).join(" · ");
  const words = h("span", {}, title, unit ? h("small", { text: unit }) : null);
  const kind = type === "boolean" ? "label" : "div";
  return h(kind, { class: "option", title: about }, words, field.node);
};

/**
 * The options of the chosen method, as its facts describe them.
 * @param {App} app
 */
export const createMethodOptions = (app) => {
  const node = h("div", { class: "method-options" });
  /** @type {MethodFacts | null} */
  let known = null;
  /** @type {readonly { field: Part, line: HTMLElement, isLinked: boolean }[]} */
  let fields = [];
  /** @param {Shown} shown */
  const update = (shown) => {
    const method = methodOf(shown);
    if (method !== known) {
      known = method;
      const options = optionsOf(method);
      fields = options
        .filter(({ sets }) => sets === undefined)
        .map((option) => {
          const field = optionField(app, option);
          return { field, line: optionLine(option, field), isLinked: isLinked(options, option) };
        });
      node.replaceChildren(...fields.map(({ line }) => line));
    }
    const isByHand = isSetByHand(known, shown.record.settings);
    for (const { field, line, isLinked: follows } of fields) {
      show(line, !follows || isByHand);
      field.update(shown);
    }
  };
  return { node, update };
};
