// Groups of layers: neighbours under one name. Steps in and out, whole groups as blocks, rows dropped between others.

import assert from "node:assert/strict";
import test from "node:test";

import { COMMANDS } from "../../ui/web/commands.js";
import { addLayer, duplicate, moveAllBy, removeLayer } from "../../ui/web/model/edits.js";
import * as groups from "../../ui/web/model/groups.js";
import { buildEditor, group, layer, randomFrom } from "./editor_fixtures.mjs";
import { createSurface } from "./surface_fixture.mjs";

const editorOf = (order, ...all) => {
  const plain = buildEditor(order.split(" ").map((id) => layer(id)));
  return { ...plain, scene: { ...plain.scene, groups: all } };
};

/** "a (b c) d": the stack from back to front, groups in brackets; a closed one in square ones. */
const drawn = ({ scene }) => {
  const seen = scene.layers.map(({ id }) => {
    const own = groups.groupOf(scene, id);
    const [open, close] = own?.collapsed ? "[]" : "()";
    return `${own?.members[0] === id ? open : ""}${id}${own?.members.at(-1) === id ? close : ""}`;
  });
  return seen.join(" ");
};

const BC = group("g", ["b", "c"]);

test("layers that lie apart are gathered where the foremost lies; what they leave behind stays tidy", () => {
  const record = groups.groupLayers(["a", "c"], { id: "g", name: "G" })(editorOf("a b c d"));
  assert.equal(drawn(record), "b (a c) d");
  assert.equal(
    drawn(groups.groupLayers(["a", "b"], { id: "h", name: "H" })(editorOf("a b c d", BC))),
    "(c) (a b) d",
  );
  const taken = groups.groupLayers(["b", "c", "d"], { id: "h", name: "H" })(
    editorOf("a b c d", BC),
  );
  assert.equal(drawn(taken), "a (b c d)");
  assert.deepEqual(
    groups.groupsOf(taken.scene).map(({ id }) => id),
    ["h"],
  );
  assert.equal(drawn(groups.ungroup(["c"])(editorOf("a b c d", BC))), "a b c d");
});

test("by keys a layer goes into an open group next to it, through it and out; past a closed one at once", () => {
  let record = editorOf("a b c d", BC);
  const path = [];
  for (let step = 0; step < 6; step += 1) {
    record = moveAllBy(["a"], 1)(record);
    path.push(drawn(record));
  }
  assert.deepEqual(path, [
    "(a b c) d",
    "(b a c) d",
    "(b c a) d",
    "(b c) a d",
    "(b c) d a",
    "(b c) d a",
  ]);
  for (let step = 0; step < 5; step += 1) record = moveAllBy(["a"], -1)(record);
  assert.equal(drawn(record), "a (b c) d");
  const closed = editorOf("a b c d", { ...BC, collapsed: true });
  assert.equal(drawn(moveAllBy(["a"], 1)(closed)), "[b c] a d");
  assert.equal(drawn(moveAllBy(["d"], -1)(closed)), "a d [b c]");
});

test("a whole group moves as a block and stops at the ends; beside layers of no group, too", () => {
  const record = editorOf("a b c d e", BC);
  assert.equal(drawn(moveAllBy(["b", "c"], 1)(record)), "a d (b c) e");
  assert.equal(drawn(moveAllBy(["b", "c"], -1)(record)), "(b c) a d e");
  assert.equal(drawn(moveAllBy(["b", "c", "d"], 1)(record)), "a e (b c) d");
  const end = moveAllBy(["b", "c"], -1)(record);
  assert.equal(moveAllBy(["b", "c"], -1)(end), end);
  const two = editorOf("a b c d", group("g", ["a", "b"]), group("h", ["c", "d"]));
  assert.equal(drawn(moveAllBy(["a", "b"], 1)(two)), "(c d) (a b)");
});

test("the eye of a group hides what is shown, and shows just that again", () => {
  const start = editorOf("a b c", group("g", ["a", "b", "c"]));
  const one = {
    ...start,
    scene: { ...start.scene, layers: start.scene.layers.with(1, layer("b", { visible: false })) },
  };
  const seen = ({ scene }) => scene.layers.map(({ visible }) => (visible ? 1 : 0)).join("");
  const hidden = groups.toggleGroup("g")(one);
  assert.equal(seen(hidden), "000");
  assert.equal(groups.isGroupShown(hidden.scene, hidden.scene.groups[0]), false);
  assert.equal(seen(groups.toggleGroup("g")(hidden)), "101");
  const gone = removeLayer("c")(removeLayer("a")(hidden));
  assert.deepEqual(gone.scene.groups[0].hid, []);
  assert.equal(seen(groups.toggleGroup("g")(gone)), "1");
});

test("a copy of a layer is in its group, a copy of a group is a group; the last layer takes its group along", () => {
  const record = editorOf("a b c d", BC);
  assert.equal(drawn(duplicate("c", "x")(record)), "a (b c x) d");
  assert.equal(drawn(duplicate("b", "x")(record)), "a (b x c) d");
  assert.equal(
    drawn(groups.duplicateGroup("g", "h", (id) => `${id}2`)(record)),
    "a (b c) (b2 c2) d",
  );
  assert.deepEqual(groups.groupsOf(removeLayer("b")(removeLayer("c")(record)).scene), []);
  assert.equal(drawn(addLayer(layer("n"))(editorOf("a b", group("g", ["a", "b"])))), "(a b) n");
});

test("rows fold, and a row is dropped between others: into a group, out of it, a group beside another", () => {
  const record = editorOf("a b c d", BC);
  const named = ({ scene }) =>
    groups
      .rowsOf(scene)
      .map(({ layer: one, group: own }) => one?.id ?? own.id)
      .join(" ");
  assert.equal(named(record), "d g c b a");
  assert.equal(named(groups.setGroup("g", { collapsed: true })(record)), "d g a");
  const drop = (id, gap) => drawn(groups.dropRow(id, gap)(record));
  assert.equal(drop("a", 0), "(b c) d a");
  assert.equal(drop("a", 1), "(b c) a d");
  assert.equal(drop("a", 2), "(b c a) d");
  assert.equal(drop("a", 3), "(b a c) d");
  assert.equal(drop("a", 4), "a (b c) d");
  assert.equal(drop("d", 4), "d a (b c)");
  assert.equal(drop("c", 0), "a (b) d c");
  assert.equal(drop("c", 1), "a (b) c d");
  assert.equal(drop("c", 3), "a (c b) d");
  assert.equal(drop("b", 4), "b a (c) d");
  assert.equal(drop("g", 0), "a d (b c)");
  assert.equal(drop("g", 1), "a (b c) d");
  assert.equal(drop("g", 2), "(b c) a d");
  const two = editorOf("a b c d e", BC, group("h", ["d", "e"]));
  assert.equal(drawn(groups.dropRow("g", 2)(two)), "a (d e) (b c)");
});

const asItIs = (record) => record;

/** An edit of each kind on layers and a group that chance chooses. */
const randomEdits = (record, random, step) => {
  const ids = record.scene.layers.map(({ id }) => id).filter(() => random() < 0.35);
  const all = groups.groupsOf(record.scene);
  const own = all[Math.floor(random() * all.length)];
  return [
    groups.groupLayers(ids, { id: `g${step}`, name: "" }),
    groups.ungroup(ids),
    moveAllBy(ids, random() < 0.5 ? 1 : -1),
    groups.dropRow(own && random() < 0.5 ? own.id : (ids[0] ?? "a"), Math.floor(random() * 7)),
    duplicate(ids[0], `n${step}`),
    removeLayer(ids[1]),
    own ? groups.toggleGroup(own.id) : asItIs,
    own ? groups.setGroup(own.id, { collapsed: random() < 0.5 }) : asItIs,
    own ? groups.duplicateGroup(own.id, `c${step}`, (id) => `${id}.${step}`) : asItIs,
  ];
};

const assertTidy = (record, words) => {
  const order = record.scene.layers.map(({ id }) => id);
  assert.equal(new Set(order).size, order.length, words);
  const taken = groups.groupsOf(record.scene).flatMap(({ members }) => members);
  assert.equal(new Set(taken).size, taken.length);
  for (const { members, hid } of groups.groupsOf(record.scene)) {
    assert.ok(members.length > 0 && hid.every((id) => members.includes(id)));
    assert.equal(order.join(" ").includes(members.join(" ")), true, `${words}: ${drawn(record)}`);
  }
};

test("after any steps groups hold neighbours, each layer at most once, and no group is empty", () => {
  for (let seed = 1; seed <= 300; seed += 1) {
    const random = randomFrom(seed * 7919);
    let record = editorOf("a b c d e f");
    for (let step = 0; step < 25; step += 1) {
      const edits = randomEdits(record, random, step);
      const before = record.scene.layers.length;
      const which = Math.floor(random() * edits.length);
      if (before > 0) record = edits[which](record);
      if (which < 4) assert.equal(record.scene.layers.length, before, `seed ${seed}`);
      assertTidy(record, `seed ${seed}`);
    }
  }
});

test("Ctrl+G groups the chosen layers and chooses them; hide, duplicate, delete and undo name the group", () => {
  const surface = createSurface(["a", "b", "c"].map((id) => layer(id)));
  const run = (id, ...given) => COMMANDS[id].run(surface, ...given);
  surface.amend((record) => ({ ...record, selected: "a" }));
  surface.session.set({ also: ["a", "b"] });
  run("group");
  assert.equal(drawn(surface.store.record), "(a b) c");
  const { id } = surface.store.record.scene.groups[0];
  assert.equal(surface.store.undoName, "Group 2 layers");
  run("hideGroup", id);
  assert.equal(surface.store.undoName, "Hide Group 1");
  run("duplicate");
  assert.equal(surface.store.undoName, "Duplicate Group 1");
  assert.equal(groups.groupsOf(surface.store.record.scene).length, 2);
  run("delete");
  assert.equal(surface.store.undoName, "Delete Group 1");
  run("foldGroup", id);
  assert.equal(surface.store.undoName, "Delete Group 1");
  assert.equal(drawn(surface.store.record), "[a b] c");
  run("chooseGroup", id);
  run("ungroup");
  assert.equal(drawn(surface.store.record), "a b c");
  surface.store.goTo(0);
  assert.equal(drawn(surface.store.record), "a b c");
});
