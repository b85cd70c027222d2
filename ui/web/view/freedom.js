// The painted freedom of a layer: its veil over the page while it is painted, and its line in the layer's card.

import { FREE, fillHalftone, HELD, meanOf } from "../kernels/halftone.js";
import { placementMatrix } from "../kernels/matrix.js";
import { formatFraction } from "../kernels/numbers.js";
import { bytesOf, changedTiles, greyMask, originOf, TILE_PX, valueAt } from "../kernels/tiles.js";
import { viewMatrix } from "../kernels/views.js";
import { setLayer } from "../model/edits.js";
import { greyOf, paintsFreedom } from "../model/painting.js";
import { layerOf, titleOf } from "../model/records.js";
import { TOOLS } from "../tools/tools.js";
import { button, slider } from "./fields.js";
import { h, set, show } from "./dom.js";
import { createPlates } from "./plates.js";

const PAINTING = new Set(TOOLS.filter(({ paints }) => paints).map(({ id }) => id));
const FINEST_PX = 512;
const THUMB_PX = 28;

/** A layer's freedom as a mask: what is painted, else its number everywhere; null until it is here. */
const createReader = (desk) => {
  let [key, plain] = ["", null];
  return (layer, { width_px, height_px }) => {
    if (layer.noise_map) return desk.pictures.mask(layer.noise_map);
    const wanted = `${greyOf(layer)} ${width_px} ${height_px}`;
    if (key !== wanted) [key, plain] = [wanted, greyMask(width_px, height_px, greyOf(layer))];
    return plain;
  };
};

/** Draws the tiles of a mask that differ from what the canvas shows. */
const drawTiles = (canvas, mask, known) => {
  const context = canvas.getContext("2d");
  const image = context.createImageData(TILE_PX, TILE_PX);
  const step_px = Math.max(1, Math.round(Math.max(mask.width_px, mask.height_px) / FINEST_PX));
  for (const index of changedTiles(mask, known)) {
    const origin = originOf(mask, index);
    fillHalftone(image.data, mask.tiles[index], { side: TILE_PX, origin, step_px });
    context.putImageData(image, origin.x, origin.y);
  }
};

const legend = (kind, text) =>
  h("span", { class: "legend" }, h("i", { class: `swatch ${kind}` }), text);

/** Leaves of a page only what a layer shows of itself: inside its picture, and inside its mask. */
const keepInside = (context, desk, layer, plates) => {
  const picture = layer.picture ? desk.pictures.get(layer.picture) : null;
  const mask = layer.mask ? desk.pictures.mask(layer.mask) : null;
  context.globalCompositeOperation = "destination-in";
  if (picture) {
    const { width_px, height_px } = picture.size;
    context.setTransform(...placementMatrix(layer.placement, picture.size));
    context.drawImage(picture.image, 0, 0, width_px, height_px);
    context.resetTransform();
  }
  if (mask) context.drawImage(plates.get(layer.id, mask), 0, 0);
  context.globalCompositeOperation = "source-over";
};

/** Answers draw(canvas, mask, layer): the dots of a mask on a canvas, where its layer is; tiles are drawn once. */
const createDots = (desk) => {
  const [dots, plates] = [document.createElement("canvas"), createPlates()];
  let drawn = null;
  return (canvas, mask, layer) => {
    const size = { width: mask.width_px, height: mask.height_px };
    const isFit = dots.width === size.width && dots.height === size.height;
    if (!isFit) [dots, canvas].forEach((each) => Object.assign(each, size));
    if (mask !== drawn) drawTiles(dots, mask, isFit ? drawn : null);
    drawn = mask;
    plates.keep(new Set([layer.id]));
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, size.width, size.height);
    context.drawImage(dots, 0, 0);
    keepInside(context, desk, layer, plates);
  };
};

/** The veil and the chip that says what it shows: {nodes, update(shown)}; cheap enough for every sample of a stroke. */
export const createFreedomVeil = (desk) => {
  const canvas = h("canvas", {
    class: "freedom-veil",
    "data-test": "freedom-veil",
    "aria-hidden": "true",
  });
  const title = h("span", { class: "freedom-title" });
  const words = [title, legend("free", "free"), legend("held", "held")];
  const chip = h(
    "div",
    { class: "chip-box freedom-chip", role: "status", "data-test": "freedom-chip" },
    words,
  );
  const [readMask, draw] = [createReader(desk), createDots(desk)];
  const update = ({ state, scene, selected, mix }) => {
    const isWanted =
      paintsFreedom(desk) && PAINTING.has(state.tool) && !mix && Boolean(selected?.visible);
    const mask = isWanted ? readMask(selected, scene) : null;
    show(canvas, mask !== null);
    show(chip, mask !== null && state.job === null);
    if (!mask) return;
    draw(canvas, mask, selected);
    canvas.style.transform = `matrix(${viewMatrix(state.view).join(",")})`;
    set(title, { text: `Freedom of ${titleOf(selected)}` });
  };
  return { nodes: [canvas, chip], update };
};

const drawThumb = (canvas, mask) => {
  const context = canvas.getContext("2d");
  const image = context.createImageData(THUMB_PX, THUMB_PX);
  const scale = Math.max(mask.width_px, mask.height_px) / THUMB_PX;
  const [left, top] = [mask.width_px, mask.height_px].map((side) => (THUMB_PX - side / scale) / 2);
  for (let y = 0; y < THUMB_PX; y += 1) {
    for (let x = 0; x < THUMB_PX; x += 1) {
      const share = valueAt(mask, (x + 0.5 - left) * scale, (y + 0.5 - top) * scale) / 255;
      const rgb = HELD.map((held, at) => held + (FREE[at] - held) * share);
      image.data.set([...rgb, 255], (y * THUMB_PX + x) * 4);
    }
  }
  context.putImageData(image, 0, 0);
};

/** What is painted, small and in words; drawn anew when it is another, but not in mid-stroke. */
const createPainted = (desk) => {
  const thumb = h("canvas", { class: "freedom-thumb", width: THUMB_PX, height: THUMB_PX });
  const text = h("span", { class: "muted" });
  const node = h(
    "span",
    { class: "freedom-painted", "data-test": "freedom-painted", hidden: true },
    thumb,
    text,
  );
  let known = "";
  const update = (layer) => {
    const mask = layer.noise_map ? desk.pictures.mask(layer.noise_map) : null;
    show(node, Boolean(layer.noise_map));
    if (!mask || layer.noise_map === known || desk.store.busy) return;
    known = layer.noise_map;
    drawThumb(thumb, mask);
    set(text, { text: `painted, ${formatFraction(meanOf(bytesOf(mask)))} on average` });
  };
  return { node, update };
};

const TITLE =
  "Noise: 0 keeps the pixels, 1 invents them anew (t). It can be painted, too: brighter is freer";

/** The dial of a layer's freedom, or what is painted in its place: {node, update(shown)}. */
export const createFreedomLine = (desk, id) => {
  const dial = slider(desk, {
    label: "Freedom",
    test: "freedom",
    normal: 0.6,
    format: formatFraction,
    read: ({ record }) => layerOf(record, id)?.noise ?? null,
    name: "Freedom",
    edit: (noise) => setLayer(id, { noise }),
    merge: () => `noise:${id}`,
  });
  const painted = createPainted(desk);
  const value = h("span", { class: "dial-value" });
  const turn = () => desk.run("paintOn", paintsFreedom(desk) ? "mask" : "freedom");
  const brush = {
    iconName: "halftone",
    test: "paint-map",
    title: "Paint where it is free (\\)",
    kind: "quiet small",
  };
  const bin = {
    iconName: "bin",
    test: "clear-map",
    title: "Back to one number",
    kind: "quiet small",
  };
  const [paint, clear] = [
    button(desk, turn, brush),
    button(desk, () => desk.run("clearFreedom", id), bin),
  ];
  const label = h("span", { class: "card-label", text: "Freedom" });
  const shape = { class: "card-line freedom-line", title: TITLE };
  const ends = h("span", { class: "freedom-ends" }, clear, paint, value);
  const node = h("div", shape, label, dial.node, painted.node, ends);
  const update = (shown) => {
    const layer = layerOf(shown.record, id);
    dial.update(shown);
    painted.update(layer);
    set(value, { text: formatFraction(layer.noise) });
    set(paint, { "aria-pressed": paintsFreedom(desk) && PAINTING.has(shown.state.tool) });
    for (const each of [dial.node, value]) show(each, !layer.noise_map);
    show(clear, Boolean(layer.noise_map));
  };
  return { node, update };
};
