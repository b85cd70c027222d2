// The gallery: which tiles there are, pages by key, and what its commands ask of the server.

import assert from "node:assert/strict";
import test from "node:test";

import { createGalleryVerbs } from "../../ui/web/bridge/gallery.js";
import { COMMANDS, commandFor, worksAtHome } from "../../ui/web/commands.js";
import {
  countPictures,
  describePicture,
  describeRecipe,
  findPicture,
  gridOf,
  keysBetween,
  NO_FILTER,
  pictureAt,
  placeAfter,
  spotOf,
  titleOfPicture,
  toggleChosen,
  withFilter,
} from "../../ui/web/model/gallery.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { buildEditor } from "./editor_fixtures.mjs";

const PAGE = 4;

const picture = (number, patch = {}) => ({
  number,
  id: `p${number}`,
  project: number % 2 ? "a" : "b",
  scene: "Harbour",
  job: `job${number}`,
  digest: `${number}`.padStart(64, "0"),
  width_px: 512,
  height_px: 384,
  seed: number,
  created: "2026-11-01T00:00:00.000+00:00",
  prompt: "a boat",
  layer_id: "",
  layer: "",
  method: "collage",
  model: "m",
  starred: false,
  restorable: true,
  ...patch,
});

/** A server with some pictures, the newest of the greatest number. */
const createServer = (count) => {
  let all = Array.from({ length: count }, (_, index) => picture(count - index));
  const gone = new Set();
  const listed = ({ deleted, starred, words }) =>
    all.filter(
      (one) =>
        gone.has(one.id) === Boolean(deleted) &&
        (!starred || one.starred) &&
        (one.prompt.includes(words) || one.id === words),
    );
  const answers = {
    gallery: ({ filter }) => {
      const found = listed(filter);
      const keys = found.filter((_, index) => index % PAGE === 0).map(({ number }) => number);
      const choices = { scenes: [], layers: [], methods: [], models: [] };
      return { total: found.length, page: PAGE, keys, choices };
    },
    gallery_page: ({ filter, key }) => ({
      pictures: listed(filter)
        .filter(({ number }) => number <= key)
        .slice(0, PAGE),
    }),
    star_picture: ({ picture: id, starred }) => {
      all = all.map((one) => (one.id === id ? { ...one, starred } : one));
    },
    delete_pictures: ({ pictures }) => pictures.forEach((id) => gone.add(id)),
    restore_pictures: ({ pictures }) => pictures.forEach((id) => gone.delete(id)),
    export_pictures: () => ({ url: "lamina/pictures/x.zip", name: "Pictures.zip" }),
    picture_scene: ({ picture: id }) => {
      const { scene, ...editor } = buildEditor();
      const { project } = all.find((one) => one.id === id);
      return { project, scene: { ...scene, name: "As then" }, editor, notes: ["A note."] };
    },
  };
  return (message) => answers[message.verb]?.(structuredClone(message)) ?? {};
};

const createApp = (count, project = "a") => {
  const [session, store] = [createSession(), createStore(buildEditor(), () => 0)];
  session.set({ project, galleryOpen: true });
  const [server, asked] = [createServer(count), []];
  const link = {
    whenBack: () => {},
    ask: async (message) => {
      asked.push(message);
      await Promise.resolve();
      return server(message);
    },
  };
  const bridge = {
    gallery: createGalleryVerbs({ session, link }),
    flush: async () => void asked.push({ verb: "flush" }),
    readCandidates: async () => {},
    openProject: async (id) => {
      if (id === "broken") throw new Error("cannot be read");
      session.set({ project: id });
      store.reset(buildEditor(), "Opened");
    },
    newScene: async ({ width_px, height_px }) => {
      session.set({ project: "new" });
      const editor = buildEditor();
      const scene = { ...editor.scene, layers: [], width_px, height_px };
      store.reset({ ...editor, scene, selected: "" }, "New scene");
    },
  };
  const app = {
    session,
    store,
    bridge,
    downloads: [],
    addressOf: (path) => `/${path}`,
    download: (href, name) => app.downloads.push([href, name]),
    newId: () => "fresh",
    shown: () => ({ model: null }),
    run: (id, ...given) => COMMANDS[id].run(app, ...given),
  };
  const verbs = () => asked.map(({ verb }) => verb).join(" ");
  return { app, asked, verbs, state: () => session.state };
};

test("of ten thousand pictures only the rows that can be seen, and some spare ones, are needed", () => {
  const sheet = { total: 10_000, width: 1244, height: 700 };
  const top = gridOf({ ...sheet, top: 0 });
  assert.deepEqual([top.columns, top.first], [7, 0]);
  assert.equal(top.last, 7 * 6);
  const middle = gridOf({ ...sheet, top: top.step * 500 });
  assert.equal(middle.first, 7 * 498);
  assert.ok(middle.last - middle.first <= 7 * 9);
  assert.equal(middle.height, Math.ceil(10_000 / 7) * top.step - (top.step - top.side));
  const end = gridOf({ ...sheet, top: middle.height - 700 });
  assert.equal(end.last, 10_000);
  assert.deepEqual(spotOf(top, 8), { x: top.step, y: top.step });
  const none = gridOf({ total: 0, width: 0, height: 0, top: 0 });
  assert.deepEqual([none.columns, none.first, none.last, none.height], [1, 0, 0, 0]);
});

test("keys move among the tiles and stay within them", () => {
  const grid = { columns: 7, rowsSeen: 3, total: 100 };
  const moved = (key, place = 50) => placeAfter(key, place, grid);
  assert.deepEqual(
    ["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown"].map((key) => moved(key)),
    [49, 51, 43, 57],
  );
  assert.deepEqual(
    ["PageUp", "PageDown", "Home", "End"].map((key) => moved(key)),
    [29, 71, 0, 99],
  );
  assert.deepEqual([moved("ArrowUp", 3), moved("ArrowDown", 98), moved("x")], [0, 99, null]);
  assert.equal(placeAfter("End", 0, { ...grid, total: 0 }), null);
});

test("a page is asked for once, only when it is needed, and all again after a change", async () => {
  const { app, asked, verbs, state } = createApp(10);
  await app.run("openGallery");
  assert.deepEqual(state().galleryIndex.keys, [10, 6, 2]);
  assert.equal(pictureAt(state(), 5), null);
  await app.bridge.gallery.readPages(5, 6);
  await app.bridge.gallery.readPages(4, 8);
  assert.equal(verbs(), "gallery gallery_page gallery_page");
  assert.equal(pictureAt(state(), 5).id, "p5");
  assert.equal(pictureAt(state(), 9), null);
  assert.deepEqual(findPicture(state(), "p5"), { picture: pictureAt(state(), 5), place: 5 });
  assert.equal(findPicture(state(), "p1"), null);
  assert.deepEqual(keysBetween(state().galleryIndex, 3, 9), [10, 6, 2]);
  assert.deepEqual(keysBetween(state().galleryIndex, 0, 0), []);
  await app.run("refreshGallery");
  assert.equal(pictureAt(state(), 1).id, "p9", "what is here stays until it is read anew");
  assert.equal(verbs(), "gallery gallery_page gallery_page gallery gallery_page");
  assert.equal(asked.at(-1).key, 6, "what was wanted last comes with the list");
  await app.bridge.gallery.readPages(0, 8);
  assert.equal(asked.length, 6);
});

test("a page that comes after the filter was changed is not mixed into the new list", async () => {
  const { app, state } = createApp(10);
  await app.run("openGallery");
  const late = app.bridge.gallery.readPages(4, 8);
  await app.run("filterGallery", { words: "p3" });
  await late;
  assert.deepEqual(Object.keys(state().galleryPages), ["3"]);
  const [first, second] = [{ words: "" }, { words: "p4" }].map((patch) =>
    app.run("filterGallery", patch),
  );
  await Promise.all([first, second]);
  assert.equal(state().galleryIndex.total, 1);
  await app.bridge.gallery.readPages(0, 1);
  assert.equal(pictureAt(state(), 0).id, "p4");
});

test("another scene forgets the layer that was filtered by", () => {
  const filter = { ...NO_FILTER, scene: "a", layer: "l" };
  assert.equal(withFilter(filter, { scene: "b" }).layer, "");
  assert.equal(withFilter(filter, { words: "x" }).layer, "l");
  assert.equal(countPictures(1, NO_FILTER), "1 picture");
  assert.equal(countPictures(3, filter), "3 pictures found");
  assert.equal(countPictures(2, { ...NO_FILTER, deleted: true }), "2 deleted pictures");
});

test("pictures are chosen one by one, by a range over pages, all, and exported", async () => {
  const { app, asked, state } = createApp(10);
  await app.run("openGallery");
  await app.run("choosePictures", 2, 6);
  assert.deepEqual(state().galleryChosen, ["p8", "p7", "p6", "p5"]);
  await app.run("choosePictures", 3, 4);
  assert.deepEqual(state().galleryChosen, ["p8", "p6", "p5"]);
  await app.run("choosePictures", 2, 4);
  assert.deepEqual(state().galleryChosen, ["p8", "p6", "p5", "p7"]);
  await app.run("chooseAllPictures");
  assert.equal(state().galleryChosen.length, 10);
  await app.run("exportPictures", state().galleryChosen);
  assert.equal(asked.at(-1).pictures.length, 10);
  assert.deepEqual(app.downloads, [["/lamina/pictures/x.zip", "Pictures.zip"]]);
  await app.run("filterGallery", { words: "boat" });
  assert.deepEqual(state().galleryChosen, []);
  assert.deepEqual(toggleChosen([], []), []);
});

test("a star in the open scene is its step and no conflict; elsewhere the server's", async () => {
  const { app, asked, verbs, state } = createApp(4);
  await app.run("openGallery");
  await app.bridge.gallery.readPages(0, 4);
  await app.run("starPicture", pictureAt(state(), 0));
  assert.deepEqual(asked.at(-3), { verb: "star_picture", picture: "p4", starred: true });
  await app.run("starPicture", pictureAt(state(), 1));
  assert.equal(
    verbs(),
    "gallery gallery_page star_picture gallery gallery_page flush gallery gallery_page",
  );
  assert.deepEqual(app.store.record.starred, [pictureAt(state(), 1).digest]);
  assert.equal(app.store.undoName, "Star a candidate");
});

test("deleted pictures are put back by the sentence that tells of them", async () => {
  const { app, state } = createApp(5);
  await app.run("openGallery");
  await app.run("viewPicture", 4);
  assert.equal(state().galleryViewed.picture.id, "p1");
  await app.run("deletePictures", ["p1"]);
  assert.equal(state().galleryIndex.total, 4);
  assert.equal(state().galleryViewed.picture.id, "p2", "the next one is looked at");
  const { what, action } = state().notices.at(-1);
  assert.equal(what, "A picture was deleted.");
  await action.run();
  assert.equal(state().galleryIndex.total, 5);
  assert.ok(!state().notices.some((notice) => notice.what === what));
  await app.run("choosePictures", 0, 2);
  await app.run("dropChosen", 4);
  assert.equal(state().galleryIndex.total, 3);
  await app.run("dropChosen", 0);
  assert.equal(state().galleryIndex.total, 2);
  await app.run("filterGallery", { deleted: true });
  await app.bridge.gallery.readPages(0, 3);
  await app.run("dropChosen", 0);
  assert.equal(state().galleryIndex.total, 3, "what is deleted is not deleted again");
});

test("a picture is looked at with its recipe, and one steps to the next ones", async () => {
  const { app, state } = createApp(6);
  await app.run("openGallery");
  await app.run("viewPicture", 3);
  assert.deepEqual([state().galleryViewed.picture.id, state().galleryViewed.place], ["p3", 3]);
  assert.equal(state().galleryRecipe.scene.name, "As then");
  await app.run("stepPicture", 1);
  assert.equal(state().galleryViewed.picture.id, "p2");
  await app.run("stepPicture", 1);
  await app.run("stepPicture", 1);
  assert.equal(state().galleryViewed.picture.id, "p1");
  const terms = describePicture(picture(7, { layer: "Boat", prompt: "" }), {
    now_ms: Date.parse("2026-11-01T00:05:00.000+00:00"),
    titleOf: (kind, id) => `${kind}:${id}`,
  });
  assert.deepEqual(terms, [
    ["Scene", "Harbour"],
    ["Layer", "Boat"],
    ["Method", "methods:collage"],
    ["Model", "models:m"],
    ["Seed", "7"],
    ["Size", "512 × 384"],
    ["Made", "5 min ago"],
  ]);
  assert.ok(describeRecipe(state().galleryRecipe).some(([term]) => term === "Steps"));
  assert.equal(titleOfPicture(picture(7)), "Harbour, a boat, seed 7");
  await app.run("escape");
  assert.deepEqual([state().galleryViewed, state().galleryOpen], [null, true]);
  await app.run("choosePictures", 0, 1);
  await app.run("escape");
  assert.deepEqual([state().galleryChosen, state().galleryOpen], [[], true]);
  await app.run("escape");
  assert.equal(state().galleryOpen, false);
});

test("the scene as it was is one step over the present one, or a new scene", async () => {
  const { app, state } = createApp(4);
  await app.run("openGallery");
  await app.run("openAsItWas", picture(4));
  assert.deepEqual([state().project, state().galleryOpen], ["b", false]);
  assert.equal(app.store.record.scene.name, "As then");
  assert.equal(app.store.undoName, "The scene as it was for the picture of seed 4");
  app.store.undo();
  assert.deepEqual(app.store.record, buildEditor());
  await app.run("copyAsItWas", picture(3));
  assert.equal(state().project, "new");
  assert.equal(app.store.record.scene.name, "Harbour, as it was");
  assert.equal(app.store.record.picked, picture(3).digest);
  assert.ok(state().notices.some(({ what }) => what === "A note."));
});

test("a picture becomes a layer at its full size, where it was dropped", async () => {
  const { app, state } = createApp(4);
  await app.run("openGallery");
  await app.bridge.gallery.readPages(0, 4);
  await app.run("addGalleryPicture", "p2", { x: 10, y: 20 });
  const layer = app.store.record.scene.layers.at(-1);
  assert.deepEqual([layer.picture, layer.placement.scale_x], [picture(2).digest, 1]);
  assert.deepEqual([layer.placement.centre_x_px, layer.placement.centre_y_px], [10, 20]);
  assert.equal(state().galleryOpen, false);
  const nothing = createApp(4, "");
  await nothing.app.run("openGallery");
  await nothing.app.bridge.gallery.readPages(0, 4);
  await nothing.app.run("addGalleryPicture", "p1");
  assert.equal(nothing.state().project, "new");
  assert.equal(nothing.app.store.record.scene.layers.length, 1);
});

test("over the gallery only keys of its own mean something", () => {
  const works = (chord) => worksAtHome(commandFor(chord, "canvas"));
  assert.ok(["Shift+G", "Home", "Escape", "Shift+T"].every(works));
  assert.ok(!["Delete", "Ctrl+D", "B"].some(works));
});
