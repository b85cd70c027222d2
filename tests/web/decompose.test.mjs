// Decompose: the picture's parts become the stack, with the layers' words and dials, as one step.

import assert from "node:assert/strict";
import test from "node:test";

import { COMMANDS } from "../../ui/web/commands.js";
import { withDecomposedLayers } from "../../ui/web/model/decompose.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { buildEditor as record, layer } from "./editor_fixtures.mjs";

const BOX = { x_px: 10, y_px: 20, width_px: 40, height_px: 30 };

const decomposed = (ids, missing = []) => ({
  layers: ids.map((id) => ({ layer_id: id, picture: `part of ${id}`, ...BOX })),
  background: "plate",
  missing,
  width_px: 128,
  height_px: 128,
});

test("the parts lie where they were over the place behind them, and keep words and dials", () => {
  const before = record([
    layer("back"),
    layer("cat", { strength: 0.3, mask: "m", opacity: 0.5 }),
    layer("car"),
  ]);
  const after = withDecomposedLayers(decomposed(["cat"], ["car"]), () => "new")(before);
  const { layers } = after.scene;
  assert.deepEqual(
    layers.map(({ id, picture }) => [id, picture]),
    [
      ["back", "plate"],
      ["cat", "part of cat"],
    ],
  );
  const [, cat] = layers;
  assert.deepEqual([cat.phrase, cat.strength, cat.mask, cat.opacity], ["cat", 0.3, null, 1]);
  const { centre_x_px: x, centre_y_px: y, scale_x: scale } = cat.placement;
  assert.deepEqual([x, y, scale], [120, 140, 4]);
  assert.equal(layers[0].placement.centre_x_px, 256);
  assert.equal(after.selected, "cat");
});

test("without a layer that is a place the background is a new one", () => {
  const after = withDecomposedLayers(
    decomposed(["cat", "car"]),
    () => "new",
  )(record([layer("cat"), layer("car")]));
  assert.deepEqual(
    after.scene.layers.map(({ id, name, phrase }) => [id, name, phrase]),
    [
      ["new", "Background", ""],
      ["cat", "cat", "cat"],
      ["car", "car", "car"],
    ],
  );
});

const createApp = (answer) => {
  const [session, store, asked] = [createSession(), createStore(record(), () => 0), []];
  session.set({ viewed: "a", showing: "result" });
  const bridge = { decompose: async (request) => asked.push(request) && answer };
  return { session, store, bridge, asked };
};

test("the shown picture is accepted and taken apart; what was not found is said", async () => {
  const app = createApp({ missing: ["car"] });
  await COMMANDS.decompose.run(app);
  assert.deepEqual([app.asked[0].kind, app.asked[0].source], ["decompose", "a"]);
  assert.equal(app.session.state.showing, "collage");
  assert.match(app.session.state.notices.at(-1).what, /Not found in the picture: car/);
});

test("a run that did not end well changes nothing, and without a picture a sentence says so", async () => {
  const app = createApp({});
  await COMMANDS.decompose.run(app);
  assert.equal(app.session.state.showing, "result");
  const empty = createApp({});
  empty.session.set({ viewed: "" });
  await COMMANDS.decompose.run(empty);
  assert.deepEqual(empty.asked, []);
  assert.match(empty.session.state.notices.at(-1).what, /no picture to decompose/);
});
