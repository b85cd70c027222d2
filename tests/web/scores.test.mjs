// What is said of a candidate by its scores.

import assert from "node:assert/strict";
import test from "node:test";

import { figuresOf, placeOf, scoreOf, verdictLines, verdictOf } from "../../ui/web/model/scores.js";
import { layer } from "./editor_fixtures.mjs";

const score = (layer_id, patch = {}) => ({
  layer_id,
  form: 0.62,
  place: 0,
  colour: null,
  text: 0.31,
  image: null,
  iou: 0,
  seam: 0.1,
  drift: null,
  failed: "",
  unjudged: "",
  ...patch,
});
const candidate = (rank, scores = []) => ({ rank, scores });

test("the figures of a layer are those that were measured; nought is one, null is none", () => {
  const found = figuresOf(scoreOf(candidate(1, [score("cat")]), "cat"));
  assert.deepEqual(
    found.map(({ name, value }) => [name, value]),
    [
      ["form", 0.62],
      ["place", 0],
    ],
  );
  assert.ok(found.every(({ title }) => title.length > 20));
  assert.deepEqual(figuresOf(scoreOf(candidate(1, [score("cat")]), "car")), []);
  assert.deepEqual(figuresOf(scoreOf(null, "cat")), []);
});

test("a failed layer is told with its name and the reason, one that passed is not", () => {
  const made = candidate(2, [
    score("star", { failed: "looks more like a house than a star" }),
    score("cat"),
  ]);
  const star = verdictOf(made, layer("star", { name: "layer 3" }));
  assert.equal(star.text, "layer 3 failed: looks more like a house than a star.");
  assert.equal(star.short, "looks more like a house than a star");
  assert.equal(verdictOf(made, layer("cat")), null);
  assert.equal(verdictOf(null, layer("cat")), null);
});

test("what nobody can judge is no failure, and says why", () => {
  const unjudged = "the model’s judge does not know “violin”";
  const made = candidate(1, [score("violin", { unjudged })]);
  const violin = layer("violin", { name: "violin" });
  const { code, text } = verdictOf(made, violin);
  assert.equal(code, "unjudged");
  assert.equal(text, `violin cannot be judged: ${unjudged}.`);
  assert.deepEqual(verdictLines(made, [layer("cat"), violin]), [text]);
  assert.equal(placeOf(made, [made, candidate(2)]).failed, 0);
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
