// Inputs that read the record and write gestures. Each is {node, update(shown)}; none disturbs who is typing.

import { clamp, formatNumber, parseNumber, roundTo } from "../../kernels/numbers.js";
import { h, set, setVariable } from "./elements.js";
import { icon } from "./icons.js";

const numberInput = (title, test, low, high) =>
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

/** Typing, arrows, and leaving: what is typed is written at once, what cannot be read is put right when leaving. */
const connectTyping = (app, input, { read, text, write, step }) => {
  let edited = false;
  const settle = () => {
    edited = false;
    app.store.seal();
    input.value = text();
  };
  const keys = (event) => {
    if (event.key === "Enter" && !event.ctrlKey) input.blur();
    if (event.key === "Escape") settle();
    const direction = { ArrowUp: 1, ArrowDown: -1 }[event.key];
    if (!direction || read() === null) return;
    event.preventDefault();
    edited = false;
    write(read() + direction * step * (event.shiftKey ? 10 : 1));
  };
  input.addEventListener("input", () => {
    edited = true;
    write(input.value);
  });
  for (const kind of ["change", "blur"]) input.addEventListener(kind, settle);
  input.addEventListener("keydown", keys);
  input.addEventListener("focus", () => input.select());
  return { isEdited: () => edited };
};

/**
 * A number that can be typed, stepped with the arrows (Shift ×10) and dragged sideways by its label.
 * options: {label, title, test, low, high, step, whole, suffix, read(shown) → number | null, name,
 * edit(value) → edit of the record}.
 */
export const numberField = (app, options) => {
  const {
    label,
    title = label,
    test,
    low,
    high,
    step = 1,
    whole = step >= 1,
    suffix = "",
    read,
    name,
    edit,
  } = options;
  let value = null;
  const text = () => (value === null ? "" : formatNumber(value, step) + suffix);
  const held = (number) => clamp(roundTo(number, step), low, high);
  const write = (wanted) => {
    const number = parseNumber(String(wanted).replace(suffix.trim(), ""), { low, high, whole });
    if (number === null || value === null || number === Number(formatNumber(value, step))) return;
    const next = held(number);
    app.store.change(
      `${name} ${formatNumber(next, step)}${suffix}`,
      edit(next),
      `${name}:${label}`,
    );
  };
  const input = numberInput(title, test, low, high);
  const typing = connectTyping(app, input, { read: () => value, text, write, step });
  const caption = h("span", { class: "field-label scrub", text: label, "aria-hidden": "true" });
  scrub(app, caption, { name, step, start: () => value, edit: (number) => edit(held(number)) });
  const update = (shown) => {
    value = read(shown);
    set(input, { disabled: value === null, "aria-valuenow": value });
    if (!typing.isEdited() && input.value !== text()) input.value = text();
  };
  return { node: h("label", { class: "field" }, caption, input), update, input };
};

/** Dragging a label sideways changes its number; one drag is one gesture. */
const scrub = (app, node, { name, step, start, edit }) => {
  let drag = null;
  node.addEventListener("pointerdown", (event) => {
    if (start() === null || event.button !== 0) return;
    event.preventDefault();
    node.setPointerCapture(event.pointerId);
    drag = { x: event.clientX, from: start(), gesture: app.store.begin(name) };
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
 * A slider; one drag, or one run of key presses, is one undo step; a double click goes back to `normal`.
 * options: {label, test, low, high, step, normal, format(value), read(shown), name, edit(value) → edit, merge}.
 */
export const slider = (
  app,
  { label, test, low = 0, high = 1, step = 0.05, normal, format, read, name, edit, merge },
) => {
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
  const update = (shown) => {
    const value = read(shown);
    set(input, {
      disabled: value === null,
      "aria-valuetext": value === null ? null : format(value),
    });
    if (value !== null && Number(input.value) !== value) input.value = value;
    paint(value);
  };
  const paint = (value) =>
    setVariable(input, "--fill", `${(((value ?? low) - low) / (high - low)) * 100}%`);
  return { node: input, update, input };
};

/** A line or a paragraph of text; what is typed in one go is one undo step. */
export const textField = (
  app,
  { label, test, placeholder = "", rows = 0, read, name, edit, merge, limit = 200 },
) => {
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
      keydown: (event) =>
        !rows &&
        (event.key === "Enter" || event.key === "Escape") &&
        !event.ctrlKey &&
        input.blur(),
    },
  });
  const update = (shown) => {
    const value = read(shown);
    if (value !== null && input.value !== value) input.value = value;
  };
  return { node: input, update, input };
};

/** A choice; `options(shown)` gives [{id, title}]. */
export const choice = (app, { label, test, options, read, name, edit }) => {
  let known = null;
  const select = h("select", {
    class: "field-input choice",
    "aria-label": label,
    "data-test": test,
  });
  select.addEventListener("change", () => app.store.change(name, edit(select.value)));
  const update = (shown) => {
    const list = options(shown);
    if (list !== known && JSON.stringify(list) !== JSON.stringify(known)) {
      select.replaceChildren(
        ...list.map(({ id, title }) => h("option", { value: id, text: title })),
      );
      known = list;
    }
    const value = read(shown);
    if (value !== null && select.value !== value) select.value = value;
  };
  return { node: h("span", { class: "choice-box" }, select, icon("down")), update, input: select };
};

/** A box to tick. */
export const tick = (app, { label, test, read, name, edit }) => {
  const input = h("input", {
    type: "checkbox",
    class: "tick",
    "aria-label": label,
    "data-test": test,
  });
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

/** A button that runs a command. */
export const button = (
  app,
  command,
  { label = "", iconName = "", test, title, kind = "", key = "" } = {},
) => {
  const node = h(
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
  return node;
};
