// The canvas as a whole: another size, a part of it, or more of it around what is there.

/**
 * @import { App, Box, Edit, Parameter, ParameterValues } from "../types/editor.d.ts"
 * @import { Digest, Layer, Scene } from "../types/protocol.d.ts"
 */

import { clamp } from "../kernels/numbers.js";
import { boxWithin } from "../kernels/shifting.js";
import { maskFromBytes, unionOf } from "../kernels/tiles.js";
import {
  keepMask,
  MAX_SIDE_PX,
  MIN_SIDE_PX,
  missingMasks,
  rimField,
  setFrame,
  sizeOfFrame,
} from "../model/canvas.js";
import { boxOf } from "../model/extents.js";
import { addLayer, setScene } from "../model/edits.js";
import { ParameterError } from "../model/parameters.js";
import {
  buildLayer,
  buildPaintedLayer,
  chosenIds,
  freeze,
  requireLayer,
} from "../model/records.js";

const ANCHORS = [
  { id: "0,0", title: "Top left" },
  { id: "0.5,0", title: "Top" },
  { id: "1,0", title: "Top right" },
  { id: "0,0.5", title: "Left" },
  { id: "0.5,0.5", title: "Middle" },
  { id: "1,0.5", title: "Right" },
  { id: "0,1", title: "Bottom left" },
  { id: "0.5,1", title: "Bottom" },
  { id: "1,1", title: "Bottom right" },
];

/**
 * @param {string} name
 * @param {string} title
 * @param {number} value
 * @param {Partial<Parameter>} [rest]
 * @returns {Parameter}
 */
const pixels = (name, title, value, rest = {}) => ({
  name,
  title,
  kind: "number",
  value,
  low: MIN_SIDE_PX,
  high: MAX_SIDE_PX,
  step: 1,
  unit: "px",
  ...rest,
});

/**
 * One step that puts another frame around the scene, and what else is done with it.
 * @param {App} app
 * @param {string} name
 * @param {Box} frame
 * @param {(record: Parameters<Edit>[0]) => ReturnType<Edit>} [and]
 */
const reframe = (app, name, frame, and = (record) => record) => {
  const { store, masks, pictures, session } = app;
  const { width_px, height_px } = sizeOfFrame(frame);
  const longest = Math.max(width_px, height_px);
  if (Math.min(width_px, height_px) < MIN_SIDE_PX || longest > MAX_SIDE_PX)
    throw new ParameterError({
      what: `The canvas would have ${width_px} × ${height_px} pixels.`,
      limit: `A side has ${MIN_SIDE_PX} to ${MAX_SIDE_PX}.`,
      remedy: "Choose another size.",
    });
  const missing = missingMasks(store.record, masks);
  missing.forEach((mask) => pictures.mask(mask));
  if (missing.length > 0)
    throw new ParameterError({
      what: "What is painted on this scene is still being read.",
      remedy: "Try again in a moment.",
    });
  store.change(name, (record) => and(setFrame(masks, frame)(record)));
  session.set({ showing: "collage", viewed: "", outline: null, fitted: true });
};

/**
 * @param {App} app
 * @returns {readonly Parameter[]}
 */
export const resizeParameters = ({ store }) => {
  const { width_px, height_px } = store.record.scene;
  return [
    pixels("width", "Width", width_px),
    pixels("height", "Height", height_px),
    {
      name: "anchor",
      title: "What stays in its place",
      kind: "choice",
      value: "0.5,0.5",
      options: ANCHORS,
      help: "Layers, masks and painted strengths keep their size; nothing is scaled.",
    },
  ];
};

/**
 * @param {App} app
 * @param {ParameterValues} values
 */
export const resizeCanvas = (app, { width, height, anchor }) => {
  const { width_px, height_px } = app.store.record.scene;
  const [across, down] = String(anchor).split(",").map(Number);
  const x0 = Math.round((width_px - Number(width)) * across);
  const y0 = Math.round((height_px - Number(height)) * down);
  const frame = { x0, y0, x1: x0 + Number(width), y1: y0 + Number(height) };
  reframe(app, `Canvas ${width} × ${height}`, frame);
};

/**
 * The box around the marquee, else around the chosen layers, as far as it lies on the canvas; the
 * whole canvas where neither is there.
 * @param {App} app
 * @returns {Box}
 */
const selectedBox = ({ store, session, pictures }) => {
  const { scene } = store.record;
  const whole = { x0: 0, y0: 0, x1: scene.width_px, y1: scene.height_px };
  const { tool, outline, also } = session.state;
  if (tool === "marquee" && outline && outline.points.length > 2) {
    const [xs, ys] = [outline.points.map(({ x }) => x), outline.points.map(({ y }) => y)];
    const box = {
      x0: Math.min(...xs),
      y0: Math.min(...ys),
      x1: Math.max(...xs),
      y1: Math.max(...ys),
    };
    return boxWithin(box, scene) ?? whole;
  }
  const boxes = chosenIds(store.record, also).flatMap((id) => {
    const around = boxOf(requireLayer(store.record, id), pictures);
    return around ? [around] : [];
  });
  const around = boxes.reduce((/** @type {Box | null} */ box, one) => unionOf(box, one), null);
  return (around && boxWithin(around, scene)) ?? whole;
};

/**
 * @param {App} app
 * @returns {readonly Parameter[]}
 */
export const cropParameters = (app) => {
  const { width_px, height_px } = app.store.record.scene;
  const { x0, y0, x1, y1 } = selectedBox(app);
  return [
    pixels("left", "From the left", x0, { low: 0, high: width_px }),
    pixels("top", "From the top", y0, { low: 0, high: height_px }),
    pixels("width", "Width", x1 - x0, { high: width_px }),
    pixels("height", "Height", y1 - y0, { high: height_px }),
  ];
};

/**
 * @param {App} app
 * @param {ParameterValues} values
 */
export const cropCanvas = (app, values) => {
  const { width_px, height_px } = app.store.record.scene;
  const [x0, y0] = [Number(values.left), Number(values.top)];
  const x1 = Math.min(width_px, x0 + Number(values.width));
  const y1 = Math.min(height_px, y0 + Number(values.height));
  reframe(app, `Crop to ${x1 - x0} × ${y1 - y0}`, { x0, y0, x1, y1 });
};

const USUAL_RIM_PX = 128;
const LARGEST_OVERLAP_PX = 24;

/**
 * @param {App} app
 * @returns {readonly Parameter[]}
 */
export const extendParameters = ({ store, session }) => {
  const { scene, picked } = store.record;
  const isPicture = picked !== "" && session.state.showing === "result";
  const sides = [
    { name: "left", title: "To the left", room: MAX_SIDE_PX - scene.width_px, value: 0 },
    {
      name: "right",
      title: "To the right",
      room: MAX_SIDE_PX - scene.width_px,
      value: USUAL_RIM_PX,
    },
    { name: "top", title: "Above", room: MAX_SIDE_PX - scene.height_px, value: 0 },
    { name: "bottom", title: "Below", room: MAX_SIDE_PX - scene.height_px, value: 0 },
  ].map(({ name, title, room, value }) =>
    pixels(name, title, Math.min(value, room), { low: 0, high: room }),
  );
  return [
    ...sides,
    {
      name: "phrase",
      title: "What is to be drawn there",
      kind: "text",
      value: "",
      help: "Words for the new rim, such as “more sand and sea”. It becomes a layer that the next Generate draws.",
    },
    {
      name: "keeps",
      title: "What stays",
      kind: "choice",
      value: isPicture ? "picture" : "layers",
      options: [
        { id: "layers", title: "The layers, as they are" },
        ...(picked ? [{ id: "picture", title: "The accepted picture, pixel by pixel" }] : []),
      ],
    },
  ];
};

/**
 * The accepted picture as a layer that is kept, on the place of the old canvas.
 * @param {App} app
 * @param {Digest} picture
 * @param {Scene} old
 * @param {Box} frame
 * @returns {Layer | null}
 */
const keptPicture = ({ pictures, newId }, picture, old, frame) => {
  const size = pictures.get(picture)?.size;
  if (!size) return null;
  const placement = {
    centre_x_px: old.width_px / 2 - frame.x0,
    centre_y_px: old.height_px / 2 - frame.y0,
    scale_x: old.width_px / size.width_px,
    scale_y: old.height_px / size.height_px,
  };
  const name = "The picture so far";
  return buildLayer({ id: newId(), name, phrase: "", picture, placement, strength: 0 });
};

/**
 * More canvas around the scene; the new rim is a layer that the next run draws.
 * @param {App} app
 * @param {ParameterValues} values
 */
export const extendCanvas = (app, values) => {
  const { store, masks, newId } = app;
  const { scene, picked } = store.record;
  const [left, right, top, bottom] = ["left", "right", "top", "bottom"].map((side) =>
    Number(values[side]),
  );
  if (left + right + top + bottom === 0)
    throw new ParameterError({
      what: "The canvas would stay as it is.",
      remedy: "Type how many pixels are added at a side.",
    });
  const frame = { x0: -left, y0: -top, x1: scene.width_px + right, y1: scene.height_px + bottom };
  const size = sizeOfFrame(frame);
  const overlap_px = clamp(
    Math.round(Math.min(left + right + top + bottom, 96) / 4),
    4,
    LARGEST_OVERLAP_PX,
  );
  const rim = maskFromBytes(rimField(scene, frame, overlap_px), size.width_px, size.height_px);
  const mask = keepMask(masks, rim);
  const kept = values.keeps === "picture" ? keptPicture(app, picked, scene, frame) : null;
  /** @param {Parameters<Edit>[0]} record */
  const withRim = (record) => {
    const painted = buildPaintedLayer({ id: newId(), name: "New rim", mask, scene: record.scene });
    const layer = freeze({ ...painted, phrase: String(values.phrase ?? "").trim() });
    const prompt = [record.scene.prompt.trim(), layer.phrase].filter(Boolean).join(", ");
    return setScene({ prompt })(addLayer(layer)(kept ? addLayer(kept)(record) : record));
  };
  reframe(app, `Extend to ${size.width_px} × ${size.height_px}`, frame, withRim);
};
