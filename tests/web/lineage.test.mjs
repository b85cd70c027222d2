// The tree of what was made from what, how it is walked, and what a step was about.

import assert from "node:assert/strict";
import test from "node:test";

import { viewMade } from "../../ui/web/commands/runs.js";
import { buildLineage, pictureOfStep, walkLineage } from "../../ui/web/model/lineage.js";
import { createSession } from "../../ui/web/model/session.js";

const made = (id, source = "", layer_id = "") => ({
  id,
  digest: `d-${id}`,
  source,
  layer_id,
  job: "j",
});
const candidates = [
  made("a"),
  made("b"),
  made("a1", "d-a", "ball"),
  made("b1", "d-b", "ball"),
  made("a11", "d-a1", "cat"),
  made("a2", "d-a", "ball"),
  made("lost", "d-deleted", "ball"),
];
const rows = buildLineage(candidates);

test("each picture stands below the one that it was made from", () => {
  assert.deepEqual(
    rows.map(({ candidate, level, parent }) => [candidate.id, level, parent]),
    [
      ["a", 1, ""],
      ["a1", 2, "a"],
      ["a11", 3, "a1"],
      ["a2", 2, "a"],
      ["b", 1, ""],
      ["b1", 2, "b"],
      ["lost", 1, ""],
    ],
  );
});

test("the tree is walked up, down, to what a picture was made from and to what was made from it", () => {
  const walk = (id, key) => {
    const at = rows.findIndex(({ candidate }) => candidate.id === id);
    return rows[walkLineage(rows, at, key)]?.candidate.id;
  };
  assert.equal(walk("a11", "ArrowLeft"), "a1");
  assert.equal(walk("a1", "ArrowRight"), "a11");
  assert.equal(walk("a11", "ArrowDown"), "a2");
  assert.equal(walk("b", "ArrowUp"), "a2");
  assert.equal(walk("b", "Home"), "a");
  assert.equal(walk("a", "End"), "lost");
  for (const [id, key] of [
    ["a", "ArrowLeft"],
    ["a2", "ArrowRight"],
    ["a", "ArrowUp"],
    ["lost", "ArrowDown"],
    ["a", "x"],
  ])
    assert.equal(walk(id, key), undefined, `${id} ${key}`);
});

test("a picture is shown in the strip of its own run", () => {
  const session = createSession();
  viewMade({ session }, candidates[2]);
  const { viewed, batch, showing } = session.state;
  assert.deepEqual([viewed, batch, showing], ["d-a1", "j", "result"]);
});

test("a step is about what was accepted, or the layer that it changed", () => {
  const [ball, cat] = [{ picture: "p-ball" }, { picture: "p-cat" }];
  const of = (layers, picked = "") => ({ scene: { layers }, picked });
  assert.equal(pictureOfStep(of([ball, cat]), of([ball, { ...cat }])), "p-cat");
  assert.equal(pictureOfStep(of([ball]), of([ball], "d-a")), "d-a");
  assert.equal(pictureOfStep(of([ball], "d-a"), of([ball], "d-a")), "");
  assert.equal(pictureOfStep(of([ball, cat]), of([ball])), "");
  assert.equal(pictureOfStep(of([]), of([{ picture: null, mask: "m" }])), "");
});
