// What is done with the queue: moved, paused, ended. All of it is undone by its opposite, so none is
// asked about.

/**
 * @import { App } from "../types/editor.d.ts"
 * @import { Identifier } from "../types/protocol.d.ts"
 */

import { ownRuns, placeAfter } from "../model/queue.js";
import { addNotice } from "../model/session.js";

/** @param {App} app */
export const toggleQueue = ({ session }) =>
  session.set({ open: session.state.open === "queue-menu" ? "" : "queue-menu" });

/**
 * Stops any job of the queue, also one of another scene, or a training.
 * @param {App} app
 * @param {Identifier} job
 */
export const cancelJob = ({ bridge }, job) => bridge.cancelJob(job);

/**
 * Stops all that runs or waits of the open scene, what waits first: it would begin otherwise.
 * @param {App} app
 */
export const cancelOwn = async ({ bridge, session }) => {
  const jobs = ownRuns(session.state.queue, session.state.project).toReversed();
  for (const job of jobs) await bridge.cancelJob(job);
  if (jobs.length === 0)
    addNotice(session, { what: "Nothing of this scene runs or waits.", brief: true });
};

/**
 * @param {App} app
 * @param {Identifier} job
 * @param {"first" | "earlier" | "later"} way
 */
export const moveJob = async ({ bridge, session }, job, way) => {
  const place = placeAfter(session.state.queue, job, way);
  if (place !== null) await bridge.queue.move(job, place);
};

/** @param {App} app */
export const togglePause = ({ bridge, session }) =>
  bridge.queue.setPause(session.state.queue.pause === "");
