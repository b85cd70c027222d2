// What the server says of its queue by itself; and asking now and then, where nothing comes.

/**
 * @import { Followed, FeedParts, StreamMessage } from "../types/bridge.d.ts"
 * @import { Identifier, QueueEntry, QueueReport } from "../types/protocol.d.ts"
 */

import { freeze } from "../model/records.js";
import { addNotice } from "../model/session.js";

const PACE_MS = 150;
const HIDDEN_PACE_MS = 1_500;
const OFFLINE_PACE_MS = 1_000;
/** A line that holds says something at least every 10 s. */
const SILENCE_MS = 25_000;
/** The first words of a stream come at once, unless somebody between holds them back. */
const FIRST_WORDS_MS = 5_000;
/** How often is asked then: a run loses steps to those who ask. */
const HELD_PACE_MS = 1_000;

const HELD_BACK = {
  what: "Progress comes late on this page: what the server sends by itself does not arrive.",
  limit: "Something between this page and Lamina, a proxy perhaps, holds it back.",
  remedy: "The page asks once a second instead; runs and pictures are the same.",
};

class Feed {
  #parts;
  #opened_ms;
  /** "" before the first words, then whether the stream speaks. */
  #line = /** @type {"" | "live" | "lost" | "held"} */ ("");
  /** @type {import("../types/editor.d.ts").Timer | null} */
  #silence = null;
  /** @type {Set<Followed>} */
  #followed = new Set();
  /** @type {Set<(report: QueueReport) => void>} */
  #listeners = new Set();

  /** @param {FeedParts} parts */
  constructor(parts) {
    this.#parts = parts;
    this.#opened_ms = parts.clock.now();
    parts.listen((message) => this.#take(message));
  }

  /**
   * Calls back with every report of the queue, after the session has it.
   * @param {(report: QueueReport) => void} listener
   */
  subscribe(listener) {
    this.#listeners.add(listener);
  }

  /**
   * A job of the queue, as far as it is known.
   * @param {Identifier | ""} id
   * @returns {QueueEntry | null}
   */
  entry(id) {
    return this.#parts.session.state.queue.jobs.find((entry) => entry.id === id) ?? null;
  }

  /**
   * Resolves when there is something to ask about a job: it has left the queue, or has an event
   * after number `noted` that is no progress. Where nothing is pushed, after a pause.
   * @param {Identifier} id
   * @param {number} noted
   * @param {boolean} [isAnswered] whether the last question was
   * @returns {Promise<void>}
   */
  next(id, noted, isAnswered = true) {
    if (isAnswered) this.#missFirstWords();
    return new Promise((resolve) => {
      /** @type {Followed} */
      const followed = { id, noted, resolve, timer: null };
      followed.timer = this.#parts.clock.later(
        () => this.#release(followed),
        this.#pace(isAnswered),
      );
      this.#followed.add(followed);
    });
  }

  /** @param {boolean} isAnswered */
  #pace(isAnswered) {
    if (!isAnswered) return OFFLINE_PACE_MS;
    if (this.#line === "live") return SILENCE_MS;
    if (this.#parts.hidden()) return HIDDEN_PACE_MS;
    return this.#line === "held" ? HELD_PACE_MS : PACE_MS;
  }

  /** @param {Followed} followed */
  #release(followed) {
    this.#parts.clock.forget(followed.timer);
    this.#followed.delete(followed);
    followed.resolve();
  }

  /** @param {StreamMessage} message */
  #take({ kind, text }) {
    if (kind === "lost") return this.#lose();
    this.#line = "live";
    this.#parts.clock.forget(this.#silence);
    this.#silence = this.#parts.clock.later(() => this.#lose(), SILENCE_MS);
    if (kind === "queue") this.#takeQueue(freeze(JSON.parse(text)));
    if (kind === "preview") this.#takePreview(JSON.parse(text));
    return undefined;
  }

  /** @param {QueueReport} report */
  #takeQueue(report) {
    this.#parts.session.set({ queue: report });
    this.#listeners.forEach((listener) => listener(report));
    for (const followed of this.#followed) {
      const entry = this.entry(followed.id);
      if (!entry || entry.noted > followed.noted) this.#release(followed);
    }
  }

  /** @param {{ job: Identifier, jpeg: string, stage1_count: number }} preview */
  #takePreview({ job: id, jpeg, stage1_count }) {
    const { session } = this.#parts;
    const { job } = session.state;
    if (job?.id === id) session.set({ job: { ...job, preview: jpeg, stage1Count: stage1_count } });
  }

  /** The stream broke off: whoever waits asks for himself, and finds out whether the server lives. */
  #lose() {
    if (this.#line === "live") this.#line = "lost";
    this.#parts.clock.forget(this.#silence);
    for (const followed of this.#followed) this.#release(followed);
  }

  /** The server answers, yet its stream says nothing. */
  #missFirstWords() {
    const { session, clock } = this.#parts;
    if (this.#line !== "" || clock.now() - this.#opened_ms < FIRST_WORDS_MS) return;
    this.#line = "held";
    addNotice(session, HELD_BACK);
  }
}

/**
 * parts: {listen, session, clock, hidden}.
 * @param {FeedParts} parts
 */
export const createFeed = (parts) => new Feed(parts);
