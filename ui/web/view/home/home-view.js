// Home: all scenes of the store over the editor, found by name, and those that were just deleted.

/**
 * @import { App, HomeSort, Shown } from "../../types/editor.d.ts"
 * @import { SceneEntry } from "../../types/protocol.d.ts"
 */

import { countScenes, listDeleted, listScenes, SORTS } from "../../model/home.js";
import { createMenu } from "../chrome/menus.js";
import { SIZES } from "../chrome/topbar.js";
import { createKeyed, focused, h, set, show } from "../dom/elements.js";
import { button, choiceBox, optionsOf } from "../dom/fields.js";
import { icon } from "../dom/icons.js";
import { createSceneCard } from "./scene-card.js";

/** @param {Shown} shown */
const newItems = ({ state }) => [
  { heading: "Empty scene" },
  ...SIZES.map(({ title, id, ...size }) => ({
    title,
    hint: `${size.width_px} × ${size.height_px}`,
    test: `home-new-${id}`,
    command: "newScene",
    argument: size,
  })),
  { heading: "Copy of an example" },
  ...(state.facts?.examples ?? []).map(({ id, title }) => ({
    title,
    test: `home-example-${id}`,
    command: "openExample",
    argument: id,
  })),
];

/** @param {App} app */
const createSearch = (app) => {
  const input = h("input", {
    class: "field-input",
    type: "search",
    placeholder: "Search by name",
    "aria-label": "Search the scenes by name",
    "data-test": "home-search",
    autocomplete: "off",
    spellcheck: "false",
  });
  input.addEventListener("input", () => app.run("searchHome", input.value));
  input.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    if (input.value) app.run("searchHome", "");
    else app.run("closeHome");
  });
  const node = h("label", { class: "home-search" }, icon("search"), input);
  /** @param {Shown} shown */
  const update = ({ state }) => {
    if (input.value !== state.homeQuery) input.value = state.homeQuery;
  };
  return { node, input, update };
};

/** @param {App} app */
const createSort = (app) => {
  const select = h("select", {
    class: "field-input choice",
    "aria-label": "Order of the scenes",
    "data-test": "home-sort",
  });
  select.replaceChildren(...optionsOf(SORTS));
  select.addEventListener("change", () =>
    app.run("sortHome", /** @type {HomeSort} */ (select.value)),
  );
  /** @param {Shown} shown */
  const update = ({ state }) => {
    if (select.value !== state.homeSort) select.value = state.homeSort;
  };
  return { node: choiceBox(select), update };
};

/** @param {App} app */
const createHead = (app) => {
  const [search, sort] = [createSearch(app), createSort(app)];
  const fresh = createMenu(app, {
    name: "home-new",
    title: "New scene",
    test: "home-new",
    items: newItems,
  });
  fresh.node.classList.add("home-fresh");
  const file = button(app, "openOra", { label: "Open .ora, .psd, .kra …", test: "home-file" });
  const theme = button(app, "theme", {
    iconName: "sun",
    test: "home-theme",
    title: "Light or dark (Shift T)",
    kind: "quiet",
  });
  const gallery = button(app, "gallery", {
    label: "Gallery",
    iconName: "gallery",
    test: "home-gallery",
    title: "All pictures of all scenes (Shift G)",
    kind: "quiet",
  });
  const back = button(app, "closeHome", {
    label: "Back to the scene",
    iconName: "left",
    test: "home-close",
    title: "Back to the scene that is open (Escape)",
    kind: "quiet",
  });
  const count = h("span", { class: "muted", "data-test": "home-count", role: "status" });
  const brand = h(
    "span",
    { class: "brand" },
    h("span", { class: "mark", "aria-hidden": "true" }),
    "Lamina",
  );
  const bar = [brand, back, gallery, h("span", { class: "spring" }), file, fresh.node, theme];
  const title = h("h2", { text: "Scenes" });
  const tools = [title, count, h("span", { class: "spring" }), search.node, sort.node];
  const nodes = [
    h("header", { class: "topbar home-bar" }, bar),
    h("div", { class: "home-head" }, tools),
  ];
  /**
   * @param {Shown} shown
   * @param {number} listed
   * @param {number} all
   */
  const update = (shown, listed, all) => {
    [search, sort, fresh].forEach((part) => part.update(shown));
    set(count, { text: countScenes(listed, all) });
    show(back, shown.state.project !== "");
  };
  return { nodes, update, field: search.input };
};

/**
 * What is said where no card is: of an empty store, or of a search that found nothing.
 * @param {App} app
 */
const createEmpty = (app) => {
  const words = h("p", { class: "home-empty-words" });
  const more = h("p", { class: "muted" });
  const all = button(app, () => app.run("searchHome", ""), {
    label: "Show all scenes",
    test: "home-all",
  });
  const node = h(
    "div",
    { class: "home-empty", "data-test": "home-empty", hidden: true },
    icon("picture"),
    words,
    more,
    all,
  );
  /**
   * @param {boolean} isEmpty
   * @param {string} query
   */
  const update = (isEmpty, query) => {
    show(node, isEmpty);
    set(words, { text: query ? `No scene is called “${query}”.` : "No scenes yet." });
    set(more, {
      text: query
        ? "The search looks at names only."
        : "Make a new one, or begin with a copy of an example. Each is saved by itself and stays here.",
    });
    show(all, query !== "");
  };
  return { node, update };
};

/**
 * @param {App} app
 * @param {SceneEntry} scene
 */
const createGone = (app, { id, name }) => {
  const restore = button(app, () => app.run("restoreScene", id), {
    label: "Put back",
    test: "scene-restore",
    kind: "small",
  });
  const shape = { class: "scene-gone", "data-test": "scene-gone", "data-scene": id };
  return { node: h("li", shape, h("span", { text: name }), restore) };
};

/** @param {App} app */
const createDeleted = (app) => {
  const list = h("ul", { "aria-label": "Deleted scenes" });
  const summary = h("summary", { "data-test": "home-deleted" });
  const hint = h("p", {
    class: "muted",
    text: "They can be put back for half a day; within the day they are gone, with all pictures that no other scene uses.",
  });
  const node = h("details", { class: "home-deleted", hidden: true }, summary, hint, list);
  /** @param {SceneEntry} scene */
  const goneOf = (/** @type {SceneEntry} */ scene) => createGone(app, scene);
  const placeGone = createKeyed(list, ({ id }) => id, goneOf);
  /** @param {readonly SceneEntry[]} scenes */
  const update = (scenes) => {
    placeGone(scenes);
    set(summary, { text: `Deleted (${scenes.length})` });
    show(node, scenes.length > 0);
  };
  return { node, update };
};

/**
 * The focus comes along and goes back; files that are dropped become scenes.
 * @param {App} app
 * @param {HTMLElement} node
 * @param {HTMLElement} field
 */
const createTurn = (app, node, field) => {
  /** @type {HTMLElement | null} */
  let returnTo = null;
  node.addEventListener("dragover", (event) => event.preventDefault());
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    app.run("addFiles", [...(event.dataTransfer?.files ?? [])]);
  });
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden && app.session.state.homeOpen)
      app.attempt(() => app.bridge.home.refresh());
  });
  /** @param {boolean} open */
  return (open) => {
    if (open) returnTo = focused();
    show(node, open);
    (open ? field : returnTo)?.focus();
  };
};

/**
 * {node, update(shown)}: over the whole editor while it is open.
 * @param {App} app
 */
export const createHomeView = (app) => {
  const [head, empty, gone] = [createHead(app), createEmpty(app), createDeleted(app)];
  const notes = h("div", { class: "home-notes", role: "status" });
  const list = h("ul", { class: "scene-grid", "aria-label": "Scenes", "data-test": "scene-list" });
  const body = h(
    "div",
    { class: "home-body" },
    ...head.nodes.slice(1),
    notes,
    list,
    empty.node,
    gone.node,
  );
  const shape = { class: "home", "aria-label": "Home", "data-test": "home-view", hidden: true };
  const node = h("section", shape, head.nodes[0], body);
  const turn = createTurn(app, node, head.field);
  /** @param {SceneEntry} scene */
  const cardOf = (/** @type {SceneEntry} */ scene) => createSceneCard(app, scene);
  const placeCards = createKeyed(list, ({ id }) => id, cardOf);
  /** @param {readonly string[]} sentences */
  const tell = (sentences) => {
    if (notes.childElementCount === sentences.length) return;
    notes.replaceChildren(...sentences.map((text) => h("p", { class: "home-note", text })));
  };
  /** @param {Shown} shown */
  const update = (shown) => {
    const { homeOpen: open, scenes, homeQuery, homeSort, homeNotes } = shown.state;
    if (open === node.hidden) turn(open);
    if (!open) return;
    const all = scenes ?? [];
    const listed = listScenes(all, homeQuery, homeSort);
    placeCards(listed).forEach((card, index) => card.update(listed[index], shown));
    head.update(shown, listed.length, all.filter(({ deleted }) => !deleted).length);
    empty.update(scenes !== null && listed.length === 0, homeQuery.trim());
    gone.update(listDeleted(all));
    tell(homeNotes);
  };
  return { node, update };
};
