// Numbers as fields and sliders: they read the record and write gestures, and none disturbs who is
// typing.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Field, FieldTarget, NumberOptions, SliderOptions } from "../../types/view.d.ts"
 */

import { clamp, formatNumber, parseNumber, roundTo } from "../../kernels/numbers.js";
import { h, set, setVariable } from "./elements.js";

/** What other programs take for a seed that is new each time. */
const ANY_SEED = "-1";

/** @param {Pick<NumberOptions, "title" | "test" | "low" | "high">} options */
const createNumberInput = ({ title, test, low, high }) =>
  h("input", {
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    spellcheck: "false",
    role: "spinbutton",
    class: "field-input number",
    "aria-label": title,
    "aria-valuemin": low,
    "aria-valuemax": high,
    "data-test": test,
    title,
  });

/** @type {Readonly<Record<string, number>>} */
const DIRECTIONS = { ArrowUp: 1, ArrowDown: -1 };

/**
 * Typing, arrows, and leaving: what is typed is written at once, what cannot be read is put right
 * when leaving. Answers whether somebody is typing.
 * @param {{ seal(): void }} store
 * @param {HTMLInputElement} input
 * @param {{
 *   read: () => number | null,
 *   text: () => string,
 *   write: (wanted: string | number) => void,
 *   step: number,
 * }} means
 */
const connectTyping = (store, input, { read, text, write, step }) => {
  let isEdited = false;
  const settle = () => {
    isEdited = false;
    store.seal();
    input.value = text();
  };
  /** @param {KeyboardEvent} event */
  const turn = (event) => {
    if (event.key === "Enter" && !event.ctrlKey) input.blur();
    if (event.key === "Escape") settle();
    const direction = DIRECTIONS[event.key];
    const value = read();
    if (!direction || value === null) return;
    event.preventDefault();
    isEdited = false;
    write(value + direction * step * (event.shiftKey ? 10 : 1));
  };
  input.addEventListener("input", () => {
    isEdited = true;
    write(input.value);
  });
  for (const kind of ["change", "blur"]) input.addEventListener(kind, settle);
  input.addEventListener("keydown", turn);
  input.addEventListener("focus", () => input.select());
  return () => isEdited;
};

/**
 * Dragging a label sideways changes its number; one drag is one gesture.
 * @template Change
 * @param {FieldTarget<Change>} target
 * @param {HTMLElement} node
 * @param {{
 *   name: string,
 *   step: number,
 *   start: () => number | null,
 *   edit: (value: number) => Change,
 * }} means
 */
const connectScrubbing = ({ store }, node, { name, step, start, edit }) => {
  /** @type {{ x: number, from: number, gesture: ReturnType<typeof store.begin> } | null} */
  let drag = null;
  node.addEventListener("pointerdown", (event) => {
    const from = start();
    if (from === null || event.button !== 0) return;
    event.preventDefault();
    node.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, from, gesture: store.begin(name) };
  });
  node.addEventListener("pointermove", (event) => {
    if (drag)
      drag.gesture.update(edit(drag.from + Math.round((event.clientX - drag.x) / 2) * step));
  });
  node.addEventListener("pointerup", () => {
    drag?.gesture.commit();
    drag = null;
  });
  node.addEventListener("lostpointercapture", () => {
    drag?.gesture.cancel();
    drag = null;
  });
};

/**
 * A number that can be typed, stepped with the arrows (Shift ×10) and dragged sideways by its
 * label.
 * @template Change
 * @param {FieldTarget<Change>} target
 * @param {NumberOptions<Change>} options
 * @returns {Field}
 */
export const numberField = (target, options) => {
  const { label, title = label, test, low, high, name, read, edit } = options;
  const { step = 1, whole = step >= 1, suffix = "", draw } = options;
  /** @type {number | null} */
  let value = null;
  const text = () => (value === null ? "" : formatNumber(value, step) + suffix);
  /** @param {number} number */
  const fit = (number) => clamp(roundTo(number, step), low, high);
  /** @param {string | number} wanted */
  const write = (wanted) => {
    const typed = String(wanted).replace(suffix.trim(), "");
    const number =
      draw && typed.trim() === ANY_SEED ? draw() : parseNumber(typed, { low, high, whole });
    if (number === null || value === null || number === Number(formatNumber(value, step))) return;
    const next = fit(number);
    const merge = `${name}:${label}`;
    target.store.change(`${name} ${formatNumber(next, step)}${suffix}`, edit(next), merge);
  };
  const input = createNumberInput({ title, test, low, high });
  const isEdited = connectTyping(target.store, input, { read: () => value, text, write, step });
  const caption = h("span", { class: "field-label scrub", text: label, "aria-hidden": "true" });
  const start = () => value;
  connectScrubbing(target, caption, { name, step, start, edit: (number) => edit(fit(number)) });
  /** @param {Shown} shown */
  const update = (shown) => {
    value = read(shown);
    set(input, { disabled: value === null, "aria-valuenow": value });
    if (!isEdited() && input.value !== text()) input.value = text();
  };
  return { node: h("label", { class: "field" }, caption, input), update, input };
};

/**
 * A slider; one drag, or one run of key presses, is one undo step; a double click goes back to
 * `normal`.
 * @param {App} app
 * @param {SliderOptions} options
 * @returns {Field}
 */
export const slider = (app, options) => {
  const { label, test, low = 0, high = 1, step = 0.05, normal } = options;
  const { format, read, name, edit, merge } = options;
  /** @type {ReturnType<typeof app.store.begin> | null} */
  let gesture = null;
  const change = () => {
    gesture ??= app.store.begin(name, merge());
    gesture.update(edit(Number(input.value)));
  };
  const commit = () => {
    gesture?.commit();
    gesture = null;
  };
  const input = h("input", {
    type: "range",
    class: "slider",
    min: low,
    max: high,
    step,
    "aria-label": label,
    "data-test": test,
    on: {
      input: change,
      change: commit,
      blur: commit,
      dblclick: () => normal !== undefined && app.store.change(name, edit(normal)),
      pointerdown: (event) => event.stopPropagation(),
    },
  });
  /** @param {number | null} value */
  const paint = (value) =>
    setVariable(input, "--fill", `${(((value ?? low) - low) / (high - low)) * 100}%`);
  /** @param {Shown} shown */
  const update = (shown) => {
    const value = read(shown);
    set(input, {
      disabled: value === null,
      "aria-valuetext": value === null ? null : format(value),
    });
    if (value !== null && Number(input.value) !== value) input.value = String(value);
    paint(value);
  };
  return { node: input, update, input };
};
