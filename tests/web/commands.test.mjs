// What the commands do, with a bridge that only remembers what it was asked.

import assert from "node:assert/strict";
import test from "node:test";

import { commandFor, COMMANDS } from "../../ui/web/commands.js";
import { toScene } from "../../ui/web/kernels/views.js";
import { editorToMessage } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { desk as record } from "./editor_fixtures.mjs";

const candidate = (job, index, layer_id = "") => ({
  id: `${job}-${index}`,
  job,
  index,
  digest: `${job}-${index}`,
  layer_id,
  source: layer_id && "source",
});

/** A desk without a page. Files whose name starts with "bad" are refused. */
const createDesk = (patch = {}) => {
  const [session, store] = [createSession(), createStore(record(undefined, patch), () => 0)];
  const [asked, told, downloads] = [[], [], []];
  let made = 0;
  const bridge = {
    generate: async (request) => asked.push(request) && "finished",
    takePicture: async ({ name }) => {
      if (name.startsWith("bad")) throw new Error(name);
      return {
        digest: "d".repeat(64),
        width_px: 2048,
        height_px: 1024,
        opaque: name.endsWith(".jpg"),
        notes: ["Turned."],
      };
    },
    openOra: async (file) => asked.push(file.name),
    select: async (picture, where) => asked.push(where) && { digest: "e".repeat(64) },
    exportOra: async () => ({ url: "lamina/export", name: "scene.ora" }),
  };
  const desk = {
    session,
    store,
    bridge,
    asked,
    told,
    downloads,
    random: () => 77,
    newId: () => `new-layer-${(made += 1)}`,
    addressOf: (url) => `/${url}`,
    download: (...file) => downloads.push(file),
    pictures: { url: (digest) => `/${digest}.png` },
    shown: () => ({ model: { members: ["sam"] } }),
    drawTogether: async ([{ id }]) => ({ name: `${id} alone.png` }),
    stageSize: () => ({ width: 800, height: 600 }),
    busyWith: (reading, work) => work(),
    attempt: async (work) => {
      try {
        await work();
      } catch (error) {
        told.push(error.message);
      }
    },
  };
  return { ...desk, run: (id, ...given) => COMMANDS[id].run(desk, ...given) };
};

test("a re-roll takes the selected layer, the picked picture and a fresh seed; a candidate only looked at is accepted first", async () => {
  const desk = createDesk({ selected: "cat", picked: "one" });
  desk.session.set({ viewed: "two" });
  await desk.run("reroll");
  const [{ settings, ...request }] = desk.asked;
  assert.deepEqual(request, {
    kind: "reroll",
    layer_id: "cat",
    source: "two",
    feather_px: 4,
    tries: 1,
  });
  assert.equal(settings.seed, 77);
  assert.equal(desk.store.record.settings.seed, 7);
  assert.equal(desk.store.record.picked, "two");
  assert.equal(desk.store.undoName, "Accept a candidate");
});

test("a re-roll without an object, without a picture, or during a run says so and asks nothing", async () => {
  for (const [patch, state, words] of [
    [{ picked: "one" }, {}, /No object/],
    [{ selected: "cat" }, {}, /no picture/],
    [{ selected: "cat", picked: "one" }, { job: { id: "j", state: "running" } }, /going on/],
  ]) {
    const desk = createDesk(patch);
    desk.session.set(state);
    await desk.run("reroll");
    assert.equal(desk.asked.length, 0);
    assert.match(desk.session.state.notices[0].what, words);
  }
});

test("generate sends the settings as they are, or with a new seed when that was wished", async () => {
  const desk = createDesk();
  await desk.run("generate");
  desk.session.set({ freshSeeds: true });
  await desk.run("generate");
  assert.deepEqual(
    desk.asked.map(({ kind, settings }) => [kind, settings.seed]),
    [
      ["compose", 7],
      ["compose", 77],
    ],
  );
  assert.equal(desk.store.record.settings.seed, 77);
});

test("stepping goes round the shown run, accepting picks, and undo takes the pick back", () => {
  const desk = createDesk();
  desk.session.set({
    candidates: [candidate("a", 0), candidate("b", 0), candidate("b", 1)],
    batch: "b",
  });
  desk.run("next");
  assert.equal(desk.session.state.viewed, "b-0");
  desk.run("previous");
  assert.equal(desk.session.state.viewed, "b-1");
  desk.run("next");
  desk.run("accept");
  assert.deepEqual([desk.store.record.picked, desk.session.state.viewed], ["b-0", ""]);
  desk.run("undo");
  assert.equal(desk.store.record.picked, "");
});

test("discarding puts a run away and shows what was there before; it can be brought back", () => {
  const desk = createDesk();
  desk.session.set({
    candidates: [candidate("a", 0), candidate("b", 0)],
    viewed: "b-0",
    showing: "result",
  });
  desk.run("discard");
  assert.deepEqual(
    [desk.session.state.dismissed, desk.session.state.viewed, desk.session.state.showing],
    [["b"], "", "collage"],
  );
  desk.session.state.notices[0].action.run();
  assert.deepEqual([desk.session.state.dismissed, desk.session.state.batch], [[], "b"]);
});

test("of several files a refused one is told and the others become layers where they fell", async () => {
  const desk = createDesk();
  const files = ["red_car.png", "bad.txt", "beach.jpg"].map((name) => ({ name }));
  await desk.run("addFiles", files, { x: 40, y: 50 });
  const added = desk.store.record.scene.layers.slice(3);
  assert.deepEqual(
    added.map(({ phrase }) => phrase),
    ["red car", "beach"],
  );
  assert.deepEqual(
    [added[0].placement.centre_x_px, added[0].placement.scale_x * 2048],
    [40, 0.6 * 512],
  );
  assert.deepEqual(desk.told, ["bad.txt"]);
  assert.equal(desk.store.record.selected, "new-layer-2");
  assert.ok(desk.session.state.notices.some(({ what }) => /no transparent parts/.test(what)));
});

test("an opaque picture is the background of an empty scene; on others a layer, and SAM's cut is on offer", async () => {
  const desk = createDesk({ picked: "" });
  desk.run("chooseAll");
  desk.run("delete");
  await desk.run("addFiles", [{ name: "beach.jpg" }, { name: "boat.jpg" }], { x: 40, y: 50 });
  const [ground, boat] = desk.store.record.scene.layers;
  assert.deepEqual([ground.placement.centre_x_px, ground.placement.scale_x], [256, 0.5]);
  assert.equal(desk.store.history.entries[2].name, "Add beach as the background");
  const offers = desk.session.state.notices.filter(
    ({ action }) => action?.title === "Cut out the object",
  );
  assert.equal(offers.length, 1);
  await desk.run("cutOut", boat.id);
  assert.equal(desk.store.undoName, "Cut out boat");
  assert.deepEqual(desk.asked.at(-1), { point: [64, 74] });
  assert.equal(desk.store.record.scene.layers[1].mask, "e".repeat(64));
});

test("a dragged candidate becomes a layer where it falls; a star is a step, kept with the scene", () => {
  const desk = createDesk();
  const made = { ...candidate("j1", 0), seed: 5, width_px: 512, height_px: 512 };
  desk.session.set({ candidates: [made], batch: "j1" });
  desk.run("addCandidate", "j1-0", { x: 100, y: 90 });
  const added = desk.store.record.scene.layers.at(-1);
  assert.deepEqual(
    [added.picture, added.name, added.placement.centre_x_px],
    ["j1-0", "Candidate 1, seed 5", 100],
  );
  desk.run("view", "j1-0");
  desk.run("star");
  assert.deepEqual(editorToMessage(desk.store.record).editor.starred, ["j1-0"]);
  assert.equal(desk.store.undoName, "Star a candidate");
  desk.run("star");
  assert.deepEqual(desk.store.record.starred, []);
});

test("an .ora among the files is opened instead; exports are downloaded", async () => {
  const desk = createDesk({ picked: "p" });
  await desk.run("addFiles", [{ name: "a.png" }, { name: "Scene.ORA" }]);
  assert.deepEqual(desk.asked, ["Scene.ORA"]);
  await desk.run("exportOra");
  desk.run("exportPng");
  assert.deepEqual(desk.downloads, [
    ["/lamina/export", "scene.ora"],
    ["/p.png", "test.png"],
  ]);
});

test("Escape leaves the innermost thing: a gesture, a menu, then the selection", () => {
  const desk = createDesk({ selected: "cat" });
  desk.session.set({ open: "keys" });
  desk.store.begin("Drag");
  desk.run("cancel");
  assert.deepEqual([desk.store.busy, desk.session.state.open], [false, "keys"]);
  desk.run("cancel");
  assert.deepEqual([desk.session.state.open, desk.store.record.selected], ["", "cat"]);
  desk.run("cancel");
  assert.equal(desk.store.record.selected, "");
});

test("the collage and the result change places only when there is a result", () => {
  const desk = createDesk();
  desk.run("flipView");
  assert.equal(desk.session.state.showing, "collage");
  desk.session.set({ viewed: "x" });
  desk.run("flipView");
  assert.equal(desk.session.state.showing, "result");
});

test("keys walk the layers, and zoom keeps the middle of the stage", () => {
  const desk = createDesk();
  desk.run("above");
  assert.equal(desk.store.record.selected, "car");
  desk.run("below");
  assert.equal(desk.store.record.selected, "cat");
  desk.run("zoomIn");
  assert.deepEqual(desk.session.state.view, {
    zoom: 1.25,
    x: -100,
    y: -75,
    turn: 0,
    mirror: false,
  });
  desk.run("fit");
  assert.equal(desk.session.state.fitted, true);
});

test("4 and 6 turn the view by 15 degrees around its middle, 5 sets it upright, M mirrors it; fitting keeps the turn", () => {
  const desk = createDesk();
  const press = (chord) => desk.run(commandFor(chord, "canvas").id);
  const middle = () => toScene(desk.session.state.view, { x: 400, y: 300 });
  const before = middle();
  ["6", "6", "4", "M", "6"].forEach(press);
  const { turn, mirror, zoom } = desk.session.state.view;
  assert.deepEqual([turn, mirror, zoom, desk.session.state.fitted], [0, true, 1, false]);
  ["6", "6"].forEach(press);
  assert.ok(Math.hypot(middle().x - before.x, middle().y - before.y) < 1e-6);
  press("0");
  assert.deepEqual([desk.session.state.view.turn, desk.session.state.view.mirror], [30, true]);
  ["5", "M"].forEach(press);
  assert.deepEqual([desk.session.state.view.turn, desk.session.state.view.mirror], [0, false]);
});
