// What the commands do, with a bridge that only remembers what it was asked.

import assert from "node:assert/strict";
import test from "node:test";

import { commandFor, runCommand } from "../../ui/web/commands.js";
import { toScene } from "../../ui/web/kernels/views.js";
import { editorToMessage } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { buildEditor as record } from "./editor_fixtures.mjs";

const candidate = (job, index, layer_id = "") => ({
  id: `${job}-${index}`,
  job,
  index,
  digest: `${job}-${index}`,
  layer_id,
  source: layer_id && "source",
});

/** An app without a page. Files whose name starts with "bad" are refused. */
const createApp = (patch = {}, model = { members: ["sam"] }) => {
  const [session, store] = [createSession(), createStore(record(undefined, patch), () => 0)];
  const [asked, reported, downloads, written] = [[], [], [], []];
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
        plain: name.startsWith("plain"),
        notes: ["Turned."],
      };
    },
    openOra: async (file) => asked.push(file.name),
    select: async (picture, where) => asked.push(where) && { digest: "e".repeat(64) },
    exportOra: async () => ({ url: "lamina/export", name: "scene.ora" }),
    pictureFiles: {
      write: async (...asks) => {
        written.push(asks);
        return {
          url: "lamina/result",
          name: "test.png",
          notes: ["This picture carries no scene."],
        };
      },
    },
  };
  const app = {
    session,
    store,
    bridge,
    asked,
    reported,
    downloads,
    written,
    random: () => 77,
    newId: () => `new-layer-${(made += 1)}`,
    addressOf: (url) => `/${url}`,
    download: (...file) => downloads.push(file),
    pictures: { url: (digest) => `/${digest}.png` },
    shown: () => ({ model }),
    drawTogether: async ([{ id }]) => ({ name: `${id} alone.png` }),
    stageSize: () => ({ width: 800, height: 600 }),
    busyWith: (reading, work) => work(),
    attempt: async (work) => {
      try {
        await work();
      } catch (error) {
        reported.push(error.message);
      }
    },
  };
  return { ...app, run: (id, ...given) => runCommand(app, id, given) };
};

test("a re-roll takes the selected layer, the picked picture and a fresh seed; a candidate only looked at is accepted first", async () => {
  const app = createApp({ selected: "cat", picked: "one" });
  app.session.set({ viewed: "two" });
  await app.run("reroll");
  const [{ settings, ...request }] = app.asked;
  assert.deepEqual(request, {
    kind: "reroll",
    layer_id: "cat",
    source: "two",
    feather_px: 4,
    tries: 1,
    crop: true,
  });
  assert.equal(settings.seed, 77);
  assert.equal(app.store.record.settings.seed, 7);
  assert.equal(app.store.record.picked, "two");
  assert.equal(app.store.undoName, "Accept a candidate");
});

test("a re-roll without an object, without a picture, or during a run says so and asks nothing", async () => {
  for (const [patch, state, words] of [
    [{ picked: "one" }, {}, /No object/],
    [{ selected: "cat" }, {}, /no picture/],
    [{ selected: "cat", picked: "one" }, { job: { id: "j", state: "running" } }, /going on/],
  ]) {
    const app = createApp(patch);
    app.session.set(state);
    await app.run("reroll");
    assert.equal(app.asked.length, 0);
    assert.match(app.session.state.notices[0].what, words);
  }
});

test("generate sends the settings as they are, or with a new seed when that was wished", async () => {
  const app = createApp();
  await app.run("generate");
  app.session.set({ freshSeeds: true });
  await app.run("generate");
  assert.deepEqual(
    app.asked.map(({ kind, settings }) => [kind, settings.seed]),
    [
      ["compose", 7],
      ["compose", 77],
    ],
  );
  assert.equal(app.store.record.settings.seed, 77);
});

test("stepping goes round the shown run, accepting picks, and undo takes the pick back", () => {
  const app = createApp();
  app.session.set({
    candidates: [candidate("a", 0), candidate("b", 0), candidate("b", 1)],
    batch: "b",
  });
  app.run("next");
  assert.equal(app.session.state.viewed, "b-0");
  app.run("previous");
  assert.equal(app.session.state.viewed, "b-1");
  app.run("next");
  app.run("accept");
  assert.deepEqual([app.store.record.picked, app.session.state.viewed], ["b-0", ""]);
  app.run("undo");
  assert.equal(app.store.record.picked, "");
});

test("discarding puts a run away and shows what was there before; it can be brought back", () => {
  const app = createApp();
  app.session.set({
    candidates: [candidate("a", 0), candidate("b", 0)],
    viewed: "b-0",
    showing: "result",
  });
  app.run("discard");
  assert.deepEqual(
    [app.session.state.dismissed, app.session.state.viewed, app.session.state.showing],
    [["b"], "", "collage"],
  );
  app.session.state.notices[0].action.run();
  assert.deepEqual([app.session.state.dismissed, app.session.state.batch], [[], "b"]);
});

test("of several files a refused one is told and the others become layers where they fell", async () => {
  const app = createApp();
  const files = ["red_car.png", "bad.txt", "beach.jpg"].map((name) => ({ name }));
  await app.run("addFiles", files, { x: 40, y: 50 });
  const added = app.store.record.scene.layers.slice(3);
  assert.deepEqual(
    added.map(({ phrase }) => phrase),
    ["red car", "beach"],
  );
  assert.deepEqual(
    [added[0].placement.centre_x_px, added[0].placement.scale_x * 2048],
    [40, 0.6 * 512],
  );
  assert.deepEqual(app.reported, ["bad.txt"]);
  assert.equal(app.store.record.selected, "new-layer-2");
  assert.ok(app.session.state.notices.some(({ what }) => /no transparent parts/.test(what)));
});

test("a picture that carries a recipe offers it; one step takes its words, seed and settings, and one undoes it", async () => {
  const app = createApp();
  const before = app.store.record;
  const recipe = { program: "ComfyUI", prompt: "a mill", negative: "", seed: 9, steps: null };
  app.bridge.takePicture = async () => ({
    digest: "d".repeat(64),
    width_px: 64,
    height_px: 64,
    opaque: false,
    notes: [],
    recipe: { ...recipe, guidance_scale: 6 },
  });
  await app.run("addFiles", [{ name: "mill.png" }]);
  const [notice] = app.session.state.notices;
  assert.match(notice.what, /mill\.png carries a recipe of ComfyUI: “a mill”/);
  notice.action.run();
  const { scene, settings } = app.store.record;
  assert.equal(scene.prompt, "a mill");
  assert.deepEqual(
    [settings.seed, settings.steps, settings.guidance_scale],
    [9, before.settings.steps, 6],
  );
  assert.equal(scene.layers.length, before.scene.layers.length + 1);
  app.store.undo();
  assert.equal(app.store.record.scene.prompt, before.scene.prompt);
  assert.equal(app.store.record.settings.seed, before.settings.seed);
});

test("a new layer begins with the model's strength for pictures, a silhouette with that for plain ones", async () => {
  const strengths = async (model) => {
    const app = createApp({}, model);
    await app.run("addFiles", [{ name: "plain heart.png" }, { name: "cat.png" }]);
    return app.store.record.scene.layers.slice(3).map(({ strength }) => strength);
  };
  const careful = { members: [], picture_strength: 0.4, flat_strength: 0.8 };
  assert.deepEqual(await strengths(careful), [0.8, 0.4]);
  assert.deepEqual(await strengths({ members: [] }), [0.6, 0.6]);
});

test("an opaque picture is the background of an empty scene; on others a layer, and SAM's cut is on offer", async () => {
  const app = createApp({ picked: "" });
  app.run("chooseAll");
  app.run("delete");
  await app.run("addFiles", [{ name: "beach.jpg" }, { name: "boat.jpg" }], { x: 40, y: 50 });
  const [ground, boat] = app.store.record.scene.layers;
  assert.deepEqual([ground.placement.centre_x_px, ground.placement.scale_x], [256, 0.5]);
  assert.equal(app.store.history.entries[2].name, "Add beach as the background");
  const offers = app.session.state.notices.filter(
    ({ action }) => action?.title === "Cut out the object",
  );
  assert.equal(offers.length, 1);
  await app.run("cutOut", boat.id);
  assert.equal(app.store.undoName, "Cut out boat");
  assert.deepEqual(app.asked.at(-1), { point: [64, 74] });
  assert.equal(app.store.record.scene.layers[1].mask, "e".repeat(64));
});

test("a dragged candidate becomes a layer where it falls; a star is a step, kept with the scene", () => {
  const app = createApp();
  const made = { ...candidate("j1", 0), seed: 5, width_px: 512, height_px: 512 };
  app.session.set({ candidates: [made], batch: "j1" });
  app.run("addCandidate", "j1-0", { x: 100, y: 90 });
  const added = app.store.record.scene.layers.at(-1);
  assert.deepEqual(
    [added.picture, added.name, added.placement.centre_x_px],
    ["j1-0", "Candidate 1, seed 5", 100],
  );
  app.run("view", "j1-0");
  app.run("star");
  assert.deepEqual(editorToMessage(app.store.record).editor.starred, ["j1-0"]);
  assert.equal(app.store.undoName, "Star a candidate");
  app.run("star");
  assert.deepEqual(app.store.record.starred, []);
});

test("an .ora among the files is opened instead; exports are downloaded", async () => {
  const app = createApp({ picked: "p" });
  await app.run("addFiles", [{ name: "a.png" }, { name: "Scene.ORA" }]);
  assert.deepEqual(app.asked, ["Scene.ORA"]);
  await app.run("exportOra");
  await app.run("exportPicture", { digest: "p", name: "test" });
  assert.deepEqual(app.written, [["p", "test", { scene: true, words: false }]]);
  assert.deepEqual(app.downloads, [
    ["/lamina/export", "scene.ora"],
    ["/lamina/result", "test.png"],
  ]);
  assert.equal(app.session.state.notices.at(-1).what, "This picture carries no scene.");
});

test("Escape leaves the innermost thing: a gesture, a menu, then the selection", () => {
  const app = createApp({ selected: "cat" });
  app.session.set({ open: "keys" });
  app.store.begin("Drag");
  app.run("escape");
  assert.deepEqual([app.store.busy, app.session.state.open], [false, "keys"]);
  app.run("escape");
  assert.deepEqual([app.session.state.open, app.store.record.selected], ["", "cat"]);
  app.run("escape");
  assert.equal(app.store.record.selected, "");
});

test("the collage and the result change places only when there is a result", () => {
  const app = createApp();
  app.run("flipView");
  assert.equal(app.session.state.showing, "collage");
  app.session.set({ viewed: "x" });
  app.run("flipView");
  assert.equal(app.session.state.showing, "result");
});

test("keys walk the layers, and zoom keeps the middle of the stage", () => {
  const app = createApp();
  app.run("above");
  assert.equal(app.store.record.selected, "car");
  app.run("below");
  assert.equal(app.store.record.selected, "cat");
  app.run("zoomIn");
  assert.deepEqual(app.session.state.view, {
    zoom: 1.25,
    x: -100,
    y: -75,
    turn: 0,
    mirror: false,
  });
  app.run("fit");
  assert.equal(app.session.state.fitted, true);
});

test("4 and 6 turn the view by 15 degrees around its middle, 5 sets it upright, M mirrors it; fitting keeps the turn", () => {
  const app = createApp();
  const press = (chord) => app.run(commandFor(chord, "canvas").id);
  const middle = () => toScene(app.session.state.view, { x: 400, y: 300 });
  const before = middle();
  ["6", "6", "4", "M", "6"].forEach(press);
  const { turn, mirror, zoom } = app.session.state.view;
  assert.deepEqual([turn, mirror, zoom, app.session.state.fitted], [0, true, 1, false]);
  ["6", "6"].forEach(press);
  assert.ok(Math.hypot(middle().x - before.x, middle().y - before.y) < 1e-6);
  press("0");
  assert.deepEqual([app.session.state.view.turn, app.session.state.view.mirror], [30, true]);
  ["5", "M"].forEach(press);
  assert.deepEqual([app.session.state.view.turn, app.session.state.view.mirror], [0, false]);
});
