// Texts, choices, ticks and buttons: they read the record and write gestures, and none disturbs who
// is typing.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { ButtonOptions, Choice, ChoiceOptions, Field, TextOptions, TickOptions } from "../../types/view.d.ts"
 */

import { h } from "./elements.js";
import { icon } from "./icons.js";

/**
 * A line or a paragraph of text; what is typed in one go is one undo step.
 * @param {App} app
 * @param {TextOptions} options
 * @returns {Field<HTMLInputElement | HTMLTextAreaElement>}
 */
export const textField = (app, options) => {
  const { label, test, placeholder = "", rows = 0, limit = 200 } = options;
  const { read, name, edit, merge } = options;
  /** @param {KeyboardEvent} event */
  const leave = (event) => {
    const isEnd = event.key === "Enter" || event.key === "Escape";
    if (!rows && isEnd && !event.ctrlKey) input.blur();
  };
  /** @type {HTMLInputElement | HTMLTextAreaElement} */
  const input = h(rows ? "textarea" : "input", {
    class: "field-input",
    "aria-label": label,
    placeholder,
    maxlength: limit,
    "data-test": test,
    autocomplete: "off",
    ...(rows ? { rows } : { type: "text", spellcheck: "false" }),
    on: {
      input: () => app.store.change(name, edit(input.value), merge()),
      blur: () => app.store.seal(),
      keydown: leave,
    },
  });
  /** @param {Shown} shown */
  const update = (shown) => {
    const value = read(shown);
    if (value !== null && input.value !== value) input.value = value;
  };
  return { node: input, update, input };
};

/**
 * Options of a choice.
 * @param {readonly Choice[]} list
 */
export const optionsOf = (list) =>
  list.map(({ id, title, disabled = false }) =>
    h("option", { value: id, text: title, title: disabled ? title : null, disabled }),
  );

/**
 * A select with its arrow.
 * @param {HTMLSelectElement} select
 */
export const choiceBox = (select) => h("span", { class: "choice-box" }, select, icon("down"));

/**
 * A choice; `options(shown)` gives what there is to choose.
 * @param {App} app
 * @param {ChoiceOptions} options
 * @returns {Field<HTMLSelectElement>}
 */
export const choice = (app, { label, test, options, read, name, edit }) => {
  /** @type {readonly Choice[] | null} */
  let known = null;
  const shape = { class: "field-input choice", "aria-label": label, "data-test": test };
  const select = h("select", shape);
  select.addEventListener("change", () => app.store.change(name, edit(select.value)));
  /** @param {Shown} shown */
  const update = (shown) => {
    const list = options(shown);
    if (list !== known && JSON.stringify(list) !== JSON.stringify(known)) {
      select.replaceChildren(...optionsOf(list));
      known = list;
    }
    const value = read(shown);
    if (value !== null && select.value !== value) select.value = value;
  };
  return { node: choiceBox(select), update, input: select };
};

/**
 * A box to tick.
 * @param {App} app
 * @param {TickOptions} options
 * @returns {Field}
 */
export const tick = (app, { label, test, read, name, edit }) => {
  const shape = { type: "checkbox", class: "tick", "aria-label": label, "data-test": test };
  const input = h("input", shape);
  input.addEventListener("change", () => app.store.change(name, edit(input.checked)));
  return {
    node: input,
    input,
    update: (shown) => {
      const value = Boolean(read(shown));
      if (input.checked !== value) input.checked = value;
    },
  };
};

/**
 * A button that runs a command: its id, or what a click does.
 * @param {App} app
 * @param {string | ((event: MouseEvent) => unknown)} command
 * @param {ButtonOptions} options
 */
export const button = (app, command, options) => {
  const { label = "", iconName = "", test, title, kind = "", key = "" } = options;
  return h(
    "button",
    {
      type: "button",
      class: `button ${kind}`,
      "data-test": test,
      title,
      "aria-label": label ? null : title,
      on: { click: (event) => (typeof command === "string" ? app.run(command) : command(event)) },
    },
    iconName ? icon(iconName) : null,
    label ? h("span", { text: label }) : null,
    key ? h("kbd", { text: key }) : null,
  );
};

/**
 * A name that is renamed by typing; Enter or leaving keeps it, Escape does not: {node, update(name)}.
 * @param {{ label: string, test: string, keep: (name: string) => void }} options
 */
export const nameField = ({ label, test, keep }) => {
  const input = h("input", {
    class: `field-input ${test}`,
    type: "text",
    maxlength: 200,
    "aria-label": label,
    "data-test": test,
    autocomplete: "off",
    spellcheck: "false",
  });
  let known = "";
  input.addEventListener("change", () => {
    if (input.value.trim()) keep(input.value);
    else input.value = known;
  });
  input.addEventListener("keydown", (event) => {
    if (event.key === "Enter") input.blur();
    if (event.key !== "Escape") return;
    event.stopPropagation();
    input.value = known;
    input.blur();
  });
  /** @param {string} name */
  const update = (name) => {
    known = name;
    if (document.activeElement !== input && input.value !== name) input.value = name;
  };
  return { node: input, update };
};
