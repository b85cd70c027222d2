// How much a layer may change: its dial in the row and in the card, or what is painted in its
// place.

/**
 * @import { App, Mask, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Layer } from "../../types/protocol.d.ts"
 */

import { FREE, HELD, meanOf } from "../../kernels/halftone.js";
import { formatFraction } from "../../kernels/numbers.js";
import { bytesOf, valueAt } from "../../kernels/tiles.js";
import { setLayer } from "../../model/edits.js";
import { paintsStrength } from "../../model/painting.js";
import { layerOf } from "../../model/records.js";
import { TOOLS } from "../../tools/tools.js";
import { contextOf, h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { slider } from "../dom/number-fields.js";

const PAINTING = new Set(TOOLS.filter(({ paints }) => paints).map(({ id }) => id));

const THUMB_PX = 28;

/**
 * @param {HTMLCanvasElement} canvas
 * @param {Mask} mask
 */
const drawThumb = (canvas, mask) => {
  const context = contextOf(canvas);
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

/**
 * What is painted, small and in words; drawn anew when it is another, but not in mid-stroke.
 * @param {App} app
 */
const createPainted = (app) => {
  const thumb = h("canvas", { class: "strength-thumb", width: THUMB_PX, height: THUMB_PX });
  const text = h("span", { class: "muted" });
  const node = h(
    "span",
    { class: "strength-painted", "data-test": "strength-painted", hidden: true },
    thumb,
    text,
  );
  let known = "";
  /** @param {Layer} layer */
  const update = (layer) => {
    const name = layer.strength_map ?? "";
    const mask = app.pictures.mask(name);
    show(node, name !== "");
    if (!mask || name === known || app.store.busy) return;
    known = name;
    drawThumb(thumb, mask);
    set(text, { text: `painted, ${formatFraction(meanOf(bytesOf(mask)))} on average` });
  };
  return { node, update };
};

const TITLE =
  "Strength: 0 keeps its pixels, 1 draws it anew (t). It can be painted, too: brighter changes more";

/**
 * The dial of a layer's strength, or what is painted in its place: {node, update(shown)}.
 * @param {App} app
 * @param {Identifier} id
 */
export const createStrengthField = (app, id) => {
  const dial = slider(app, {
    label: "Strength",
    test: "strength",
    normal: 0.6,
    format: formatFraction,
    read: ({ record }) => layerOf(record, id)?.strength ?? null,
    name: "Strength",
    edit: (strength) => setLayer(id, { strength }),
    merge: () => `strength:${id}`,
  });
  const painted = createPainted(app);
  const value = h("span", { class: "dial-value" });
  const turn = () => app.run("paintOn", paintsStrength(app) ? "mask" : "strength");
  const brush = {
    iconName: "halftone",
    test: "paint-map",
    title: "Paint how much may change where (\\)",
    kind: "quiet small",
  };
  const bin = {
    iconName: "bin",
    test: "clear-map",
    title: "Back to one number",
    kind: "quiet small",
  };
  const [paint, clear] = [
    button(app, turn, brush),
    button(app, () => app.run("clearStrength", id), bin),
  ];
  const label = h("span", { class: "card-label", text: "Strength" });
  const shape = { class: "card-line strength-line", title: TITLE };
  const ends = h("span", { class: "strength-ends" }, clear, paint, value);
  const node = h("div", shape, label, dial.node, painted.node, ends);
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    const { paints, tool } = shown.state;
    dial.update(shown);
    painted.update(layer);
    set(value, { text: formatFraction(layer.strength) });
    set(paint, { "aria-pressed": paints === "strength" && PAINTING.has(tool) });
    for (const each of [dial.node, value]) show(each, !layer.strength_map);
    show(clear, Boolean(layer.strength_map));
  };
  return { node, update };
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const createRowStrength = (app, id) => {
  const value = h("span", { class: "strength-value" });
  const dial = slider(app, {
    label: "Strength: how much this object may change",
    test: "row-strength",
    step: 0.05,
    normal: 0.6,
    format: (number) => `strength ${formatFraction(number)}`,
    read: ({ record }) => layerOf(record, id)?.strength ?? null,
    name: "Strength",
    edit: (strength) => setLayer(id, { strength }),
    merge: () => `strength:${id}`,
  });
  const node = h(
    "div",
    { class: "row-strength", title: "Strength: 0 keeps its pixels, 1 draws it anew" },
    dial.node,
    value,
  );
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    dial.update(shown);
    show(dial.node, !layer.strength_map);
    set(value, {
      text: layer.strength_map ? "painted" : `strength ${formatFraction(layer.strength)}`,
    });
  };
  return { node, update };
};
