// Building and changing elements with few words.

/** @import { Attributes, Child, Keyed } from "../../types/view.d.ts" */

/** What a dragged candidate is called in the browser's clipboard of drags. */
export const CANDIDATE = "application/x-lamina-candidate";

/** What a dragged picture of the gallery is called there. */
export const PICTURE = "application/x-lamina-picture";

const SVG = "http://www.w3.org/2000/svg";

/**
 * An attribute's text, null for none: booleans are "true" or "false" in data- and aria-, there or
 * not elsewhere.
 * @param {string} name
 * @param {unknown} value
 */
const textOf = (name, value) => {
  if (value === null || value === undefined) return null;
  if (typeof value !== "boolean" || /^(data|aria)-/.test(name)) return String(value);
  return value ? "" : null;
};

/**
 * @param {HTMLElement} node
 * @param {string} name
 * @param {unknown} value
 */
const put = (node, name, value) => {
  const text = textOf(name, value);
  if (text === null) node.removeAttribute(name);
  else node.setAttribute(name, text);
};

/**
 * An element with attributes ("text" and "on" are special) and children; empty children are left
 * out.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Attributes} [attributes]
 * @param {...(Child | readonly Child[])} children
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export const h = (tag, { on = {}, text, ...attributes } = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) put(node, name, value);
  if (text !== undefined) node.textContent = text;
  for (const [kind, listener] of Object.entries(on))
    node.addEventListener(kind, /** @type {EventListener} */ (listener));
  for (const child of children.flat()) if (child) node.append(child);
  return node;
};

/**
 * Sets what differs: attributes (null removes them) and "text".
 * @param {HTMLElement} node
 * @param {Attributes} attributes
 */
export const set = (node, { text, ...attributes }) => {
  if (text !== undefined && node.textContent !== text) node.textContent = text;
  for (const [name, value] of Object.entries(attributes))
    if (node.getAttribute(name) !== textOf(name, value)) put(node, name, value);
};

/**
 * Sets a custom property of the style if it differs: writing one dirties the layout even when
 * nothing changes.
 * @param {HTMLElement} node
 * @param {string} name
 * @param {string} value
 */
export const setVariable = (node, name, value) => {
  if (node.style.getPropertyValue(name) !== value) node.style.setProperty(name, value);
};

/**
 * @param {HTMLElement} node
 * @param {boolean} visible
 */
export const show = (node, visible) => {
  if (node.hidden === visible) node.hidden = !visible;
};

/**
 * The element that an event happened to.
 * @param {Event} event
 */
export const elementOf = (event) => /** @type {HTMLElement} */ (event.target);

/**
 * The first element within another that is known to have one.
 * @param {HTMLElement} node
 */
export const firstOf = (node) => /** @type {HTMLElement} */ (node.firstElementChild);

/** The element that has the keys, if any. */
export const focused = () => /** @type {HTMLElement | null} */ (document.activeElement);

/**
 * A canvas of a size.
 * @param {number} [width]
 * @param {number} [height]
 */
export const createCanvas = (width, height) => {
  const canvas = document.createElement("canvas");
  if (width !== undefined && height !== undefined) Object.assign(canvas, { width, height });
  return canvas;
};

/**
 * What a canvas is drawn on with.
 * @param {HTMLCanvasElement} canvas
 * @param {CanvasRenderingContext2DSettings} [settings]
 */
export const contextOf = (canvas, settings) => {
  const context = canvas.getContext("2d", settings);
  if (!context) throw new Error("This browser draws no canvas.");
  return context;
};

/**
 * An icon of the set, drawn on a 20 × 20 grid.
 * @param {readonly string[]} paths
 */
export const drawIcon = (paths) => {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("viewBox", "0 0 20 20");
  svg.setAttribute("class", "icon");
  svg.setAttribute("aria-hidden", "true");
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
};

/**
 * Children of `parent` by key. Answers place(items) → their entries, in order: nodes of known keys
 * are moved, new ones built, gone ones removed.
 * @template Item
 * @template {Keyed} Entry
 * @param {HTMLElement} parent
 * @param {(item: Item) => string | number} keyOf
 * @param {(item: Item) => Entry} build
 */
export const createKeyed = (parent, keyOf, build) => {
  /** @type {Map<string | number, Entry>} */
  const entries = new Map();
  /** @param {ReadonlySet<string | number>} keys */
  const forget = (keys) => {
    for (const [key, entry] of entries) {
      if (keys.has(key)) continue;
      entry.node.remove();
      entries.delete(key);
    }
  };
  /** @param {readonly Item[]} items */
  return (items) => {
    forget(new Set(items.map(keyOf)));
    let before = parent.firstChild;
    return items.map((item) => {
      const key = keyOf(item);
      const entry = entries.get(key) ?? build(item);
      entries.set(key, entry);
      if (entry.node === before) before = before.nextSibling;
      else parent.insertBefore(entry.node, before);
      return entry;
    });
  };
};

/**
 * The last element within another that is known to have one.
 * @param {HTMLElement} node
 */
export const lastOf = (node) => /** @type {HTMLElement} */ (node.lastElementChild);
