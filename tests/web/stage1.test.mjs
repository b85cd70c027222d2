// Drafts: in which run they stand, which one is in view, refining one, and turning one into layers.

import assert from "node:assert/strict";
import test from "node:test";

import { createFeed } from "../../ui/web/bridge/feed.js";
import { createWatcher } from "../../ui/web/bridge/watcher.js";
import { COMMANDS } from "../../ui/web/commands.js";
import {
  stage1InView,
  stage1Of,
  picturesOf,
  plainMethod,
  settingsForOne,
  stagedMethod,
} from "../../ui/web/model/stage1.js";
import { layerOf } from "../../ui/web/model/records.js";
import { batchesOf, createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { createClock, buildEditor as record, layer } from "./editor_fixtures.mjs";

const made = (job, index, patch = {}) => ({
  id: `${job}-${index}`,
  job,
  index,
  digest: `${job}-${index}`,
  ...patch,
});
const picture = (job, index, stage1, created) =>
  made(job, index, { layer_id: "", source: "", stage1, created });
const stage1 = (job, index, created = "") =>
  made(job, index, { digest: `stage1-${job}-${index}`, created });

const STAGE1_IMAGES = [stage1("one", 2, "1"), stage1("one", 0, "1")];
const CANDIDATES = [
  picture("one", 0, "stage1-one-0", "2"),
  picture("one", 1, "stage1-one-0", "2"),
  picture("again", 0, "stage1-one-2", "4"),
];
const METHODS = [
  { id: "collage", title: "Collage Diffusion", stage1: false },
  { id: "tcig", title: "TCIG", stage1: true },
];

/** What a page has where nothing is pushed: it asks by itself. */
const createQuietFeed = (session, clock) =>
  createFeed({ session, clock, hidden: () => false, listen: () => {} });

test("a run has its own drafts, a run that refined one has those beside it, another run has none", () => {
  const others = [picture("plain", 0, "", "3")];
  const batches = batchesOf({
    candidates: [...CANDIDATES, ...others],
    stage1Images: STAGE1_IMAGES,
    dismissed: [],
  });
  const reported = batches.map(({ job, stage1Images, candidates }) => [
    job,
    stage1Images.map(({ index }) => index),
    candidates.length,
  ]);
  assert.deepEqual(reported, [
    ["again", [0, 2], 1],
    ["plain", [], 1],
    ["one", [0, 2], 2],
  ]);
});

test("drafts without a picture are a run in their place of time; a draft taken as a picture is only a draft", () => {
  const itself = made("bare", 0, {
    digest: "stage1-bare-0",
    stage1: "stage1-bare-0",
    layer_id: "",
    created: "3",
  });
  const stage1Images = [...STAGE1_IMAGES, stage1("bare", 0, "3"), stage1("stopped", 0, "5")];
  const batches = batchesOf({
    candidates: [...CANDIDATES, itself],
    stage1Images,
    dismissed: ["one"],
  });
  assert.deepEqual(
    batches.map(({ job, stage1Images: own, candidates }) => [job, own.length, candidates.length]),
    [
      ["stopped", 1, 0],
      ["again", 2, 1],
      ["bare", 1, 0],
    ],
  );
});

test("the draft in view is the shown picture, else the one it was made from", () => {
  const state = { stage1Images: STAGE1_IMAGES, candidates: CANDIDATES, viewed: "", batch: "" };
  assert.equal(stage1InView(state, { picked: "stage1-one-2" }), STAGE1_IMAGES[0]);
  assert.equal(
    stage1InView({ ...state, viewed: "one-1" }, { picked: "stage1-one-2" }),
    STAGE1_IMAGES[1],
  );
  assert.equal(stage1InView(state, { picked: "elsewhere" }), null);
  assert.equal(stage1Of(state, ""), null);
  assert.deepEqual(
    STAGE1_IMAGES.map((each) => picturesOf(state, each)),
    [1, 2],
  );
});

test("refining takes the method of two stages that is set, else the first there is", () => {
  const methods = [...METHODS, { id: "other", stage1: true }];
  assert.equal(stagedMethod({ methods }, { method: "other" }).id, "other");
  assert.equal(stagedMethod({ methods }, { method: "collage" }).id, "tcig");
  assert.equal(stagedMethod({ methods: [METHODS[0]] }, { method: "collage" }), null);
  assert.equal(plainMethod({ methods: [METHODS[1], METHODS[0]] }).id, "collage");
  assert.equal(plainMethod(null), null);
  const settings = { method: "tcig", options: { mask_tolerance: 1 }, seed: 3 };
  assert.deepEqual(settingsForOne({ methods }, settings), {
    method: "collage",
    options: {},
    seed: 3,
  });
  assert.equal(settingsForOne({ methods: [METHODS[1]] }, settings), settings);
  const plain = { ...settings, method: "collage" };
  assert.equal(settingsForOne({ methods }, plain), plain);
});

const createApp = (patch = {}, layers = undefined) => {
  const [session, store] = [createSession(), createStore(record(layers, patch), () => 0)];
  session.set({ stage1Images: STAGE1_IMAGES, candidates: CANDIDATES, facts: { methods: METHODS } });
  const asked = [];
  const cut = { digest: "cut", width_px: 80, height_px: 40, centre_x_px: 70, centre_y_px: 30 };
  const bridge = {
    generate: async (request) => asked.push(request) && "finished",
    splitByMasks: async (digest) =>
      asked.push(digest) && [
        { layer_id: "cat", ...cut },
        { layer_id: "gone", ...cut },
      ],
  };
  const app = {
    session,
    store,
    bridge,
    asked,
    random: () => 77,
    busyWith: (reading, work) => work(),
  };
  return { ...app, run: (id) => COMMANDS[id].run(app) };
};

test("refining sends the draft in view with a fresh seed, and the method's own options only", async () => {
  const app = createApp({ picked: "one-1" });
  await app.run("refine");
  const [{ settings, ...request }] = app.asked;
  assert.deepEqual(request, { kind: "compose", stage1: "stage1-one-0" });
  assert.deepEqual(
    [settings.method, settings.seed, settings.options],
    ["tcig", 77, { refine: true }],
  );
  assert.equal(app.session.state.viewed, "stage1-one-0");
  assert.equal(app.store.undoName, "");
});

test("without a draft in view, or while a run goes on, refining says so and asks nothing", async () => {
  const [none, busy] = [createApp(), createApp({ picked: "one-0" })];
  busy.session.set({ job: { id: "j", state: "running" } });
  await Promise.all([none.run("refine"), busy.run("refine"), none.run("stage1ToLayers")]);
  assert.deepEqual([...none.asked, ...busy.asked], []);
  assert.match(none.session.state.notices[0].what, /No draft/);
  assert.match(busy.session.state.notices[0].what, /going on/);
});

test("a draft becomes a layer for each region, which keeps its words and place; one undo takes it all back", async () => {
  const region = layer("cat", {
    picture: null,
    mask: "m",
    phrase: "",
    class_label: "cat",
    strength: 1,
    seed: 4,
  });
  const app = createApp({ picked: "stage1-one-0" }, [layer("back"), region, layer("car")]);
  app.store.change("Method", (now) => ({
    ...now,
    settings: { ...now.settings, method: "tcig", options: { mask_tolerance: 1 } },
  }));
  const before = app.store.record;
  await app.run("stage1ToLayers");
  const { scene, settings } = app.store.record;
  assert.deepEqual(
    scene.layers.map(({ id }) => id),
    ["back", "cat", "car"],
  );
  const now = layerOf(app.store.record, "cat");
  assert.deepEqual(
    [now.picture, now.mask, now.phrase, now.class_label, now.seed],
    ["cut", null, "cat", "cat", 4],
  );
  assert.deepEqual([now.placement.centre_x_px, now.placement.scale_x, now.strength], [70, 1, 0.6]);
  assert.deepEqual([settings.method, settings.options], ["collage", {}]);
  app.store.undo();
  assert.equal(app.store.record, before);
});

test("what went wrong without ending a run is told, and why the queue stands still, once", async () => {
  const [session, clock] = [createSession(), createClock()];
  const none = { stage1_images: [], candidates: [], events: [] };
  const replies = [
    { ...none, state: "queued", trouble: "The queue stands still." },
    { ...none, state: "queued", trouble: "The queue stands still." },
    {
      ...none,
      state: "finished",
      events: [
        { n: 1, kind: "stage1_images", stage1_images: ["a"], notes: ["No scores.", "None."] },
        { n: 2, kind: "images", candidates: ["b"], notes: [] },
        { n: 3, kind: "note", text: "Its state is not saved." },
      ],
    },
  ];
  const link = { ask: async () => replies.shift() };
  const end = createWatcher({ link, session, feed: createQuietFeed(session, clock) }).follow({
    id: "now",
    state: "queued",
  });
  for (let step = 0; step < 3; step++) await clock.advance(1_000);
  assert.equal(await end, "finished");
  assert.deepEqual(
    session.state.notices.map(({ what }) => what),
    ["The queue stands still.", "No scores. None.", "Its state is not saved."],
  );
});

test("a run's drafts stand in the strip as soon as they come; its first picture is shown once there is one", async () => {
  const [session, clock] = [createSession(), createClock()];
  const [stage1Images, candidates] = [[stage1("now", 0)], [picture("now", 0, "stage1-now-0")]];
  const replies = [
    { state: "running", events: [], stage1_images: stage1Images, candidates: [] },
    { state: "finished", events: [], stage1_images: stage1Images, candidates },
  ];
  session.set({ candidates: CANDIDATES, stage1Images: STAGE1_IMAGES, batch: "one" });
  const link = { ask: async () => replies.shift() };
  const end = createWatcher({ link, session, feed: createQuietFeed(session, clock) }).follow({
    id: "now",
    state: "queued",
  });
  await clock.settle();
  const { batch, viewed } = session.state;
  assert.deepEqual([batch, viewed, session.state.stage1Images.length], ["now", "", 3]);
  await clock.advance(1_000);
  assert.equal(await end, "finished");
  assert.deepEqual([session.state.stage1Images.length, session.state.viewed], [3, "now-0"]);
});
