// The class of a layer: the names to choose from, and what choosing changes.

import assert from "node:assert/strict";
import test from "node:test";

import { answersTo, setClass, takesAnyPhrase, vocabularyOf } from "../../ui/web/model/classes.js";
import { layerOf } from "../../ui/web/model/records.js";
import { buildEditor, layer } from "./editor_fixtures.mjs";

const painted = (patch) => layer("cat", { picture: null, mask: "m", phrase: "", ...patch });
const named = (first, name) => layerOf(setClass("cat", name)(buildEditor([first])), "cat");

test("the names are those of the model's guide; without one they are what the layers are about", () => {
  const scene = { layers: [layer("an orange Cat"), painted({ class_label: " car " })] };
  assert.deepEqual(vocabularyOf({ classes: ["star", "bear"] }, scene), ["bear", "star"]);
  assert.deepEqual(vocabularyOf({ classes: [] }, scene), ["car", "cat"]);
  assert.deepEqual(vocabularyOf(null, { layers: [] }), []);
  assert.equal(takesAnyPhrase({ members: ["guide"] }), false);
  assert.equal(takesAnyPhrase({ members: ["clipseg"] }), true);
  assert.equal(takesAnyPhrase(null), false);
});

test("a search finds names by any part, beginnings first; a name as it stands shows all the others too", () => {
  const names = ["bear", "pear", "star"];
  assert.deepEqual(answersTo(names, "ear"), ["bear", "pear"]);
  assert.deepEqual(answersTo(names, "pe"), ["pear"]);
  assert.deepEqual(answersTo(names, ""), names);
  assert.deepEqual(answersTo(names, "star"), names);
  assert.deepEqual(answersTo(names, "walrus"), []);
});

test("a region without words takes the class for its phrase and changes it with the class; its own words stay", () => {
  const plain = named(painted({}), "star");
  assert.deepEqual([plain.class_label, plain.phrase], ["star", "star"]);
  const again = named(painted({ class_label: "star", phrase: "star" }), "bear");
  assert.deepEqual([again.class_label, again.phrase], ["bear", "bear"]);
  const own = named(painted({ class_label: "star", phrase: "a red star" }), "bear");
  assert.deepEqual([own.class_label, own.phrase], ["bear", "a red star"]);
  const picture = named(layer("cat", { phrase: "" }), "bear");
  assert.deepEqual([picture.class_label, picture.phrase], ["bear", ""]);
  assert.equal(named(painted({ class_label: "star", phrase: "star" }), "").phrase, "");
});
