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
import { createClock, createShelf, createVault, desk as record, layer } from "./editor_fixtures.mjs";
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

const createDesk = (patch, state) => {
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
  const desk = { ...parts, bridge, made, busyWith: (reading, work) => work() };
  return {
    ...desk,
    surface: surfaceOver(parts),
    run: (id, ...given) => COMMANDS[id].run(desk, ...given),
  };
};

const stroke = (desk, chart = BRUSH) =>
  send(
    createMachine(chart, desk.surface),
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
  const desk = createDesk({ picked: A.digest, selected: "cat" }, { viewed: B.digest });
  await desk.run("mix");
  assert.deepEqual([desk.store.record.mix.base, desk.store.record.mix.other], ["a", "b"]);
  assert.equal(desk.session.state.tool, "brush");
  const { scene } = desk.store.record;
  stroke(desk);
  const painted = paintedOf(desk);
  assert.ok(painted > 1000);
  stroke(desk, ERASER);
  assert.ok(paintedOf(desk) < painted / 4);
  desk.store.undo();
  assert.equal(paintedOf(desk), painted);
  assert.equal(desk.store.record.scene, scene);
  await desk.run("invertMask");
  assert.ok(Math.abs(paintedOf(desk) + painted - 512 * 512) < 1);
  desk.store.undo();
  desk.session.set({ showing: "collage" });
  stroke(desk);
  assert.notEqual(desk.store.record.scene, scene);
  assert.equal(paintedOf(desk), painted);
});

test("a click in the strip chooses what is painted in; put away and undone, the strokes are there again", async () => {
  const desk = createDesk({ picked: A.digest }, { viewed: B.digest });
  await desk.run("mix");
  stroke(desk);
  const painted = paintedOf(desk);
  await desk.run("view", C.digest);
  await desk.run("view", A.digest);
  assert.deepEqual(mixOf(desk.store.record, desk.session.state).other, C);
  assert.equal(paintedOf(desk), painted);
  await desk.run("discard");
  assert.equal(desk.store.record.mix, null);
  desk.store.undo();
  assert.equal(paintedOf(desk), painted);
});

test("kept, it is a candidate and picked in one step; nothing painted is not kept; a stroke meanwhile stays", async () => {
  const desk = createDesk({ picked: A.digest }, { viewed: B.digest });
  await desk.run("mix");
  await desk.run("accept");
  assert.deepEqual(desk.made, []);
  assert.match(desk.session.state.notices[0].what, /Nothing is painted/);
  stroke(desk);
  const keeping = desk.run("accept");
  stroke(desk, ERASER);
  await keeping;
  assert.equal(desk.made.length, 1);
  assert.ok(desk.store.record.mix);
  await desk.run("accept");
  assert.deepEqual([desk.store.record.mix, desk.store.record.picked], [null, "mixed-pixels"]);
  desk.store.undo();
  assert.deepEqual([desk.store.record.mix.other, desk.store.record.picked], ["b", A.digest]);
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
    const browser = { vault: createVault(), tab: createVault(), shelf: createShelf() };
    const bridge = createBridge({
      host,
      store,
      session,
      masks,
      clock,
      hidden: () => false,
      ...browser,
    });
    await bridge.hello();
    const parts = { store, session, masks, bridge, newId: unique, touched: () => {} };
    return { ...parts, surface: surfaceOver(parts), busyWith: (reading, work) => work() };
  };
  const desk = await open();
  desk.session.set({ viewed: B.digest });
  await COMMANDS.mix.run(desk);
  stroke(desk);
  await COMMANDS.accept.run(desk);
  const mask = "f".repeat(64);
  assert.deepEqual(asked.at(-1), { verb: "mix", project: "p1", base: "a", other: "b", mask });
  assert.deepEqual(
    desk.session.state.candidates.map(({ id }) => id),
    ["a", "b", "mixed"],
  );
  assert.deepEqual((await open()).store.record.mix, { base: "a", other: "b", mask });
});
