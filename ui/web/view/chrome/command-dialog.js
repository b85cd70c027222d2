// The dialog of a command, made from the parameters that it asks for.

/**
 * @import { App, Command, Parameter, ParameterValue, ParameterValues, Shown } from "../../types/editor.d.ts"
 */

import { dialogOf } from "../../commands.js";
import { formatNumber, parseNumber } from "../../kernels/numbers.js";
import { usualValues } from "../../model/parameters.js";
import { focused, h, set, show } from "../dom/elements.js";
import { choiceBox, optionsOf } from "../dom/fields.js";
import { icon } from "../dom/icons.js";
import { keepFocus } from "./sheets.js";

/** @typedef {(value: ParameterValue, settle?: boolean) => void} Put */

/**
 * @param {Parameter} parameter
 * @param {ParameterValue} value
 * @param {Put} put
 */
const numberInput = ({ name, title, low = -Infinity, high = Infinity, step = 1 }, value, put) => {
  const input = h("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    class: "field-input number",
    role: "spinbutton",
    "aria-label": title,
    "aria-valuemin": low,
    "aria-valuemax": high,
    "aria-valuenow": Number(value),
    "data-test": `dialog-${name}`,
  });
  input.value = formatNumber(Number(value), step);
  const read = () => parseNumber(input.value, { low, high, whole: step >= 1 });
  input.addEventListener("input", () => {
    const number = read();
    if (number !== null) put(number);
  });
  input.addEventListener("change", () => {
    input.value = formatNumber(read() ?? Number(value), step);
    put(read() ?? Number(value), true);
  });
  input.addEventListener("focus", () => input.select());
  return input;
};

/**
 * @param {Parameter} parameter
 * @param {ParameterValue} value
 * @param {Put} put
 */
const choiceInput = ({ name, title, options = [] }, value, put) => {
  const select = h("select", {
    class: "field-input choice",
    "aria-label": title,
    "data-test": `dialog-${name}`,
  });
  select.replaceChildren(...optionsOf(options));
  select.value = String(value);
  select.addEventListener("change", () => put(select.value, true));
  return choiceBox(select);
};

/**
 * @param {Parameter} parameter
 * @param {ParameterValue} value
 * @param {Put} put
 */
const plainInput = ({ name, title, kind, high = 200 }, value, put) => {
  const types = /** @type {Readonly<Record<string, string>>} */ ({
    colour: "color",
    tick: "checkbox",
  });
  const classes = /** @type {Readonly<Record<string, string>>} */ ({
    colour: "field-input colour",
    tick: "tick",
  });
  const input = h("input", {
    type: types[kind] ?? "text",
    class: classes[kind] ?? "field-input",
    autocomplete: "off",
    maxlength: kind === "text" ? high : null,
    "aria-label": title,
    "data-test": `dialog-${name}`,
  });
  if (kind === "tick") input.checked = value === true;
  else input.value = String(value);
  input.addEventListener("input", () => put(kind === "tick" ? input.checked : input.value));
  return input;
};

const MAKERS = {
  number: numberInput,
  choice: choiceInput,
  colour: plainInput,
  tick: plainInput,
  text: plainInput,
};

/**
 * @param {Parameter} parameter
 * @param {ParameterValue} value
 * @param {Put} put
 */
const createRow = (parameter, value, put) => {
  const { title, kind, unit = "", help = "", options = [] } = parameter;
  const about = options.find(({ id }) => id === value)?.about ?? help;
  return h(
    "div",
    { class: "dialog-row" },
    h("span", { class: "dialog-title", text: title }),
    h(
      "span",
      { class: "dialog-field" },
      MAKERS[kind](parameter, value, put),
      unit ? h("span", { class: "muted", text: unit }) : null,
    ),
    about ? h("p", { class: "muted dialog-help", text: about }) : null,
  );
};

/**
 * The fields of a command: {node, begin(command), values()}. What depends on a choice is made anew
 * when that is made.
 * @param {App} app
 */
const createForm = (app) => {
  const node = h("div", { class: "dialog-rows" });
  /** @type {Command | null} */
  let command = null;
  /** @type {Record<string, ParameterValue>} */
  let values = {};
  const draw = () => {
    const parameters = command?.dialog?.parameters(app, values) ?? [];
    const usual = usualValues(parameters);
    values = Object.fromEntries(
      parameters.map(({ name, kind, options = [] }) => {
        const isGood = kind !== "choice" || options.some(({ id }) => id === values[name]);
        return [name, name in values && isGood ? values[name] : usual[name]];
      }),
    );
    const name = focused()?.dataset.test;
    node.replaceChildren(
      ...parameters.map((parameter) =>
        createRow(parameter, values[parameter.name], (value, settle = false) => {
          values = { ...values, [parameter.name]: value };
          if (settle && parameter.kind === "choice") draw();
        }),
      ),
    );
    /** @type {HTMLElement | null} */ (
      name ? node.querySelector(`[data-test="${name}"]`) : null
    )?.focus();
  };
  return {
    node,
    /** @param {Command} next */
    begin: (next) => {
      command = next;
      values = {};
      draw();
    },
    /** @returns {ParameterValues} */
    values: () => values,
  };
};

/** @param {App} app */
export const createCommandDialog = (app) => {
  const close = () => app.session.set({ open: "" });
  const form = createForm(app);
  const heading = h("h2", { id: "dialog-heading" });
  const shut = h(
    "button",
    { type: "button", class: "button quiet", "aria-label": "Close", on: { click: close } },
    icon("close"),
  );
  const act = h("button", { type: "submit", class: "button primary", "data-test": "dialog-run" });
  const leave = h("button", {
    type: "button",
    class: "button quiet",
    text: "Cancel",
    "data-test": "dialog-cancel",
    on: { click: close },
  });
  const head = h("div", { class: "sheet-head" }, heading, h("span", { class: "spring" }), shut);
  const foot = h("div", { class: "dialog-foot" }, leave, act);
  const about = { class: "sheet dialog", role: "dialog", "aria-modal": "true" };
  const sheet = h("form", { ...about, "aria-labelledby": "dialog-heading" }, head, form.node, foot);
  keepFocus(sheet);
  const node = h("div", { class: "veil", hidden: true, "data-test": "dialog" }, sheet);
  node.addEventListener("pointerdown", (event) => event.target === node && close());
  /** @type {Command | null} */
  let shownCommand = null;
  sheet.addEventListener("submit", (event) => {
    event.preventDefault();
    const command = shownCommand;
    if (!command) return;
    close();
    app.run(command.id, form.values());
  });
  sheet.addEventListener(
    "keydown",
    (event) => event.key === "Escape" && (event.stopPropagation(), event.preventDefault(), close()),
  );
  /** @type {HTMLElement | null} */
  let returnTo = null;
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const command = dialogOf(state.open);
    if (command === shownCommand) return;
    if (command && !shownCommand) returnTo = focused();
    shownCommand = command;
    show(node, command !== null);
    if (!command) return void returnTo?.focus();
    set(heading, { text: command.title.replace(" …", "") });
    set(act, { text: command.dialog?.button ?? "" });
    form.begin(command);
    /** @type {HTMLElement | null} */ (form.node.querySelector("input, select"))?.focus();
  };
  return { node, update };
};
