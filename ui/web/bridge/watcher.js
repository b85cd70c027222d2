// Following a job: its events in order, its preview, its candidates; through reloads and silences.

/**
 * @import { FollowedJob, WatcherParts } from "../types/bridge.d.ts"
 * @import { Job, SessionState } from "../types/editor.d.ts"
 * @import { FailedEvent, Identifier, JobEvent, JobReport, QueueReport } from "../types/protocol.d.ts"
 */

import { addNotice } from "../model/session.js";
import { Refusal, Silence } from "./link.js";

/**
 * @template {{ id: Identifier }} Made
 * @param {readonly Made[]} known
 * @param {readonly Made[]} fresh
 */
const join = (known, fresh) => {
  const ids = new Set(known.map((candidate) => candidate.id));
  return [...known, ...fresh.filter((candidate) => !ids.has(candidate.id))];
};

/**
 * Whether these are the first pictures of a job.
 * @param {readonly { job: Identifier }[]} known
 * @param {readonly { job: Identifier }[]} fresh
 * @param {Identifier} job
 */
const isFirst = (known, fresh, job) => fresh.length > 0 && !known.some((one) => one.job === job);

/**
 * A job as the session holds it, before its first event.
 * @param {FollowedJob} job
 * @returns {Job}
 */
export const buildJob = (job) => ({
  asked: 0,
  done: 0,
  total: 0,
  preview: "",
  stage1Count: 0,
  left_s: null,
  stopping: false,
  ...job,
});

/**
 * What the newest events say of the steps.
 * @param {JobReport} report
 * @returns {Partial<Job>}
 */
const progressOf = ({ events, left_s = null }) => {
  /** @type {Partial<Job>} */
  const progress = { left_s };
  for (const event of events) {
    if (event.kind !== "progress") continue;
    const { done, total, preview } = event;
    Object.assign(progress, { done, total });
    if (preview)
      Object.assign(progress, { preview: preview.jpeg, stage1Count: preview.stage1_count });
  }
  return progress;
};

class Watcher {
  #link;
  #session;
  #feed;
  #result;
  #trouble = "";

  /** @param {WatcherParts} parts */
  constructor({ link, session, feed, result }) {
    this.#result = result;
    this.#link = link;
    this.#session = session;
    this.#feed = feed;
    feed.subscribe((report) => this.#takeQueue(report));
  }

  /**
   * Follows a job {id, state, layer_id, …} until it ends; resolves with its last state.
   * @param {FollowedJob} job
   */
  async follow(job) {
    this.#session.set({ job: buildJob(job), watched: 0 });
    let after = 0;
    for (;;) {
      const report = await this.#fetchReport(job.id, after);
      if (this.#session.state.job?.id !== job.id) return "left";
      if (report) {
        after = report.events.at(-1)?.n ?? after;
        this.#takeReport(job, report);
        if (!["queued", "running"].includes(report.state)) return this.#end(job, report);
      }
      await this.#feed.next(job.id, after, report !== null);
    }
  }

  /** Asks for the stop; the events tell when it took effect. */
  async cancel() {
    const { job } = this.#session.state;
    if (!job?.id || job.stopping) return;
    this.#session.set({ job: { ...job, stopping: true } });
    await this.#link.ask({ verb: "cancel", job: job.id });
  }

  /**
   * @param {Identifier} id
   * @param {number} after
   * @returns {Promise<JobReport | null>}
   */
  async #fetchReport(id, after) {
    try {
      return await this.#link.ask({ verb: "events", job: id, after });
    } catch (error) {
      if (error instanceof Silence) return null;
      if (!(error instanceof Refusal)) throw error;
      /** @type {FailedEvent} */
      const failed = {
        n: after,
        kind: "failed",
        what: error.what,
        limit: error.limit,
        remedy: error.remedy,
        code: "",
      };
      const nothing = { candidates: [], stage1_images: [], trouble: "", left_s: null };
      return { state: "failed", events: [failed], ...nothing };
    }
  }

  /**
   * @param {FollowedJob} job
   * @param {JobReport} report
   */
  #takeReport(job, report) {
    const { state } = this.#session;
    if (!state.job) return;
    const { candidates: fresh = [], stage1_images: stage1Images = [] } = report;
    /** @type {Partial<SessionState>} */
    const patch = {
      job: { ...state.job, state: report.state, ...progressOf(report) },
      candidates: join(state.candidates, fresh),
      stage1Images: join(state.stage1Images, stage1Images),
    };
    if (isFirst(state.stage1Images, stage1Images, job.id)) patch.batch = job.id;
    if (isFirst(state.candidates, fresh, job.id))
      Object.assign(patch, { batch: job.id, viewed: fresh[0].digest, showing: "result" });
    this.#session.set(patch);
    this.#tell(report.events);
    this.#tellTrouble(report.trouble ?? "");
    for (const event of report.events)
      if (event.kind === "embeddings_learned" || event.kind === "layers_found") this.#result(event);
  }

  /**
   * What the server says of the followed job by itself.
   * @param {QueueReport} report
   */
  #takeQueue({ trouble }) {
    const { job } = this.#session.state;
    const entry = job && this.#feed.entry(job.id);
    if (!job || !entry) return;
    const { state, done, total, left_s } = entry;
    this.#session.set({ job: { ...job, state, done, total, left_s } });
    this.#tellTrouble(trouble);
  }

  /**
   * Sentences about what went wrong without ending the run.
   * @param {readonly JobEvent[]} events
   */
  #tell(events) {
    for (const event of events) {
      const texts = event.kind === "note" ? [event.text] : "notes" in event ? event.notes : [];
      if (texts.length > 0) addNotice(this.#session, { what: texts.join(" ") });
    }
  }

  /**
   * Why the queue stands still, once.
   * @param {string} trouble
   */
  #tellTrouble(trouble) {
    if (trouble && trouble !== this.#trouble)
      addNotice(this.#session, { tone: "problem", what: trouble });
    this.#trouble = trouble;
  }

  /**
   * @param {FollowedJob} job
   * @param {JobReport} report
   */
  #end(job, report) {
    this.#session.set({ job: null });
    if (report.state === "failed") {
      const failed = report.events.findLast((event) => event.kind === "failed");
      const { what = "The run failed.", limit = "", remedy = "" } = failed ?? {};
      addNotice(this.#session, { tone: "problem", what, limit, remedy });
    }
    if (report.state === "interrupted") {
      addNotice(this.#session, {
        what: "The run was interrupted by a restart of the server.",
        remedy: "Generate again.",
      });
    }
    if (report.state === "cancelled") addNotice(this.#session, { what: "Stopped.", brief: true });
    return report.state;
  }
}

/**
 * result(event) takes what a job made instead of pictures.
 * @param {WatcherParts} parts
 */
export const createWatcher = (parts) => new Watcher(parts);
