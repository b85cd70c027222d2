// The first strip: the drafts of a run, beside the pictures that were made of them.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Stage1Image } from "../../types/protocol.d.ts"
 */

import { plural } from "../../kernels/numbers.js";
import { stage1InView, picturesOf } from "../../model/stage1.js";
import { placeOf, verdictLines } from "../../model/scores.js";
import { contextOf, createKeyed, elementOf, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { createRankSign, focusShown, keepReachable } from "./thumb-signs.js";

/**
 * @param {App} app
 * @param {Stage1Image} stage1
 */
const createThumb = (app, stage1) => {
  const { index, seed, digest } = stage1;
  const shape = { type: "button", class: "candidate stage1", role: "option" };
  const hooks = { "data-test": "stage1", "data-index": index, "data-digest": digest };
  const on = { click: () => app.run("view", digest), dblclick: () => app.run("refine") };
  const picture = h("img", {
    src: app.pictures.url(digest),
    alt: `Draft ${index + 1}`,
    draggable: "false",
  });
  const made = h("span", { class: "candidate-seed", "data-test": "stage1-count" });
  const place = createRankSign();
  const node = h("button", { ...shape, ...hooks, on }, picture, made, place.node);
  /**
   * @param {Shown} shown
   * @param {Stage1Image} now
   */
  const update = (shown, now) => {
    place.update(
      placeOf(now, shown.batch?.stage1Images ?? []),
      verdictLines(now, shown.record.scene.layers),
    );
    const count = picturesOf(shown.state, now);
    const current = shown.shownDigest === digest;
    const summary = `Draft of seed ${seed}, ${plural(count, "picture", "pictures")} made of it`;
    const title = `${summary}. Click looks, a double click refines`;
    set(made, { text: count ? `×${count}` : "" });
    show(made, count > 0);
    const isSource = stage1InView(shown.state, shown.record)?.digest === digest;
    set(node, { disabled: Boolean(shown.mix), "data-picked": shown.record.picked === digest });
    set(node, {
      title,
      "aria-selected": current,
      "data-source": isSource,
      tabindex: current ? 0 : -1,
    });
  };
  return { node, update };
};

/** @type {Readonly<Record<string, number>>} */
const STEPPING = { ArrowLeft: -1, ArrowRight: 1, Enter: 0 };

/**
 * Arrows step from draft to draft, Enter refines; the focus goes with the shown one.
 * @param {App} app
 * @param {HTMLElement} list
 */
const connectStepping = (app, list) =>
  list.addEventListener("keydown", (event) => {
    const steps = STEPPING[event.key];
    const stage1Images = app.shown().batch?.stage1Images ?? [];
    if (steps === undefined || event.ctrlKey || stage1Images.length === 0) return;
    event.preventDefault();
    const at = stage1Images.findIndex(({ digest }) => digest === elementOf(event).dataset.digest);
    const next = stage1Images[(at + steps + stage1Images.length) % stage1Images.length];
    const done = steps === 0 ? app.run("refine") : app.run("view", next.digest);
    done.then(() => requestAnimationFrame(() => focusShown(list)));
  });

/** @param {App} app */
const createList = (app) => {
  const list = h("div", {
    class: "candidates",
    role: "listbox",
    "aria-label": "Drafts",
    "data-test": "stage1-images",
  });
  set(list, { "aria-orientation": "horizontal" });
  connectStepping(app, list);
  /** @param {Stage1Image} stage1 */
  const thumbOf = (stage1) => createThumb(app, stage1);
  const placeThumbs = createKeyed(list, ({ id }) => id, thumbOf);
  /** @param {Shown} shown */
  const update = (shown) => {
    const stage1Images = shown.batch?.stage1Images ?? [];
    placeThumbs(stage1Images).forEach((thumb, index) => thumb.update(shown, stage1Images[index]));
    keepReachable(list);
  };
  return { node: list, update };
};

const TILE_PX = 168;

/**
 * One draft while it converges; a click shows it large.
 * @param {App} app
 * @param {number} index
 */
const createTile = (app, index) => {
  const canvas = h("canvas", { width: TILE_PX, height: TILE_PX });
  const title = `Draft ${index + 1}, still being fitted. A click shows it large`;
  const shape = {
    type: "button",
    class: "candidate stage1 converging",
    title,
    "aria-label": title,
  };
  const hooks = { "data-test": "stage1-preview", "data-index": index };
  const on = { click: () => app.session.set({ watched: index, showing: "result", viewed: "" }) };
  const node = h("button", { ...shape, ...hooks, on }, canvas);
  /** @type {CanvasImageSource | null} */
  let drawn = null;
  /** @param {Shown} shown */
  const update = (shown) => {
    set(node, { "aria-pressed": shown.state.watched === index });
    const image = app.pictures.previewed[index];
    if (!image || image === drawn) return;
    drawn = image;
    const context = contextOf(canvas);
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, TILE_PX, TILE_PX);
  };
  return { node, update };
};

/**
 * The drafts that the present run is fitting, all of them: {node, update(shown) → how many}.
 * @param {App} app
 */
const createConverging = (app) => {
  const node = h("div", {
    class: "candidates",
    role: "group",
    "aria-label": "Drafts on their way",
    hidden: true,
  });
  const placeTiles = createKeyed(
    node,
    (place) => place,
    (/** @type {number} */ place) => createTile(app, place),
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    const { job } = shown.state;
    const count = job?.stage1Count ?? 0;
    if (job && count) app.pictures.preview(job.preview);
    const places = Array.from({ length: count }, (_, index) => index);
    placeTiles(places).forEach((tile) => tile.update(shown));
    show(node, count > 0);
    return count;
  };
  return { node, update };
};

/**
 * @param {number} ready
 * @param {number} coming
 */
const countText = (ready, coming) => {
  if (coming === 0) return String(ready);
  return ready ? `${ready}, ${coming} more on their way` : `${coming} on their way`;
};

/**
 * {node, update(shown)}: hidden where the shown run has no drafts and none are on their way.
 * @param {App} app
 */
export const createStage1Images = (app) => {
  const more = { label: "Refine", iconName: "right", test: "refine", kind: "small accent" };
  const toLayers = { label: "To layers", iconName: "copy", test: "stage1-layers", kind: "small" };
  const [refine, layers] = [button(app, "refine", more), button(app, "stage1ToLayers", toLayers)];
  const [list, converging] = [createList(app), createConverging(app)];
  const count = h("span", { class: "muted" });
  const title = h("span", { class: "strip-title", text: "Drafts" });
  const head = h(
    "div",
    { class: "strip-head" },
    title,
    count,
    h("span", { class: "spring" }),
    layers,
    refine,
  );
  const node = h("section", { class: "stage1-images", "aria-label": "Drafts", hidden: true }, head);
  node.append(h("div", { class: "stage1-lists" }, list.node, converging.node));
  /** @param {Shown} shown */
  const updateButtons = ({ state, record }) => {
    const isInView = stage1InView(state, record) !== null;
    set(refine, {
      disabled: !isInView || state.job !== null,
      title: isInView ? "Make more pictures of this draft (Shift R)" : "Click a draft first",
    });
    set(layers, {
      disabled: !isInView || state.reading !== "",
      title: isInView
        ? "Cut the draft into a layer for each painted region"
        : "Click a draft first",
    });
  };
  /** @param {Shown} shown */
  const update = (shown) => {
    const coming = converging.update(shown);
    const isOther = coming > 0 && shown.batch?.job !== shown.state.job?.id;
    const ready = isOther ? 0 : (shown.batch?.stage1Images.length ?? 0);
    show(node, ready + coming > 0);
    show(list.node, ready > 0);
    if (ready + coming === 0) return;
    if (ready > 0) list.update(shown);
    set(count, { text: countText(ready, coming) });
    for (const each of [refine, layers]) show(each, ready > 0);
    updateButtons(shown);
  };
  return { node, update };
};
