// The queue in words: what runs, what waits and where, and which places a run may move to.

/**
 * @import { Job } from "../types/editor.d.ts"
 * @import { Identifier, QueueEntry, QueueReport, RequestKind } from "../types/protocol.d.ts"
 */

import { formatSeconds, plural } from "../kernels/numbers.js";

/** @type {Readonly<Record<RequestKind, string>>} */
const WORK = {
  compose: "pictures",
  reroll: "one layer",
  learn: "a learned look",
  decompose: "layers of a picture",
  subject: "training",
};

/**
 * Where a run stands; one that was stopped by a pause keeps its steps.
 * @param {QueueEntry} entry
 * @param {boolean} isPaused
 */
const standingOf = ({ state, place, done, total, left_s }, isPaused) => {
  if (state === "queued") {
    const kept = done > 0 ? `, ${plural(done, "step is", "steps are")} done` : "";
    const next = isPaused ? "goes on first" : "is next";
    return `${place === 1 ? next : `waits at place ${place}`}${kept}`;
  }
  if (!total) return "is starting";
  const left = left_s === null ? "" : `, ${formatSeconds(left_s)} left`;
  return `step ${done} of ${total}${left}`;
};

/**
 * The line of a run: {name, text}.
 * @param {QueueEntry} entry
 * @param {QueueReport} queue
 */
export const describeRun = (entry, { pause }) => ({
  name: entry.name || "Untitled",
  text: ` · ${WORK[entry.kind]} · ${standingOf(entry, pause !== "")}`,
});

/**
 * @param {Job | null} job
 * @param {QueueReport} queue
 * @param {QueueEntry | undefined} running
 */
const standingOfAll = (job, { jobs, pause }, running) => {
  if (pause) return "paused";
  if (job) return job.state === "queued" ? "queued" : "running";
  if (running) return "running";
  return jobs.length > 0 ? "queued" : "idle";
};

/**
 * What the pill says: {standing, text}, of this page's own run first, else of whatever the server does.
 * @param {Job | null} job
 * @param {QueueReport} queue
 */
export const describeQueue = (job, queue) => {
  const running = queue.jobs.find(({ state }) => state === "running");
  const waiting = queue.jobs.length - Number(running !== undefined);
  const standing = standingOfAll(job, queue, running);
  const isTraining = standing === "running" && !job && running?.kind === "subject";
  const word = isTraining ? "training" : standing;
  return { standing, text: waiting ? `${word} · ${plural(waiting, "waits", "wait")}` : word };
};

/**
 * The place that a waiting run gets by one of the ways to move it, or null where it leads nowhere.
 * @param {QueueReport} queue
 * @param {Identifier} id
 * @param {"first" | "earlier" | "later"} way
 */
export const placeAfter = ({ jobs }, id, way) => {
  const waiting = jobs.filter(({ state }) => state === "queued");
  const place = waiting.findIndex((entry) => entry.id === id) + 1;
  const wanted = { first: 1, earlier: place - 1, later: place + 1 }[way];
  return place > 0 && wanted !== place && wanted >= 1 && wanted <= waiting.length ? wanted : null;
};

/**
 * What this scene has in the queue; a training belongs to its subject.
 * @param {QueueReport} queue
 * @param {Identifier | ""} project
 */
export const ownRuns = ({ jobs }, project) =>
  jobs.filter((entry) => entry.project === project && entry.subject === "").map(({ id }) => id);

/**
 * Why a run of this page waits, for the chip on the canvas.
 * @param {QueueReport} queue
 * @param {Identifier | ""} id
 */
export const reasonToWait = ({ jobs, pause }, id) => {
  if (pause) return "waits: the queue is paused";
  const place = jobs.find((entry) => entry.id === id)?.place ?? 0;
  return place > 1 ? `waits at place ${place}` : "waiting for the device";
};
