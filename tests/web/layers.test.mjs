// Several layers at a time: choosing, moving, reordering, merging; and a history that is bounded by what it weighs.

import assert from "node:assert/strict";
import test from "node:test";

import { COMMANDS } from "../../ui/web/commands.js";
import { emptyMask, fullMask, maskFromBytes, valueAt } from "../../ui/web/kernels/tiles.js";
import { forEach, moveAllBy, nudge } from "../../ui/web/model/edits.js";
import { trim } from "../../ui/web/model/history.js";
import { chosenIds } from "../../ui/web/model/records.js";
import { createMachine } from "../../ui/web/tools/chart.js";
import { TOOLS } from "../../ui/web/tools/tools.js";
import { buildEditor, layer } from "./editor_fixtures.mjs";
import { at, createSurface, event, send } from "./surface_fixture.mjs";

const order = (record) => record.scene.layers.map(({ id }) => id).join(" ");

test("others count as chosen only together with the selected layer", () => {
  const record = buildEditor(undefined, { selected: "cat" });
  assert.deepEqual(chosenIds(record, []), ["cat"]);
  assert.deepEqual(chosenIds(record, ["car", "cat"]), ["cat", "car"]);
  assert.deepEqual(chosenIds(record, ["car"]), ["cat"]);
  assert.deepEqual(chosenIds(buildEditor(), []), []);
});

test("several layers move past their neighbours in order, and stop at the ends together", () => {
  const record = buildEditor(["a", "b", "c", "d"].map((id) => layer(id)));
  assert.equal(order(moveAllBy(["a", "b"], 1)(record)), "c a b d");
  assert.equal(order(moveAllBy(["a", "c"], 1)(record)), "b a d c");
  assert.equal(order(moveAllBy(["b", "d"], -1)(record)), "b a d c");
  assert.equal(moveAllBy(["c", "d"], 1)(record), record);
  assert.equal(moveAllBy(["a"], -1)(record), record);
});

test("a drag takes the chosen layers along, locked ones stay", () => {
  const layers = [
    layer("cat", { placement: at(100, 100) }),
    layer("car", { placement: at(300, 200) }),
    layer("fixed", { placement: at(400, 400), locked: true }),
  ];
  const surface = createSurface(layers);
  surface.amend((record) => ({ ...record, selected: "cat" }));
  surface.session.set({ also: ["cat", "car", "fixed"] });
  const machine = createMachine(TOOLS[0].chart, surface);
  send(
    machine,
    event("down", 100, 100),
    event("move", 150, 110, { ctrl: true }),
    event("up", 150, 110),
  );
  const xs = surface.store.record.scene.layers.map(({ placement }) => placement.centre_x_px);
  assert.deepEqual(xs, [150, 350, 400]);
  assert.equal(surface.store.history.place, 1);
});

test("delete, hide and duplicate take all chosen layers, each as one step", async () => {
  const surface = createSurface(["a", "b", "c"].map((id) => layer(id)));
  const run = (id) => COMMANDS[id].run(surface);
  surface.amend((record) => ({ ...record, selected: "a" }));
  surface.session.set({ also: ["a", "c"] });
  run("hide");
  assert.deepEqual(
    surface.store.record.scene.layers.map(({ visible }) => visible),
    [false, true, false],
  );
  run("duplicate");
  assert.equal(surface.store.record.scene.layers.length, 5);
  assert.equal(chosenIds(surface.store.record, surface.session.state.also).length, 2);
  run("delete");
  assert.equal(order(surface.store.record), "a b c");
  surface.store.goTo(0);
  run("chooseAll");
  run("delete");
  assert.equal(surface.store.record.scene.layers.length, 0);
  assert.equal(surface.store.undoName, "Delete 3 layers");
});

test("two regions merge into what either covers; a region and a picture do not", async () => {
  const surface = createSurface([
    layer("pic"),
    layer("one", { picture: null, mask: "m1" }),
    layer("two", { picture: null, mask: "m2" }),
  ]);
  const half = new Uint8Array(512 * 512).fill(255, 0, 512 * 256);
  surface.masks.put("m1", maskFromBytes(half, 512, 512));
  surface.masks.put("m2", emptyMask(512, 512));
  surface.pictures = { mask: (name) => surface.masks.get(name) };
  surface.amend((record) => ({ ...record, selected: "two" }));
  await COMMANDS.mergeDown.run(surface);
  assert.equal(order(surface.store.record), "pic one");
  const mask = surface.masks.get(surface.selected().mask);
  assert.deepEqual([valueAt(mask, 5, 5), valueAt(mask, 5, 500)], [255, 0]);
  await COMMANDS.mergeDown.run(surface);
  assert.equal(order(surface.store.record), "pic one");
  assert.match(surface.session.state.notices[0].what, /a region and a picture/);
});

test("the oldest steps go when all weigh too much; shared masks count once and the present step stays", () => {
  const entry = (name) => ({ name, record: name, merge: "", at_ms: 0 });
  const weigh = (name) => [[name.slice(0, 1), 1_000_000]];
  const entries = ["a1", "a2", "b1", "c1"].map(entry);
  assert.equal(trim({ entries, place: 3 }, weigh, 4_000_000).entries.length, 4);
  const cut = trim({ entries, place: 3 }, weigh, 2_500_000);
  assert.deepEqual([cut.entries.map(({ name }) => name).join(" "), cut.place], ["b1 c1", 1]);
  assert.equal(trim({ entries, place: 3 }, weigh, 10).entries.length, 1);
  assert.equal(trim({ entries, place: 1 }, weigh, 10).entries[0].name, "a2");
});

test("an edit for several layers is one edit", () => {
  const record = forEach(["cat", "car"], (id) => nudge(id, 5, 0))(buildEditor());
  assert.deepEqual(
    record.scene.layers.map(({ placement }) => placement.centre_x_px),
    [100, 105, 105],
  );
  assert.equal(fullMask(8, 8).tiles.length, 1);
});
