// Saving: soon after every gesture, at once before a run, and a copy in this browser until the
// server has confirmed.

/**
 * @import { SaverParts } from "../types/bridge.d.ts"
 * @import { EditorState, SessionState, Timer } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { editorToMessage, sameWork } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { formatClock } from "../kernels/numbers.js";
import { OFFLINE, Refusal, Silence } from "./link.js";
import { withKnownNames } from "./masks.js";

const DEBOUNCE_MS = 150;

/** @param {Identifier} project */
export const unsavedKey = (project) => `lamina.draft.${project}`;

class Saver {
  #link;
  #store;
  #session;
  #clock;
  #storage;
  #maskSaver;
  #masks;
  #confirmed;
  /** @type {Timer | null} */
  #timer = null;
  /** @type {Promise<void> | null} */
  #running = null;
  #started = false;

  /** @param {SaverParts} parts */
  constructor({ link, store, session, clock, storage, maskSaver, masks }) {
    this.#maskSaver = maskSaver;
    this.#masks = masks;
    this.#link = link;
    this.#store = store;
    this.#session = session;
    this.#clock = clock;
    this.#storage = storage;
    this.#confirmed = store.record;
    store.subscribe(() => this.#noticeChange());
    link.whenBack(() => this.#started && this.#schedule(0));
  }

  /**
   * What the server already has; from here on every change is saved.
   * @param {EditorState} record
   */
  start(record) {
    this.#started = true;
    this.#confirmed = record;
    this.#mark("saved");
  }

  /** Nothing is saved from here on: no scene is open. */
  stop() {
    this.#clock.forget(this.#timer);
    this.#started = false;
  }

  get dirty() {
    return this.#started && !sameWork(this.#store.record, this.#confirmed);
  }

  /** Saves what is unsaved and waits for it; whether the server now has the present record. */
  async flush() {
    this.#clock.forget(this.#timer);
    this.#running ??= this.#run().finally(() => {
      this.#running = null;
    });
    await this.#running;
    return !this.dirty;
  }

  /** After a stale save: goes on from the other's revision number and overwrites it. */
  async overwrite() {
    const { conflict } = this.#session.state;
    if (conflict) this.#session.set({ revision: conflict.current, conflict: null });
    return this.flush();
  }

  #noticeChange() {
    if (!this.#started || this.#store.busy) return;
    if (!this.dirty) return this.#settle();
    this.#keepUnsaved();
    if (this.#session.state.saved.state !== "offline") this.#mark("unsaved");
    this.#schedule(DEBOUNCE_MS);
  }

  /**
   * An undo may lead back to what the server has; while a later record is on its way there, it is
   * news again.
   */
  #settle() {
    const { state } = this.#session.state.saved;
    if (state === "saving") return this.#keepUnsaved();
    if (state === "saved") return;
    this.#dropUnsaved(this.#session.state.project);
    this.#mark("saved");
  }

  /** @param {number} wait_ms */
  #schedule(wait_ms) {
    this.#clock.forget(this.#timer);
    this.#timer = this.#clock.later(() => this.flush(), wait_ms);
  }

  /**
   * Nothing is sent in the middle of a gesture: its masks still grow under their names. Its end is
   * noticed.
   */
  async #run() {
    while (this.dirty && !this.#store.busy && !this.#session.state.conflict) {
      const sent = this.#store.record;
      try {
        await this.#send(sent);
      } catch (error) {
        this.#fail(error);
        return;
      }
    }
  }

  /** @param {EditorState} record */
  async #send(record) {
    const { project, revision } = this.#session.state;
    this.#mark("saving");
    const settled = await this.#maskSaver.settle(record);
    const reply = await this.#link.ask({
      verb: "save",
      project,
      revision,
      ...editorToMessage(settled),
    });
    this.#confirmed = record;
    this.#session.set({
      revision: reply.revision,
      coverage: reply.coverage ?? [],
      notes: reply.notes ?? [],
    });
    if (this.#store.busy) return this.#mark("unsaved");
    if (this.dirty) return this.#keepUnsaved();
    this.#dropUnsaved(project);
    this.#mark("saved");
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof Silence) return this.#mark("offline");
    if (!(error instanceof Refusal)) throw error;
    if (error.code === OFFLINE) return this.#mark("offline");
    this.#mark("unsaved");
    if (error.code === "stale" && error.current !== null)
      this.#session.set({ conflict: { current: error.current } });
    else
      addNotice(this.#session, {
        tone: "problem",
        what: error.what,
        limit: error.limit,
        remedy: error.remedy,
      });
  }

  #keepUnsaved() {
    const { project, revision } = this.#session.state;
    const { record } = this.#store;
    this.#maskSaver.shelve(project, record);
    this.#storage.put(unsavedKey(project), {
      revision,
      ...editorToMessage(withKnownNames(record, this.#masks)),
    });
  }

  /** @param {Identifier} project */
  #dropUnsaved(project) {
    this.#storage.drop(unsavedKey(project));
    this.#maskSaver.forget(project);
  }

  /** @param {SessionState["saved"]["state"]} state */
  #mark(state) {
    const at =
      state === "saved" ? formatClock(new Date(this.#clock.now())) : this.#session.state.saved.at;
    this.#session.set({ saved: { state, at } });
  }
}

/**
 * vault: {get(key) → value | null, put(key, value), drop(key)}, which never throws.
 * @param {SaverParts} parts
 */
export const createSaver = (parts) => new Saver(parts);
