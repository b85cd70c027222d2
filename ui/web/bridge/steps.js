// The steps of undo on their way: which of them the server does not have, handed in with a save, and
// those that it kept, read after a scene was opened.

/**
 * @import { StepBatch, StepParts } from "../types/bridge.d.ts"
 * @import { EditorState } from "../types/editor.d.ts"
 * @import { History, StoredEntry } from "../types/model.d.ts"
 * @import { EditorRecord, StoredStep, ProjectReply, Scene } from "../types/protocol.d.ts"
 */

import { editorFromProject, editorToMessage, freeze, sameWork } from "../model/records.js";

/** A message holds this much of earlier steps, and so many: there is room for the scene beside. */
const BATCH_LETTERS = 400_000;
const BATCH_STEPS = 40;
const NAME_LETTERS = 300;

/** @param {EditorState} record */
const lettersOf = (record) => JSON.stringify(editorToMessage(record)).length;

class StepSaver {
  #store;
  #link;
  /** What the server has, by number. @type {Map<number, EditorState>} */
  #kept = new Map();
  #opened = 0;

  /** @param {StepParts} parts */
  constructor({ store, link }) {
    this.#store = store;
    this.#link = link;
  }

  /**
   * Another scene: its first step, and whether the server has that one.
   * @param {Pick<ProjectReply, "place" | "is_kept">} reply
   */
  start({ place = 0, is_kept: isKept = false }) {
    this.#opened += 1;
    this.#kept.clear();
    if (isKept) this.#kept.set(place, this.#store.history.entries[0].record);
  }

  /** What the server has may be another's: all steps are new again. */
  forget() {
    this.#kept.clear();
  }

  /** Whether steps wait that no save has handed in; a scene that was only opened has none. */
  get isBehind() {
    const { history } = this.#store;
    const { length } = history.entries;
    return length > 1 && this.#firstUnkept(history) < length;
  }

  /**
   * What the next save hands in: the oldest steps that the server lacks, as many as a message
   * holds, and the record that is the scene then.
   * @returns {StepBatch}
   */
  plan() {
    const { history } = this.#store;
    const from = this.#firstUnkept(history);
    const entries = this.#takeBatch(history, from);
    const end = entries.length > 0 ? from + entries.length - 1 : history.place;
    const last = history.entries[history.entries.length - 1];
    const saved = history.entries[Math.min(history.place, end)];
    return { first: entries[0]?.n ?? last.n + 1, entries, saved };
  }

  /**
   * @param {History} history
   * @param {number} from
   */
  #takeBatch({ entries }, from) {
    let letters = 0;
    const batch = entries.slice(from, from + BATCH_STEPS);
    const end = batch.findIndex(({ record }) => {
      letters += lettersOf(record);
      return letters > BATCH_LETTERS;
    });
    return end < 0 ? batch : batch.slice(0, Math.max(1, end));
  }

  /** @param {History} history */
  #firstUnkept({ entries }) {
    const at = entries.findIndex(({ n, record }) => {
      const kept = this.#kept.get(n);
      return !kept || !sameWork(kept, record);
    });
    return at < 0 ? entries.length : at;
  }

  /**
   * The server has a batch; what it had after it is gone there.
   * @param {StepBatch} batch
   */
  acknowledge({ first, entries }) {
    const oldest = this.#store.history.entries[0].n;
    for (const n of [...this.#kept.keys()]) if (n >= first || n < oldest) this.#kept.delete(n);
    entries.forEach(({ n, record }) => this.#kept.set(n, record));
  }

  /**
   * The batch as the server reads it.
   * @param {StepBatch} batch
   * @param {readonly EditorState[]} records those of its entries, with the server's names for masks
   */
  message({ first, entries, saved }, records) {
    const steps = entries.map((entry, index) => ({
      name: entry.name.slice(0, NAME_LETTERS),
      ...(entry === saved ? {} : editorToMessage(records[index])),
    }));
    return { first, place: saved.n, steps };
  }

  /**
   * Reads what the server kept of a scene, page by page, and puts it before and after what is here.
   * @param {Pick<ProjectReply, "project" | "place" | "is_kept">} reply
   */
  async read({ project, place = 0, is_kept: isKept = false }) {
    /** @type {Map<number, object>} */
    const known = new Map();
    const opened = this.#opened;
    let [before, later] = [place, isKept];
    while (before > 0 || later) {
      const found = await this.#link.ask({ verb: "steps", project, place: before, later });
      if (opened !== this.#opened) return;
      for (const [number, record] of Object.entries(found.records)) {
        if (!known.has(Number(number))) known.set(Number(number), freeze(record));
      }
      this.#take(found.steps.map((step) => this.#entryOf(step, known)));
      [before, later] = [found.more_before, false];
    }
  }

  /** @param {readonly StoredEntry[]} steps */
  #take(steps) {
    this.#store.addStored(steps);
    const here = new Set(this.#store.history.entries.map(({ record }) => record));
    steps.forEach(({ n, record }) => here.has(record) && this.#kept.set(n, record));
  }

  /**
   * @param {StoredStep} step
   * @param {ReadonlyMap<number, object>} records
   * @returns {StoredEntry}
   */
  #entryOf({ place, name, scene, editor, layers }, records) {
    const whole = { ...records.get(scene), layers: layers.map((one) => records.get(one)) };
    const record = editorFromProject({
      scene: /** @type {Scene} */ (/** @type {unknown} */ (whole)),
      editor: /** @type {EditorRecord} */ (records.get(editor)),
    });
    return { n: place, name, record };
  }
}

/**
 * parts: {link, store}.
 * @param {StepParts} parts
 */
export const createStepSaver = (parts) => new StepSaver(parts);
