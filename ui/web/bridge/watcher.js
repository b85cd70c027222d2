// Following a job: its events in order, its preview, its candidates; through reloads and silences.

import { secondsLeft } from "../kernels/numbers.js";
import { addNotice } from "../model/session.js";
import { Refusal, Silence } from "./link.js";

const PACE_MS = 150;
const HIDDEN_PACE_MS = 1_500;
const SILENT_PACE_MS = 1_000;

/** Events that tell of something else than pictures. */
const RESULTS = new Set(["learned", "apart"]);

const joined = (known, fresh) => {
  const ids = new Set(known.map((candidate) => candidate.id));
  return [...known, ...fresh.filter((candidate) => !ids.has(candidate.id))];
};

/** A job as the session holds it, before its first event. */
export const startedJob = (job) => ({
  asked: 0,
  done: 0,
  total: 0,
  preview: "",
  drafts: 0,
  left_s: null,
  stopping: false,
  ...job,
});

class Watcher {
  #link;
  #session;
  #clock;
  #hidden;
  #result;
  #samples = [];

  constructor({ link, session, clock, hidden, result }) {
    this.#result = result;
    this.#link = link;
    this.#session = session;
    this.#clock = clock;
    this.#hidden = hidden;
  }

  /** Follows a job {id, state, layer_id, …} until it ends; resolves with its last state. */
  async follow(job) {
    this.#samples = [];
    this.#session.set({ job: startedJob(job), watched: 0 });
    let after = 0;
    for (;;) {
      const news = await this.#news(job.id, after);
      if (this.#session.state.job?.id !== job.id) return "left";
      if (news) {
        after = news.events.at(-1)?.n ?? after;
        this.#take(job, news);
        if (!["queued", "running"].includes(news.state)) return this.#end(job, news);
      }
      await this.#pause(news ? (this.#hidden() ? HIDDEN_PACE_MS : PACE_MS) : SILENT_PACE_MS);
    }
  }

  /** Asks for the stop; the events tell when it took effect. */
  async cancel() {
    const { job } = this.#session.state;
    if (!job?.id || job.stopping) return;
    this.#session.set({ job: { ...job, stopping: true } });
    await this.#link.ask({ verb: "cancel", job: job.id });
  }

  async #news(id, after) {
    try {
      return await this.#link.ask({ verb: "events", job: id, after });
    } catch (error) {
      if (error instanceof Silence) return null;
      if (!(error instanceof Refusal)) throw error;
      const failed = {
        n: after,
        kind: "failed",
        what: error.what,
        limit: error.limit,
        remedy: error.remedy,
      };
      return { state: "failed", events: [failed], candidates: [] };
    }
  }

  #take(job, news) {
    const { state } = this.#session;
    const [fresh, drafts] = [news.candidates ?? [], news.drafts ?? []];
    const progress = this.#progress(news.events);
    const patch = {
      job: { ...state.job, state: news.state, ...progress },
      candidates: joined(state.candidates, fresh),
      drafts: joined(state.drafts, drafts),
    };
    if (drafts.length > 0 && !state.drafts.some((draft) => draft.job === job.id))
      patch.batch = job.id;
    const isFirst = !state.candidates.some((candidate) => candidate.job === job.id);
    if (fresh.length > 0 && isFirst) {
      Object.assign(patch, { batch: job.id, viewed: fresh[0].digest, showing: "result" });
    }
    this.#session.set(patch);
    news.events.filter(({ kind }) => RESULTS.has(kind)).forEach((event) => this.#result(event));
  }

  #progress(events) {
    const progress = {};
    for (const event of events.filter(({ kind }) => kind === "progressed")) {
      this.#samples.push({ done: event.done, at_ms: this.#clock.now() });
      Object.assign(progress, { done: event.done, total: event.total });
      if (event.preview)
        Object.assign(progress, { preview: event.preview, drafts: event.drafts ?? 0 });
    }
    if ("done" in progress) progress.left_s = secondsLeft(this.#samples, progress.total);
    return progress;
  }

  #end(job, news) {
    this.#session.set({ job: null });
    const last = news.events.findLast(({ kind }) => kind === "failed");
    if (news.state === "failed") {
      const { what = "The run failed.", limit = "", remedy = "" } = last ?? {};
      addNotice(this.#session, { tone: "problem", what, limit, remedy });
    }
    if (news.state === "interrupted") {
      addNotice(this.#session, {
        what: "The run was interrupted by a restart of the server.",
        remedy: "Generate again.",
      });
    }
    if (news.state === "cancelled") addNotice(this.#session, { what: "Stopped.", brief: true });
    return news.state;
  }

  #pause(wait_ms) {
    return new Promise((resolve) => this.#clock.later(resolve, wait_ms));
  }
}

/**
 * hidden() tells whether nobody looks at the page: then it asks less often. result(event) takes what a job made
 * instead of pictures.
 */
export const createWatcher = (parts) => new Watcher(parts);
