// Another canvas under the same layers, and what commands ask for before they run.

import assert from "node:assert/strict";
import test from "node:test";

import { COMMANDS, dialogOf, runCommand } from "../../ui/web/commands.js";
import { calculate, parseNumber } from "../../ui/web/kernels/numbers.js";
import { bytesOf, maskFromBytes, valueAt } from "../../ui/web/kernels/tiles.js";
import { reframeField, rimField } from "../../ui/web/model/canvas.js";
import { createMasks } from "../../ui/web/model/masks.js";
import { checkParameters, usualValues } from "../../ui/web/model/parameters.js";
import { layerOf } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { buildEditor, layer } from "./editor_fixtures.mjs";

const disc = (width, height, at, radius) =>
  Uint8Array.from({ length: width * height }, (_, index) =>
    Math.hypot((index % width) - at.x, Math.floor(index / width) - at.y) < radius ? 255 : 0,
  );

/** An app with a scene of 512 × 512: a cat with a mask, a painted region, and a car. */
const createApp = (patch = {}) => {
  let made = 0;
  const masks = createMasks(() => String((made += 1)));
  const region = maskFromBytes(disc(512, 512, { x: 100, y: 120 }, 30), 512, 512);
  masks.put("mask-cat", region);
  masks.put("mask-region", region);
  const layers = [
    layer("cat", { mask: "mask-cat" }),
    layer("region", { mask: "mask-region", picture: null }),
    layer("car", { strength_map: "mask-region" }),
  ];
  const session = createSession();
  const store = createStore(buildEditor(layers, { picked: "p".repeat(64), ...patch }), () => 0);
  const app = {
    session,
    store,
    masks,
    newId: () => `new-${(made += 1)}`,
    pictures: {
      get: (digest) => digest && { size: { width_px: 128, height_px: 128 } },
      mask: () => null,
    },
    busyWith: (reading, work) => work(),
    download: () => {},
    addressOf: (url) => url,
    bridge: { exportFile: async () => ({ url: "file", name: "x.png" }) },
  };
  return app;
};

const placeOf = (app, id) => {
  const { centre_x_px, centre_y_px } = layerOf(app.store.record, id).placement;
  return [centre_x_px, centre_y_px];
};

const maskOf = (app, id, field = "mask") => app.masks.get(layerOf(app.store.record, id)[field]);

test("a smaller or larger canvas takes layers, masks and strengths along, as one step", () => {
  const app = createApp();
  const before = app.store.record;
  runCommand(app, "resizeCanvas", [{ width: 600, height: 400, anchor: "1,0.5" }]);
  const { scene, picked, mix } = app.store.record;
  assert.deepEqual([scene.width_px, scene.height_px, picked, mix], [600, 400, "", null]);
  assert.deepEqual(placeOf(app, "cat"), [188, 44]);
  for (const [id, field, outside] of [
    ["cat", "mask", 255],
    ["region", "mask", 0],
    ["car", "strength_map", 153],
  ]) {
    const mask = maskOf(app, id, field);
    assert.deepEqual([mask.width_px, mask.height_px], [600, 400]);
    assert.deepEqual(
      [valueAt(mask, 188, 64), valueAt(mask, 188, 120), valueAt(mask, 20, 300)],
      [255, 0, outside],
      id,
    );
  }
  assert.equal(app.store.undoName, "Canvas 600 × 400");
  app.store.undo();
  assert.equal(app.store.record.scene, before.scene);
  assert.equal(app.store.record.picked, before.picked);
});

test("cropping keeps what lies under the frame; the chosen layer's box is offered", () => {
  const app = createApp({ selected: "cat" });
  const values = usualValues(COMMANDS.cropCanvas.dialog.parameters(app));
  assert.deepEqual(values, { left: 36, top: 36, width: 128, height: 128 });
  runCommand(app, "cropCanvas", [values]);
  assert.deepEqual(placeOf(app, "cat"), [64, 64]);
  const field = bytesOf(maskOf(app, "region"));
  assert.deepEqual(
    field,
    reframeField(
      disc(512, 512, { x: 100, y: 120 }, 30),
      { width_px: 512, height_px: 512 },
      { x0: 36, y0: 36, x1: 164, y1: 164 },
      0,
    ),
  );
  assert.equal(field[(120 - 36) * 128 + 64], 255);
  app.session.set({
    tool: "marquee",
    outline: {
      points: [
        { x: 10, y: 20 },
        { x: 90, y: 20 },
        { x: 90, y: 60 },
      ],
      closed: true,
    },
  });
  const marked = usualValues(COMMANDS.cropCanvas.dialog.parameters(app));
  assert.deepEqual(marked, { left: 10, top: 20, width: 80, height: 40 });
});

test("the rim of a larger canvas is a layer to be drawn; the accepted picture may stay pixel by pixel", () => {
  const app = createApp();
  const rim = { left: 0, right: 128, top: 0, bottom: 0, phrase: " a lake ", keeps: "picture" };
  runCommand(app, "extendCanvas", [rim]);
  const { scene, selected } = app.store.record;
  assert.equal(scene.width_px, 640);
  const [kept, painted] = scene.layers.slice(-2);
  assert.deepEqual(
    [painted.id, painted.phrase, painted.strength, painted.picture],
    [selected, "a lake", 1, null],
  );
  assert.equal(scene.prompt, "a cat and a car, a lake");
  const mask = app.masks.get(painted.mask);
  assert.deepEqual([valueAt(mask, 639, 10), valueAt(mask, 512, 10)], [255, 255]);
  assert.ok(valueAt(mask, 511, 10) > 200 && valueAt(mask, 480, 10) === 0);
  assert.deepEqual(
    [kept.picture, kept.strength, kept.placement.scale_x, kept.placement.centre_x_px],
    ["p".repeat(64), 0, 4, 256],
  );
  app.store.undo();
  assert.equal(app.store.record.scene.layers.length, 3);
  const none = { left: 0, right: 0, top: 0, bottom: 0 };
  assert.throws(() => runCommand(app, "extendCanvas", [none]), { what: /would stay/ });
});

test("the rim fades over the seam only at sides that grew", () => {
  const size = { width_px: 40, height_px: 40 };
  const field = rimField(size, { x0: -10, y0: 0, x1: 40, y1: 40 }, 8);
  assert.equal(field[0], 255);
  assert.ok(field[10] > 200 && field[14] < field[10]);
  assert.deepEqual([field[20], field[49], field[39 * 50 + 30]], [0, 0, 0]);
});

test("sums are reckoned while they are typed, and nothing else is", () => {
  const sums = {
    "120+8*2": 136,
    "(512-96)/2": 208,
    "-3": -3,
    "2,5*2": 5,
    "10 − 4 ÷ 2": 8,
    ".5": 0.5,
  };
  for (const [text, value] of Object.entries(sums)) assert.equal(calculate(text), value, text);
  const wrong = [
    "",
    "12+",
    "(3",
    "3)",
    "1/0",
    "2 3",
    "alert(1)",
    "1e999",
    "constructor",
    "-",
    "++",
  ];
  for (const text of [...wrong, "(".repeat(300)]) assert.equal(calculate(text), null, text);
  assert.equal(parseNumber("120+8*2,4", { low: 0, high: 100, whole: true }), 100);
});

test("a command that asks opens its dialog, and refuses what is not asked for in words", () => {
  const app = createApp();
  runCommand(app, "resizeCanvas", []);
  assert.equal(dialogOf(app.session.state.open), COMMANDS.resizeCanvas);
  const parameters = COMMANDS.resizeCanvas.dialog.parameters(app);
  const before = app.store.record;
  const hostile = [
    NaN,
    Infinity,
    -1,
    0,
    1e9,
    "512",
    "",
    null,
    undefined,
    {},
    [],
    true,
    "__proto__",
    "<b>",
  ];
  for (const value of hostile)
    assert.throws(() => runCommand(app, "resizeCanvas", [{ width: value }]), {
      name: "ParameterError",
    });
  for (const given of [null, [], "x", 3, { who: 1 }, JSON.parse('{"__proto__": 1}')])
    assert.throws(() => checkParameters(parameters, given), { name: "ParameterError" });
  assert.equal(app.store.record, before);
  assert.deepEqual(checkParameters(parameters, {}), usualValues(parameters));
});
