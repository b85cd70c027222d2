// The bar at the top: name, saving, undo and redo, zoom, model, run, files, keys.

/** @import { App, Shown, View } from "../../types/editor.d.ts" */

import { setScene } from "../../model/edits.js";
import { firstOf, h, lastOf, set, setVariable } from "../dom/elements.js";
import { button, textField } from "../dom/fields.js";
import { createHistoryMenu } from "./history-menu.js";
import { createMenu } from "./menus.js";
import { createQueueMenu } from "./queue-menu.js";

const SAVED = {
  saved: "saved",
  saving: "saving …",
  unsaved: "unsaved",
  offline: "kept in this browser",
};

export const SIZES = [
  { title: "Square", id: "square", width_px: 512, height_px: 512 },
  { title: "Upright", id: "upright", width_px: 512, height_px: 768 },
  { title: "Wide", id: "wide", width_px: 768, height_px: 512 },
  { title: "Large", id: "large", width_px: 1024, height_px: 1024 },
];

/** @param {Shown} shown */
const openItems = ({ state }) => [
  { heading: "New scene" },
  ...SIZES.map(({ title, id, ...size }) => ({
    title,
    hint: `${size.width_px} × ${size.height_px}`,
    test: `new-${id}`,
    command: "newScene",
    argument: size,
  })),
  { heading: "Files" },
  { title: "All scenes", hint: "Home", test: "open-home", command: "home" },
  { title: "Open .ora, .psd, .kra …", hint: "Ctrl O", test: "open-ora", command: "openOra" },
  { title: "Add pictures …", hint: "Ctrl I", test: "open-pictures", command: "addPicture" },
  { title: "Check a picture …", test: "check-picture", command: "checkPicture" },
  { heading: "Examples" },
  ...(state.facts?.examples ?? []).map(({ id, title }) => ({
    title,
    test: `example-${id}`,
    command: "openExample",
    argument: id,
  })),
];

/** @param {Shown} shown */
const canvasItems = ({ scene }) => [
  { heading: `${scene.width_px} × ${scene.height_px} pixels` },
  { title: "Size …", test: "canvas-size", command: "resizeCanvas" },
  { title: "Crop …", hint: "Shift K", test: "canvas-crop", command: "cropCanvas" },
  { title: "Extend …", hint: "Shift E", test: "canvas-extend", command: "extendCanvas" },
];

const createPills = () => {
  const saved = h(
    "span",
    { class: "pill", "data-test": "saved", role: "status" },
    h("span"),
    h("span"),
  );
  const model = h(
    "span",
    { class: "pill", "data-test": "model" },
    h("span", { class: "muted" }),
    h("b"),
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    const { state } = shown;
    const { state: standing, at } = state.saved;
    set(saved, { "data-state": standing });
    set(firstOf(saved), { text: SAVED[standing] });
    set(lastOf(saved), { class: "when", text: standing === "saved" && at ? ` · ${at}` : "" });
    const facts = state.facts?.models.find(({ id }) => id === shown.record.settings.model);
    set(firstOf(model), { text: facts ? `${facts.title} · ` : "" });
    set(lastOf(model), { text: facts?.device.toUpperCase() ?? "…" });
  };
  return { saved, model, update };
};

/** @param {App} app */
const createName = (app) => {
  const field = textField(app, {
    label: "Name of the scene",
    test: "project-name",
    placeholder: "Untitled",
    read: ({ scene }) => scene.name,
    name: "Rename the scene",
    edit: (value) => setScene({ name: value }),
    merge: () => "scene-name",
  });
  /** @param {Shown} shown */
  const update = (shown) => {
    field.update(shown);
    setVariable(
      field.node,
      "--letters",
      `${Math.min(28, Math.max(8, shown.scene.name.length + 2))}ch`,
    );
  };
  return { node: h("span", { class: "name-box" }, field.node), update };
};

/**
 * How the page is looked at, so that nobody wonders why it stands askew.
 * @param {View} view
 */
const lookText = ({ zoom, turn, mirror }) => {
  const parts = [`${Math.round(zoom * 100)} %`, turn ? `${turn}°` : "", mirror ? "mirrored" : ""];
  return parts.filter(Boolean).join(" · ");
};

/**
 * Undo, redo, the steps, and the zoom.
 * @param {App} app
 */
const createMoves = (app) => {
  const undo = button(app, "undo", {
    iconName: "undo",
    test: "undo",
    title: "Undo",
    kind: "quiet",
  });
  const redo = button(app, "redo", {
    iconName: "redo",
    test: "redo",
    title: "Redo",
    kind: "quiet",
  });
  const steps = createHistoryMenu(app);
  const whole = "Zoom; press for the whole canvas";
  const zoom = button(app, "fit", {
    label: "100 %",
    test: "zoom",
    title: whole,
    kind: "quiet zoom",
  });
  /** @param {Shown} shown */
  const update = (shown) => {
    steps.update(shown);
    const { undoName, redoName } = app.store;
    set(undo, {
      disabled: !undoName,
      title: undoName ? `Undo: ${undoName} (Ctrl Z)` : "Nothing to undo",
    });
    set(redo, {
      disabled: !redoName,
      title: redoName ? `Redo: ${redoName} (Ctrl Shift Z)` : "Nothing to redo",
    });
    set(firstOf(zoom), { text: lookText(shown.state.view) });
  };
  return { nodes: [h("span", { class: "group" }, undo, redo, steps.node), zoom], update };
};

/** @param {App} app */
export const createTopbar = (app) => {
  const [name, pills, moves] = [createName(app), createPills(), createMoves(app)];
  const queue = createQueueMenu(app);
  const open = createMenu(app, {
    name: "open-menu",
    title: "Open",
    test: "open-menu",
    items: openItems,
  });
  const exports = button(app, "export", {
    label: "Export …",
    iconName: "save",
    test: "export-menu",
    title: "Export pictures or the scene as a file (Ctrl Shift E)",
  });
  const canvas = createMenu(app, {
    name: "canvas-menu",
    title: "Canvas",
    test: "canvas-menu",
    iconName: "marquee",
    items: canvasItems,
  });
  const lights = "Light or dark (Shift T)";
  const theme = button(app, "theme", {
    iconName: "sun",
    test: "theme",
    title: lights,
    kind: "quiet",
  });
  const all = "All commands (Ctrl K)";
  const palette = button(app, "palette", {
    iconName: "search",
    test: "open-palette",
    title: all,
    kind: "quiet",
  });
  const keys = button(app, "keys", { label: "?", test: "keys", title: "Keys (?)", kind: "quiet" });
  const home = button(app, "home", {
    label: "Home",
    iconName: "home",
    test: "home",
    title: "Home: all scenes (Home)",
    kind: "quiet",
  });
  const gallery = button(app, "gallery", {
    label: "Gallery",
    iconName: "gallery",
    test: "gallery",
    title: "Gallery: all pictures of all scenes (Shift G)",
    kind: "quiet",
  });
  const brand = h(
    "span",
    { class: "brand" },
    h("span", { class: "mark", "aria-hidden": "true" }),
    "Lamina",
  );
  const node = h(
    "header",
    { class: "topbar" },
    [
      brand,
      home,
      gallery,
      name.node,
      pills.saved,
      moves.nodes,
      h("span", { class: "spring" }),
    ].flat(),
    [
      pills.model,
      queue.node,
      open.node,
      canvas.node,
      exports,
      h("span", { class: "group" }, palette, theme, keys),
    ],
  );
  /** @param {Shown} shown */
  const update = (shown) =>
    [name, pills, moves, queue, open, canvas].forEach((part) => part.update(shown));
  return { node, update };
};
