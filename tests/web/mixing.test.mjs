// Painting between two candidates: what the tools paint on, what is undone, what is kept, and what is sent.

import assert from "node:assert/strict";
import test from "node:test";

import { createBridge } from "../../ui/web/bridge.js";
import { COMMANDS } from "../../ui/web/commands.js";
import { bytesOf } from "../../ui/web/kernels/tiles.js";
import { createDocument } from "../../ui/web/model/document.js";
import { mixOf, pairFor } from "../../ui/web/model/mixing.js";
import { createSession } from "../../ui/web/model/session.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { BRUSH, ERASER } from "../../ui/web/tools/paint.js";
import {
  createClock,
  createMaskDatabase,
  createStorage,
  buildEditor as record,
  layer,
} from "./editor_fixtures.mjs";
import { createUnique, event, send, surfaceOver } from "./surface_fixture.mjs";

const candidate = (id, patch = {}) => ({
  id,
  job: "run",
  index: 0,
  digest: `${id}-pixels`,
  source: "",
  width_px: 512,
  height_px: 512,
  ...patch,
});

const [A, B, C] = ["a", "b", "c"].map((id) => candidate(id));

const createApp = (patch, state) => {
  const [session, unique] = [createSession(), createUnique()];
  const { store, masks } = createDocument(record([layer("cat")], patch), { now: () => 0, unique });
  session.set({ candidates: [A, B, C], showing: "result", ...state });
  const parts = { store, session, masks, newId: () => `layer-${unique()}`, touched: () => {} };
  const made = [];
  const bridge = {
    mix: async () => {
      made.push(store.record.mix);
      return candidate("mixed", { job: "run", index: 3, source: A.digest });
    },
  };
  const app = { ...parts, bridge, made, busyWith: (reading, work) => work() };
  return {
    ...app,
    surface: surfaceOver(parts),
    run: (id, ...given) => COMMANDS[id].run(app, ...given),
  };
};

const stroke = (app, chart = BRUSH) =>
  send(
    createMachine(chart, app.surface),
    event("down", 100, 100),
    event("move", 200, 100),
    event("up", 200, 100),
  );

const paintedOf = ({ store, masks }) =>
  bytesOf(masks.get(store.record.mix.mask)).reduce((sum, value) => sum + value, 0) / 255;

test("the shown picture is painted into the accepted one; without one, what it was made over or another of its run", () => {
  const pairOf = (picked, state) =>
    pairFor({ picked }, { batch: "run", viewed: "", candidates: [A, B, C], ...state });
  assert.deepEqual(pairOf(A.digest, { viewed: C.digest }), { base: A, other: C });
  assert.deepEqual(pairOf(B.digest, {}), { base: B, other: A });
  assert.deepEqual(pairOf("", { viewed: C.digest }), { base: C, other: A });
  const healed = candidate("d", { job: "later", source: B.digest });
  assert.deepEqual(pairOf(healed.digest, { candidates: [A, B, healed] }), {
    base: healed,
    other: B,
  });
  assert.equal(pairOf(A.digest, { candidates: [A, candidate("e", { width_px: 64 })] }), null);
  assert.equal(pairOf("", {}), null);
});

test("strokes go between the two, each is one step, the layers stay as they are, the collage view paints layers", async () => {
  const app = createApp({ picked: A.digest, selected: "cat" }, { viewed: B.digest });
  await app.run("mix");
  assert.deepEqual([app.store.record.mix.base, app.store.record.mix.other], ["a", "b"]);
  assert.equal(app.session.state.tool, "brush");
  const { scene } = app.store.record;
  stroke(app);
  const painted = paintedOf(app);
  assert.ok(painted > 1000);
  stroke(app, ERASER);
  assert.ok(paintedOf(app) < painted / 4);
  app.store.undo();
  assert.equal(paintedOf(app), painted);
  assert.equal(app.store.record.scene, scene);
  await app.run("invertMask");
  assert.ok(Math.abs(paintedOf(app) + painted - 512 * 512) < 1);
  app.store.undo();
  app.session.set({ showing: "collage" });
  stroke(app);
  assert.notEqual(app.store.record.scene, scene);
  assert.equal(paintedOf(app), painted);
});

test("a click in the strip chooses what is painted in; put away and undone, the strokes are there again", async () => {
  const app = createApp({ picked: A.digest }, { viewed: B.digest });
  await app.run("mix");
  stroke(app);
  const painted = paintedOf(app);
  await app.run("view", C.digest);
  await app.run("view", A.digest);
  assert.deepEqual(mixOf(app.store.record, app.session.state).other, C);
  assert.equal(paintedOf(app), painted);
  await app.run("discard");
  assert.equal(app.store.record.mix, null);
  app.store.undo();
  assert.equal(paintedOf(app), painted);
});

test("kept, it is a candidate and picked in one step; nothing painted is not kept; a stroke meanwhile stays", async () => {
  const app = createApp({ picked: A.digest }, { viewed: B.digest });
  await app.run("mix");
  await app.run("accept");
  assert.deepEqual(app.made, []);
  assert.match(app.session.state.notices[0].what, /Nothing is painted/);
  stroke(app);
  const keeping = app.run("accept");
  stroke(app, ERASER);
  await keeping;
  assert.equal(app.made.length, 1);
  assert.ok(app.store.record.mix);
  await app.run("accept");
  assert.deepEqual([app.store.record.mix, app.store.record.picked], [null, "mixed-pixels"]);
  app.store.undo();
  assert.deepEqual([app.store.record.mix.other, app.store.record.picked], ["b", A.digest]);
});

test("the mask goes to the server before the question, and what is on the easel is found after a reload", async () => {
  const asked = [];
  const kept = { scene: record().scene, editor: { ...record(), picked: A.digest } };
  const replies = {
    hello: () => ({ project: "p1", revision: 1, ...kept, job: null, candidates: [A, B] }),
    save: ({ scene, editor }) =>
      Object.assign(kept, { scene, editor }) && { revision: 2, coverage: [], notes: [] },
    take_mask: () => ({ digest: "f".repeat(64) }),
    mix: () => candidate("mixed", { index: 2 }),
  };
  const host = {
    ask: async (message) => asked.push(message) && structuredClone(replies[message.verb](message)),
    upload: async () => "/up/1",
  };
  const open = async () => {
    const [clock, session, unique] = [createClock(), createSession(), createUnique()];
    const { store, masks } = createDocument(record([]), { now: clock.now, unique });
    const browser = {
      storage: createStorage(),
      tab: createStorage(),
      database: createMaskDatabase(),
    };
    const bridge = createBridge({
      host,
      store,
      session,
      masks,
      clock,
      hidden: () => false,
      listen: () => {},
      ...browser,
    });
    await bridge.hello();
    const parts = { store, session, masks, bridge, newId: unique, touched: () => {} };
    return { ...parts, surface: surfaceOver(parts), busyWith: (reading, work) => work() };
  };
  const app = await open();
  app.session.set({ viewed: B.digest });
  await COMMANDS.mix.run(app);
  stroke(app);
  await COMMANDS.accept.run(app);
  const mask = "f".repeat(64);
  assert.deepEqual(asked.at(-1), { verb: "mix", project: "p1", base: "a", other: "b", mask });
  assert.deepEqual(
    app.session.state.candidates.map(({ id }) => id),
    ["a", "b", "mixed"],
  );
  assert.deepEqual((await open()).store.record.mix, { base: "a", other: "b", mask });
});
