// Where each layer's phrase stands in the scene's prompt (Collage Diffusion, section 4.2), by
// characters.

/**
 * @import { Span } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

const WORD = /[\p{L}\p{N}\p{M}_]/u;
const MARK = /\p{M}/u;
const BLANKS = /[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]+/u;
// scripts that put no blanks between words, or join particles to them
const UNSPACED =
  /[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u303f\u3041-\u4dbf\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f\u{16fe0}-\u{1b2ff}\u{20000}-\u{3ffff}]/u;
// what becomes one character in NFC: a letter with its marks, and a syllable of hangul
const CLUSTER = /[\u1100-\u115f]+[\u1160-\u11a7]*[\u11a8-\u11ff]*\p{M}*|[^\p{M}]\p{M}*|\p{M}+/gu;
/** @type {Readonly<Record<string, string>>} */
const ALIKE = { ς: "σ", ſ: "s" };

/**
 * A text in small letters, character by character, so that every place stays where it is.
 * @param {string} text
 */
const foldCase = (text) =>
  Array.from(text, (letter) => {
    const low = letter.toLowerCase();
    const kept = low.length === letter.length ? low : letter;
    return ALIKE[kept] ?? kept;
  }).join("");

/**
 * A text in NFC and small letters, and for each place in it where that stands in the text.
 * @param {string} text
 */
const fold = (text) => {
  let folded = "";
  /** @type {{ starts: number[], ends: number[] }} */
  const places = { starts: [], ends: [] };
  for (const { 0: cluster, index } of text.matchAll(CLUSTER)) {
    const composed = foldCase(cluster.normalize("NFC"));
    const isAlone = composed.length === cluster.length;
    for (let at = 0; at < composed.length; at += 1) {
      places.starts.push(isAlone ? index + at : index);
      places.ends.push(isAlone ? index + at + 1 : index + cluster.length);
    }
    folded += composed;
  }
  return { folded, ...places };
};

/**
 * Whether the characters on both sides of a place belong to one word.
 * @param {string} text
 * @param {number} at
 */
const isInsideWord = (text, at) => {
  if (at <= 0 || at >= text.length) return false;
  const before = [...text.slice(Math.max(0, at - 2), at)].at(-1) ?? "";
  const [after] = text.slice(at, at + 2);
  if (MARK.test(after)) return true;
  const unspaced = UNSPACED.test(before) || UNSPACED.test(after);
  return WORD.test(before) && WORD.test(after) && !unspaced;
};

/**
 * Every place [start, end) of a phrase as whole words, whatever the case and the form of its
 * letters; never two that overlap. The server follows the same rule (backend/plan/phrases.py); one
 * table holds both to it (tests/tables/phrases.json).
 * @param {string} prompt
 * @param {string} phrase
 */
export const occurrences = (prompt, phrase) => {
  const words = foldCase(phrase.normalize("NFC")).split(BLANKS).filter(Boolean);
  /** @type {{ start: number, end: number }[]} */
  const found = [];
  if (words.length === 0) return found;
  const escaped = words.map((word) => word.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  const pattern = new RegExp(escaped.join(BLANKS.source), "gu");
  const { folded, starts, ends } = fold(prompt);
  for (let hit = pattern.exec(folded); hit; hit = pattern.exec(folded)) {
    const end = hit.index + hit[0].length;
    const isWhole = !isInsideWord(folded, hit.index) && !isInsideWord(folded, end);
    if (isWhole) found.push({ start: starts[hit.index], end: ends[end - 1] });
    else pattern.lastIndex = hit.index + 1;
  }
  return found;
};

/**
 * @param {{ start: number, end: number }} span
 * @param {readonly { start: number, end: number }[]} taken
 */
const overlaps = (span, taken) =>
  taken.some((other) => span.start < other.end && other.start < span.end);

/** @param {string} phrase */
const normal = (phrase) =>
  foldCase(phrase.normalize("NFC")).split(BLANKS).filter(Boolean).join(" ");

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
  const byLength = [...groups].sort(([one], [other]) => [...other].length - [...one].length);
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
