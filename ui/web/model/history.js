// A list of named records and a place in it. Undo and redo move the place; nothing is ever computed
// backwards.

/**
 * @import { EditorState } from "../types/editor.d.ts"
 * @import { History, HistoryEntry, StoredEntry, Weigh } from "../types/model.d.ts"
 */

/**
 * What a step without pixels is taken to weigh: its record, of which most is shared with its
 * neighbours.
 */
const STEP_BYTES = 4096;

/**
 * entries: [{name, record, merge, at_ms, n}]; the first one is where the work began, and `n` the
 * number that it has.
 * @param {string} name
 * @param {EditorState} record
 * @param {number} [n]
 * @returns {History}
 */
export const beginHistory = (name, record, n = 0) => ({
  entries: [{ name, record, merge: "", at_ms: 0, n }],
  place: 0,
});

/** @param {History} history */
export const present = (history) => history.entries[history.place].record;

const MERGE_WINDOW_MS = 900;

/**
 * @param {HistoryEntry} last
 * @param {Omit<HistoryEntry, "n">} entry
 */
const merges = (last, entry) =>
  entry.merge !== "" && last.merge === entry.merge && entry.at_ms - last.at_ms < MERGE_WINDOW_MS;

/**
 * One step more; what was undone is dropped. A step of the same `merge` key shortly after joins the
 * last one.
 * @param {History} history
 * @param {Omit<HistoryEntry, "n">} entry
 * @returns {History}
 */
export const advance = (history, entry) => {
  const kept = history.entries.slice(0, history.place + 1);
  const joined =
    history.place > 0 &&
    history.place === history.entries.length - 1 &&
    merges(kept[kept.length - 1], entry);
  const { n } = kept[kept.length - 1];
  const entries = joined
    ? [...kept.slice(0, -1), { ...entry, n }]
    : [...kept, { ...entry, n: n + 1 }];
  return { entries, place: entries.length - 1 };
};

/**
 * The history with steps that were kept elsewhere: those before its first one; those after it only
 * where nothing was done since. A kept step of the first one's number names it.
 * @param {History} history
 * @param {readonly StoredEntry[]} steps in their order
 * @returns {History}
 */
export const withStoredSteps = (history, steps) => {
  const [first] = history.entries;
  const isFresh = history.entries.length === 1;
  const whole = steps.map((step) => ({ ...step, merge: "", at_ms: 0 }));
  const name = steps.find(({ n }) => n === first.n)?.name ?? first.name;
  const earlier = whole.filter(({ n }) => n < first.n);
  const later = isFresh ? whole.filter(({ n }) => n > first.n) : [];
  return {
    entries: [...earlier, { ...first, name }, ...history.entries.slice(1), ...later],
    place: history.place + earlier.length,
  };
};

/**
 * The present record replaced without a step, as a change of selection is.
 * @param {History} history
 * @param {EditorState} record
 * @returns {History}
 */
export const amend = (history, record) => {
  const entry = { ...history.entries[history.place], record };
  return { ...history, entries: history.entries.with(history.place, entry) };
};

/**
 * The same entry, closed to merging.
 * @param {History} history
 * @returns {History}
 */
export const seal = (history) => ({
  ...history,
  entries: history.entries.with(history.place, { ...history.entries[history.place], merge: "" }),
});

/**
 * @param {History} history
 * @param {number} place
 * @returns {History}
 */
export const goTo = (history, place) => ({
  ...history,
  place: Math.min(history.entries.length - 1, Math.max(0, place)),
});

/** @param {History} history */
export const canUndo = (history) => history.place > 0;
/** @param {History} history */
export const canRedo = (history) => history.place < history.entries.length - 1;

/**
 * The history without its oldest steps, as far as all weigh more than a budget of bytes; the
 * present step stays. weigh(record) → [[name, bytes]]: what a record refers to; what several refer
 * to counts once.
 * @param {History} history
 * @param {Weigh} weigh
 * @param {number} budget
 * @returns {History}
 */
export const trim = (history, weigh, budget) => {
  const seen = new Set();
  let bytes = 0;
  for (let at = history.entries.length - 1; at >= 0; at -= 1) {
    bytes += STEP_BYTES;
    for (const [name, own] of weigh(history.entries[at].record)) {
      if (!seen.has(name)) bytes += own;
      seen.add(name);
    }
    if (bytes > budget && at < history.place)
      return { entries: history.entries.slice(at + 1), place: history.place - at - 1 };
  }
  return history;
};
