// The queue in words, the places that a run may move to, and what the verbs of the page ask for.

import assert from "node:assert/strict";
import test from "node:test";

import { createQueueVerbs } from "../../ui/web/bridge/queue.js";
import { cancelOwn, moveJob, togglePause } from "../../ui/web/commands/queue.js";
import {
  describeQueue,
  describeRun,
  ownRuns,
  placeAfter,
  reasonToWait,
} from "../../ui/web/model/queue.js";
import { createSession } from "../../ui/web/model/session.js";

const entry = (id, patch = {}) => ({
  id,
  project: "scene",
  kind: "compose",
  state: "queued",
  name: "Toys",
  subject: "",
  done: 0,
  total: 20,
  place: 0,
  left_s: null,
  ...patch,
});
const running = entry("r", { state: "running", done: 5, left_s: 12 });
const waiting = ["a", "b", "c"].map((id, place) => entry(id, { place: place + 1 }));
const queue = { jobs: [running, ...waiting], trouble: "", pause: "" };
const paused = { ...queue, jobs: waiting, pause: "The queue is paused." };

const createApp = (report) => {
  const session = createSession();
  session.set({ queue: report, project: "scene" });
  const asked = [];
  const link = {
    ask: async (message) => {
      asked.push(message);
      return { ...report, jobs: [], pause: "" };
    },
  };
  const cancelJob = async (job) => void asked.push({ verb: "cancel", job });
  return { session, asked, bridge: { queue: createQueueVerbs({ session, link }), cancelJob } };
};

test("a run says its place, its steps, and what a pause left of it", () => {
  assert.equal(describeRun(running, queue).text, " · pictures · step 5 of 20, 12 s left");
  assert.equal(describeRun(waiting[0], queue).text, " · pictures · is next");
  assert.equal(describeRun(waiting[2], queue).text, " · pictures · waits at place 3");
  const halted = entry("r", { place: 1, done: 5 });
  assert.equal(describeRun(halted, paused).text, " · pictures · goes on first, 5 steps are done");
});

test("the pill says what runs and how many wait, and a pause before all else", () => {
  assert.deepEqual(describeQueue(null, queue), { standing: "running", text: "running · 3 wait" });
  assert.deepEqual(describeQueue(null, paused), { standing: "paused", text: "paused · 3 wait" });
  const nothing = { ...queue, jobs: [] };
  assert.deepEqual(describeQueue(null, nothing), { standing: "idle", text: "idle" });
  const training = { ...queue, jobs: [{ ...running, kind: "subject" }] };
  assert.equal(describeQueue(null, training).text, "training");
});

test("the chip of a run says why it waits", () => {
  assert.equal(reasonToWait(queue, "a"), "waiting for the device");
  assert.equal(reasonToWait(queue, "c"), "waits at place 3");
  assert.equal(reasonToWait(paused, "c"), "waits: the queue is paused");
});

test("only what waits is moved, and only where there is a place", () => {
  assert.equal(placeAfter(queue, "c", "first"), 1);
  assert.equal(placeAfter(queue, "c", "earlier"), 2);
  assert.equal(placeAfter(queue, "a", "later"), 2);
  for (const [id, way] of [
    ["a", "first"],
    ["a", "earlier"],
    ["c", "later"],
    ["r", "later"],
    ["gone", "first"],
  ])
    assert.equal(placeAfter(queue, id, way), null, `${id} ${way}`);
});

test("a move asks for a place, and none is asked for where there is none", async () => {
  const app = createApp(queue);
  await moveJob(app, "c", "first");
  await moveJob(app, "a", "earlier");
  assert.deepEqual(app.asked, [{ verb: "move_job", job: "c", place: 1 }]);
  assert.deepEqual(app.session.state.queue.jobs, [], "the page shows the answer at once");
});

test("the pause is toggled by what the server said last", async () => {
  const [open, shut] = [createApp(queue), createApp(paused)];
  await togglePause(open);
  await togglePause(shut);
  assert.deepEqual(open.asked, [{ verb: "pause_queue", paused: true }]);
  assert.deepEqual(shut.asked, [{ verb: "pause_queue", paused: false }]);
});

test("what is mine ends, what waits first; other scenes and trainings stay", async () => {
  const others = [entry("o", { project: "other" }), entry("t", { subject: "s", kind: "subject" })];
  const app = createApp({ ...queue, jobs: [running, ...others, ...waiting] });
  assert.deepEqual(ownRuns(app.session.state.queue, "scene"), ["r", "a", "b", "c"]);
  await cancelOwn(app);
  assert.deepEqual(
    app.asked.map(({ job }) => job),
    ["c", "b", "a", "r"],
  );
});
