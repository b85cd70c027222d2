// Files that a person takes away: pictures and scenes, in the formats that the server writes.

/**
 * @import { App, CarryChoice, Parameter, ParameterValues, Size } from "../types/editor.d.ts"
 * @import { Candidate, FileFormat } from "../types/protocol.d.ts"
 */

import { MAX_SIDE_PX } from "../model/canvas.js";
import { freeze } from "../model/records.js";
import { addNotice, batchesOf } from "../model/session.js";
import { shownBatch } from "./runs.js";

/** @param {App} app @returns {readonly FileFormat[]} */
const exportersOf = ({ session }) => session.state.facts?.exporters ?? [];

/**
 * What there is to take away, by what it is called.
 * @param {App} app
 * @returns {{ id: string, title: string, candidates: readonly Candidate[] }[]}
 */
const listSources = ({ store, session }) => {
  const { state } = session;
  const digest = state.viewed || store.record.picked;
  const looked = state.candidates.findLast((one) => one.digest === digest);
  const run = shownBatch(state)?.candidates ?? [];
  const starred = state.candidates.filter((one) => store.record.starred.includes(one.digest));
  const all = batchesOf(state).flatMap(({ candidates }) => candidates);
  const several = [
    { id: "run", title: `All of this run (${run.length})`, candidates: run },
    { id: "starred", title: `All with a star (${starred.length})`, candidates: starred },
    { id: "all", title: `All of this scene (${all.length})`, candidates: all },
  ].filter(({ candidates }) => candidates.length > 1);
  return [
    ...(looked ? [{ id: "picture", title: "The picture shown", candidates: [looked] }] : []),
    { id: "collage", title: "The collage", candidates: [] },
    ...several,
    { id: "scene", title: "The scene with its layers", candidates: [] },
  ];
};

/**
 * @param {App} app
 * @param {Partial<ParameterValues>} [given]
 * @returns {readonly Parameter[]}
 */
export const exportParameters = (app, given = {}) => {
  const sources = listSources(app);
  const source = sources.find(({ id }) => id === given.source) ?? sources[0];
  const { scene } = app.store.record;
  const { carries } = app.session.state;
  const formats = exportersOf(app).filter(({ is_scene }) => is_scene === (source.id === "scene"));
  const format = formats.find(({ id }) => id === given.format) ?? formats[0];
  return [
    { name: "source", title: "What", kind: "choice", value: source.id, options: sources },
    { name: "format", title: "Format", kind: "choice", value: format?.id ?? "", options: formats },
    ...(source.id === "scene" ? [] : pictureParameters(source, format, given, { scene, carries })),
  ];
};

/** @type {Parameter} */
const QUALITY = {
  name: "quality",
  title: "Quality",
  kind: "number",
  value: 90,
  low: 1,
  high: 100,
  step: 1,
  help: "90 looks like the original; 60 is half as large and shows it. WebP at 100 loses nothing.",
};

/** @type {Parameter} */
const COLOUR = { name: "colour", title: "Colour", kind: "colour", value: "#ffffff" };

const SIZE_HELP =
  "A model may draw smaller than the canvas; then the picture is enlarged, which adds no detail.";

/**
 * @param {readonly Candidate[]} candidates
 * @returns {Parameter}
 */
const sizeParameter = ([first]) => {
  const drawn = first ? `As it was drawn, ${first.width_px} × ${first.height_px}` : "";
  const options = [
    { id: "canvas", title: "As large as the canvas" },
    ...(drawn ? [{ id: "drawn", title: drawn }] : []),
    { id: "scale", title: "Larger or smaller" },
  ];
  return { name: "size", title: "Size", kind: "choice", value: "canvas", options, help: SIZE_HELP };
};

/**
 * What becomes of the transparent parts of a collage; pictures that were made have none.
 * @param {boolean} keepsAlpha
 * @param {Partial<ParameterValues>} given
 * @returns {readonly Parameter[]}
 */
const groundParameters = (keepsAlpha, given) => {
  const clear = { id: "clear", title: "Stay transparent" };
  const coloured = { id: "colour", title: "Get a colour" };
  /** @type {Parameter} */
  const ground = {
    name: "ground",
    title: "Transparent parts",
    kind: "choice",
    value: keepsAlpha ? "clear" : "colour",
    options: keepsAlpha ? [clear, coloured] : [coloured],
  };
  const isColoured = !keepsAlpha || given.ground === "colour";
  return isColoured ? [ground, COLOUR] : [ground];
};

/**
 * What goes with a picture's pixels; its record always does.
 * @param {FileFormat | undefined} format
 * @param {Readonly<CarryChoice>} carries
 * @returns {readonly Parameter[]}
 */
const carryParameters = (format, { scene, words }) => [
  ...(format?.id === "png"
    ? [
        /** @type {Parameter} */ ({
          name: "scene",
          title: "With its scene",
          kind: "tick",
          value: scene,
          help: "Dropped on Lamina it opens the scene again, hidden layers too.",
        }),
      ]
    : []),
  {
    name: "words",
    title: "With its words",
    kind: "tick",
    value: words,
    help: "Prompts and names can be read in the file by everybody who gets it.",
  },
];

/**
 * @param {{ candidates: readonly Candidate[] }} source
 * @param {FileFormat | undefined} format
 * @param {Partial<ParameterValues>} given
 * @param {{ scene: Size, carries: Readonly<CarryChoice> }} known
 * @returns {readonly Parameter[]}
 */
const pictureParameters = ({ candidates }, format, given, { scene, carries }) => {
  const { width_px, height_px } = scene;
  const high = Math.min(800, Math.floor((100 * MAX_SIDE_PX) / Math.max(width_px, height_px)));
  const unit = `% of ${width_px} × ${height_px}`;
  /** @type {Parameter} */
  const scale = { name: "scale", title: "Scale", kind: "number", value: 100, low: 1, high, unit };
  return [
    sizeParameter(candidates),
    ...(given.size === "scale" ? [scale] : []),
    ...(format?.has_quality ? [QUALITY] : []),
    ...(candidates.length === 0
      ? groundParameters(format?.keeps_alpha ?? true, given)
      : carryParameters(format, carries)),
  ];
};

/**
 * @param {App} app
 * @param {ParameterValues} values as `exportParameters` asks for them
 */
export const exportFile = async (app, values) => {
  const { bridge, store, session, download, addressOf } = app;
  const source = listSources(app).find(({ id }) => id === values.source);
  const { width_px, height_px } = store.record.scene;
  const share = values.size === "scale" ? Number(values.scale) / 100 : 1;
  /** @param {number} side */
  const sideOf = (side) => (values.size === "drawn" ? 0 : Math.max(1, Math.round(side * share)));
  const request = {
    format: String(values.format),
    candidates: (source?.candidates ?? []).map(({ id }) => id),
    width_px: sideOf(width_px),
    height_px: sideOf(height_px),
    quality: Number(values.quality ?? 90),
    scene: Boolean(values.scene ?? session.state.carries.scene),
    words: Boolean(values.words ?? session.state.carries.words),
    background: values.ground === "colour" ? String(values.colour ?? "#ffffff") : "",
  };
  session.set({ carries: freeze({ scene: request.scene, words: request.words }) });
  const file = await app.busyWith("Writing the file", () => bridge.exportFile(request));
  download(addressOf(file.url), file.name);
  file.notes.forEach((what) => addNotice(session, { what }));
};
