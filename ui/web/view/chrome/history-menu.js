// The steps so far, and the named versions of the scene.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { SceneSnapshot } from "../../types/protocol.d.ts"
 */

import { formatAgo } from "../../kernels/numbers.js";
import { pictureOfStep } from "../../model/lineage.js";
import { createLineageTree } from "./lineage-tree.js";
import { createKeyed, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";

/**
 * @param {App} app
 * @param {number} index
 */
const createStep = (app, index) => {
  const press = () => app.store.goTo(index);
  const shape = { type: "button", class: "menu-item", role: "option", on: { click: press } };
  const picture = h("img", { class: "step-picture", alt: "", loading: "lazy", hidden: true });
  const name = h("span");
  return { node: h("button", shape, picture, name), picture, name };
};

/**
 * @param {App} app
 * @param {SceneSnapshot} snapshot
 */
const createVersion = (app, snapshot) => {
  const open = h("button", {
    type: "button",
    class: "menu-item",
    "data-test": "version-open",
    title: "Goes back to it, as a step that undo takes back",
    on: { click: () => app.run("openSnapshot", snapshot) },
  });
  const name = h("span", { text: snapshot.name });
  const made = h("kbd");
  open.append(name, made);
  const drop = button(app, () => app.run("deleteSnapshot", snapshot), {
    iconName: "bin",
    test: "version-delete",
    title: `Delete “${snapshot.name}”`,
    kind: "quiet small",
  });
  const shape = { class: "version", "data-test": "version", "data-version": snapshot.id };
  const update = () =>
    set(made, {
      text: formatAgo(Date.now() - Date.parse(snapshot.created), snapshot.created),
    });
  return { node: h("li", shape, open, drop), update };
};

/** @param {App} app */
const createVersions = (app) => {
  const list = h("ul", { class: "versions", "aria-label": "Named versions" });
  const input = h("input", {
    class: "field-input version-name",
    type: "text",
    maxlength: 200,
    placeholder: "Keep this version as …",
    "aria-label": "Name of a version to keep",
    "data-test": "version-name",
    autocomplete: "off",
  });
  const keep = h("button", { class: "button small", type: "submit", text: "Keep" });
  const form = h("form", { class: "version-form" }, input, keep);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!input.value.trim()) return;
    app.run("takeSnapshot", input.value);
    input.value = "";
  });
  const versionOf = (/** @type {SceneSnapshot} */ snapshot) => createVersion(app, snapshot);
  const place = createKeyed(list, ({ id }) => id, versionOf);
  const heading = h("div", { class: "menu-heading", text: "Named versions" });
  /** @param {Shown} shown */
  const update = ({ state }) => {
    place(state.snapshots).forEach((version) => version.update());
    set(keep, { disabled: state.project === "" });
  };
  return { nodes: [heading, form, list], update };
};

/** @param {App} app */
export const createHistoryMenu = (app) => {
  const list = h("div", { role: "listbox", "aria-label": "Steps" });
  const placeSteps = createKeyed(list, String, (/** @type {number} */ index) =>
    createStep(app, index),
  );
  const updateList = () => {
    const { entries, place } = app.store.history;
    placeSteps([...entries.keys()]).forEach((step, index) => {
      const { name, record } = entries[index];
      const digest = pictureOfStep(entries[Math.max(0, index - 1)].record, record);
      show(step.picture, digest !== "");
      if (digest) set(step.picture, { src: app.addressOf(`lamina/small/${digest}.webp`) });
      set(step.name, { text: name });
      set(step.node, { "aria-selected": index === place, "data-undone": index > place });
    });
    list.children[place]?.scrollIntoView({ block: "nearest" });
  };
  const versions = createVersions(app);
  const lineage = createLineageTree(app);
  const heading = h("div", { class: "menu-heading", text: "Steps" });
  const popover = h(
    "div",
    { class: "menu history", hidden: true, "data-test": "history-list" },
    versions.nodes,
    heading,
    list,
    lineage.nodes,
  );
  const opener = button(app, "steps", {
    iconName: "steps",
    test: "history",
    title: "Steps and named versions",
    kind: "quiet",
  });
  /** @param {Shown} shown */
  const update = (shown) => {
    const open = shown.state.open === "history";
    show(popover, open);
    set(opener, { "aria-expanded": open });
    if (!open) return;
    versions.update(shown);
    updateList();
    lineage.update(shown);
  };
  return { node: h("span", { class: "menu-box" }, opener, popover), update };
};
