// Subjects: the form of a new one, the library as it is followed, and how a subject goes into a run or a layer.

import assert from "node:assert/strict";
import test from "node:test";

import { createFeed } from "../../ui/web/bridge/feed.js";
import { createLibrary } from "../../ui/web/bridge/library.js";
import { COMMANDS } from "../../ui/web/commands.js";
import { freeze, layerOf } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import {
  EMPTY_FORM,
  obstacleOf,
  placeIn,
  referenceOf,
  noteOf,
  standingOf,
  subjectOfRun,
  trainTitle,
  withSubject,
} from "../../ui/web/model/subjects.js";
import { createClock, buildEditor as record } from "./editor_fixtures.mjs";

const subject = (id, patch = {}) => ({
  id,
  name: id.toUpperCase(),
  class_word: "cat",
  method: "dreambooth_lora",
  references: ["a".repeat(64), "b".repeat(64)],
  model: "pocket",
  file: `${id}`.padEnd(64, "0"),
  state: "ready",
  job: "",
  done: 0,
  total: 0,
  has_checkpoint: false,
  error: "",
  created: "",
  ...patch,
});

const createApp = (patch = {}, subjects = [subject("tom")]) => {
  const [session, store] = [createSession(), createStore(record(undefined, patch), () => 0)];
  session.set({
    project: "p",
    library: freeze({ subjects, methods: [{ id: "dreambooth_lora", title: "Low rank" }] }),
  });
  const asked = [];
  const bridge = {
    takePicture: async (file) => ({ digest: file.name.padEnd(64, "0"), notes: [] }),
    generate: async (request) => void asked.push(request),
    retouch: async (candidate) => void asked.push({ retouch: candidate.id }),
    library: {
      cutReference: async (picture) => ({ digest: `cut ${picture}` }),
      make: async (form) => {
        asked.push({ make: form });
        return { id: "layer-candidates" };
      },
      train: async (id, steps) => void asked.push({ train: id, steps }),
    },
  };
  const own = {
    session,
    store,
    bridge,
    asked,
    random: () => 5,
    busyWith: (reading, work) => work(),
  };
  return { ...own, attempt: (work) => work(), shown: () => ({ candidate: null }) };
};

const run = (app, id, ...given) => COMMANDS[id].run(app, ...given);

test("the form takes pictures once each, up to twenty, and says what is missing", async () => {
  const app = createApp();
  run(app, "newSubject");
  assert.match(obstacleOf(app.session.state.subjectForm), /one to twenty/);
  const files = Array.from({ length: 22 }, (_, at) => ({ name: `p${at}x` }));
  await run(app, "addReferences", [files[0], files[0]]);
  assert.equal(app.session.state.subjectForm.references.length, 1);
  assert.match(noteOf(app.session.state.subjectForm), /single picture/);
  await run(app, "addReferences", files);
  assert.equal(app.session.state.subjectForm.references.length, 20);
  assert.match(app.session.state.notices.at(-1).what, /21 pictures are too many/);
  assert.match(obstacleOf(app.session.state.subjectForm), /one word/);
  run(app, "dropReference", files[0].name.padEnd(64, "0"));
  assert.equal(app.session.state.subjectForm.references.length, 19);
  await run(app, "makeSubject");
  assert.deepEqual(app.asked, []);
});

test("pictures of the selected layers are taken, with the last word of the phrase as the class", () => {
  const app = createApp({ selected: "cat" });
  run(app, "referencesFromLayers");
  assert.deepEqual(app.session.state.subjectForm.references, [
    { digest: "a".repeat(64), whole: "a".repeat(64) },
  ]);
  assert.equal(app.session.state.subjectForm.classWord, "cat");
  const none = createApp();
  run(none, "referencesFromLayers");
  assert.equal(none.session.state.subjectForm, null);
  assert.match(none.session.state.notices[0].what, /No layer with a picture/);
});

test("cutting out replaces each picture, and taking it back brings the whole ones again", async () => {
  const app = createApp();
  await run(app, "addReferences", [{ name: "x" }]);
  await run(app, "cutReferences", true);
  const whole = "x".padEnd(64, "0");
  assert.deepEqual(app.session.state.subjectForm.references, [{ digest: `cut ${whole}`, whole }]);
  await run(app, "cutReferences", false);
  assert.deepEqual(app.session.state.subjectForm.references, [{ digest: whole, whole }]);
});

test("making a subject trains it with the steps of the form, and puts the form away", async () => {
  const app = createApp();
  await run(app, "addReferences", [{ name: "x" }]);
  app.session.set({
    subjectForm: freeze({ ...app.session.state.subjectForm, classWord: "cat", steps: 7 }),
  });
  await run(app, "makeSubject");
  assert.equal(app.asked[0].make.classWord, "cat");
  assert.deepEqual(app.asked[1], { train: "layer-candidates", steps: 7 });
  assert.equal(app.session.state.subjectForm, null);
});

test("drawing a subject sets method, sampler, stage and prompt in one step; a run then says which one", async () => {
  const app = createApp();
  app.store.change("Prompt", (now) =>
    freeze({ ...now, scene: { ...now.scene, prompt: "a catfish" } }),
  );
  const before = app.store.record;
  run(app, "drawSubject", "tom");
  const { settings, scene, subject: chosen } = app.store.record;
  assert.deepEqual(
    [settings.method, settings.sampler, settings.options],
    ["layout_retouch", "ddim", { stage: "layouts" }],
  );
  assert.deepEqual([scene.prompt, chosen], ["a catfish, a cat", "tom"]);
  await run(app, "generate");
  assert.deepEqual(app.asked[0].subject, referenceOf(subject("tom")));
  app.store.undo();
  assert.equal(app.store.record, before);
  await run(app, "generate");
  assert.equal("subject" in app.asked[1], false);
});

test("a run draws the chosen subject, else the newest that the model can draw", () => {
  const others = [subject("new", { model: "other" }), subject("own"), subject("old")];
  const { session } = createApp({}, others);
  const settings = { ...record().settings, method: "layout_retouch" };
  assert.equal(subjectOfRun(session.state, { settings, subject: "" }).id, "own");
  assert.equal(subjectOfRun(session.state, { settings, subject: "old" }).id, "old");
  assert.equal(subjectOfRun(session.state, { settings, subject: "new" }).id, "new");
  assert.equal(
    subjectOfRun(session.state, { settings: { ...settings, method: "collage" }, subject: "old" }),
    null,
  );
});

test("a subject that this model cannot draw is not set up, and a sentence says why", () => {
  const app = createApp({}, [subject("tom", { file: "", state: "new" })]);
  const before = app.store.record;
  run(app, "drawSubject", "tom");
  assert.equal(app.store.record, before);
  assert.match(app.session.state.notices[0].what, /TOM is not trained/);
});

test("a layer becomes one of a subject and takes its word only where its phrase lacks it", () => {
  const { session, store } = createApp();
  store.change("Subject", withSubject(session.state, "car", "tom"));
  assert.deepEqual(
    [layerOf(store.record, "car").subject, layerOf(store.record, "car").phrase],
    ["tom", "cat"],
  );
  store.change("Phrase", (now) => withSubject(session.state, "cat", "tom")(now));
  assert.equal(layerOf(store.record, "cat").phrase, "cat");
  store.change("Subject", withSubject(session.state, "car", ""));
  assert.equal(layerOf(store.record, "car").subject, null);
});

test("re-rolls keep the method of subjects for a layer that is one, and take another for the others", async () => {
  const own = { method: "layout_retouch", options: { copy_share: 0.3 } };
  const app = createApp({ picked: "a".repeat(64) });
  app.session.set({
    facts: freeze({ methods: [{ id: "collage", title: "Collage" }, { id: "layout_retouch" }] }),
  });
  app.store.change("Method", (now) => freeze({ ...now, settings: { ...now.settings, ...own } }));
  app.store.change("Subject", withSubject(app.session.state, "cat", "tom"));
  await run(app, "rerollLayer", "cat");
  await run(app, "rerollLayer", "car");
  const asked = app.asked.map(({ settings }) => [settings.method, settings.options]);
  assert.deepEqual(asked, [
    ["layout_retouch", { copy_share: 0.3 }],
    ["collage", {}],
  ]);
});

test("only a layout is retouched", async () => {
  const app = createApp();
  await run(app, "retouch");
  assert.match(app.session.state.notices[0].what, /No layout/);
  app.shown = () => ({ candidate: { id: "c", layout: true, layer_id: "" } });
  await run(app, "retouch");
  assert.deepEqual(app.asked, [{ retouch: "c" }]);
});

test("words are found whole, in any case and script", () => {
  for (const [text, word] of [
    ["a Cat!", "cat"],
    ["der Hund", "hund"],
    ["chien, été", "été"],
  ])
    assert.ok(placeIn(text, word), text);
  for (const [text, word] of [
    ["a catfish", "cat"],
    ["bobcat", "cat"],
    ["a c.t", "cat"],
  ])
    assert.ok(!placeIn(text, word), text);
});

test("where a subject stands is told in words", () => {
  const reported = (patch, model = "pocket") => standingOf(subject("tom", patch), model).text;
  assert.equal(reported({}), "ready");
  assert.equal(reported({}, "other"), "trained on pocket");
  assert.equal(reported({ state: "training", done: 3, total: 9 }), "step 3 of 9");
  assert.equal(
    reported({ state: "stopped", has_checkpoint: true, done: 3, total: 9 }),
    "stopped at 3 of 9",
  );
  assert.equal(trainTitle(subject("tom", { has_checkpoint: true })), "Go on");
  assert.equal(trainTitle(subject("tom", { state: "new" })), "Train");
  assert.equal(EMPTY_FORM.references.length, 0);
});

test("the library is read while something is trained, and its end is told once", async () => {
  const [clock, session] = [createClock(), createSession()];
  session.set({ project: "p" });
  const replies = [
    [subject("tom", { state: "training", file: "" })],
    [subject("tom", { state: "training", file: "", done: 1, total: 2 })],
    [subject("tom")],
  ];
  const asked = [];
  const link = {
    ask: async ({ verb }) => {
      asked.push(verb);
      return { subjects: replies[Math.min(asked.length, replies.length) - 1], methods: [] };
    },
  };
  const store = createStore(record(), () => 0);
  const feed = createFeed({ session, clock, hidden: () => false, listen: () => {} });
  const library = createLibrary({ link, session, store, feed });
  await library.refresh();
  await clock.advance(5000);
  assert.deepEqual(asked, ["subjects", "subjects", "subjects"]);
  assert.equal(session.state.library.subjects[0].state, "ready");
  assert.deepEqual(
    session.state.notices.map(({ what }) => what),
    ["TOM is trained."],
  );
});

test("steps are counted as they were asked for, and those that draw the class by themselves", () => {
  const at = (done) =>
    standingOf(subject("tom", { state: "training", done, total: 60, class_steps: 40 }), "pocket")
      .text;
  assert.equal(at(0), "drawing its class, step 0 of 40");
  assert.equal(at(39), "drawing its class, step 39 of 40");
  assert.equal(at(40), "step 0 of 20");
  assert.equal(at(60), "step 20 of 20");
  const plain = subject("tom", { state: "training", done: 3, total: 20, class_steps: 0 });
  assert.equal(standingOf(plain, "pocket").text, "step 3 of 20");
});
