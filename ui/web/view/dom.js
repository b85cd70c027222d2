// Building and changing elements with few words.

const SVG = "http://www.w3.org/2000/svg";

const put = (node, name, value) => {
  if (name === "on") for (const [kind, listener] of Object.entries(value)) node.addEventListener(kind, listener);
  else if (name === "text") node.textContent = value;
  else if (value === false || value === null || value === undefined) node.removeAttribute(name);
  else node.setAttribute(name, value === true ? "" : String(value));
};

/** An element with attributes ("text" and "on" are special) and children; empty children are left out. */
export const h = (tag, attributes = {}, ...children) => {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) put(node, name, value);
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return node;
};

/** Sets what differs: attributes (false or null removes them) and "text". */
export const set = (node, attributes) => {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") {
      if (node.textContent !== value) node.textContent = value;
    } else {
      const wanted =
        value === false || value === null || value === undefined ? null : value === true ? "" : String(value);
      if (node.getAttribute(name) !== wanted) put(node, name, wanted);
    }
  }
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
