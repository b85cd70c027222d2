// What a person should know of a layer, in short words for its row and whole sentences for its
// card.

/**
 * @import { Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Layer } from "../../types/protocol.d.ts"
 * @import { Warning } from "../../types/view.d.ts"
 */

import { formatPercent } from "../../kernels/numbers.js";
import { isPainted } from "../../model/records.js";
import { isRead } from "../../model/options.js";
import { verdictOf } from "../../model/scores.js";

/**
 * Short words for the row; the whole sentence is in the card and in the tooltip.
 * @type {Readonly<Record<string, string>>}
 */
const SHORT = {
  hidden: "hidden",
  empty: "empty",
  off_canvas: "off the canvas",
  too_small: "too small",
  covered: "covered",
  phrase_missing: "not in the prompt",
  phrase_truncated: "beyond the prompt's end",
  no_phrase: "no phrase",
  no_class: "no class",
  unknown_class: "unknown class",
  no_mask: "nothing painted",
  overlap: "partly covered",
  tiny: "small",
  ignored: "partly ignored",
  no_step: "too few steps",
};

const WORDLESS_PICTURE = "Without a phrase the layer only gives its pixels.";

const WORDLESS_REGION = "Without words nobody knows what to draw here.";

/** What has to be mended before anything can be drawn. */
const STOPS = ["no_class", "unknown_class", "no_mask"];

const HERE = ["hidden", "no_phrase", "phrase_missing"];

/** @param {Warning} warning */
export const shortOf = ({ code, text, short }) => short ?? SHORT[code] ?? text;

/**
 * What the server and the scores say of a layer, but for what is seen here.
 * @param {Shown} shown
 * @param {Layer} layer
 * @returns {readonly Warning[]}
 */
const notesOf = (shown, layer) => {
  const ownNotes = shown.state.notes.filter(({ layer_id }) => layer_id === layer.id);
  const verdict = verdictOf(shown.scored, layer);
  const [failed, unjudged] = [verdict?.code === "failed", verdict?.code === "unjudged"];
  return [
    ...(verdict && failed ? [verdict] : []),
    ...ownNotes.filter(({ code }) => !HERE.includes(code)),
    ...(verdict && unjudged ? [verdict] : []),
  ];
};

/**
 * A layer without a phrase; a painted one may do with its class.
 * @param {Layer} layer
 * @param {readonly Warning[]} notes
 * @returns {readonly Warning[]}
 */
const wordlessWarnings = (layer, notes) => {
  const isRegion = isPainted(layer);
  const isNamed = layer.class_label.trim() !== "" || notes.some(({ code }) => code === "no_class");
  if (isRegion && isNamed) return notes;
  return [{ code: "no_phrase", text: isRegion ? WORDLESS_REGION : WORDLESS_PICTURE }, ...notes];
};

/**
 * What a person should know of a layer. Hidden, without words, or not in the prompt is seen here at
 * once; the server's notes come with the next save, and say more of a missing phrase (the nearest
 * words of the prompt).
 * @param {Shown} shown
 * @param {Layer} layer
 * @returns {readonly Warning[]}
 */
export const warningsOf = (shown, layer) => {
  if (!layer.visible) return [{ code: "hidden", text: "Hidden layers take no part." }];
  const notes = notesOf(shown, layer);
  if (!isRead(shown, layer)) return notes;
  const phrase = layer.phrase.trim();
  if (!phrase) return wordlessWarnings(layer, notes);
  // An empty prompt becomes the layers' phrases.
  if (!shown.unlinked.has(layer.id) || !shown.scene.prompt.trim()) return notes;
  const ownNotes = shown.state.notes.find(
    ({ layer_id, code }) => layer_id === layer.id && code === "phrase_missing",
  );
  const own = { code: "phrase_missing", text: `“${phrase}” does not stand in the prompt.` };
  const stops = notes.filter(({ code }) => STOPS.includes(code));
  const rest = notes.filter(({ code }) => !STOPS.includes(code));
  return [...stops, ownNotes ?? own, ...rest];
};

/**
 * How much of the canvas a layer is seen on: {text, title}.
 * @param {Shown} shown
 * @param {Identifier} id
 */
export const coverageOf = ({ state }, id) => {
  const found = state.coverage.find(({ layer_id }) => layer_id === id);
  if (!found) return { text: "", title: "" };
  const share = formatPercent(found.visible_frac);
  const title = `Seen on ${share} of the canvas: ${Math.round(found.cells)} of the squares in which the model draws. Below 20 it can hardly draw an object.`;
  return { text: `${share} of the canvas`, title };
};
