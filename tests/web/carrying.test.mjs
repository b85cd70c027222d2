// Moving an object of a finished picture: the tool's drag, the request, and the layer that goes along.

import assert from "node:assert/strict";
import test from "node:test";

import { COMMANDS } from "../../ui/web/commands.js";
import { layerOf } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { CARRY } from "../../ui/web/tools/carry.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { buildEditor as record, layer } from "./editor_fixtures.mjs";
import { createSurface, event, send } from "./surface_fixture.mjs";

test("a drag carries the object at its start; a click, Escape and a press beside the canvas carry nothing", () => {
  const surface = createSurface();
  const machine = createMachine(CARRY, surface);
  send(machine, event("down", 100, 100), event("move", 150, 90));
  assert.equal(surface.seen.outline.points.length, 5);
  send(machine, event("up", 160, 80));
  send(machine, event("down", 5, 5), event("move", 50, 9), event("up", 50, 9, { shift: true }));
  send(machine, event("down", 100, 100), event("up", 101, 100));
  send(machine, event("down", 100, 100), event("move", 200, 100), event("cancel"));
  send(machine, event("down", -5, 100), event("move", 200, 100), event("up", 200, 100));
  assert.deepEqual(surface.seen.objects, [
    { from: { x: 100, y: 100 }, dx: 60, dy: -20, layerId: "cat" },
    { from: { x: 5, y: 5 }, dx: 45, dy: 0, layerId: "" },
  ]);
  assert.equal(surface.seen.outline, null);
  assert.ok(machine.resting);
});

const made = (digest, job, more = {}) => ({
  id: `${job}-${digest}`,
  digest,
  job,
  index: 0,
  layer_id: "",
  source: "",
  width_px: 128,
  height_px: 128,
  scores: [],
  ...more,
});

const createApp = (layers = [layer("back"), layer("cat")], members = ["sam"]) => {
  const [session, store] = [createSession(), createStore(record(layers), () => 0)];
  session.set({ candidates: [made("a", "one")], viewed: "a", showing: "result", batch: "one" });
  const asked = [];
  const bridge = {
    generate: async (request) => {
      asked.push(request);
      const fresh = made("b", "two", { layer_id: request.layer_id, source: request.source });
      session.set({ candidates: [...session.state.candidates, fresh], viewed: "b", batch: "two" });
      return "finished";
    },
  };
  const shown = () => ({
    state: session.state,
    model: { members },
    candidate: session.state.candidates.find(
      ({ digest }) => digest === (session.state.viewed || store.record.picked),
    ),
  });
  return { session, store, bridge, asked, shown, random: () => 5 };
};

test("the shown picture is accepted and the object moved in it, in pixels of the picture", async () => {
  const app = createApp();
  await COMMANDS.moveObject.run(app, {
    from: { x: 100, y: 203 },
    dx: 80,
    dy: -40,
    layerId: "cat",
  });
  const [{ kind, layer_id: id, source, settings }] = app.asked;
  assert.deepEqual([kind, id, source, settings.method], ["reroll", "cat", "a", "move"]);
  assert.deepEqual(settings.options, { dx_px: 20, dy_px: -10, x_px: 25, y_px: 50 });
  assert.equal(app.store.record.picked, "a");
  assert.deepEqual(app.store.record.settings.options, {});
});

test("when the moved picture is accepted its layer goes along, as one step", async () => {
  const app = createApp();
  await COMMANDS.moveObject.run(app, {
    from: { x: 100, y: 200 },
    dx: 80,
    dy: -40,
    layerId: "cat",
  });
  await COMMANDS.accept.run(app);
  const { centre_x_px: x, centre_y_px: y } = layerOf(app.store.record, "cat").placement;
  assert.deepEqual([app.store.record.picked, x, y], ["b", 180, 60]);
  app.store.undo();
  assert.deepEqual(
    [app.store.record.picked, layerOf(app.store.record, "cat").placement.centre_x_px],
    ["a", 100],
  );
});

test("an object that is no layer's is moved alone; without SAM the layer's own region is", async () => {
  const app = createApp([layer("back"), layer("cat")], []);
  await COMMANDS.moveObject.run(app, { from: { x: 10, y: 10 }, dx: 80, dy: 0, layerId: "" });
  assert.deepEqual(app.asked[0].settings.options, { dx_px: 20, dy_px: 0 });
  await COMMANDS.accept.run(app);
  assert.equal(layerOf(app.store.record, "cat").placement.centre_x_px, 100);
});

test("without a finished picture in view nothing is moved, and a sentence says why", async () => {
  const app = createApp();
  app.session.set({ showing: "collage" });
  await COMMANDS.moveObject.run(app, { from: { x: 10, y: 10 }, dx: 80, dy: 0, layerId: "cat" });
  assert.deepEqual(app.asked, []);
  assert.match(app.session.state.notices.at(-1).what, /finished picture/);
});

test("a failed layer is re-rolled until it passes, and how it ended is told", async () => {
  const app = createApp();
  await COMMANDS.rerollUntilPassed.run(app, "cat");
  assert.equal(app.asked[0].tries, 4);
  assert.match(app.session.state.notices.at(-1).what, /cat passes after 1 candidate/);
  app.session.set({ tries: 8 });
  await COMMANDS.rerollLayer.run(app, "cat");
  assert.equal(app.asked[1].tries, 8);
});
