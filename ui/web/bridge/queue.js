// The queue's verbs: another place for a run that waits, a pause of all, and the end of what is mine.

/**
 * @import { QueueParts } from "../types/bridge.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { freeze } from "../model/records.js";

class QueueVerbs {
  #session;
  #link;

  /** @param {QueueParts} parts */
  constructor({ session, link }) {
    this.#session = session;
    this.#link = link;
  }

  /**
   * Gives a waiting run a place among those that wait, counted from 1.
   * @param {Identifier} job
   * @param {number} place
   */
  async move(job, place) {
    const queue = await this.#link.ask({ verb: "move_job", job, place });
    this.#session.set({ queue: freeze(queue) });
  }

  /** @param {boolean} paused */
  async setPause(paused) {
    const queue = await this.#link.ask({ verb: "pause_queue", paused });
    this.#session.set({ queue: freeze(queue) });
  }
}

/**
 * parts: {link, session}.
 * @param {QueueParts} parts
 */
export const createQueueVerbs = (parts) => new QueueVerbs(parts);
