// The store: random sequences of gestures keep the promises of undo; edits never touch the record they start from.

import assert from "node:assert/strict";
import test from "node:test";

import * as edits from "../../ui/web/model/edits.js";
import { placeLayer } from "../../ui/web/model/groups.js";
import { buildLayer, firstPlacement, freeze, sameWork } from "../../ui/web/model/records.js";
import { batchesOf, candidateOf } from "../../ui/web/model/session.js";
import { createStore } from "../../ui/web/model/store.js";
import { buildEditor, layer, randomFrom } from "./editor_fixtures.mjs";

const createTimedStore = () => {
  const time = { ms: 0 };
  return { time, store: createStore(buildEditor(), () => time.ms) };
};

const pickId = (random, record) =>
  record.scene.layers[Math.floor(random() * record.scene.layers.length)]?.id ?? "";

const MOVES = [
  (random, record) => edits.nudge(pickId(random, record), random() * 10, 1),
  (random, record) => edits.moveAllBy([pickId(random, record)], random() < 0.5 ? 1 : -1),
  (random, record) =>
    edits.setLayer(pickId(random, record), { phrase: `word ${Math.floor(random() * 99)}` }),
  (random) => edits.setScene({ prompt: `prompt ${random()}` }),
  (random) => edits.setSettings({ steps: 1 + Math.floor(random() * 90) }),
  (random) => edits.setOption("blur_px", random()),
  (random) => edits.pick(random().toString(16).slice(2)),
  (random) => edits.addLayer(layer(`new-${random().toString(36).slice(2)}`)),
  (random, record) => edits.removeLayer(pickId(random, record)),
  (random, record) =>
    edits.duplicate(pickId(random, record), `copy-${random().toString(36).slice(2)}`),
  (random, record) => edits.flip(pickId(random, record), "x"),
];

/** One random thing that a person may do. */
const act = (random, { store, time }) => {
  time.ms += random() * 2000;
  const edit = MOVES[Math.floor(random() * MOVES.length)](random, store.record);
  const kind = random();
  if (kind < 0.5) store.change("Change", edit, kind < 0.2 ? "key" : "");
  else if (kind < 0.7) store.begin("Cancelled").update(edit);
  else if (kind < 0.8) store.amend(edits.select(pickId(random, store.record)));
  else if (kind < 0.9) store.undo();
  else store.redo();
  if (kind >= 0.5 && kind < 0.7) store.cancelGesture();
};

test("undo n times, then redo n times, gives the very same record, after any sequence of gestures", () => {
  for (let seed = 0; seed < 60; seed += 1) {
    const random = randomFrom(seed);
    const timed = createTimedStore();
    for (let round = 0; round < 40; round += 1) act(random, timed);
    const { store } = timed;
    while (store.redoName) store.redo();
    const last = store.record;
    const records = [last];
    while (store.undoName) {
      store.undo();
      records.push(store.record);
    }
    assert.ok(records.length >= 2);
    for (const record of records.toReversed().slice(1)) {
      store.redo();
      assert.equal(store.record, record);
    }
    assert.equal(store.record, last);
    assert.equal(new Set(last.scene.layers.map(({ id }) => id)).size, last.scene.layers.length);
  }
});

test("every record is frozen to its depth, and an edit leaves the one before as it was", () => {
  const random = randomFrom(99);
  const timed = createTimedStore();
  for (let round = 0; round < 200; round += 1) {
    const before = timed.store.record;
    const text = JSON.stringify(before);
    act(random, timed);
    assert.equal(JSON.stringify(before), text);
    assert.ok(Object.isFrozen(timed.store.record.scene.layers));
    timed.store.record.scene.layers.forEach((each) =>
      assert.ok(Object.isFrozen(each) && Object.isFrozen(each.placement)),
    );
  }
});

test("a gesture is one step, whatever the number of updates; a cancelled one is none", () => {
  const { store } = createTimedStore();
  const start = store.record;
  const drag = store.begin("Move cat");
  for (let step = 1; step <= 20; step += 1) drag.update(edits.nudge("cat", step, 0));
  assert.equal(store.record.scene.layers[1].placement.centre_x_px, 120);
  drag.commit();
  assert.equal(store.undoName, "Move cat");
  store.undo();
  assert.equal(store.record, start);
  const cancelled = store.begin("Move cat");
  cancelled.update(edits.nudge("cat", 5, 0));
  cancelled.cancel();
  assert.equal(store.record, start);
  assert.equal(store.redoName, "Move cat");
  cancelled.update(edits.nudge("cat", 9, 0));
  cancelled.commit();
  assert.equal(store.record, start);
});

test("a second gesture commits the first; undo in the middle of one abandons it", () => {
  const { store } = createTimedStore();
  store.begin("One").update(edits.nudge("cat", 1, 0));
  store.begin("Two").update(edits.nudge("cat", 1, 0));
  assert.equal(store.undoName, "One");
  store.undo();
  assert.equal(store.busy, false);
  assert.equal(store.record.scene.layers[1].placement.centre_x_px, 100);
});

test("quick repeats of one key join, slow ones and other keys do not, and a seal ends joining", () => {
  const { store, time } = createTimedStore();
  const nudge = (merge) => store.change("Nudge", edits.nudge("cat", 1, 0), merge);
  (nudge("a"),
    (time.ms += 100),
    nudge("a"),
    (time.ms += 100),
    nudge("b"),
    (time.ms += 5000),
    nudge("b"),
    store.seal(),
    nudge("b"));
  assert.equal(store.history.entries.length, 5);
  assert.equal(store.record.scene.layers[1].placement.centre_x_px, 105);
});

test("nothing changed is no step; the selection is no step and travels with the record", () => {
  const { store } = createTimedStore();
  store.change("Nothing", (record) => record);
  store.amend(edits.select("car"));
  assert.equal(store.undoName, "");
  assert.equal(store.record.selected, "car");
  assert.ok(
    sameWork(store.record, buildEditor()) === false &&
      sameWork(store.record, edits.select("cat")(store.record)),
  );
});

test("order, deletion, copies and locks", () => {
  const start = buildEditor(undefined, { selected: "cat" });
  const ids = (record) => record.scene.layers.map(({ id }) => id).join();
  assert.equal(ids(edits.moveAllBy(["cat"], 1)(start)), "back,car,cat");
  assert.equal(edits.moveAllBy(["car"], 1)(start), start);
  assert.equal(edits.moveAllBy(["back"], -1)(start), start);
  assert.equal(ids(placeLayer("back", 2, null)(start)), "cat,car,back");
  const removed = edits.removeLayer("cat")(start);
  assert.deepEqual([ids(removed), removed.selected], ["back,car", "back"]);
  const copied = edits.duplicate("cat", "cat-2")(start);
  assert.deepEqual([ids(copied), copied.selected], ["back,cat,cat-2,car", "cat-2"]);
  assert.equal(
    edits.nudge("cat", 1, 1)(edits.setLayer("cat", { locked: true })(start)).scene.layers[1]
      .placement.centre_x_px,
    100,
  );
});

test("a flip is seen as a flip on the screen, also when the layer is turned", () => {
  const start = buildEditor([
    layer("cat", { placement: { ...layer("x").placement, rotation_deg: 30 } }),
  ]);
  const once = edits.flip("cat", "x")(start);
  assert.deepEqual(
    [once.scene.layers[0].placement.flip_x, once.scene.layers[0].placement.rotation_deg],
    [true, -30],
  );
  assert.deepEqual(edits.flip("cat", "x")(once).scene, start.scene);
});

test("a new picture covers at most 60 percent of the canvas, is never enlarged, and its layer has every field", () => {
  const { scene } = buildEditor();
  const wide = firstPlacement({ width_px: 2048, height_px: 512 }, scene, { x: 9, y: 8 });
  assert.equal(wide.scale_x * 2048, 0.6 * 512);
  assert.equal(firstPlacement({ width_px: 10, height_px: 10 }, scene, { x: 0, y: 0 }).scale_x, 1);
  const built = buildLayer({
    id: "n",
    name: "n",
    phrase: "n",
    picture: "b".repeat(64),
    placement: wide,
  });
  assert.deepEqual(Object.keys(built).sort(), Object.keys(layer("n")).sort());
  assert.deepEqual(Object.keys(built.placement).sort(), Object.keys(layer("n").placement).sort());
});

test("candidates come by run, the newest first, each run in order; the shown run decides between equal pixels", () => {
  const candidate = (job, index, digest) =>
    freeze({ id: `${job}-${index}`, job, index, digest, layer_id: "" });
  const candidates = [candidate("one", 1, "y"), candidate("one", 0, "x"), candidate("two", 0, "x")];
  assert.deepEqual(
    batchesOf({ candidates, dismissed: [] }).map(({ job }) => job),
    ["two", "one"],
  );
  assert.deepEqual(
    batchesOf({ candidates, dismissed: ["two"] })[0].candidates.map(({ id }) => id),
    ["one-0", "one-1"],
  );
  assert.equal(candidateOf({ candidates, batch: "one" }, "x").id, "one-0");
  assert.equal(candidateOf({ candidates, batch: "" }, "x").id, "two-0");
  assert.equal(candidateOf({ candidates, batch: "" }, ""), null);
});
