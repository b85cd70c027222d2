// The stage: the canvas that shows the page, and what lies on it. It draws a frame when something changed.

import { betweenPlacements } from "../../kernels/matrix.js";
import { fitView, pageOnScreen } from "../../kernels/views.js";
import { layerOf, titleOf } from "../../model/records.js";
import { TOOLS } from "../../tools/tools.js";
import { h, set, setVariable } from "../dom/elements.js";
import {
  createChangedCount,
  createInvitation,
  createMixChip,
  createProgress,
  createPromise,
  createReadingNote,
  createShowingSwitch,
} from "./chips.js";
import { createCandidateMixer, createRerollPreview, MIX } from "./combined-pages.js";
import { createChanges, createDivider } from "./compare.js";
import { createCompositor } from "./compositor.js";
import { createExactCompositor } from "./exact-compositor.js";
import { createMaskCanvases, createMaskVeils } from "./mask-canvases.js";
import { createHeatVeil } from "./overlays.js";
import { paintStage } from "./paint-stage.js";
import { connectDrop, connectPointer, connectWheel } from "./pointer.js";
import { createToolSurface } from "./tool-surface.js";

const SHARPEST = 2;
const STAY = [1, 0, 0, 1, 0, 0];

/** How far a layer's mask has to go along with it while a gesture moves it: the mask itself follows at its end. */
const shiftOf = (app) => (layer) => {
  const { base } = app.store;
  const old = base && layerOf(base, layer.id);
  if (!old || old.mask !== layer.mask || old.placement === layer.placement) return STAY;
  return betweenPlacements(old.placement, layer.placement);
};

/** The tools that change a mask, for which the regions are shown over a result too. */
const PAINTING = new Set(TOOLS.filter(({ paints }) => paints).map(({ id }) => id));

const describe = (shown) => {
  const { scene, selected } = shown;
  const what = shown.state.showing === "collage" ? "Collage" : "Result";
  const size = `${what}, ${scene.width_px} by ${scene.height_px} pixels.`;
  if (!selected) return `${size} Nothing selected.`;
  const { centre_x_px: x, centre_y_px: y } = selected.placement;
  return `${size} Selected: ${titleOf(selected)}, at ${Math.round(x)}, ${Math.round(y)}.`;
};

/** Keeps the canvas as large as its section, in the device's own pixels. */
const connectSize = (app, node, canvas) => {
  const box = { width: 0, height: 0, ratio: 1 };
  const resize = () => {
    Object.assign(box, {
      width: node.clientWidth,
      height: node.clientHeight,
      ratio: Math.min(SHARPEST, devicePixelRatio),
    });
    Object.assign(canvas, {
      width: Math.round(box.width * box.ratio),
      height: Math.round(box.height * box.ratio),
    });
    app.refresh();
  };
  new ResizeObserver(resize).observe(node);
  return box;
};

/** The view that shows the whole page, if the view should follow it and does not yet; else null. */
const refitted = ({ scene, state: { view, fitted: follows } }, box) => {
  if (!follows) return null;
  const next = fitView(scene, box, view);
  return next.zoom === view.zoom && next.x === view.x && next.y === view.y ? null : next;
};

/** Those who draw what fills the page, and the canvases of masks that they share. */
const createMakers = (app) => {
  const plates = createMaskCanvases();
  const compositor = createCompositor({
    pictures: app.pictures,
    plates,
    shiftOf: shiftOf(app),
    exact: createExactCompositor(),
    isBusy: () => app.store.busy,
    settled: (area) =>
      app.session.state.compare === "changed" ? app.refresh() : app.touched(area),
  });
  const veils = createMaskVeils(app, plates, shiftOf(app));
  const mixer = createCandidateMixer(app.pictures, plates);
  return {
    plates,
    compositor,
    patch: createRerollPreview(),
    changes: createChanges(),
    veils,
    mixer,
  };
};

export const createStage = (app) => {
  const canvas = h("canvas", {
    class: "canvas",
    tabindex: "0",
    role: "application",
    "data-test": "canvas",
  });
  const makersOfChips = [
    createProgress,
    createPromise,
    createChangedCount,
    createShowingSwitch,
    createReadingNote,
    createInvitation,
  ];
  const chips = [createHeatVeil, ...makersOfChips, createDivider, createMixChip].map((create) =>
    create(app),
  );
  const shadow = h("div", { class: "page-shadow" });
  const ring = h("div", { class: "ring", hidden: true });
  const lying = chips.map((chip) => chip.node);
  const node = h(
    "section",
    { class: "stage", "aria-label": "Canvas" },
    shadow,
    canvas,
    ring,
    lying,
  );
  const { plates, ...makers } = createMakers(app);
  const { compositor } = makers;
  const pixels = () => pixelsOf(app.shown(), (shown) => pageOf(app, shown, makers).picture);
  const { holdSpace, held } = connectPointer(
    app,
    canvas,
    createToolSurface(app, { canvas, ring, pixels }),
  );
  connectWheel(app, canvas);
  connectDrop(app, node, canvas);
  const box = connectSize(app, node, canvas);
  const update = (shown, changed = null) => {
    if (!box.width || !shown.state.project) return;
    const view = refitted(shown, box);
    if (view) return void app.session.set({ view });
    const frame = frameOf(app, shown, { ...makers, changed });
    paintStage(canvas, { ...frame, ratio: box.ratio });
    set(canvas, { "data-settling": frame.showing === "collage" && compositor.isSettling });
    if (changed) return;
    plates.keep(new Set([...shown.scene.layers.map(({ id }) => id), ...(shown.mix ? [MIX] : [])]));
    const seen = { ...shown, hasPreview: frame.showing === "preview", changes: frame.changes };
    chips.forEach((chip) => chip.update(seen));
    set(canvas, { "aria-label": describe(shown), "data-showing": frame.showing });
    placeChips(node, shown, box);
    placeShadow(shadow, shown);
  };
  const drawTogether = (layers) => drawnTogether(app, compositor, layers);
  return { node, update, size: () => box, holdSpace, held, pixels, drawTogether };
};

/** Layers as they look together over nothing, as a PNG file of the scene's size. */
const drawnTogether = async (app, compositor, layers) => {
  const canvas = await compositor.together(app.store.record.scene, layers);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  return new File([blob], "merged.png", { type: "image/png" });
};

/** What fills the page, at scene size: RGBA bytes. */
const pixelsOf = (shown, compose) => {
  const { width_px: width, height_px: height } = shown.scene;
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext(
    "2d",
  );
  context.imageSmoothingQuality = "high";
  context.drawImage(compose(shown), 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
};

/** The chips stay inside the page where it is visible. */
const placeChips = (node, { scene, state: { view } }, box) => {
  const page = pageOnScreen(view, scene);
  const edges = {
    left: Math.max(0, page.x0),
    top: Math.max(0, page.y0),
    right: Math.max(0, box.width - page.x1),
    bottom: Math.max(0, box.height - page.y1),
  };
  for (const [side, value] of Object.entries(edges))
    setVariable(node, `--page-${side}`, `${value}px`);
};

/** The shadow lies under the page, turned as the page is. */
const placeShadow = (shadow, { scene, state: { view } }) => {
  const turned = `rotate(${view.turn}deg) scaleX(${view.mirror ? -1 : 1})`;
  setVariable(shadow, "transform", `translate(${view.x}px, ${view.y}px) ${turned}`);
  setVariable(shadow, "width", `${scene.width_px * view.zoom}px`);
  setVariable(shadow, "height", `${scene.height_px * view.zoom}px`);
};

const tintOf = (app) => (id) => app.inks().tints[app.tints.indexOf(id)];

/** What fills the page: a preview, the shown result, or the collage. */
const pageOf = (app, shown, { compositor, patch, mixer, changed = null }) => {
  const collage = () => compositor.compose(shown.scene, shown.record.selected);
  if (shown.state.showing === "collage") return { showing: "collage", picture: collage() };
  const mixed = shown.mix && mixer(shown.scene, shown.mix, changed);
  if (mixed) return { showing: "result", picture: mixed };
  const preview = app.pictures.preview(shown.state.job?.preview ?? "");
  if (preview) return { showing: "preview", picture: previewOf(app, shown, patch, preview) };
  if (shown.state.comparing && !shown.before) return { showing: "collage", picture: collage() };
  const result = app.pictures.get(shown.shownDigest);
  return result
    ? { showing: "result", picture: result.image }
    : { showing: "collage", picture: collage() };
};

/** What a way of comparing lays over the page: {split: {picture, at}} or {changes: {canvas, count, share}}. */
const comparedOf = (app, shown, { compositor, changes }) => {
  const { compare, splitAt } = shown.state;
  if (!shown.canCompare || (compare !== "split" && compare !== "changed")) return {};
  const after = app.pictures.get(shown.ownDigest)?.image;
  const before = shown.before
    ? app.pictures.get(shown.before)?.image
    : compositor.compose(shown.scene, shown.record.selected);
  if (!before || !after) return {};
  if (compare === "split") return { split: { picture: before, at: splitAt } };
  return { changes: changes(before, after, compositor.stamp) };
};

/** A whole picture's preview as it is; of a re-roll only the object, over the picture that it is made in. */
const previewOf = (app, { record, scene, state }, patch, preview) => {
  const layer = layerOf(record, state.job.layer_id);
  const shape = layer && app.pictures.get(layer.picture);
  const source = app.pictures.get(record.picked);
  return shape && source ? patch(scene, layer, shape, source.image, preview) : preview;
};

/** A layer with what is needed to outline it. */
const outlined = (app, layer) => {
  if (!layer) return null;
  const picture = app.pictures.get(layer.picture);
  return { layer, picture, size: picture?.size ?? null, tint: tintOf(app)(layer.id) };
};

const frameOf = (app, shown, makers) => {
  const { scene, selected, state, record } = shown;
  const hovered = state.hovered === record.selected ? null : layerOf(record, state.hovered);
  const page = pageOf(app, shown, makers);
  const paints = PAINTING.has(state.tool);
  const isVeiled = (paints && !shown.mix) || page.showing === "collage";
  const veiled = isVeiled ? makers.veils(scene, record.selected, paints) : [];
  return {
    ...page,
    ...comparedOf(app, shown, makers),
    veils: veiled,
    outline: state.outline,
    changed: makers.changed,
    scene,
    view: state.view,
    inks: app.inks(),
    guides: state.guides,
    selected: outlined(app, selected),
    hovered: outlined(app, hovered),
    handles: state.tool === "move" && selected?.visible && !selected.locked && !state.job,
  };
};
