// The stage: the canvas that shows the page, and what lies on it. It draws a frame when something
// changed.

/**
 * @import { App, Box, Extent, Matrix, Shown } from "../../types/editor.d.ts"
 * @import { Layer } from "../../types/protocol.d.ts"
 * @import { Compared, Compositor, Drawable, Page, StageFrame } from "../../types/view.d.ts"
 */

import { betweenPlacements } from "../../kernels/matrix.js";
import { fitView, pageOnScreen } from "../../kernels/views.js";
import { chosenIds, layerOf, titleOf } from "../../model/records.js";
import { TOOLS } from "../../tools/tools.js";
import { contextOf, createCanvas, h, set, setVariable } from "../dom/elements.js";
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
/** @type {Matrix} */
const STAY = [1, 0, 0, 1, 0, 0];

/**
 * How far a layer's mask has to go along with it while a gesture moves it: the mask itself follows
 * at its end.
 * @param {App} app
 * @returns {(layer: Layer) => Matrix}
 */
const shiftOf = (app) => /** @param {Layer} layer */ (layer) => {
  const { base } = app.store;
  const old = base && layerOf(base, layer.id);
  if (!old || old.mask !== layer.mask || old.placement === layer.placement) return STAY;
  return betweenPlacements(old.placement, layer.placement);
};

/** The tools that change a mask, for which the regions are shown over a result too. */
const PAINTING = new Set(TOOLS.filter(({ paints }) => paints).map(({ id }) => id));

/** @param {Shown} shown */
const describe = (shown) => {
  const { scene, selected } = shown;
  const what = shown.state.showing === "collage" ? "Collage" : "Result";
  const size = `${what}, ${scene.width_px} by ${scene.height_px} pixels.`;
  if (!selected) return `${size} Nothing selected.`;
  const { centre_x_px: x, centre_y_px: y } = selected.placement;
  return `${size} Selected: ${titleOf(selected)}, at ${Math.round(x)}, ${Math.round(y)}.`;
};

/**
 * Keeps the canvas as large as its section, in the device's own pixels.
 * @param {App} app
 * @param {HTMLElement} node
 * @param {HTMLCanvasElement} canvas
 */
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

/**
 * The view that shows the whole page, if the view should follow it and does not yet; else null.
 * @param {Shown} shown
 * @param {Extent} box
 */
const refit = ({ scene, state: { view, fitted: follows } }, box) => {
  if (!follows) return null;
  const next = fitView(scene, box, view);
  return next.zoom === view.zoom && next.x === view.x && next.y === view.y ? null : next;
};

/**
 * Those who draw what fills the page, and the canvases of masks that they share.
 * @param {App} app
 */
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

/**
 * @typedef {Omit<ReturnType<typeof createMakers>, "plates"> & { changed?: Box | null }} Makers
 * Those who draw what fills the page; `changed` is the only box that has to be drawn anew.
 */

/** @param {App} app */
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
  /**
   * @param {Shown} shown
   * @param {Box | null} [changed]
   */
  const update = (shown, changed = null) => {
    if (!box.width || !shown.state.project) return;
    const view = refit(shown, box);
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
  /** @param {readonly Layer[]} layers */
  const drawTogether = (layers) => drawMerged(app, compositor, layers);
  return { node, update, size: () => box, holdSpace, held, pixels, drawTogether };
};

/**
 * Layers as they look together over nothing, as a PNG file of the scene's size.
 * @param {App} app
 * @param {Compositor} compositor
 * @param {readonly Layer[]} layers
 */
const drawMerged = async (app, compositor, layers) => {
  const canvas = await compositor.together(app.store.record.scene, layers);
  /** @type {Blob | null} */
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  if (!blob) throw new Error("The browser could not write the merged layers.");
  return new File([blob], "merged.png", { type: "image/png" });
};

/**
 * What fills the page, at scene size: RGBA bytes.
 * @param {Shown} shown
 * @param {(shown: Shown) => CanvasImageSource} compose
 */
const pixelsOf = (shown, compose) => {
  const { width_px: width, height_px: height } = shown.scene;
  const context = contextOf(createCanvas(width, height));
  context.imageSmoothingQuality = "high";
  context.drawImage(compose(shown), 0, 0, width, height);
  return context.getImageData(0, 0, width, height).data;
};

/**
 * The chips stay inside the page where it is visible.
 * @param {HTMLElement} node
 * @param {Shown} shown
 * @param {Extent} box
 */
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

/**
 * The shadow lies under the page, turned as the page is.
 * @param {HTMLElement} shadow
 * @param {Shown} shown
 */
const placeShadow = (shadow, { scene, state: { view } }) => {
  const turned = `rotate(${view.turn}deg) scaleX(${view.mirror ? -1 : 1})`;
  setVariable(shadow, "transform", `translate(${view.x}px, ${view.y}px) ${turned}`);
  setVariable(shadow, "width", `${scene.width_px * view.zoom}px`);
  setVariable(shadow, "height", `${scene.height_px * view.zoom}px`);
};

/**
 * What fills the page: a preview, the shown result, or the collage.
 * @param {App} app
 * @param {Shown} shown
 * @param {Makers} makers
 * @returns {Page}
 */
const pageOf = (app, shown, makers) => {
  const { compositor, mixer, changed = null } = makers;
  const { state, mix } = shown;
  if (state.showing === "result") {
    const mixed = mix && mixer(shown.scene, mix, changed);
    if (mixed) return { showing: "result", picture: mixed };
    const page = madePage(app, shown, makers);
    if (page) return page;
  }
  const picture = compositor.compose(shown.scene, shown.record.selected);
  return { showing: "collage", picture };
};

/**
 * The preview of a run, or the shown result; null for none, and while the collage is compared.
 * @param {App} app
 * @param {Shown} shown
 * @param {Makers} makers
 * @returns {Page | null}
 */
const madePage = (app, shown, { patch }) => {
  const { state, before, shownDigest } = shown;
  const preview = app.pictures.preview(state.job?.preview ?? "");
  if (preview) return { showing: "preview", picture: previewOf(app, shown, patch, preview) };
  const result = state.comparing && !before ? null : app.pictures.get(shownDigest);
  return result && { showing: "result", picture: result.image };
};

/**
 * What a way of comparing lays over the page.
 * @param {App} app
 * @param {Shown} shown
 * @param {Makers} makers
 * @returns {Compared}
 */
const comparedOf = (app, shown, { compositor, changes }) => {
  const { compare, splitAt } = shown.state;
  const isOn = shown.canCompare && ["split", "changed"].includes(compare);
  const after = isOn ? app.pictures.get(shown.ownDigest)?.image : null;
  if (!after) return {};
  const before = shown.before
    ? app.pictures.get(shown.before)?.image
    : compositor.compose(shown.scene, shown.record.selected);
  if (!before) return {};
  if (compare === "split") return { split: { picture: before, at: splitAt } };
  return { changes: changes(before, after, compositor.stamp) };
};

/**
 * A whole picture's preview as it is; of a re-roll only the object, over the picture that it is
 * made in.
 * @param {App} app
 * @param {Shown} shown
 * @param {Makers["patch"]} patch
 * @param {Drawable} preview
 */
const previewOf = (app, { record, scene, state }, patch, preview) => {
  const layer = layerOf(record, state.job?.layer_id ?? "");
  const shape = layer && app.pictures.get(layer.picture);
  const source = app.pictures.get(record.picked);
  return shape && source ? patch(scene, layer, shape, source.image, preview) : preview;
};

/**
 * A layer with what is needed to outline it.
 * @param {App} app
 * @param {Layer | null} layer
 */
const outlineOf = (app, layer) => {
  if (!layer) return null;
  const picture = app.pictures.get(layer.picture);
  return {
    layer,
    picture,
    size: picture?.size ?? null,
    tint: app.inks().tints[app.tints.indexOf(layer.id)],
  };
};

/** @param {Layer | null} layer */
const isMovable = (layer) => layer !== null && layer.visible && !layer.locked;

/**
 * @param {App} app
 * @param {Shown} shown
 * @param {Makers} makers
 * @returns {Omit<StageFrame, "ratio">}
 */
const frameOf = (app, shown, makers) => {
  const { scene, selected, state, record } = shown;
  const hovered = state.hovered === record.selected ? null : layerOf(record, state.hovered);
  const others = chosenIds(record, state.also).filter((id) => id !== record.selected);
  const page = pageOf(app, shown, makers);
  const paints = PAINTING.has(state.tool);
  const isVeiled = (paints && !shown.mix) || page.showing === "collage";
  const veiled = isVeiled ? makers.veils(scene, record.selected, paints) : [];
  return {
    ...page,
    ...comparedOf(app, shown, makers),
    veils: veiled,
    outline: state.outline,
    changed: makers.changed ?? null,
    scene,
    view: state.view,
    inks: app.inks(),
    guides: state.guides,
    selected: outlineOf(app, selected),
    chosen: others.map((id) => outlineOf(app, layerOf(record, id))).filter((one) => one !== null),
    hovered: outlineOf(app, hovered),
    handles: state.tool === "move" && !state.job && others.length === 0 && isMovable(selected),
  };
};
