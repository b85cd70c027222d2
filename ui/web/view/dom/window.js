// The window around the editor: its keys, paste, leaving, style sheet, file chooser and downloads.

/** @import { App, Bindings, Command, KeyPlace } from "../../types/editor.d.ts" */

import { elementOf, h } from "./elements.js";

/**
 * Puts the style sheet into the element's own root, and waits until it applies.
 * @param {HTMLElement} element
 * @param {string} href
 */
export const loadStyle = (element, href) => {
  const root = element.getRootNode();
  const place = root === document ? document.head : /** @type {ParentNode} */ (root);
  return new Promise((resolve) => {
    place.append(h("link", { rel: "stylesheet", href, on: { load: resolve, error: resolve } }));
  });
};

/** Where a key is pressed, by what the pressed element lies in; the first that fits counts. */
const PLACES = /** @type {const} */ ([
  ['textarea, select, input:not([type="range"]):not([type="checkbox"])', "text"],
  ['input[type="range"]', "slider"],
  [".candidates :is(button, summary, a)", "list"],
  ["button, summary, a", "button"],
  ['[role="tree"], [role="listbox"], [role="menu"], [role="dialog"]', "list"],
]);

/**
 * @param {HTMLElement} target
 * @returns {KeyPlace}
 */
const placeOf = (target) =>
  PLACES.find(([selector]) => target.closest?.(selector))?.[1] ?? "canvas";

/**
 * Keys for the whole page. Escape, and the window losing focus, cancel what a tool is doing.
 * @param {App} app
 * @param {HTMLElement} element
 * @param {{
 *   commandFor: (chord: string, place: KeyPlace, bindings: Bindings) => Command | null,
 *   chordOf: (event: KeyboardEvent) => string,
 *   holdSpace: (held: boolean) => void,
 * }} means
 */
export const connectKeys = (app, element, { commandFor, chordOf, holdSpace }) => {
  /**
   * Whether a key of the canvas itself took the press.
   * @param {string} chord
   * @param {KeyPlace} place
   */
  const isOfCanvas = (chord, place) => {
    if (place !== "canvas") return false;
    if (chord === "Space") holdSpace(true);
    return chord === "Space" || (chord === "Enter" && app.confirmTools());
  };
  /** @param {KeyboardEvent} event */
  const press = (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    const place = placeOf(elementOf(event));
    const chord = chordOf(event);
    if (isOfCanvas(chord, place)) return void event.preventDefault();
    if (chord === "Escape" && (place === "text" || app.cancelTools()))
      return void elementOf(event).blur?.();
    const command = commandFor(chord, place, app.session.state.bindings);
    if (!command) return;
    event.preventDefault();
    app.run(command.id);
  };
  window.addEventListener("keydown", press);
  window.addEventListener("keyup", (event) => event.key === " " && holdSpace(false));
  window.addEventListener("blur", () => {
    holdSpace(false);
    app.cancelTools();
  });
  element.addEventListener("pointerdown", (event) => {
    const { open } = app.session.state;
    if (open && !elementOf(event).closest(".menu-box, .context-menu, .sheet, [data-test=keys]"))
      app.session.set({ open: "" });
  });
};

/** @param {App} app */
export const connectPaste = (app) =>
  window.addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length === 0) return;
    event.preventDefault();
    app.run("addFiles", files);
  });

/**
 * A page that is left or hidden saves at once.
 * @param {App} app
 */
export const connectLeaving = (app) =>
  document.addEventListener("visibilitychange", () => document.hidden && app.run("save"));

/**
 * The files that a person picks; none after a cancel. The field stays in the page until then, or
 * the browser may collect it before its answer comes.
 * @param {string} accept
 * @param {boolean} multiple
 * @returns {Promise<File[]>}
 */
export const chooseFiles = (accept, multiple) =>
  new Promise((resolve) => {
    /** @param {File[]} files */
    const answer = (files) => {
      input.remove();
      resolve(files);
    };
    /** @type {HTMLInputElement} */
    const input = h("input", {
      type: "file",
      accept,
      multiple,
      hidden: true,
      on: { change: () => answer([...(input.files ?? [])]), cancel: () => answer([]) },
    });
    document.body.append(input);
    input.click();
  });

/**
 * @param {string} href
 * @param {string} name
 */
export const download = (href, name) => {
  const link = h("a", { href, download: name });
  document.body.append(link);
  link.click();
  link.remove();
};
