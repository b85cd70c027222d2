// What is said of a candidate by its scores.

import assert from "node:assert/strict";
import test from "node:test";

import { failureOf, figuresOf, placeOf, scoreOf } from "../../ui/web/model/scores.js";
import { layer } from "./editor_fixtures.mjs";

const score = (layer_id, patch = {}) => ({
  layer_id,
  text: 0.31,
  image: null,
  iou: 0,
  seam: 0.1,
  drift: null,
  failed: "",
  ...patch,
});
const candidate = (rank, scores = []) => ({ rank, scores });

test("the figures of a layer are those that were measured; nought is one, null is none", () => {
  const found = figuresOf(scoreOf(candidate(1, [score("cat")]), "cat"));
  assert.deepEqual(
    found.map(({ name, value }) => [name, value]),
    [
      ["words", 0.31],
      ["place", 0],
    ],
  );
  assert.ok(found.every(({ title }) => title.length > 20));
  assert.deepEqual(figuresOf(scoreOf(candidate(1, [score("cat")]), "car")), []);
  assert.deepEqual(figuresOf(scoreOf(null, "cat")), []);
});

test("a failed layer is told with its name, one that passed is not", () => {
  const made = candidate(2, [score("star", { failed: "no star found where asked" }), score("cat")]);
  assert.equal(
    failureOf(made, layer("star", { name: "layer 3" })).text,
    "layer 3 failed: no star found where asked.",
  );
  assert.equal(failureOf(made, layer("cat")), null);
  assert.equal(failureOf(null, layer("cat")), null);
});

test("a rank is shown only among several ranked candidates", () => {
  const [first, second, unscored] = [
    candidate(1),
    candidate(2, [score("cat", { failed: "gone" })]),
    candidate(0),
  ];
  assert.deepEqual(placeOf(first, [first, second, unscored]), { rank: 1, of: 2, failed: 0 });
  assert.deepEqual(placeOf(second, [first, second]), { rank: 2, of: 2, failed: 1 });
  assert.equal(placeOf(unscored, [first, second, unscored]), null);
  assert.equal(placeOf(first, [first]), null);
});
