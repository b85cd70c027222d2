// Few steps: one box, or a sampler of few steps, brings steps and guidance and takes them away.

import assert from "node:assert/strict";
import test from "node:test";

import {
  drawsInFewSteps,
  fewStepsSettings,
  hasFewSteps,
  samplerSettings,
} from "../../ui/web/model/few-steps.js";

const FACTS = {
  models: [
    { id: "able", members: ["clip", "unet_lcm"] },
    { id: "plain", members: ["clip"] },
  ],
};
const USUAL = { model: "able", sampler: "euler", steps: 24, guidance_scale: 7 };

test("the box is there for models that have a network for few steps", () => {
  assert.equal(hasFewSteps(FACTS, { model: "able" }), true);
  assert.equal(hasFewSteps(FACTS, { model: "plain" }), false);
  assert.equal(hasFewSteps(FACTS, { model: "gone" }), false);
  assert.equal(hasFewSteps(null, { model: "able" }), false);
});

test("the box brings sampler, steps and guidance, and takes them away", () => {
  const few = { ...USUAL, ...fewStepsSettings(true) };
  assert.deepEqual([few.sampler, few.steps, few.guidance_scale], ["lcm", 4, 1]);
  assert.equal(drawsInFewSteps(few), true);
  const again = { ...few, ...fewStepsSettings(false) };
  assert.deepEqual([again.sampler, again.steps, again.guidance_scale], ["ddim", 30, 5]);
  assert.equal(drawsInFewSteps(again), false);
});

test("a sampler of few steps brings them too, another one of them changes nothing else", () => {
  assert.deepEqual(samplerSettings(USUAL, "tcd", true), {
    sampler: "tcd",
    steps: 4,
    guidance_scale: 1,
  });
  const six = { ...USUAL, sampler: "lcm", steps: 6, guidance_scale: 1.5 };
  assert.deepEqual(samplerSettings(six, "tcd", true), { sampler: "tcd" });
  assert.deepEqual(samplerSettings(six, "euler", true), {
    sampler: "euler",
    steps: 30,
    guidance_scale: 5,
  });
  assert.deepEqual(samplerSettings(USUAL, "ddim", true), { sampler: "ddim" });
});

test("a model without such a network keeps its steps", () => {
  assert.deepEqual(samplerSettings(USUAL, "lcm", false), { sampler: "lcm" });
});
