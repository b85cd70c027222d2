// Subjects: the form of a new one, the library as it is followed, and how a subject goes into a run or a layer.

import assert from "node:assert/strict";
import test from "node:test";

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
  remarkOf,
  standingOf,
  subjectOfRun,
  trainTitle,
  withSubject,
} from "../../ui/web/model/subjects.js";
import { createClock, desk as record, layer } from "./editor_fixtures.mjs";

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

const createDesk = (patch = {}, subjects = [subject("tom")]) => {
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
      make: async (form) => void asked.push({ make: form }) ?? { id: "made" },
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

const run = (desk, id, ...given) => COMMANDS[id].run(desk, ...given);

test("the form takes pictures once each, up to twenty, and says what is missing", async () => {
  const desk = createDesk();
  run(desk, "newSubject");
  assert.match(obstacleOf(desk.session.state.subjectForm), /one to twenty/);
  const files = Array.from({ length: 22 }, (_, at) => ({ name: `p${at}x` }));
  await run(desk, "addReferences", [files[0], files[0]]);
  assert.equal(desk.session.state.subjectForm.references.length, 1);
  assert.match(remarkOf(desk.session.state.subjectForm), /single picture/);
  await run(desk, "addReferences", files);
  assert.equal(desk.session.state.subjectForm.references.length, 20);
  assert.match(desk.session.state.notices.at(-1).what, /21 pictures are too many/);
  assert.match(obstacleOf(desk.session.state.subjectForm), /one word/);
  run(desk, "dropReference", files[0].name.padEnd(64, "0"));
  assert.equal(desk.session.state.subjectForm.references.length, 19);
  await run(desk, "makeSubject");
  assert.deepEqual(desk.asked, []);
});

test("pictures of the selected layers are taken, with the last word of the phrase as the class", () => {
  const desk = createDesk({ selected: "cat" });
  run(desk, "referencesFromLayers");
  assert.deepEqual(desk.session.state.subjectForm.references, [
    { digest: "a".repeat(64), whole: "a".repeat(64) },
  ]);
  assert.equal(desk.session.state.subjectForm.classWord, "cat");
  const none = createDesk();
  run(none, "referencesFromLayers");
  assert.equal(none.session.state.subjectForm, null);
  assert.match(none.session.state.notices[0].what, /No layer with a picture/);
});

test("cutting out replaces each picture, and taking it back brings the whole ones again", async () => {
  const desk = createDesk();
  await run(desk, "addReferences", [{ name: "x" }]);
  await run(desk, "cutReferences", true);
  const whole = "x".padEnd(64, "0");
  assert.deepEqual(desk.session.state.subjectForm.references, [{ digest: `cut ${whole}`, whole }]);
  await run(desk, "cutReferences", false);
  assert.deepEqual(desk.session.state.subjectForm.references, [{ digest: whole, whole }]);
});

test("making a subject trains it with the steps of the form, and puts the form away", async () => {
  const desk = createDesk();
  await run(desk, "addReferences", [{ name: "x" }]);
  desk.session.set({
    subjectForm: freeze({ ...desk.session.state.subjectForm, classWord: "cat", steps: 7 }),
  });
  await run(desk, "makeSubject");
  assert.equal(desk.asked[0].make.classWord, "cat");
  assert.deepEqual(desk.asked[1], { train: "made", steps: 7 });
  assert.equal(desk.session.state.subjectForm, null);
});

test("drawing a subject sets method, sampler, stage and prompt in one step; a run then says which one", async () => {
  const desk = createDesk();
  desk.store.change("Prompt", (now) =>
    freeze({ ...now, scene: { ...now.scene, prompt: "a catfish" } }),
  );
  const before = desk.store.record;
  run(desk, "drawSubject", "tom");
  const { settings, scene, subject: chosen } = desk.store.record;
  assert.deepEqual(
    [settings.method, settings.sampler, settings.options],
    ["layout_retouch", "ddim", { stage: "layouts" }],
  );
  assert.deepEqual([scene.prompt, chosen], ["a catfish, a cat", "tom"]);
  await run(desk, "generate");
  assert.deepEqual(desk.asked[0].subject, referenceOf(subject("tom")));
  desk.store.undo();
  assert.equal(desk.store.record, before);
  await run(desk, "generate");
  assert.equal("subject" in desk.asked[1], false);
});

test("a run draws the chosen subject, else the newest that the model can draw", () => {
  const others = [subject("new", { model: "other" }), subject("own"), subject("old")];
  const { session } = createDesk({}, others);
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
  const desk = createDesk({}, [subject("tom", { file: "", state: "new" })]);
  const before = desk.store.record;
  run(desk, "drawSubject", "tom");
  assert.equal(desk.store.record, before);
  assert.match(desk.session.state.notices[0].what, /TOM is not trained/);
});

test("a layer becomes one of a subject and takes its word only where its phrase lacks it", () => {
  const { session, store } = createDesk();
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
  const desk = createDesk({ picked: "a".repeat(64) });
  desk.session.set({
    facts: freeze({ methods: [{ id: "collage", title: "Collage" }, { id: "layout_retouch" }] }),
  });
  desk.store.change("Method", (now) => freeze({ ...now, settings: { ...now.settings, ...own } }));
  desk.store.change("Subject", withSubject(desk.session.state, "cat", "tom"));
  await run(desk, "rerollLayer", "cat");
  await run(desk, "rerollLayer", "car");
  const asked = desk.asked.map(({ settings }) => [settings.method, settings.options]);
  assert.deepEqual(asked, [
    ["layout_retouch", { copy_share: 0.3 }],
    ["collage", {}],
  ]);
});

test("only a layout is retouched", async () => {
  const desk = createDesk();
  await run(desk, "retouch");
  assert.match(desk.session.state.notices[0].what, /No layout/);
  desk.shown = () => ({ candidate: { id: "c", layout: true, layer_id: "" } });
  await run(desk, "retouch");
  assert.deepEqual(desk.asked, [{ retouch: "c" }]);
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
  const told = (patch, model = "pocket") => standingOf(subject("tom", patch), model).text;
  assert.equal(told({}), "ready");
  assert.equal(told({}, "other"), "trained on pocket");
  assert.equal(told({ state: "training", done: 3, total: 9 }), "step 3 of 9");
  assert.equal(told({ state: "stopped", has_checkpoint: true, done: 3, total: 9 }), "stopped at 3 of 9");
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
  const library = createLibrary({ link, session, store, clock, hidden: () => false });
  await library.refresh();
  await clock.advance(5000);
  assert.deepEqual(asked, ["subjects", "subjects", "subjects"]);
  assert.equal(session.state.library.subjects[0].state, "ready");
  assert.deepEqual(
    session.state.notices.map(({ what }) => what),
    ["TOM is trained."],
  );
});
