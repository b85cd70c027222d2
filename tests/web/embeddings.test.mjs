// Learned looks: learned as a run, given to the layers in one step, chosen and forgotten.

import assert from "node:assert/strict";
import test from "node:test";

import { createBridge } from "../../ui/web/bridge.js";
import { COMMANDS } from "../../ui/web/commands.js";
import { choicesOf, joinEmbeddings, standingOf } from "../../ui/web/model/embeddings.js";
import { layerOf } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { createMasks } from "../../ui/web/model/masks.js";
import { createClock, buildEditor as record, layer } from "./editor_fixtures.mjs";

const learned = (id, embedding = "1".repeat(64)) => ({
  layer_id: id,
  phrase: id,
  embedding,
  sample: "2".repeat(64),
});

const createApp = (layers) => {
  const [session, store] = [createSession(), createStore(record(layers), () => 0)];
  const asked = [];
  const bridge = { generate: async (request) => asked.push(request) && "finished" };
  return { session, store, bridge, asked };
};

test("one layer is learned, or all that can be, in one request", async () => {
  const app = createApp([
    layer("back", { phrase: "" }),
    layer("cat"),
    layer("car"),
    layer("gone", { visible: false }),
  ]);
  await COMMANDS.learnEmbedding.run(app, "cat");
  app.session.set({ embeddingSteps: 60 });
  await COMMANDS.learnEmbeddings.run(app);
  assert.deepEqual(
    app.asked.map(({ kind, layer_ids, steps }) => [kind, layer_ids, steps]),
    [
      ["learn", ["cat"], 250],
      ["learn", ["cat", "car"], 60],
    ],
  );
});

test("a layer without words is refused in a sentence", async () => {
  const app = createApp([layer("back", { phrase: " " })]);
  await COMMANDS.learnEmbedding.run(app, "back");
  assert.deepEqual(app.asked, []);
  assert.match(app.session.state.notices.at(-1).what, /No look can be learned for back/);
});

test("a stopped learning says that it can go on", async () => {
  const app = createApp([layer("cat")]);
  app.bridge.generate = async () => "cancelled";
  await COMMANDS.learnEmbedding.run(app, "cat");
  assert.match(app.session.state.notices.at(-1).remedy, /goes on from there/);
  assert.equal(layerOf(app.store.record, "cat").embedding, null);
});

test("a look is forgotten in one step, which undo takes back", () => {
  const app = createApp([layer("cat", { embedding: "1".repeat(64) })]);
  COMMANDS.forgetEmbedding.run(app, "cat");
  assert.equal(layerOf(app.store.record, "cat").embedding, null);
  app.store.undo();
  assert.equal(layerOf(app.store.record, "cat").embedding, "1".repeat(64));
});

test("the state of a look is none, learning with its steps, or learned", () => {
  const cat = layer("cat");
  assert.deepEqual(standingOf(cat, null), { state: "none", text: "none" });
  const job = { kind: "learn", layer_ids: ["cat"], done: 3, total: 60 };
  assert.deepEqual(standingOf(cat, job), { state: "learning", text: "learning 3/60" });
  assert.equal(standingOf(layer("car"), job).state, "none");
  assert.equal(standingOf(layer("cat", { embedding: "1" }), null).state, "learned");
});

test("a layer may take any known look, and keeps one that nobody here knows", () => {
  const embeddings = [learned("car", "c"), learned("cat", "d")];
  const ids = (one) => choicesOf(one, embeddings).map(({ id }) => id);
  assert.deepEqual(ids(layer("cat")), ["", "d", "c"]);
  assert.deepEqual(ids(layer("cat", { embedding: "x" })), ["", "x", "d", "c"]);
  assert.deepEqual(
    joinEmbeddings(embeddings, [learned("cat", "d"), learned("cat", "e")]).map(
      ({ embedding }) => embedding,
    ),
    ["d", "e", "c"],
  );
});

test("when a job tells of looks the layers have them, as one step", async () => {
  const [session, store, clock] = [createSession(), createStore(record(), () => 0), createClock()];
  const events = [
    { n: 1, kind: "queued" },
    { n: 2, kind: "progress", done: 1, total: 2 },
    { n: 3, kind: "embeddings_learned", embeddings: [learned("cat"), learned("gone")] },
    { n: 4, kind: "finished" },
  ];
  const replies = {
    generate: () => ({ job: "j", notes: [] }),
    events: () => ({ state: "finished", events, candidates: [] }),
  };
  const host = { ask: async ({ verb }) => replies[verb](), upload: async () => "" };
  const storage = { get: () => null, put: () => {}, drop: () => {} };
  const database = { put: async () => {}, get: async () => null, drop: async () => {} };
  const masks = createMasks(() => "m");
  const bridge = createBridge({
    host,
    store,
    session,
    masks,
    database,
    clock,
    storage,
    tab: storage,
    hidden: () => false,
    listen: () => {},
  });
  const end = await bridge.generate({
    kind: "learn",
    settings: store.record.settings,
    layer_ids: ["cat"],
    steps: 60,
  });
  assert.equal(end, "finished");
  assert.equal(layerOf(store.record, "cat").embedding, "1".repeat(64));
  assert.equal(store.undoName, "Learn looks");
  assert.equal(session.state.embeddings.length, 2);
});
