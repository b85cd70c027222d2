// Small records and a clock that only moves when told, shared by the tests of the page.

import { freeze } from "../../ui/web/model/records.js";

export const layer = (id, patch = {}) => ({
  id,
  name: id,
  picture: "a".repeat(64),
  mask: null,
  placement: {
    centre_x_px: 100,
    centre_y_px: 100,
    scale_x: 1,
    scale_y: 1,
    rotation_deg: 0,
    flip_x: false,
    flip_y: false,
  },
  opacity: 1,
  blend: "normal",
  visible: true,
  locked: false,
  phrase: id,
  negative: "",
  strength: 0.6,
  attention_positive: 0.5,
  attention_negative: 0.8,
  structure: { kind: "none", weight: 0 },
  embedding: null,
  subject: null,
  class_label: "",
  seed: null,
  strength_map: null,
  prompt_start: 0,
  prompt_end: 1,
  loras: [],
  ...patch,
});

export const buildEditor = (layers = [layer("back"), layer("cat"), layer("car")], patch = {}) =>
  freeze({
    scene: {
      version: 2,
      name: "Test",
      width_px: 512,
      height_px: 512,
      prompt: "a cat and a car",
      negative: "",
      layers,
    },
    settings: {
      model: "pocket",
      method: "collage",
      sampler: "ddim",
      steps: 30,
      guidance_scale: 5,
      seed: 7,
      count: 4,
      options: {},
      weighted_prompt: true,
      clip_skip: 1,
    },
    picked: "",
    selected: "",
    mix: null,
    ...patch,
  });

/** Random numbers in 0…1 that are the same for the same seed. */
export const randomFrom = (seed) => {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
};

/** A clock for bridges: `advance(ms)` runs what is due, in order, letting promises settle between. */
export const createClock = () => {
  let now = 0;
  let serial = 0;
  const timers = new Map();
  const settle = async () => {
    for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
  };
  return {
    now: () => now,
    later: (run, wait_ms) => {
      serial += 1;
      timers.set(serial, { run, at: now + wait_ms });
      return serial;
    },
    forget: (timer) => timers.delete(timer),
    settle,
    async advance(ms) {
      const end = now + ms;
      await settle();
      for (;;) {
        const due = [...timers]
          .filter(([, { at }]) => at <= end)
          .sort(([, one], [, other]) => one.at - other.at)[0];
        if (!due) break;
        timers.delete(due[0]);
        now = Math.max(now, due[1].at);
        due[1].run();
        await settle();
      }
      now = end;
    },
  };
};

export const createStorage = () => {
  const kept = new Map();
  return {
    kept,
    get: (key) => (kept.has(key) ? JSON.parse(kept.get(key)) : null),
    put: (key, value) => void kept.set(key, JSON.stringify(value)),
    drop: (key) => void kept.delete(key),
  };
};

/** This browser's database, in memory. */
export const createMaskDatabase = () => {
  const kept = new Map();
  return {
    kept,
    put: async (key, value) => void kept.set(key, value),
    get: async (key) => kept.get(key) ?? null,
    drop: async (start) =>
      [...kept.keys()].filter((key) => key.startsWith(start)).forEach((key) => kept.delete(key)),
  };
};

/** A group of layers as the server knows it. */
export const group = (id, members, patch = {}) => ({
  id,
  name: id,
  members,
  collapsed: false,
  hid: [],
  ...patch,
});
