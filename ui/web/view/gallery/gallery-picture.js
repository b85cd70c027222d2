// One picture of the gallery, large, with its recipe and what can be done with it.

/**
 * @import { App, GalleryView, Shown } from "../../types/editor.d.ts"
 * @import { GalleryPicture, PictureScene } from "../../types/protocol.d.ts"
 */

import {
  describePicture,
  describeRecipe,
  titleOfPicture,
  viewedPicture,
} from "../../model/gallery.js";
import { h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";

/** @param {App} app */
const createActions = (app) => {
  /** @type {GalleryPicture | null} */
  let picture = null;
  /**
   * @param {string} command
   * @param {(picture: GalleryPicture) => unknown} argument
   */
  const press = (command, argument) => () => picture && app.run(command, argument(picture));
  const itself = (/** @type {GalleryPicture} */ one) => one;
  const idOf = (/** @type {GalleryPicture} */ { id }) => id;
  const add = button(app, press("addGalleryPicture", idOf), {
    label: "Add to the canvas",
    iconName: "plus",
    test: "picture-add",
    title: "As a layer of the open scene, at its full size",
    kind: "primary",
  });
  const open = button(app, press("openAsItWas", itself), {
    label: "Open the scene as it was",
    iconName: "steps",
    test: "picture-open",
    title: "As it was when this picture was made; undo brings the present one back",
  });
  const copy = button(app, press("copyAsItWas", itself), {
    label: "As a new scene",
    iconName: "copy",
    test: "picture-copy",
    title: "A new scene that begins as this one was",
  });
  const star = button(app, press("starPicture", itself), {
    label: "Star",
    iconName: "star",
    test: "picture-star",
  });
  const file = button(
    app,
    press("exportPicture", ({ digest, scene }) => ({ digest, name: scene })),
    {
      label: "Export",
      iconName: "save",
      test: "picture-export",
      title: "As a PNG file with its record",
    },
  );
  const drop = button(
    app,
    press("deletePictures", (one) => [one.id]),
    {
      label: "Delete",
      iconName: "bin",
      test: "picture-delete",
      title: "It can be put back for half a day",
    },
  );
  const restore = button(
    app,
    press("restorePictures", (one) => [one.id]),
    {
      label: "Put back",
      test: "picture-restore",
    },
  );
  const hint = h("p", {
    class: "muted",
    text: "This picture is older than what Lamina keeps of scenes: only their words and dials were kept.",
  });
  const node = h(
    "div",
    { class: "picture-actions" },
    add,
    open,
    copy,
    hint,
    star,
    file,
    drop,
    restore,
  );
  /**
   * @param {GalleryPicture} shown
   * @param {boolean} isDeleted
   */
  const update = (shown, isDeleted) => {
    picture = shown;
    [add, star, drop].forEach((part) => show(part, !isDeleted));
    [open, copy].forEach((part) => show(part, shown.restorable && !isDeleted));
    show(hint, !shown.restorable && !isDeleted);
    show(restore, isDeleted);
    set(star, { "aria-pressed": shown.starred });
  };
  return { node, update, first: add };
};

/** The terms of a recipe and their texts. */
const createLines = () => {
  const node = h("dl", { class: "picture-lines", "data-test": "picture-recipe" });
  let known = "";
  /** @param {readonly (readonly [string, string])[]} lines */
  const update = (lines) => {
    const key = JSON.stringify(lines);
    if (key === known) return;
    known = key;
    node.replaceChildren(
      ...lines.flatMap(([term, text]) => [h("dt", { text: term }), h("dd", { text })]),
    );
  };
  return { node, update };
};

/** @param {App} app */
const createSteps = (app) => {
  const back = button(app, () => app.run("stepPicture", -1), {
    iconName: "left",
    test: "picture-newer",
    title: "Newer picture (Left)",
    kind: "quiet",
  });
  const on = button(app, () => app.run("stepPicture", 1), {
    iconName: "right",
    test: "picture-older",
    title: "Older picture (Right)",
    kind: "quiet",
  });
  const count = h("span", { class: "muted", role: "status", "data-test": "picture-count" });
  const close = button(app, "closePicture", {
    iconName: "close",
    test: "picture-close",
    title: "Back to all pictures (Escape)",
    kind: "quiet",
  });
  const spring = h("span", { class: "spring" });
  const node = h("div", { class: "picture-steps" }, back, on, count, spring, close);
  /**
   * @param {number} place
   * @param {number} total
   */
  const update = (place, total) => {
    set(back, { disabled: place === 0 });
    set(on, { disabled: place >= total - 1 });
    set(count, { text: `${place + 1} of ${total}` });
  };
  return { node, update, close };
};

/** @type {Readonly<Record<string, number>>} */
const STEPS = { ArrowLeft: -1, ArrowRight: 1 };

/**
 * {node, update(shown)}; `closed(place)` is called when it goes.
 * @param {App} app
 * @param {(place: number) => void} closed
 */
export const createGalleryPicture = (app, closed) => {
  const [actions, lines, steps] = [createActions(app), createLines(), createSteps(app)];
  const image = h("img", { alt: "", "data-test": "picture-large", draggable: "false" });
  const stage = h("div", { class: "picture-stage" }, image);
  const side = h("aside", { class: "picture-side" }, steps.node, lines.node, actions.node);
  const node = h(
    "div",
    {
      class: "picture-view",
      role: "dialog",
      "aria-modal": "true",
      tabindex: -1,
      "data-test": "picture-view",
      hidden: true,
    },
    stage,
    side,
  );
  stage.addEventListener("click", (event) => event.target === stage && app.run("closePicture"));
  node.addEventListener("keydown", (event) => {
    if (!(event.key in STEPS)) return;
    event.preventDefault();
    app.run("stepPicture", STEPS[event.key]);
  });
  /** @param {"methods" | "models"} kind @param {string} id */
  const titleOf = (kind, id) =>
    app.session.state.facts?.[kind].find((one) => one.id === id)?.title ?? id;
  /**
   * @param {GalleryView} viewed
   * @param {PictureScene | null} recipe
   */
  const tell = ({ picture }, recipe) => {
    const known = describePicture(picture, { now_ms: Date.now(), titleOf });
    lines.update(recipe ? [...known, ...describeRecipe(recipe)] : known);
    set(image, { src: app.pictures.url(picture.digest), alt: titleOfPicture(picture) });
    set(node, { "aria-label": titleOfPicture(picture), "data-picture": picture.id });
  };
  let place = 0;
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const viewed = viewedPicture(state);
    const hasTurned = (viewed === null) !== node.hidden;
    show(node, viewed !== null);
    if (viewed) {
      place = viewed.place;
      tell(viewed, state.galleryRecipe);
      actions.update(viewed.picture, state.galleryFilter.deleted);
      steps.update(viewed.place, state.galleryIndex?.total ?? 0);
    }
    if (hasTurned && viewed) steps.close.focus();
    if (hasTurned && !viewed && state.galleryOpen) closed(place);
  };
  return { node, update };
};
