// The line to the server: asks, tells refusals from silence, and finds the way back by itself.

/**
 * @import { LinkParts } from "../types/bridge.d.ts"
 * @import { ErrorRecord, Message, Replies, Verb } from "../types/protocol.d.ts"
 */

export const OFFLINE = "offline";
const DEADLINE_MS = 30_000;
const PROBE_FIRST_MS = 1_000;
const PROBE_LONGEST_MS = 5_000;

/**
 * The server understood and said no: what, limit, remedy, and a code ("stale" brings `current`).
 */
export class Refusal extends Error {
  /** @param {Partial<ErrorRecord>} error */
  constructor({
    what = "The server refused this.",
    limit = "",
    remedy = "",
    code = "lamina",
    current = null,
  }) {
    super(what);
    this.what = what;
    this.limit = limit;
    this.remedy = remedy;
    this.code = code;
    this.current = current;
  }
}

/** No answer came. */
export class Silence extends Error {
  name = "Silence";
}

class Link {
  #host;
  #session;
  #clock;
  /** @type {Set<() => unknown>} */
  #onReturn = new Set();
  #probing = false;

  /** @param {LinkParts} parts */
  constructor({ host, session, clock }) {
    this.#host = host;
    this.#session = session;
    this.#clock = clock;
  }

  /**
   * Calls back whenever the server answers again after a silence.
   * @param {() => unknown} listener
   */
  whenBack(listener) {
    this.#onReturn.add(listener);
  }

  /**
   * The reply to a message; throws Refusal or Silence.
   * @template {Verb} V
   * @param {Message<V>} message
   * @returns {Promise<Replies[V]>}
   */
  async ask(message) {
    const reply = await this.#askPatiently(() => this.#host.ask(message));
    if (reply.error) throw new Refusal(reply.error);
    return reply;
  }

  /**
   * The path under which the server keeps an uploaded file; throws Refusal.
   * @param {Blob} file
   * @param {string} name
   */
  async upload(file, name) {
    try {
      return await this.#host.upload(file, name);
    } catch (error) {
      const { refusal, message } = /** @type {Error & { refusal?: ErrorRecord }} */ (error);
      if (refusal?.code === OFFLINE) this.#markDown();
      throw new Refusal(refusal ?? { what: `“${name}” could not be sent.`, remedy: message });
    }
  }

  /**
   * @template {{ error?: ErrorRecord }} Reply
   * @param {() => Promise<Reply>} call
   */
  async #askPatiently(call) {
    try {
      const reply = await this.#answer(call);
      this.#markUp();
      return reply;
    } catch (error) {
      this.#markDown();
      throw error;
    }
  }

  /**
   * A reply of any kind; throws Silence when none came, in time or at all.
   * @template {{ error?: ErrorRecord }} Reply
   * @param {() => Promise<Reply>} call
   */
  async #answer(call) {
    const reply = await this.#waitWithin(DEADLINE_MS, call()).catch((error) => {
      throw new Silence(error.message);
    });
    if (reply.error?.code === OFFLINE) throw new Silence(reply.error.what);
    return reply;
  }

  /**
   * @template Value
   * @param {number} limit_ms
   * @param {Promise<Value>} promise
   * @returns {Promise<Value>}
   */
  #waitWithin(limit_ms, promise) {
    return new Promise((resolve, reject) => {
      const timer = this.#clock.later(() => reject(new Error("no answer in time")), limit_ms);
      promise.then(resolve, reject).finally(() => this.#clock.forget(timer));
    });
  }

  #markUp() {
    if (this.#session.state.link === "up") return;
    this.#session.set({ link: "up" });
    this.#onReturn.forEach((listener) => listener());
  }

  #markDown() {
    this.#session.set({ link: "down" });
    if (this.#probing) return;
    this.#probing = true;
    this.#probe(PROBE_FIRST_MS);
  }

  /** @param {number} wait_ms */
  #probe(wait_ms) {
    this.#clock.later(async () => {
      try {
        await this.#answer(() =>
          this.#host.ask({ verb: "jobs", project: this.#session.state.project }),
        );
        this.#probing = false;
        this.#markUp();
      } catch {
        this.#probe(Math.min(PROBE_LONGEST_MS, wait_ms * 1.5));
      }
    }, wait_ms);
  }
}

/**
 * clock: {now() → ms, later(run, ms) → timer, forget(timer)}.
 * @param {LinkParts} parts
 */
export const createLink = (parts) => new Link(parts);
