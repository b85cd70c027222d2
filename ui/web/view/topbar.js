// The bar at the top: name, saving, undo and redo, zoom, model, run, files, keys.

import { fileStem } from "../kernels/names.js";
import { setScene } from "../model/edits.js";
import { button, textField } from "./fields.js";
import { icon } from "./icons.js";
import { createSteps } from "./steps.js";
import { h, set, setVariable, show } from "./dom.js";

const SAVED = {
  saved: "saved",
  saving: "saving …",
  unsaved: "unsaved",
  offline: "kept in this browser",
};

/** A button with a menu below it; `items(shown)` gives [{title, hint, run}] or {heading}. */
const menu = (desk, { name, title, test, items }) => {
  const list = h("div", { class: "menu", role: "menu", "aria-label": title, hidden: true });
  const opener = h(
    "button",
    {
      type: "button",
      class: "button",
      "data-test": test,
      "aria-haspopup": "menu",
      on: { click: () => toggle() },
    },
    h("span", { text: title }),
    icon("down"),
  );
  const toggle = () => desk.session.set({ open: desk.session.state.open === name ? "" : name });
  const node = h("div", { class: "menu-box" }, opener, list);
  list.addEventListener("keydown", (event) => walk(list, event));
  let known = "";
  const update = (shown) => {
    const open = shown.state.open === name;
    set(opener, { "aria-expanded": String(open) });
    const entries = items(shown);
    const key = JSON.stringify(entries);
    if (key !== known) list.replaceChildren(...entries.map((entry) => menuItem(desk, entry)));
    known = key;
    if (open && list.hidden) requestAnimationFrame(() => list.querySelector("button")?.focus());
    if (!open && !list.hidden && list.contains(document.activeElement)) opener.focus();
    show(list, open);
  };
  return { node, update };
};

const walk = (list, event) => {
  const steps = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!steps) return;
  event.preventDefault();
  const all = [...list.querySelectorAll("button")];
  all[(all.indexOf(document.activeElement) + steps + all.length) % all.length]?.focus();
};

const menuItem = (desk, { heading, title, hint, test, command, argument }) => {
  if (heading) return h("div", { class: "menu-heading", text: heading });
  const run = () => {
    desk.session.set({ open: "" });
    desk.run(command, argument);
  };
  return h(
    "button",
    { type: "button", role: "menuitem", class: "menu-item", "data-test": test, on: { click: run } },
    h("span", { text: title }),
    hint ? h("kbd", { text: hint }) : null,
  );
};

const SIZES = [
  { title: "Square", id: "square", width_px: 512, height_px: 512 },
  { title: "Upright", id: "upright", width_px: 512, height_px: 768 },
  { title: "Wide", id: "wide", width_px: 768, height_px: 512 },
  { title: "Large", id: "large", width_px: 1024, height_px: 1024 },
];

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
  { title: "Open .ora …", hint: "Ctrl O", test: "open-ora", command: "openOra" },
  { title: "Add pictures …", hint: "Ctrl I", test: "open-pictures", command: "addPicture" },
  { heading: "Examples" },
  ...(state.facts?.examples ?? []).map(({ id, title }) => ({
    title,
    test: `example-${id}`,
    command: "openExample",
    argument: id,
  })),
];

const exportItems = ({ record }) => [
  {
    title: "Scene with its settings (.ora)",
    hint: "Ctrl E",
    test: "export-ora",
    command: "exportOra",
  },
  {
    title: `Picture (${fileStem(record.scene.name)}.png)`,
    hint: "Ctrl Shift E",
    test: "export-png",
    command: "exportPng",
  },
];

const runText = ({ state }) => {
  if (!state.job) return "idle";
  return state.job.state === "queued" ? "queued" : "running";
};

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
  const queue = h(
    "span",
    { class: "pill", "data-test": "queue" },
    h("span", { class: "dot" }),
    h("b"),
  );
  const update = (shown) => {
    const { state } = shown;
    const { state: standing, at } = state.saved;
    set(saved, { "data-state": standing });
    set(saved.firstChild, { text: SAVED[standing] });
    set(saved.lastChild, { class: "when", text: standing === "saved" && at ? ` · ${at}` : "" });
    const facts = state.facts?.models.find(({ id }) => id === shown.record.settings.model);
    set(model.firstChild, { text: facts ? `${facts.title} · ` : "" });
    set(model.lastChild, { text: facts?.device.toUpperCase() ?? "…" });
    set(queue.lastChild, { text: runText(shown) });
    set(queue, { "data-state": runText(shown) });
  };
  return { saved, model, queue, update };
};

const createName = (desk) => {
  const field = textField(desk, {
    label: "Name of the scene",
    test: "project-name",
    placeholder: "Untitled",
    read: ({ scene }) => scene.name,
    name: "Rename the scene",
    edit: (value) => setScene({ name: value }),
    merge: () => "scene-name",
  });
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

/** How the page is looked at, so that nobody wonders why it stands askew. */
const lookText = ({ zoom, turn, mirror }) => {
  const parts = [`${Math.round(zoom * 100)} %`, turn ? `${turn}°` : "", mirror ? "mirrored" : ""];
  return parts.filter(Boolean).join(" · ");
};

/** Undo, redo, the steps, and the zoom. */
const createMoves = (desk) => {
  const undo = button(desk, "undo", {
    iconName: "undo",
    test: "undo",
    title: "Undo",
    kind: "quiet",
  });
  const redo = button(desk, "redo", {
    iconName: "redo",
    test: "redo",
    title: "Redo",
    kind: "quiet",
  });
  const steps = createSteps(desk);
  const whole = "Zoom; press for the whole canvas";
  const zoom = button(desk, "fit", {
    label: "100 %",
    test: "zoom",
    title: whole,
    kind: "quiet zoom",
  });
  const update = (shown) => {
    steps.update(shown);
    const { undoName, redoName } = desk.store;
    set(undo, {
      disabled: !undoName,
      title: undoName ? `Undo: ${undoName} (Ctrl Z)` : "Nothing to undo",
    });
    set(redo, {
      disabled: !redoName,
      title: redoName ? `Redo: ${redoName} (Ctrl Shift Z)` : "Nothing to redo",
    });
    set(zoom.firstChild, { text: lookText(shown.state.view) });
  };
  return { nodes: [h("span", { class: "group" }, undo, redo, steps.node), zoom], update };
};

export const createTopbar = (desk) => {
  const [name, pills, moves] = [createName(desk), createPills(), createMoves(desk)];
  const open = menu(desk, {
    name: "open-menu",
    title: "Open",
    test: "open-menu",
    items: openItems,
  });
  const exports = menu(desk, {
    name: "export-menu",
    title: "Export",
    test: "export-menu",
    items: exportItems,
  });
  const lights = "Light or dark (Shift T)";
  const theme = button(desk, "theme", {
    iconName: "sun",
    test: "theme",
    title: lights,
    kind: "quiet",
  });
  const all = "All commands (Ctrl K)";
  const palette = button(desk, "palette", {
    iconName: "search",
    test: "open-palette",
    title: all,
    kind: "quiet",
  });
  const keys = button(desk, "keys", { label: "?", test: "keys", title: "Keys (?)", kind: "quiet" });
  const brand = h(
    "span",
    { class: "brand" },
    h("span", { class: "mark", "aria-hidden": "true" }),
    "Lamina",
  );
  const node = h(
    "header",
    { class: "topbar" },
    [brand, name.node, pills.saved, moves.nodes, h("span", { class: "spring" })].flat(),
    [
      pills.model,
      pills.queue,
      open.node,
      exports.node,
      h("span", { class: "group" }, palette, theme, keys),
    ],
  );
  const update = (shown) =>
    [name, pills, moves, open, exports].forEach((part) => part.update(shown));
  return { node, update };
};
