// Candidates that differ in one layer alone: what is asked for, and what the page remembers of it; drafts on their way.

import assert from "node:assert/strict";
import test from "node:test";

import { createBridge } from "../../ui/web/bridge.js";
import { vary } from "../../ui/web/commands/runs.js";
import { select } from "../../ui/web/model/edits.js";
import { createMasks } from "../../ui/web/model/masks.js";
import { editorToMessage } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { createClock, createMaskDatabase, createStorage, buildEditor } from "./editor_fixtures.mjs";
import { createUnique } from "./surface_fixture.mjs";

/** An app whose runs only note what was asked for. */
const asking = (patch = {}) => {
  const [session, requests] = [createSession(), []];
  session.set({
    facts: { methods: [{ id: "collage", options: { properties: {} }, stage1: false }] },
    ...patch,
  });
  const store = createStore(select("cat")(buildEditor()), () => 0);
  const bridge = { generate: async (request) => (requests.push(request), "finished") };
  return { session, store, bridge, requests, random: () => 7 };
};

test("the whole picture is made with one layer varied, from the seed of the one in view, at least twice", async () => {
  const digest = "e".repeat(64);
  const whole = { id: "c", job: "j", index: 0, seed: 4242, digest, layer_id: "", source: "" };
  const parts = asking({ candidates: [whole], viewed: digest });
  await vary(parts);
  const [{ kind, varied, settings }] = parts.requests;
  assert.deepEqual([kind, varied, settings.seed], ["compose", "cat", 4242]);
  assert.ok(settings.count >= 2);
  assert.deepEqual([parts.session.state.viewed, parts.session.state.showing], ["", "result"]);
});

test("over a re-rolled picture the scene's own seed is used; with nothing selected a sentence says so", async () => {
  const digest = "e".repeat(64);
  const again = {
    id: "c",
    job: "j",
    index: 0,
    seed: 4242,
    digest,
    layer_id: "cat",
    source: "f".repeat(64),
  };
  const parts = asking({ candidates: [again], viewed: digest });
  await vary(parts);
  assert.equal(parts.requests[0].settings.seed, parts.store.record.settings.seed);
  parts.store.amend(select(""));
  await vary(parts);
  assert.equal(parts.requests.length, 1);
  assert.match(parts.session.state.notices.at(-1).what, /No layer is selected/);
});

/** A server that opens a project, takes a run, and tells of it once a question. */
const serverOf = (script) => ({
  ask: async ({ verb }) => {
    if (verb === "hello")
      return {
        project: "p1",
        revision: 1,
        ...editorToMessage(buildEditor()),
        candidates: [],
        notes: [],
      };
    if (verb === "generate") return { job: "j1", notes: [] };
    return script.shift();
  },
});

const running = async (script) => {
  const [clock, session, storage] = [createClock(), createSession(), createStorage()];
  const store = createStore(buildEditor(), clock.now);
  const masks = createMasks(createUnique());
  const kept = {
    database: createMaskDatabase(),
    clock,
    storage,
    tab: createStorage(),
    hidden: () => false,
    listen: () => {},
  };
  const bridge = createBridge({
    host: serverOf(script),
    newId: () => "new",
    store,
    session,
    masks,
    ...kept,
  });
  await bridge.hello();
  return { bridge, clock, session };
};

const reported = (n, stage1Images) => ({
  state: "running",
  events: [
    {
      n,
      kind: "progress",
      done: n,
      total: 4,
      preview: { jpeg: `data:${n}`, stage1_count: stage1Images },
    },
  ],
  candidates: [],
});

test("the page knows which layer varied in a run, and how many drafts its preview shows", async () => {
  const end = { state: "finished", events: [{ n: 3, kind: "finished" }], candidates: [] };
  const { bridge, clock, session } = await running([reported(1, 3), reported(2, 0), end]);
  const run = bridge.generate({ kind: "compose", settings: {}, varied: "cat" });
  session.set({ watched: 2 });
  await clock.advance(20);
  assert.deepEqual(
    [session.state.job.stage1Count, session.state.job.preview, session.state.watched],
    [3, "data:1", 0],
  );
  assert.deepEqual(session.state.varied, { j1: "cat" });
  await clock.advance(160);
  assert.deepEqual([session.state.job.stage1Count, session.state.job.preview], [0, "data:2"]);
  await clock.advance(1000);
  assert.equal(await run, "finished");
});
