// Saving: soon after every gesture, at once before a run, and a copy in this browser until the
// server has confirmed.

/**
 * @import { SaverParts } from "../types/bridge.d.ts"
 * @import { SessionState, Timer } from "../types/editor.d.ts"
 * @import { Identifier, ProjectReply } from "../types/protocol.d.ts"
 */

import { editorToMessage, sameWork } from "../model/records.js";
import { addNotice, withOpeningNotes } from "../model/session.js";
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
  #steps;
  /** Who saves: another name for each opening of the page. */
  #page = `page-${Math.random().toString(36).slice(2)}`;
  #confirmed;
  /** @type {Timer | null} */
  #timer = null;
  /** @type {Promise<void> | null} */
  #running = null;
  #started = false;

  /** @param {SaverParts} parts */
  constructor({ link, store, session, clock, storage, maskSaver, masks, steps }) {
    this.#steps = steps;
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
   * The server has the scene as it was just opened; from here on every change is saved.
   * @param {Pick<ProjectReply, "place" | "is_kept">} reply
   */
  start(reply) {
    this.#started = true;
    this.#confirmed = this.#store.record;
    this.#steps.start(reply);
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

  /** Whether the server lacks something, be it only a step that was undone. */
  get #isBehind() {
    return this.dirty || (this.#started && this.#steps.isBehind);
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

  /** After a stale save: goes on from the other's revision number and overwrites it, steps and all. */
  async overwrite() {
    const { conflict } = this.#session.state;
    this.#steps.forget();
    if (conflict) this.#session.set({ revision: conflict.current, conflict: null });
    return this.flush();
  }

  #noticeChange() {
    if (!this.#started || this.#store.busy) return;
    if (this.#isBehind) this.#schedule(DEBOUNCE_MS);
    if (!this.dirty) return this.#settle();
    this.#keepUnsaved();
    if (this.#session.state.saved.state !== "offline") this.#mark("unsaved");
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
    while (this.#isBehind && !this.#store.busy && !this.#session.state.conflict) {
      const { project } = this.#session.state;
      try {
        await this.#send();
      } catch (error) {
        // What this browser kept of a scene that was left is brought back when it is opened again.
        if (project === this.#session.state.project) this.#fail(error);
        return;
      }
    }
  }

  /** Sends the record with the steps that are new, of many steps the oldest first. */
  async #send() {
    const { project, revision } = this.#session.state;
    const batch = this.#steps.plan();
    this.#mark("saving");
    const named = [batch.saved, ...batch.entries].map(({ record }) => record);
    const [saved, ...records] = await this.#maskSaver.settle(named);
    const reply = await this.#link.ask({
      verb: "save",
      project,
      revision,
      ...editorToMessage(saved),
      steps: this.#steps.message(batch, records),
      page: this.#page,
    });
    // Another scene was opened meanwhile: its revision is not this one's.
    if (project !== this.#session.state.project) return;
    this.#confirmed = batch.saved.record;
    this.#steps.acknowledge(batch);
    this.#session.set({
      revision: reply.revision,
      coverage: reply.coverage ?? [],
      notes: withOpeningNotes(this.#session.state.notes, reply.notes ?? []),
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
      page: this.#page,
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
