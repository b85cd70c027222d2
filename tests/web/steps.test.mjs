// The steps of undo on their way to the server and back: only what is new, in batches, and never in place of what was
// done since.

import assert from "node:assert/strict";
import test from "node:test";

import { createSaver } from "../../ui/web/bridge/saver.js";
import { createStepSaver } from "../../ui/web/bridge/steps.js";
import { Refusal } from "../../ui/web/bridge/link.js";
import { createMaskSaver } from "../../ui/web/bridge/masks.js";
import { select, setScene } from "../../ui/web/model/edits.js";
import { withStoredSteps, beginHistory } from "../../ui/web/model/history.js";
import { createMasks } from "../../ui/web/model/masks.js";
import { editorToMessage } from "../../ui/web/model/records.js";
import { createSession } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { createClock, createMaskDatabase, createStorage, buildEditor } from "./editor_fixtures.mjs";
import { createUnique } from "./surface_fixture.mjs";

/** A server that keeps steps by number; `pages` says how many it tells at once. */
const createServer = (pages = 3) => {
  const server = {
    kept: new Map(),
    place: 0,
    sent: [],
    ask: async (message) => {
      server.sent.push(message);
      return structuredClone(server[message.verb](message));
    },
    save({ steps, scene, editor }) {
      for (const n of [...server.kept.keys()]) if (n >= steps.first) server.kept.delete(n);
      steps.steps.forEach((step, at) =>
        server.kept.set(steps.first + at, { scene, editor, ...step }),
      );
      server.place = steps.place;
      return { revision: server.sent.length };
    },
    steps({ place, later }) {
      const all = [...server.kept].map(([n, step]) => ({ n, ...step }));
      const before = all.filter(({ n }) => n < place).slice(-pages);
      const records = {};
      const keep = (record, number) => {
        records[number] = record;
        return number;
      };
      const found = [...before, ...all.filter(({ n }) => later && n >= place)];
      const steps = found.map(({ n, name, scene: { layers, ...head }, editor }) => ({
        place: n,
        name,
        scene: keep(head, 10 * n),
        editor: keep(editor, 10 * n + 1),
        layers: layers.map((layer, at) => keep(layer, 1000 + at)),
      }));
      return { steps, records, more_before: before.length === pages ? before[0].n : 0 };
    },
  };
  return server;
};

const open = (server, editor = buildEditor(), reply = {}) => {
  const [session, clock] = [createSession(), createClock()];
  const store = createStore(editor, () => 0);
  const masks = createMasks(createUnique());
  const link = { ask: server.ask, whenBack: () => {} };
  const steps = createStepSaver({ store, link });
  const maskSaver = createMaskSaver({ link, masks, database: createMaskDatabase() });
  const parts = { link, store, session, clock, storage: createStorage(), maskSaver, masks, steps };
  const saver = createSaver(parts);
  session.set({ project: "p1" });
  store.reset(editor, "Opened", reply.place);
  saver.start(reply);
  return { store, session, saver, steps };
};

const say = (store, ...texts) =>
  texts.forEach((text) => store.change(`Say ${text}`, setScene({ prompt: text })));

const namesOf = ({ history }) => history.entries.map(({ name }) => name);

test("a save hands in the steps that are new, and the one that is saved only once", async () => {
  const server = createServer();
  const { store, saver } = open(server);
  say(store, "a", "b");
  await saver.flush();
  const [{ steps, scene }] = server.sent;
  assert.deepEqual([steps.first, steps.place, steps.steps.length], [0, 2, 3]);
  assert.equal(scene.prompt, "b");
  assert.deepEqual(
    steps.steps.map((step) => step.scene?.prompt),
    [buildEditor().scene.prompt, "a", undefined],
  );
  say(store, "c");
  await saver.flush();
  assert.deepEqual(server.sent[1].steps, { first: 3, place: 3, steps: [{ name: "Say c" }] });
  assert.equal(server.sent[0].page, server.sent[1].page);
});

test("an undo hands in nothing but its place; a new step takes the place of what was undone", async () => {
  const server = createServer();
  const { store, saver } = open(server);
  say(store, "a", "b", "c");
  await saver.flush();
  store.undo();
  store.undo();
  await saver.flush();
  assert.deepEqual(server.sent.at(-1).steps, { first: 4, place: 1, steps: [] });
  store.amend(select("cat"));
  await saver.flush();
  assert.equal(server.sent.length, 2, "a selection is no step");
  say(store, "d");
  await saver.flush();
  assert.deepEqual(server.sent.at(-1).steps, { first: 2, place: 2, steps: [{ name: "Say d" }] });
  assert.deepEqual([...server.kept.keys()], [0, 1, 2]);
});

test("a step that was undone before it could be saved is kept all the same", async () => {
  const server = createServer();
  const { store, saver } = open(server);
  await saver.flush();
  assert.equal(server.sent.length, 0, "a scene that was only opened is not saved");
  say(store, "a");
  store.undo();
  await saver.flush();
  assert.deepEqual([server.place, server.kept.get(1).name], [0, "Say a"]);
});

test("many steps go in several messages, each with a scene that was one", async () => {
  const server = createServer();
  const { store, saver } = open(server);
  say(store, ...Array.from({ length: 90 }, (_, at) => `${at}`));
  await saver.flush();
  assert.deepEqual(
    server.sent.map(({ scene, steps }) => [steps.first, steps.steps.length, scene.prompt]),
    [
      [0, 40, "38"],
      [40, 40, "78"],
      [80, 11, "89"],
    ],
  );
  assert.equal(server.kept.size, 91);
  const big = createServer();
  const heavy = open(big);
  say(heavy.store, ...Array.from({ length: 6 }, (_, at) => `${at}`.repeat(300_000)));
  await heavy.saver.flush();
  assert.ok(big.sent.every((message) => JSON.stringify(message).length < 1_500_000));
  assert.equal(big.kept.size, 7);
});

test("a save that comes home after another scene was opened changes nothing of that one", async () => {
  const server = createServer();
  const { store, session, saver } = open(server);
  say(store, "a");
  const late = saver.flush();
  store.reset(buildEditor(), "Opened the example", 0);
  session.set({ project: "p2", revision: 41 });
  saver.start({});
  await late;
  assert.deepEqual([session.state.revision, session.state.conflict], [41, null]);
  say(store, "b");
  await saver.flush();
  const { project, revision, steps } = server.sent.at(-1);
  assert.deepEqual([project, revision, steps.steps.length], ["p2", 41, 2]);
  const refuse = async () => {
    throw new Refusal({ what: "Stale.", code: "stale", current: 3 });
  };
  const refusing = open({ ...server, ask: refuse });
  say(refusing.store, "c");
  const refused = refusing.saver.flush();
  refusing.session.set({ project: "p2" });
  await refused;
  assert.equal(refusing.session.state.conflict, null);
});

test("whoever keeps this version of a scene that went on elsewhere keeps its steps as well", async () => {
  const server = createServer();
  const { store, session, saver } = open(server);
  say(store, "a", "b");
  await saver.flush();
  server.kept.set(3, { name: "Of another page" });
  session.set({ conflict: { current: 9 } });
  say(store, "c");
  await saver.overwrite();
  const { revision, steps } = server.sent.at(-1);
  assert.deepEqual([revision, steps.first, steps.steps.length], [9, 0, 4]);
  assert.deepEqual(
    [...server.kept.values()].map(({ name }) => name),
    ["Opened", "Say a", "Say b", "Say c"],
  );
});

test("what was kept comes before and after the present step, page by page, layers shared", async () => {
  const server = createServer();
  const first = open(server);
  say(first.store, ..."abcdefgh");
  first.store.goTo(6);
  await first.saver.flush();
  const { scene, editor } = server.kept.get(6);
  const reply = { project: "p1", place: 6, is_kept: true, scene, editor };
  const again = open(server, { scene, ...editor }, reply);
  await again.steps.read(reply);
  assert.deepEqual(namesOf(again.store), namesOf(first.store));
  assert.deepEqual([again.store.undoName, again.store.redoName], ["Say f", "Say g"]);
  assert.equal(server.sent.filter(({ verb }) => verb === "steps").length, 2);
  const records = again.store.history.entries.map(({ record }) => record);
  records.forEach((record, n) =>
    assert.deepEqual(
      editorToMessage(record).scene,
      editorToMessage(first.store.history.entries[n].record).scene,
    ),
  );
  assert.equal(records[0].scene.layers[0], records[1].scene.layers[0]);
  again.store.undo();
  await again.saver.flush();
  assert.deepEqual(server.sent.at(-1).steps, { first: 9, place: 5, steps: [] });
});

test("what was done before they came stays, and what had been undone goes", async () => {
  const server = createServer();
  const first = open(server);
  say(first.store, "a", "b", "c");
  first.store.undo();
  await first.saver.flush();
  const reply = { project: "p1", place: 2, is_kept: true };
  const again = open(server, first.store.record, reply);
  say(again.store, "x");
  await again.steps.read(reply);
  assert.deepEqual(namesOf(again.store), ["Opened", "Say a", "Say b", "Say x"]);
  assert.equal(again.store.record.scene.prompt, "x");
});

test("steps of a scene that is left meanwhile are not mixed into the next one", async () => {
  const server = createServer();
  const first = open(server);
  say(first.store, "a", "b");
  await first.saver.flush();
  const reply = { project: "p1", place: 2, is_kept: true };
  const again = open(server, first.store.record, reply);
  const reading = again.steps.read(reply);
  again.store.reset(buildEditor(), "Opened", 0);
  again.saver.start({});
  await reading;
  assert.deepEqual(namesOf(again.store), ["Opened"]);
  await again.steps.read({ project: "p2", place: 0, is_kept: false });
  assert.equal(server.sent.filter(({ verb }) => verb === "steps").length, 1);
});

test("a history takes in steps by their numbers", () => {
  const [one, two, three] = ["1", "2", "3"].map((prompt) => setScene({ prompt })(buildEditor()));
  const history = beginHistory("Opened", two, 5);
  const taken = withStoredSteps(history, [
    { n: 3, name: "One", record: one },
    { n: 5, name: "Two", record: two },
    { n: 6, name: "Three", record: three },
  ]);
  assert.deepEqual(
    taken.entries.map(({ n, name }) => [n, name]),
    [
      [3, "One"],
      [5, "Two"],
      [6, "Three"],
    ],
  );
  assert.equal(taken.place, 1);
});
