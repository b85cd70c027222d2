// Building and changing elements with few words.

/** What a dragged candidate is called in the browser's clipboard of drags. */
export const CANDIDATE = "application/x-lamina-candidate";

const SVG = "http://www.w3.org/2000/svg";

/** An attribute's text, null for none: booleans are "true" or "false" in data- and aria-, there or not elsewhere. */
const textOf = (name, value) => {
  if (value === null || value === undefined) return null;
  if (typeof value !== "boolean" || /^(data|aria)-/.test(name)) return String(value);
  return value ? "" : null;
};

const put = (node, name, value) => {
  if (name === "on")
    for (const [kind, listener] of Object.entries(value)) node.addEventListener(kind, listener);
  else if (name === "text") node.textContent = value;
  else if (textOf(name, value) === null) node.removeAttribute(name);
  else node.setAttribute(name, textOf(name, value));
};

/** An element with attributes ("text" and "on" are special) and children; empty children are left out. */
export const h = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) put(node, name, value);
  node.append(
    ...children.flat().filter((child) => child !== null && child !== undefined && child !== ""),
  );
  return node;
};

/** Sets what differs: attributes (null removes them) and "text". */
export const set = (node, attributes) => {
  for (const [name, value] of Object.entries(attributes)) {
    const now = name === "text" ? node.textContent : node.getAttribute(name);
    if (now !== (name === "text" ? value : textOf(name, value))) put(node, name, value);
  }
};

/** Sets a custom property of the style if it differs: writing one dirties the layout even when nothing changes. */
export const setVariable = (node, name, value) => {
  if (node.style.getPropertyValue(name) !== value) node.style.setProperty(name, value);
};

export const show = (node, visible) => {
  if (node.hidden === visible) node.hidden = !visible;
};

/** An icon of the set, drawn on a 20 × 20 grid. */
export const drawIcon = (paths) => {
  const svg = document.createElementNS(SVG, "svg");
  for (const [name, value] of [
    ["viewBox", "0 0 20 20"],
    ["class", "icon"],
    ["aria-hidden", "true"],
  ])
    svg.setAttribute(name, value);
  for (const d of paths) {
    const path = document.createElementNS(SVG, "path");
    path.setAttribute("d", d);
    svg.append(path);
  }
  return svg;
};

/** Children of `parent` by key: kept nodes are moved, new ones built, gone ones removed. */
export const keyed = (parent, nodes, items, keyOf, build) => {
  const keys = new Set(items.map(keyOf));
  for (const [key, entry] of nodes) {
    if (keys.has(key)) continue;
    entry.node.remove();
    nodes.delete(key);
  }
  let before = parent.firstChild;
  for (const item of items) {
    const key = keyOf(item);
    if (!nodes.has(key)) nodes.set(key, build(item));
    const { node } = nodes.get(key);
    if (node === before) before = before.nextSibling;
    else parent.insertBefore(node, before);
  }
};
