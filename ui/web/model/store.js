// The one place where the editor's record changes: only inside a gesture, and one gesture is one
// undo step.

/**
 * @import { Edit, EditorState, Gesture } from "../types/editor.d.ts"
 * @import { History, StoredEntry, OpenGesture, StoreWays } from "../types/model.d.ts"
 */

import {
  withStoredSteps,
  advance,
  amend,
  beginHistory,
  canRedo,
  canUndo,
  goTo,
  present,
  seal,
  trim,
} from "./history.js";

/** How much the steps may hold in all, pixels included. */
const HISTORY_BYTES = 256 * 2 ** 20;

class Store {
  #history;
  /** @type {OpenGesture | null} */
  #gesture = null;
  #now;
  #weigh;
  #settle;
  /** @type {Set<() => unknown>} */
  #listeners = new Set();

  /**
   * @param {EditorState} record
   * @param {StoreWays} ways
   */
  constructor(record, { now, weigh, settle }) {
    this.#settle = settle;
    this.#history = beginHistory("Opened", record);
    this.#now = now;
    this.#weigh = weigh;
  }

  /** The record as it is seen, also in the middle of a gesture. */
  get record() {
    return this.#gesture ? this.#gesture.record : present(this.#history);
  }

  /** The record at the begin of the open gesture; null between gestures. */
  get base() {
    return this.#gesture?.base ?? null;
  }

  get busy() {
    return this.#gesture !== null;
  }

  get history() {
    return this.#history;
  }

  get undoName() {
    return canUndo(this.#history) ? this.#history.entries[this.#history.place].name : "";
  }

  get redoName() {
    return canRedo(this.#history) ? this.#history.entries[this.#history.place + 1].name : "";
  }

  /** @param {() => unknown} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Opens a gesture; one still open is committed first.
   * @param {string} name
   * @param {string} [merge]
   * @returns {Gesture}
   */
  begin(name, merge = "") {
    this.#gesture?.handle.commit();
    const base = present(this.#history);
    const isOpen = () => this.#gesture === gesture;
    /** @type {OpenGesture} */
    const gesture = {
      base,
      record: base,
      handle: {
        base,
        isOpen,
        update: (edit) => void (isOpen() && this.#see(gesture, edit(base))),
        extend: (edit) => void (isOpen() && this.#see(gesture, edit(gesture.record))),
        commit: () => void (isOpen() && this.#commit(gesture, name, merge)),
        cancel: () => void (isOpen() && this.#close()),
      },
    };
    this.#gesture = gesture;
    return gesture.handle;
  }

  cancelGesture() {
    if (!this.#gesture) return false;
    this.#gesture.handle.cancel();
    return true;
  }

  /**
   * A gesture in one go.
   * @param {string} name
   * @param {Edit} edit
   * @param {string} [merge]
   */
  change(name, edit, merge = "") {
    const gesture = this.begin(name, merge);
    gesture.update(edit);
    gesture.commit();
  }

  /**
   * A change that is no step of its own: the selection.
   * @param {Edit} edit
   */
  amend(edit) {
    if (this.#gesture) this.#gesture.handle.extend(edit);
    else this.#set(amend(this.#history, edit(present(this.#history))));
  }

  /** Ends merging: what comes next is a step of its own. */
  seal() {
    this.#history = seal(this.#history);
  }

  undo() {
    this.goTo(this.#history.place - 1);
  }

  redo() {
    this.goTo(this.#history.place + 1);
  }

  /** @param {number} place */
  goTo(place) {
    this.#gesture?.handle.cancel();
    this.#set(goTo(seal(this.#history), place));
  }

  /**
   * Another document; its history begins here.
   * @param {EditorState} record
   * @param {string} name
   * @param {number} [n] the number of the first step
   */
  reset(record, name, n = 0) {
    this.#gesture = null;
    this.#set(beginHistory(name, record, n));
  }

  /**
   * Takes in steps that were kept elsewhere: what was done before this page, and after it undone.
   * @param {readonly StoredEntry[]} steps in their order
   */
  addStored(steps) {
    this.#set(withStoredSteps(this.#history, steps));
  }

  /**
   * @param {OpenGesture} gesture
   * @param {EditorState} record
   */
  #see(gesture, record) {
    gesture.record = record;
    this.#notify();
  }

  /**
   * @param {OpenGesture} gesture
   * @param {string} name
   * @param {string} merge
   */
  #commit(gesture, name, merge) {
    const { base, record } = gesture;
    this.#gesture = null;
    if (record === base) this.#notify();
    else {
      const settled = this.#settle(base, record);
      const history = advance(this.#history, { name, record: settled, merge, at_ms: this.#now() });
      this.#set(trim(history, this.#weigh, HISTORY_BYTES));
    }
  }

  #close() {
    this.#gesture = null;
    this.#notify();
  }

  /** @param {History} history */
  #set(history) {
    this.#history = history;
    this.#notify();
  }

  #notify() {
    this.#listeners.forEach((listener) => listener());
  }
}

/**
 * @param {EditorState} base
 * @param {EditorState} record
 */
const asItIs = (base, record) => record;

/**
 * `now` gives milliseconds and only decides which quick repeats join into one step; `weigh` is that
 * of `trimmed`; settle(base, record) → the record that a gesture leaves.
 * @param {EditorState} record
 * @param {() => number} now
 * @param {Partial<Pick<StoreWays, "weigh" | "settle">>} [options]
 */
export const createStore = (record, now, { weigh = () => [], settle = asItIs } = {}) =>
  new Store(record, { now, weigh, settle });
