// The first strip: the drafts of a run, beside the pictures that were made of them.

import { plural } from "../../kernels/numbers.js";
import { draftInView, picturesOf } from "../../model/drafts.js";
import { placeOf } from "../../model/scores.js";
import { h, keyed, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { createRankSign } from "./thumb-signs.js";

const createThumb = (app, draft) => {
  const { index, seed, digest } = draft;
  const shape = { type: "button", class: "candidate draft", role: "option" };
  const hooks = { "data-test": "draft", "data-index": index, "data-digest": digest };
  const on = { click: () => app.run("view", digest), dblclick: () => app.run("refine") };
  const picture = h("img", {
    src: app.pictures.url(digest),
    alt: `Draft ${index + 1}`,
    draggable: "false",
  });
  const made = h("span", { class: "candidate-seed", "data-test": "draft-made" });
  const place = createRankSign();
  const node = h("button", { ...shape, ...hooks, on }, picture, made, place.node);
  const update = (shown, now) => {
    place.update(placeOf(now, shown.batch.drafts));
    const count = picturesOf(shown.state, now);
    const current = shown.shownDigest === digest;
    const told = `Draft of seed ${seed}, ${plural(count, "picture", "pictures")} made of it`;
    const title = `${told}. Click looks, a double click refines`;
    set(made, { text: count ? `×${count}` : "" });
    show(made, count > 0);
    const isSource = draftInView(shown.state, shown.record)?.digest === digest;
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

/** Arrows step from draft to draft, Enter refines; the focus goes with the shown one. */
const connectStepping = (app, list) => {
  const follow = () => list.querySelector('[aria-selected="true"]')?.focus();
  list.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1, Enter: 0 }[event.key];
    if (steps === undefined || event.ctrlKey) return;
    event.preventDefault();
    const { drafts } = app.shown().batch;
    const at = drafts.findIndex(({ digest }) => digest === event.target.dataset.digest);
    const next = drafts[(at + steps + drafts.length) % drafts.length];
    const done = steps === 0 ? app.run("refine") : app.run("view", next.digest);
    done.then(() => requestAnimationFrame(follow));
  });
};

const createList = (app) => {
  const nodes = new Map();
  const list = h("div", {
    class: "candidates",
    role: "listbox",
    "aria-label": "Drafts",
    "data-test": "drafts",
  });
  set(list, { "aria-orientation": "horizontal" });
  connectStepping(app, list);
  const thumbOf = (draft) => createThumb(app, draft);
  const update = (shown) => {
    const { drafts } = shown.batch;
    keyed(list, nodes, drafts, ({ id }) => id, thumbOf);
    drafts.forEach((draft) => nodes.get(draft.id).update(shown, draft));
    if (!list.querySelector('[tabindex="0"]')) list.firstChild.tabIndex = 0;
  };
  return { node: list, update };
};

const TILE_PX = 168;

/** One draft while it converges; a click shows it large. */
const createTile = (app, index) => {
  const canvas = h("canvas", { width: TILE_PX, height: TILE_PX });
  const title = `Draft ${index + 1}, still being fitted. A click shows it large`;
  const shape = { type: "button", class: "candidate draft converging", title, "aria-label": title };
  const hooks = { "data-test": "draft-preview", "data-index": index };
  const on = { click: () => app.session.set({ watched: index, showing: "result", viewed: "" }) };
  const node = h("button", { ...shape, ...hooks, on }, canvas);
  let drawn = null;
  const update = (shown) => {
    set(node, { "aria-pressed": shown.state.watched === index });
    const image = app.pictures.previewed[index];
    if (!image || image === drawn) return;
    drawn = image;
    const context = canvas.getContext("2d");
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, TILE_PX, TILE_PX);
  };
  return { node, update };
};

/** The drafts that the present run is fitting, all of them: {node, update(shown) → how many}. */
const createConverging = (app) => {
  const nodes = new Map();
  const node = h("div", {
    class: "candidates",
    role: "group",
    "aria-label": "Drafts on their way",
    hidden: true,
  });
  const update = ({ state, ...shown }) => {
    const count = state.job?.drafts ?? 0;
    if (count) app.pictures.preview(state.job.preview);
    const places = Array.from({ length: count }, (_, index) => index);
    keyed(
      node,
      nodes,
      places,
      (place) => place,
      (place) => createTile(app, place),
    );
    places.forEach((place) => nodes.get(place).update({ ...shown, state }));
    show(node, count > 0);
    return count;
  };
  return { node, update };
};

const countText = (ready, coming) => {
  if (coming === 0) return String(ready);
  return ready ? `${ready}, ${coming} more on their way` : `${coming} on their way`;
};

/** {node, update(shown)}: hidden where the shown run has no drafts and none are on their way. */
export const createDrafts = (app) => {
  const more = { label: "Refine", iconName: "right", test: "refine", kind: "small accent" };
  const apart = { label: "To layers", iconName: "copy", test: "draft-layers", kind: "small" };
  const [refine, layers] = [button(app, "refine", more), button(app, "draftToLayers", apart)];
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
  const node = h("section", { class: "drafts", "aria-label": "Drafts", hidden: true }, head);
  node.append(h("div", { class: "draft-lists" }, list.node, converging.node));
  const update = (shown) => {
    const coming = converging.update(shown);
    const isOther = coming > 0 && shown.batch?.job !== shown.state.job.id;
    const drafts = isOther ? [] : (shown.batch?.drafts ?? []);
    show(node, drafts.length + coming > 0);
    show(list.node, drafts.length > 0);
    if (drafts.length + coming === 0) return;
    if (drafts.length > 0) list.update(shown);
    const inView = draftInView(shown.state, shown.record) !== null;
    set(count, { text: countText(drafts.length, coming) });
    for (const each of [refine, layers]) show(each, drafts.length > 0);
    set(refine, {
      disabled: !inView || shown.state.job !== null,
      title: inView ? "Make more pictures of this draft (Shift R)" : "Click a draft first",
    });
    set(layers, {
      disabled: !inView || shown.state.reading !== "",
      title: inView ? "Cut the draft into a layer for each painted region" : "Click a draft first",
    });
  };
  return { node, update };
};
