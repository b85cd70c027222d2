// What a person should know of a layer, in short words for its row and whole sentences for its card.

import { formatPercent, plural } from "../../kernels/numbers.js";
import { isPainted } from "../../model/records.js";
import { failureOf } from "../../model/scores.js";

/** Short words for the row; the whole sentence is in the card and in the tooltip. */
export const SHORT = {
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
};

const WORDLESS_PICTURE = "Without a phrase the layer only gives its pixels.";

const WORDLESS_REGION = "Without words nobody knows what to draw here.";

/** What has to be mended before anything can be drawn. */
const STOPS = ["no_class", "unknown_class", "no_mask"];

const HERE = ["hidden", "no_phrase", "phrase_missing"];

/**
 * What a person should know of a layer. Hidden, without words, or not in the prompt is seen here at once; the server's
 * notes come with the next save, and say more of a missing phrase (the nearest words of the prompt).
 */
export const warningsOf = (shown, layer) => {
  if (!layer.visible) return [{ code: "hidden", text: "Hidden layers take no part." }];
  const told = shown.state.notes.filter((note) => note.layer_id === layer.id);
  const failure = failureOf(shown.scored, layer);
  const notes = [...(failure ? [failure] : []), ...told.filter(({ code }) => !HERE.includes(code))];
  const phrase = layer.phrase.trim();
  const named =
    isPainted(layer) && (layer.class_label.trim() || notes.some(({ code }) => code === "no_class"));
  if (!phrase && named) return notes;
  if (!phrase)
    return [
      { code: "no_phrase", text: isPainted(layer) ? WORDLESS_REGION : WORDLESS_PICTURE },
      ...notes,
    ];
  // An empty prompt becomes the layers' phrases.
  if (!shown.unlinked.has(layer.id) || !shown.scene.prompt.trim()) return notes;
  const missing = { code: "phrase_missing", text: `“${phrase}” does not stand in the prompt.` };
  const [first, rest] = [true, false].map((stops) =>
    notes.filter(({ code }) => STOPS.includes(code) === stops),
  );
  return [...first, told.find(({ code }) => code === missing.code) ?? missing, ...rest];
};

export const coverageText = (shown, id, isWarned) => {
  const found = shown.state.coverage.find(({ layer_id }) => layer_id === id);
  if (!found) return "";
  if (isWarned) return formatPercent(found.visible_frac);
  return `${formatPercent(found.visible_frac)} · ${plural(Math.round(found.cells), "cell", "cells")}`;
};
