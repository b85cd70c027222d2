// Home: the list as it is searched and sorted, addresses, and what its commands ask of the server.

import assert from "node:assert/strict";
import test from "node:test";

import { createHomeVerbs } from "../../ui/web/bridge/home.js";
import { COMMANDS, commandFor, worksAtHome } from "../../ui/web/commands.js";
import { formatAgo } from "../../ui/web/kernels/numbers.js";
import {
  countScenes,
  describeScene,
  hashOf,
  hashOfScene,
  listDeleted,
  listScenes,
  placeOfHash,
} from "../../ui/web/model/home.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { buildEditor } from "./editor_fixtures.mjs";

const scene = (id, patch = {}) => ({
  id,
  name: id,
  width_px: 512,
  height_px: 768,
  layers: 1,
  pictures: 0,
  revision: 1,
  created: "2026-11-01T00:00:00.000+00:00",
  changed: "2026-11-01T00:00:00.000+00:00",
  thumbnail: "",
  problem: "",
  is_readable: true,
  deleted: "",
  ...patch,
});

const createApp = (project = "a") => {
  const [session, store] = [createSession(), createStore(buildEditor(), () => 0)];
  session.set({ project });
  const asked = [];
  const answers = {
    scenes: () => ({ scenes: [scene("a"), scene("b")], notes: ["A note."] }),
    duplicate_scene: () => scene("c", { name: "a copy" }),
    delete_scene: ({ project: id }) => scene(id, { deleted: "2026-11-02" }),
    salvage_scene: () => ({ url: "lamina/salvage/b.zip", name: "b.zip" }),
    export_ora: () => ({ url: "lamina/export/b.ora", name: "b.ora" }),
  };
  const link = {
    ask: async (message) => {
      asked.push(message);
      return answers[message.verb]?.(message) ?? {};
    },
  };
  const bridge = {
    home: createHomeVerbs({ session, link }),
    flush: async () => void asked.push({ verb: "flush" }),
    leaveDeleted: () => session.set({ project: "" }),
    openProject: async (id) => {
      if (id === "broken") throw new Error("cannot be read");
      session.set({ project: id });
    },
  };
  const app = {
    session,
    store,
    bridge,
    downloads: [],
    corrected: [],
    addressOf: (path) => `/${path}`,
    download: (href, name) => app.downloads.push([href, name]),
    correctAddress: (hash) => app.corrected.push(hash),
    run: (id, ...given) => COMMANDS[id].run(app, ...given),
  };
  return { app, asked, verbs: () => asked.map(({ verb }) => verb).join(" ") };
};

test("all words of a search must stand in the name, capitals and accents apart", () => {
  const scenes = [scene("1", { name: "Café Ödeon" }), scene("2", { name: "Odd cat" })];
  const found = (query) => listScenes(scenes, query, "name").map(({ id }) => id);
  assert.deepEqual(found(""), ["1", "2"]);
  assert.deepEqual(found(" OD  ca "), ["1", "2"]);
  assert.deepEqual(found("cafe"), ["1"]);
  assert.deepEqual(found("cafe cat"), []);
});

test("scenes are sorted by name as people do, or by their moments", () => {
  const scenes = [
    scene("1", { name: "scene 10", change: 13, number: 1 }),
    scene("2", { name: "Scene 9", change: 11, number: 2 }),
    scene("3", { name: "apple", change: 12, number: 3 }),
  ];
  const sorted = (by) => listScenes(scenes, "", by).map(({ id }) => id);
  assert.deepEqual(sorted("name"), ["3", "2", "1"]);
  assert.deepEqual(sorted("changed"), ["1", "3", "2"]);
  assert.deepEqual(sorted("created"), ["3", "2", "1"]);
});

test("deleted scenes are listed apart, the last one first", () => {
  const scenes = [
    scene("1"),
    scene("2", { deleted: "2026-11-01" }),
    scene("3", { deleted: "2026-11-02" }),
  ];
  assert.deepEqual(
    listScenes(scenes, "", "name").map(({ id }) => id),
    ["1"],
  );
  assert.deepEqual(
    listDeleted(scenes).map(({ id }) => id),
    ["3", "2"],
  );
});

test("a card says size, layers, pictures and how long ago", () => {
  const now = Date.parse("2026-11-01T00:05:30.000+00:00");
  assert.equal(
    describeScene(scene("1", { pictures: 2 }), now).replaceAll("\u00a0", " "),
    "512 × 768 · 1 layer · 2 pictures · 5 min ago",
  );
  assert.equal(describeScene(scene("1", { is_readable: false, changed: "" }), now), "");
  const ago = (past_s) => formatAgo(past_s * 1000, "2026-10-02T10:00:00Z");
  assert.deepEqual([-5, 59, 60, 3599, 3600, 86_399, 86_400, 172_800, 604_800].map(ago), [
    "just now",
    "just now",
    "1 min ago",
    "59 min ago",
    "1 h ago",
    "23 h ago",
    "1 day ago",
    "2 days ago",
    "2026-10-02",
  ]);
  assert.deepEqual(
    [countScenes(3, 3), countScenes(1, 1), countScenes(2, 3)],
    ["3 scenes", "1 scene", "2 of 3 scenes"],
  );
});

test("an address names Home, a scene, or nothing", () => {
  assert.deepEqual(placeOfHash("#home"), { home: true, gallery: false, scene: "" });
  assert.deepEqual(placeOfHash("#gallery"), { home: false, gallery: true, scene: "" });
  const place = { home: false, gallery: false };
  assert.deepEqual(placeOfHash(hashOfScene("ab_1-2")), { ...place, scene: "ab_1-2" });
  for (const hash of ["", "#", "#scene=", "#scene=../x", "#scene=a&b", `#scene=${"a".repeat(65)}`])
    assert.deepEqual(placeOfHash(hash), { ...place, scene: "" }, hash);
  assert.equal(hashOf({ homeOpen: true, project: "a" }), "#home");
  assert.equal(hashOf({ homeOpen: false, project: "a" }), "#scene=a");
  assert.equal(hashOf({ homeOpen: false, project: "" }), "");
  assert.equal(hashOf({ homeOpen: false, galleryOpen: true, project: "a" }), "#gallery");
});

test("coming home saves and lists; leaving needs an open scene", async () => {
  const { app, verbs } = createApp();
  await app.run("home");
  assert.equal(verbs(), "flush scenes");
  assert.deepEqual([app.session.state.homeOpen, app.session.state.scenes.length], [true, 2]);
  assert.deepEqual(app.session.state.homeNotes, ["A note."]);
  app.run("searchHome", "x");
  app.run("sortHome", "name");
  app.run("home");
  assert.deepEqual([app.session.state.homeOpen, app.session.state.homeQuery], [false, ""]);
  const nothing = createApp("");
  await nothing.app.run("home");
  nothing.app.run("closeHome");
  nothing.app.run("escape");
  assert.equal(nothing.app.session.state.homeOpen, true);
});

test("an address leads to its scene, and one that cannot be opened to Home", async () => {
  const { app } = createApp();
  await app.run("goTo", { home: false, scene: "b" });
  assert.deepEqual([app.session.state.project, app.session.state.homeOpen], ["b", false]);
  await assert.rejects(app.run("goTo", { home: false, scene: "broken" }), /cannot be read/);
  assert.deepEqual([app.session.state.project, app.session.state.homeOpen], ["b", true]);
  assert.deepEqual(app.corrected, ["#scene=b", "#home"]);
  await app.run("goTo", { home: false, scene: "" });
  assert.equal(app.session.state.homeOpen, false);
  await app.run("goTo", { home: true, scene: "" });
  assert.equal(app.session.state.homeOpen, true);
});

test("the open scene is renamed as a step of its own, another one by the server", async () => {
  const { app, verbs, asked } = createApp();
  await app.run("renameScene", "b", "Boat");
  assert.deepEqual(asked[0], { verb: "rename_scene", project: "b", name: "Boat" });
  await app.run("renameScene", "a", " Apple ");
  assert.equal(verbs(), "rename_scene scenes flush scenes");
  assert.equal(app.store.record.scene.name, "Apple");
  assert.equal(app.store.undoName, "Rename the scene");
});

test("scenes are copied, deleted and put back; the open one leaves nothing open", async () => {
  const { app, verbs } = createApp();
  await app.run("duplicateScene", "b");
  assert.equal(app.session.state.notices.at(-1).what, "“a copy” was made.");
  await app.run("deleteScene", "b");
  assert.equal(app.session.state.project, "a");
  const { action, what } = app.session.state.notices.at(-1);
  assert.equal(what, "“b” was deleted.");
  await action.run();
  assert.equal(verbs(), "duplicate_scene scenes delete_scene scenes restore_scene scenes");
  await app.run("deleteScene", "a");
  assert.equal(app.session.state.project, "");
});

test("a whole scene is exported as .ora, a damaged one as what is there", async () => {
  const { app } = createApp();
  await app.run("exportScene", "b");
  await app.run("salvageScene", "b");
  assert.deepEqual(app.downloads, [
    ["/lamina/export/b.ora", "b.ora"],
    ["/lamina/salvage/b.zip", "b.zip"],
  ]);
});

test("keys of the editor mean nothing at Home", () => {
  const works = (chord) => worksAtHome(commandFor(chord, "canvas"));
  assert.deepEqual(["Home", "Escape", "Ctrl+O", "Shift+T"].map(works), [true, true, true, true]);
  assert.deepEqual(["Delete", "Ctrl+D", "Ctrl+Enter", "Ctrl+Z", "B"].map(works), [
    false,
    false,
    false,
    false,
    false,
  ]);
});
