// The class of a layer: a field with search over what the model's segmenters can tell apart.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, ModelFacts } from "../../types/protocol.d.ts"
 */

import { answersTo, setClass, takesAnyPhrase, vocabularyOf } from "../../model/classes.js";
import { layerOf, titleOf } from "../../model/records.js";
import { h, set, show } from "../dom/elements.js";

const FREE = "Any phrase will do: this model has CLIPSeg.";

/**
 * What is said above the names: that any phrase will do, or that nobody knows what was typed, but
 * these.
 * @param {ModelFacts | null} model
 * @param {string} typed
 * @param {boolean} isFound
 */
const hintOf = (model, typed, isFound) => {
  if (takesAnyPhrase(model)) return FREE;
  if (isFound) return "";
  return typed.trim()
    ? "No class by that name. The segmenters of this model know these:"
    : "No names are known.";
};

/** @param {Identifier} id */
const createInput = (id) =>
  h("input", {
    class: "field-input",
    type: "text",
    role: "combobox",
    autocomplete: "off",
    spellcheck: "false",
    maxlength: "200",
    placeholder: "what a segmenter calls it, as “cat”",
    "aria-label": "Class",
    "aria-autocomplete": "list",
    "aria-expanded": "false",
    "aria-controls": `classes-${id}`,
    "data-test": "class-label",
  });

/**
 * The names under the field: {node, open(names, hint), close(), step(by), isOpen(), chosen() → name
 * or null}.
 * @param {Identifier} id
 * @param {HTMLInputElement} input
 * @param {(name: string) => void} take
 */
const createNames = (id, input, take) => {
  const hintLine = h("p", { class: "muted", "data-test": "class-hint", role: "status" });
  const list = h("div", { role: "listbox", id: `classes-${id}`, "aria-label": "Classes" });
  const node = h("div", { class: "class-names", hidden: true }, hintLine, list);
  /** @type {readonly string[]} */
  let names = [];
  let place = -1;
  /** @param {number} index */
  const nodeAt = (index) => /** @type {HTMLElement} */ (list.children[index]);
  const mark = () => {
    names.forEach((_, index) => set(nodeAt(index), { "aria-selected": index === place }));
    nodeAt(place)?.scrollIntoView({ block: "nearest" });
    set(input, { "aria-activedescendant": place < 0 ? null : `class-${id}-${place}` });
  };
  /**
   * @param {string} name
   * @param {number} index
   */
  const option = (name, index) => {
    // The press must not take the focus from the field, whose loss closes the list.
    /** @param {PointerEvent} event */
    const keep = (/** @type {Event} */ event) => event.preventDefault();
    const on = { pointerdown: keep, click: () => take(name) };
    const shape = {
      class: "class-name",
      role: "option",
      id: `class-${id}-${index}`,
      "data-test": "class-option",
    };
    return h("div", { ...shape, text: name, on });
  };
  /**
   * @param {readonly string[]} found
   * @param {string} hint
   */
  const open = (found, hint) => {
    [names, place] = [found, -1];
    list.replaceChildren(...found.map(option));
    set(hintLine, { text: hint });
    show(hintLine, hint !== "");
    show(node, true);
    set(input, { "aria-expanded": true });
    mark();
  };
  const close = () => {
    [names, place] = [[], -1];
    show(node, false);
    set(input, { "aria-expanded": false, "aria-activedescendant": null });
  };
  /** @param {number} by */
  const step = (by) => {
    if (names.length)
      place = place < 0 && by < 0 ? names.length - 1 : (place + by + names.length) % names.length;
    mark();
  };
  return {
    node,
    open,
    close,
    step,
    isOpen: () => !node.hidden,
    chosen: () => names[place] ?? null,
  };
};

/**
 * Arrows step, Enter takes the marked name or what was typed, Escape leaves it as it was.
 * @param {HTMLInputElement} input
 * @param {ReturnType<typeof createNames>} names
 * @param {{ open: (typed: string) => void, take: (name: string) => void, restore: () => void }} means
 */
const connectKeys = (input, names, { open, take, restore }) => {
  /** @param {number} by */
  const step = (by) => {
    if (!names.isOpen()) open("");
    names.step(by);
  };
  /** @type {Readonly<Record<string, () => void>>} */
  const keys = {
    ArrowDown: () => step(1),
    ArrowUp: () => step(-1),
    Enter: () => take(names.chosen() ?? input.value),
    Escape: restore,
  };
  input.addEventListener("keydown", (event) => {
    const act = event.ctrlKey || event.metaKey ? null : keys[event.key];
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  });
};

/**
 * A field for the class of the layer `id`: {node, update(shown)}. A choice is one undo step.
 * @param {App} app
 * @param {Identifier} id
 */
export const createClassField = (app, id) => {
  const input = createInput(id);
  let [known, isTyped] = ["", false];
  const restore = () => {
    input.value = known;
    isTyped = false;
    names.close();
  };
  /** @param {string} name */
  const take = (name) => {
    const next = name.trim();
    const layer = layerOf(app.store.record, id);
    if (layer && next !== layer.class_label) {
      known = next;
      app.store.change(`Class of ${titleOf(layer)}`, setClass(id, next));
    }
    restore();
  };
  const names = createNames(id, input, take);
  /** @param {string} typed */
  const open = (typed) => {
    const { model, scene } = app.shown();
    const known = vocabularyOf(model, scene);
    const answers = answersTo(known, typed);
    names.open(
      answers.length || takesAnyPhrase(model) ? answers : known,
      hintOf(model, typed, answers.length > 0),
    );
  };
  input.addEventListener("input", () => {
    isTyped = true;
    open(input.value);
  });
  input.addEventListener("click", () => names.isOpen() || open(""));
  input.addEventListener("blur", () => (isTyped ? take(input.value) : restore()));
  connectKeys(input, names, { open, take, restore });
  /** @param {Shown} shown */
  const update = (shown) => {
    const value = layerOf(shown.record, id)?.class_label ?? "";
    if (!isTyped && input.value !== value) input.value = value;
    known = value;
  };
  const node = h("div", { class: "class-field" }, input, names.node);
  return { node, update };
};
