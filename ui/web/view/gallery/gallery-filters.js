// What the gallery shows: words, scene, layer, method, model, stars, and what was just deleted.

/**
 * @import { App, SessionState, Shown } from "../../types/editor.d.ts"
 * @import { GalleryChoices, GalleryFilter } from "../../types/protocol.d.ts"
 */

import { isFiltered, NO_FILTER } from "../../model/gallery.js";
import { h, set, show } from "../dom/elements.js";
import { button, choiceBox, optionsOf } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

const TYPING_MS = 180;

/**
 * @param {App} app
 * @param {GalleryFilter} patch
 */
const filterBy = (app, patch) => app.run("filterGallery", patch);

/** @param {App} app */
const createWords = (app) => {
  const input = h("input", {
    class: "field-input",
    type: "search",
    placeholder: "Words of prompts, layers, scenes",
    "aria-label": "Search the pictures by words",
    "data-test": "gallery-search",
    maxlength: 400,
    autocomplete: "off",
    spellcheck: "false",
  });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  let sent = "";
  const send = () => {
    sent = input.value;
    filterBy(app, { words: sent });
  };
  input.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(send, TYPING_MS);
  });
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (!input.value) return app.run("escape");
    input.value = "";
    return send();
  });
  const node = h("label", { class: "home-search" }, icon("search"), input);
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const { words } = state.galleryFilter;
    if (words === sent) return;
    sent = words;
    input.value = words;
  };
  return { node, input, update };
};

/** @typedef {"scene" | "layer" | "method" | "model"} FilterField */

/** @type {readonly { field: FilterField, list: keyof GalleryChoices, all: string, label: string }[]} */
const FIELDS = [
  { field: "scene", list: "scenes", all: "All scenes", label: "Scene" },
  { field: "layer", list: "layers", all: "All layers", label: "Layer that was drawn again" },
  { field: "method", list: "methods", all: "All methods", label: "Method" },
  { field: "model", list: "models", all: "All models", label: "Model" },
];

/**
 * What methods and models are called on the page; what the server no longer knows keeps its id.
 * @param {Readonly<SessionState>} state
 * @param {string} list
 * @param {{ id: string, title: string }} choice
 */
const titleOf = ({ facts }, list, { id, title }) => {
  if (list === "methods") return facts?.methods.find((one) => one.id === id)?.title ?? title;
  if (list === "models") return facts?.models.find((one) => one.id === id)?.title ?? title;
  return title;
};

/**
 * @param {App} app
 * @param {(typeof FIELDS)[number]} field
 */
const createChoice = (app, { field, list, all, label }) => {
  const select = h("select", {
    class: "field-input choice",
    "aria-label": label,
    "data-test": `gallery-${field}`,
  });
  select.addEventListener("change", () => filterBy(app, { [field]: select.value }));
  const node = choiceBox(select);
  let known = "";
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const choices = state.galleryIndex?.choices[list] ?? [];
    const value = state.galleryFilter[field];
    const listed = choices.map((choice) => {
      const title = `${titleOf(state, list, choice)} (${choice.count})`;
      return { id: choice.id, title };
    });
    const isGone = value !== "" && !choices.some(({ id }) => id === value);
    const gone = isGone ? [{ id: value, title: `${label} without pictures` }] : [];
    const options = [{ id: "", title: all }, ...listed, ...gone];
    const key = JSON.stringify(options);
    if (key !== known) select.replaceChildren(...optionsOf(options));
    known = key;
    if (select.value !== value) select.value = value;
    show(node, options.length > 1);
  };
  return { node, update };
};

/**
 * @param {App} app
 * @param {{ field: "starred" | "deleted", label: string, iconName: string, title: string }} option
 */
const createSwitch = (app, { field, label, iconName, title }) => {
  const isOn = () => app.session.state.galleryFilter[field];
  const node = button(app, () => filterBy(app, { [field]: !isOn() }), {
    label,
    iconName,
    test: `gallery-${field}`,
    title,
    kind: "small",
  });
  const update = () => set(node, { "aria-pressed": isOn() });
  return { node, update };
};

/**
 * {nodes, field, update(shown)}.
 * @param {App} app
 */
export const createGalleryFilters = (app) => {
  const words = createWords(app);
  const starred = createSwitch(app, {
    field: "starred",
    label: "Starred",
    iconName: "star",
    title: "Only pictures with a star",
  });
  const deleted = createSwitch(app, {
    field: "deleted",
    label: "Deleted",
    iconName: "bin",
    title: "What was deleted and can be put back",
  });
  const all = button(app, () => filterBy(app, { ...NO_FILTER }), {
    label: "Show all",
    test: "gallery-all",
    kind: "small quiet",
  });
  const parts = [words, ...FIELDS.map((field) => createChoice(app, field)), starred, deleted];
  /** @param {Shown} shown */
  const update = (shown) => {
    parts.forEach((part) => part.update(shown));
    show(all, isFiltered(shown.state.galleryFilter));
  };
  return { nodes: [...parts.map(({ node }) => node), all], field: words.input, update };
};
