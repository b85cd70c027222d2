// Where each layer's phrase stands in the scene's prompt (Collage Diffusion, section 4.2), by
// characters.

/**
 * @import { Span } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

const WORD = /[\p{L}\p{N}_]/u;

/**
 * @param {string} text
 * @param {number} start
 * @param {number} end
 */
const isBounded = (text, start, end) => {
  const before = start > 0 && WORD.test(text[start - 1]) && WORD.test(text[start]);
  const after = end < text.length && WORD.test(text[end]) && WORD.test(text[end - 1]);
  return !before && !after;
};

/**
 * Every place [start, end) of a phrase at word boundaries, whatever the case; never two that
 * overlap.
 * @param {string} prompt
 * @param {string} phrase
 */
export const occurrences = (prompt, phrase) => {
  const words = phrase.normalize("NFC").trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  const pattern = new RegExp(
    words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&")).join("\\s+"),
    "giu",
  );
  return [...prompt.matchAll(pattern)]
    .map((match) => ({ start: match.index, end: match.index + match[0].length }))
    .filter(({ start, end }) => isBounded(prompt, start, end));
};

/**
 * @param {{ start: number, end: number }} span
 * @param {readonly { start: number, end: number }[]} taken
 */
const overlaps = (span, taken) =>
  taken.some((other) => span.start < other.end && other.start < span.end);

/** @param {string} phrase */
const normal = (phrase) => phrase.trim().toLowerCase().replace(/\s+/g, " ");

/**
 * Spans of the layers' phrases. Longer phrases choose first and no two overlap; layers with the
 * same phrase take its places in their order, the last place being shared when there are more
 * layers than places. layers: [{id, phrase}] → {spans: [{start, end, ids}] by start, unlinked:
 * [id]}; without a phrase one is in neither.
 * @param {string} prompt
 * @param {readonly { id: Identifier, phrase: string }[]} layers
 */
export const findSpans = (prompt, layers) => {
  /** @type {Map<string, Identifier[]>} */
  const groups = new Map();
  for (const { id, phrase } of layers) {
    const key = normal(phrase);
    if (key) groups.set(key, [...(groups.get(key) ?? []), id]);
  }
  const byLength = [...groups].sort(([one], [other]) => other.length - one.length);
  /** @type {{ start: number, end: number, ids: Identifier[] }[]} */
  const spans = [];
  /** @type {Identifier[]} */
  const unlinked = [];
  for (const [phrase, ids] of byLength) {
    const free = occurrences(prompt, phrase).filter((span) => !overlaps(span, spans));
    if (free.length === 0) unlinked.push(...ids);
    const used = free
      .slice(0, ids.length)
      .map((span) => ({ ...span, ids: /** @type {Identifier[]} */ ([]) }));
    if (used.length > 0)
      ids.forEach((id, index) => used[Math.min(index, used.length - 1)].ids.push(id));
    spans.push(...used);
  }
  spans.sort((one, other) => one.start - other.start);
  return { spans, unlinked };
};

/**
 * The layer of the phrase that a place in the prompt lies in, "" for none; its two ends belong to
 * it.
 * @param {readonly Span[]} spans
 * @param {number} at
 */
export const idAt = (spans, at) =>
  spans.find(({ start, end }) => at >= start && at <= end)?.ids[0] ?? "";

/**
 * The prompt cut into runs [{text, ids}]; ids is empty between the phrases.
 * @param {string} prompt
 * @param {readonly Span[]} spans
 */
export const cutAtSpans = (prompt, spans) => {
  /** @type {{ text: string, ids: readonly Identifier[] }[]} */
  const runs = [];
  let at = 0;
  for (const { start, end, ids } of spans) {
    if (start > at) runs.push({ text: prompt.slice(at, start), ids: [] });
    runs.push({ text: prompt.slice(start, end), ids });
    at = end;
  }
  if (at < prompt.length) runs.push({ text: prompt.slice(at), ids: [] });
  return runs;
};

/**
 * The prompt with a phrase appended as a further item.
 * @param {string} prompt
 * @param {string} phrase
 */
export const appendPhrase = (prompt, phrase) => {
  const kept = prompt.trimEnd().replace(/[,;]$/, "");
  return kept ? `${kept}, ${phrase.trim()}` : phrase.trim();
};
