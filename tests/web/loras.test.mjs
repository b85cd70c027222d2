// LoRAs of a scene: added once, weighed, removed; only those that were found can be chosen.

import assert from "node:assert/strict";
import { test } from "node:test";

import {
  addLora,
  broughtBy,
  broughtText,
  hasLora,
  loraChoices,
  removeLora,
  weighLora,
  weightOf,
} from "../../ui/web/model/loras.js";

const FACTS = { loras: [{ name: "ink" }, { name: "clay" }] };

test("a LoRA is added once, with the weight it was trained with", () => {
  const one = addLora([], "ink");
  assert.deepEqual(one, [{ name: "ink", weight: 1 }]);
  assert.equal(addLora(one, "ink"), one);
  assert.equal(addLora(one, ""), one);
});

test("one is weighed or removed, and the others stay", () => {
  const both = addLora(addLora([], "ink"), "clay");
  assert.deepEqual(weighLora(both, "clay", -0.5), [
    { name: "ink", weight: 1 },
    { name: "clay", weight: -0.5 },
  ]);
  assert.deepEqual(removeLora(both, "ink"), [{ name: "clay", weight: 1 }]);
  assert.equal(weightOf(both, "clay"), 1);
  assert.equal(weightOf(both, "oil"), null);
});

test("what is applied already, or was not found, cannot be chosen", () => {
  const titles = loraChoices(FACTS, addLora([], "ink")).map(({ title }) => title);
  assert.deepEqual(titles, ["Add a LoRA …", "clay"]);
  assert.deepEqual(loraChoices(null, []).length, 1);
  assert.equal(hasLora(FACTS, "clay"), true);
  assert.equal(hasLora(FACTS, "oil"), false);
});

test("a LoRA of few steps brings its dials, others none", () => {
  const few_steps = { title: "LCM", sampler: "lcm", steps: 4, guidance_scale: 1 };
  const facts = {
    loras: [
      { name: "ink", few_steps: null },
      { name: "quick", few_steps },
    ],
  };
  const dials = { sampler: "lcm", steps: 4, guidance_scale: 1 };
  assert.deepEqual(broughtBy(facts, "quick"), dials);
  assert.deepEqual(broughtBy(facts, "ink"), {});
  assert.deepEqual(broughtBy(null, "quick"), {});
  assert.match(broughtText(facts, "quick", dials), /^LCM brought its dials: lcm, 4 steps/);
  assert.match(broughtText(facts, "quick", { ...dials, steps: 30 }), /^LCM was made for lcm/);
  assert.equal(broughtText(facts, "ink", dials), "");
});
