// The gallery over the editor: every picture of every scene, found, looked at, chosen.

/** @import { App, Shown } from "../../types/editor.d.ts" */

import { countPictures, isFiltered } from "../../model/gallery.js";
import { focused, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";
import { createGalleryFilters } from "./gallery-filters.js";
import { createGalleryGrid } from "./gallery-grid.js";
import { createGalleryPicture } from "./gallery-picture.js";

/** @param {App} app */
const createBar = (app) => {
  const back = button(app, "closeHome", {
    label: "Back to the scene",
    iconName: "left",
    test: "gallery-close",
    title: "Back to the scene that is open (Escape)",
    kind: "quiet",
  });
  const scenes = button(app, "home", {
    label: "Scenes",
    iconName: "home",
    test: "gallery-home",
    title: "All scenes (Home)",
    kind: "quiet",
  });
  const theme = button(app, "theme", {
    iconName: "sun",
    test: "gallery-theme",
    title: "Light or dark (Shift T)",
    kind: "quiet",
  });
  const mark = h("span", { class: "mark", "aria-hidden": "true" });
  const brand = h("span", { class: "brand" }, mark, "Lamina");
  const spring = h("span", { class: "spring" });
  const node = h("header", { class: "topbar home-bar" }, brand, back, scenes, spring, theme);
  /** @param {Shown} shown */
  const update = ({ state }) => show(back, state.project !== "");
  return { node, update };
};

/**
 * What can be done with the chosen pictures.
 * @param {App} app
 */
const createChosen = (app) => {
  const chosen = () => app.session.state.galleryChosen;
  const count = h("b", { role: "status", "data-test": "chosen-count" });
  const all = button(app, "chooseAllPictures", {
    label: "Choose all",
    test: "choose-all",
    kind: "small quiet",
    title: "All that are found (Ctrl A)",
  });
  const file = button(app, () => app.run("exportPictures", chosen()), {
    label: "Export as a ZIP file",
    iconName: "save",
    test: "chosen-export",
    kind: "small",
  });
  const drop = button(app, () => app.run("deletePictures", chosen()), {
    label: "Delete",
    iconName: "bin",
    test: "chosen-delete",
    kind: "small",
    title: "They can be put back for half a day",
  });
  const restore = button(app, () => app.run("restorePictures", chosen()), {
    label: "Put back",
    test: "chosen-restore",
    kind: "small",
  });
  const none = button(app, "clearChosen", {
    label: "Choose none",
    test: "choose-none",
    kind: "small quiet",
    title: "Escape",
  });
  const node = h("div", { class: "gallery-chosen" }, count, all, file, drop, restore, none);
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const { galleryChosen, galleryFilter, galleryIndex } = state;
    set(count, { text: `${galleryChosen.length} chosen` });
    show(node, galleryChosen.length > 0);
    show(all, galleryChosen.length < (galleryIndex?.total ?? 0));
    show(file, !galleryFilter.deleted);
    show(drop, !galleryFilter.deleted);
    show(restore, galleryFilter.deleted);
  };
  return { node, update };
};

/** What is said where no picture is. */
const createEmpty = () => {
  const words = h("p", { class: "home-empty-words" });
  const more = h("p", { class: "muted" });
  const shape = { class: "home-empty", "data-test": "gallery-empty", hidden: true };
  const node = h("div", shape, icon("picture"), words, more);
  /** @param {Shown} shown */
  const update = ({ state: { galleryIndex, galleryFilter } }) => {
    const { deleted } = galleryFilter;
    const isSearch = isFiltered(galleryFilter);
    show(node, galleryIndex !== null && galleryIndex.total === 0);
    if (isSearch) set(words, { text: "No picture fits." });
    else set(words, { text: deleted ? "Nothing was deleted." : "No pictures yet." });
    const hint = deleted
      ? "What you delete stays here for half a day."
      : "Every picture that you generate stays here, also of scenes that you left.";
    set(more, { text: isSearch ? "Take away a word or a filter." : hint });
  };
  return { node, update };
};

/**
 * Reads the list anew when a run has brought something, and when the page is looked at again.
 * @param {App} app
 */
const createFollower = (app) => {
  const refresh = () => app.session.state.galleryOpen && app.run("refreshGallery");
  document.addEventListener("visibilitychange", () => !document.hidden && refresh());
  let known = "";
  /** @param {Shown} shown */
  return ({ state }) => {
    const seen = state.queue.jobs.map(({ id, noted }) => `${id} ${noted}`).join();
    const hasChanged = seen !== known;
    known = seen;
    if (hasChanged) refresh();
  };
};

/**
 * {node, update(shown)}: over the whole editor while it is open.
 * @param {App} app
 */
export const createGalleryView = (app) => {
  const [bar, filters, chosen] = [createBar(app), createGalleryFilters(app), createChosen(app)];
  const [empty, grid] = [createEmpty(), createGalleryGrid(app)];
  const picture = createGalleryPicture(app, (place) => grid.moveTo(place));
  const count = h("span", { class: "muted", "data-test": "gallery-count", role: "status" });
  const title = h("h2", { text: "Gallery" });
  const spring = h("span", { class: "spring" });
  const head = h("div", { class: "home-head" }, title, count, spring, filters.nodes);
  const body = h("div", { class: "gallery-body" }, head, chosen.node, grid.node, empty.node);
  const shape = { class: "home gallery", "aria-label": "Gallery", "data-test": "gallery-view" };
  const node = h("section", { ...shape, hidden: true }, bar.node, body, picture.node);
  const follow = createFollower(app);
  /** @type {HTMLElement | null} */
  let returnTo = null;
  /** @param {boolean} open */
  const turn = (open) => {
    if (open) returnTo = focused();
    show(node, open);
    (open ? filters.field : returnTo)?.focus();
  };
  /** @param {Shown} shown */
  const update = (shown) => {
    const { galleryOpen: open, galleryCarried, galleryIndex, galleryFilter } = shown.state;
    if (open === node.hidden) turn(open);
    follow(shown);
    if (!open) return;
    set(node, { "data-carried": galleryCarried });
    const total = galleryIndex?.total ?? 0;
    set(count, { text: galleryIndex ? countPictures(total, galleryFilter) : "Reading …" });
    [bar, filters, chosen, empty, grid, picture].forEach((part) => part.update(shown));
    [bar.node, body].forEach((part) => void (part.inert = shown.state.galleryViewed !== null));
  };
  return { node, update };
};
