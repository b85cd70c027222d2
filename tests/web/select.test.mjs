// Selecting an object: the tool's clicks and boxes, and what becomes of the server's mask.

import assert from "node:assert/strict";
import test from "node:test";

import { COMMANDS } from "../../ui/web/commands.js";
import { createMasks } from "../../ui/web/model/masks.js";
import { layerOf } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { SELECT } from "../../ui/web/tools/select.js";
import { buildEditor as record, layer } from "./editor_fixtures.mjs";
import { createSurface, createUnique, event, send } from "./surface_fixture.mjs";

const MASK = "f".repeat(64);

test("a click asks for the object at a point, a drag for the one in a box kept on the canvas; Escape asks nothing", () => {
  const surface = createSurface();
  const machine = createMachine(SELECT, surface);
  send(machine, event("down", 40, 50), event("move", 41, 50), event("up", 41, 50));
  send(machine, event("down", 300, 200), event("move", 200, -80), event("up", 200, -80));
  send(machine, event("down", 10, 10), event("move", 90, 90), event("cancel"));
  send(machine, event("down", -20, 10), event("up", -20, 10));
  assert.deepEqual(surface.seen.objects, [{ point: [40, 50] }, { box: [200, 0, 300, 200] }]);
  assert.equal(surface.seen.outline, null);
  assert.ok(machine.resting);
});

const createApp = (layers, patch, { members = ["sam"], showing = "collage" } = {}) => {
  const [session, store, unique] = [
    createSession(),
    createStore(record(layers, patch), () => 0),
    createUnique(),
  ];
  session.set({ showing });
  const [asked, drawn] = [[], []];
  const bridge = {
    takePicture: async () => ({ digest: "collage" }),
    select: async (picture, where) => asked.push({ picture, ...where }) && { digest: MASK },
  };
  const shown = () => ({
    scene: store.record.scene,
    state: session.state,
    shownDigest: store.record.picked,
    model: { title: "Pocket", members },
  });
  const drawTogether = async (all) => drawn.push(...all.map(({ id }) => id));
  const parts = {
    session,
    store,
    bridge,
    asked,
    drawn,
    shown,
    drawTogether,
    masks: createMasks(unique),
  };
  return { ...parts, newId: () => "new", busyWith: (reading, work) => work() };
};

test("an object in the collage becomes a new region in one step; hidden layers are not looked at", async () => {
  const app = createApp([layer("back"), layer("cat", { visible: false })], { selected: "back" });
  const before = app.store.record;
  await COMMANDS.selectObject.run(app, { point: [3, 4] });
  assert.deepEqual(app.asked, [{ picture: "collage", point: [3, 4] }]);
  assert.deepEqual(app.drawn, ["back"]);
  const region = layerOf(app.store.record, "new");
  assert.deepEqual([region.mask, region.picture, region.name], [MASK, null, "Region 1"]);
  assert.equal(app.store.record.selected, "new");
  app.store.undo();
  assert.equal(app.store.record, before);
});

test("an object in a result becomes the mask of the selected region", async () => {
  const region = layer("region", { picture: null, mask: "a".repeat(64) });
  const app = createApp(
    [layer("back"), region],
    { selected: "region", picked: "layer-candidates" },
    { showing: "result" },
  );
  await COMMANDS.selectObject.run(app, { box: [1, 2, 3, 4] });
  assert.deepEqual(app.asked, [{ picture: "layer-candidates", box: [1, 2, 3, 4] }]);
  assert.equal(layerOf(app.store.record, "region").mask, MASK);
  assert.equal(app.store.record.scene.layers.length, 2);
});

test("without a SAM, and on a locked region, nothing is asked and a sentence says why", async () => {
  const bare = createApp(undefined, {}, { members: [] });
  const locked = createApp([layer("region", { picture: null, mask: MASK, locked: true })], {
    selected: "region",
  });
  for (const [app, word] of [
    [bare, "SAM"],
    [locked, "locked"],
  ]) {
    await COMMANDS.selectObject.run(app, { point: [3, 4] });
    assert.deepEqual(app.asked, []);
    assert.ok(app.session.state.notices[0].what.includes(word));
  }
});
