// The foot of the right panel: prompt, the dials of a run, and Generate.

/**
 * @import { App, SessionState, Shown } from "../../types/editor.d.ts"
 * @import { Note, RunSettings } from "../../types/protocol.d.ts"
 */

import { setScene, setSettings } from "../../model/edits.js";
import {
  drawsInFewSteps,
  fewStepsSettings,
  hasFewSteps,
  samplerSettings,
} from "../../model/few-steps.js";
import { modelChoices, refusedOf } from "../../model/models.js";
import { isWorking } from "../../model/session.js";
import { createKeyed, firstOf, h, lastOf, set, show } from "../dom/elements.js";
import { button, choice, tick } from "../dom/fields.js";
import { createLoraList } from "../dom/lora-list.js";
import { numberField } from "../dom/number-fields.js";
import { createLinkedDial, createMethodOptions } from "./method-options.js";
import { createPrompt } from "./prompt.js";
import { createRunSubject } from "./run-subject.js";

const LARGEST_SEED = Number.MAX_SAFE_INTEGER;

/** @type {Readonly<Record<string, string>>} */
const SAMPLER_TITLES = {
  ddim: "DDIM",
  ddim_trailing: "DDIM trailing",
  euler: "Euler",
  euler_karras: "Euler Karras",
  euler_trailing: "Euler trailing",
  euler_ancestral: "Euler ancestral",
  dpmpp_2m: "DPM++ 2M",
  dpmpp_2m_karras: "DPM++ 2M Karras",
  dpmpp_2m_sde_karras: "DPM++ 2M SDE Karras",
  dpmpp_single: "DPM++ single-step",
  unipc: "UniPC",
  unipc_karras: "UniPC Karras",
  deis: "DEIS",
  lms: "LMS",
  lms_karras: "LMS Karras",
  heun: "Heun",
  dpm2: "DPM2",
  ddpm: "DDPM",
  lcm: "LCM",
  tcd: "TCD",
};

/** @param {App} app */
const dialsOf = (app) => {
  /**
   * @param {string} label
   * @param {string} test
   * @param {"steps" | "guidance_scale" | "seed" | "count"} field
   * @param {{
   *   title: string,
   *   low: number,
   *   high: number,
   *   step?: number,
   *   whole?: boolean,
   *   draw?: () => number,
   * }} range
   */
  const number = (label, test, field, range) =>
    numberField(app, {
      label,
      test,
      ...range,
      name: range.title,
      read: ({ record }) => record.settings[field],
      edit: (value) => setSettings({ [field]: value }),
    });
  return {
    steps: number("steps", "steps", "steps", { title: "Steps", low: 1, high: 200 }),
    guidance: number("guidance", "guidance", "guidance_scale", {
      title: "Guidance",
      low: 1,
      high: 30,
      step: 0.5,
      whole: false,
    }),
    seed: number("seed", "seed", "seed", {
      title: "Seed",
      low: 0,
      high: LARGEST_SEED,
      draw: app.random,
    }),
    count: number("candidates", "count", "count", { title: "Candidates", low: 1, high: 16 }),
  };
};

/**
 * A box of what is asked of the next runs; it is no part of the scene.
 * @param {App} app
 * @param {{ field: "freshSeeds" | "closeUp", label: string, title: string, test: string }} words
 */
const createRunBox = (app, { field, label, title, test }) => {
  /** @type {HTMLInputElement} */
  const input = h("input", {
    type: "checkbox",
    class: "tick",
    "data-test": test,
    on: { change: () => app.session.set({ [field]: input.checked }) },
  });
  const node = h(
    "label",
    { class: "option option-bool", title },
    h("span", { text: label }),
    input,
  );
  /** @param {Shown} shown */
  const update = ({ state }) => void (input.checked = state[field]);
  return { node, update };
};

/**
 * Under the choice of models: how many cannot be used, and the way to the reasons.
 * @param {App} app
 */
const createRefusedLine = (app) => {
  const words = h("span", { role: "status", "data-test": "models-refused" });
  const open = button(app, "models", { label: "Models …", test: "models-open", kind: "small" });
  const node = h("div", { class: "refused-models" }, words, open);
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const count = refusedOf(state.facts).length;
    set(words, { text: count > 0 ? `${count} more cannot be used` : "Add folders, see details" });
  };
  return { node, update };
};

/**
 * A box for models that have a network for few steps.
 * @param {App} app
 */
const createFewSteps = (app) => {
  const box = tick(app, {
    label: "Quick, in 4 steps",
    test: "few-steps",
    name: "Quick, in 4 steps",
    read: ({ record }) => drawsInFewSteps(record.settings),
    edit: (wanted) => setSettings(fewStepsSettings(wanted)),
  });
  const node = h(
    "label",
    {
      class: "option option-bool",
      title: "LCM, 4 steps, guidance 1: a first look in a fraction of the time; forms come rougher",
    },
    h("span", { text: "Quick, in 4 steps" }),
    box.node,
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    box.update(shown);
    show(node, hasFewSteps(shown.state.facts, shown.record.settings));
  };
  return { node, update };
};

/**
 * How prompts are read: a box, and the layer of the text encoders that is taken.
 * @param {App} app
 */
const createReading = (app) => {
  const box = tick(app, {
    label: "Weights in prompts",
    test: "weighted-prompt",
    name: "Weights in prompts",
    read: ({ record }) => record.settings.weighted_prompt,
    edit: (wanted) => setSettings({ weighted_prompt: wanted }),
  });
  const skip = numberField(app, {
    label: "clip skip",
    test: "clip-skip",
    name: "Clip skip",
    low: 1,
    high: 4,
    read: ({ record }) => record.settings.clip_skip,
    edit: (value) => setSettings({ clip_skip: value }),
  });
  const line = h(
    "label",
    {
      class: "option option-bool",
      title:
        "(word:1.2), ((word)), [word], BREAK, <lora:name:0.8>, embeddings by name, and prompts of any length",
    },
    h("span", { text: "Weights in prompts" }),
    box.node,
  );
  const node = h("div", { class: "reading" }, line, skip.node);
  /** @param {Shown} shown */
  const update = (shown) => {
    [box, skip].forEach((part) => part.update(shown));
    show(skip.node, shown.record.settings.weighted_prompt);
  };
  return { node, update };
};

/** @param {App} app */
const createAdvanced = (app) => {
  const sampler = choice(app, {
    label: "Sampler",
    test: "sampler",
    name: "Sampler",
    options: ({ state }) =>
      (state.facts?.samplers ?? []).map((id) => ({ id, title: SAMPLER_TITLES[id] ?? id })),
    read: ({ record }) => record.settings.sampler,
    edit: (value) => (editor) => {
      const chosen = /** @type {RunSettings["sampler"]} */ (value);
      const able = hasFewSteps(app.session.state.facts, editor.settings);
      return setSettings(samplerSettings(editor.settings, chosen, able))(editor);
    },
  });
  const model = choice(app, {
    label: "Model",
    test: "model-choice",
    name: "Model",
    options: ({ state }) => modelChoices(state.facts),
    read: ({ record }) => record.settings.model,
    edit: (value) => setSettings({ model: value }),
  });
  const refused = createRefusedLine(app);
  const options = createMethodOptions(app);
  const reading = createReading(app);
  const fresh = createRunBox(app, {
    field: "freshSeeds",
    label: "A new seed for every run",
    title: "Otherwise the same seed makes the same pictures again",
    test: "fresh-seeds",
  });
  const closeUp = createRunBox(app, {
    field: "closeUp",
    label: "Draw small objects close up",
    title:
      "A small object is drawn in a window around it, enlarged, and put back: forms come finer. " +
      "Re-rolls do it with every model; whole pictures with a small one, after all layers.",
    test: "close-up",
  });
  const node = h(
    "details",
    { class: "advanced", "data-test": "advanced" },
    h("summary", { text: "Advanced" }),
    h(
      "div",
      { class: "advanced-body" },
      h("label", { class: "option" }, h("span", { text: "Model" }), model.node),
      refused.node,
      h("label", { class: "option" }, h("span", { text: "Sampler" }), sampler.node),
      reading.node,
      fresh.node,
      closeUp.node,
      options.node,
    ),
  );
  /** @param {Shown} shown */
  const update = (shown) =>
    [sampler, model, refused, options, reading, fresh, closeUp].forEach((part) =>
      part.update(shown),
    );
  return { node, update };
};

/** @param {Readonly<SessionState>} state */
const workingText = ({ job }) => {
  if (!job) return null;
  if (job.stopping) return "Stopping …";
  return job.total ? `Generating … ${job.done} of ${job.total}` : "Starting …";
};

/** @param {App} app */
const createGenerate = (app) => {
  const title = "Make pictures of the whole scene";
  const node = button(app, "generate", {
    label: "Generate",
    test: "generate",
    kind: "primary",
    key: "Ctrl Enter",
    title,
  });
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const working = isWorking(state);
    set(node, { disabled: working || !state.project });
    set(firstOf(node), { text: workingText(state) ?? "Generate" });
    show(lastOf(node), !working);
  };
  return { node, update };
};

/** What a person should know of the scene as a whole, such as the size at which the model works. */
const createSceneNotes = () => {
  const node = h("ul", { class: "scene-notes" });
  /** @param {Note} note */
  const noteOf = ({ text }) => ({ node: h("li", { text, "data-test": "scene-note" }) });
  const placeNotes = createKeyed(node, ({ code, text }) => `${code} ${text}`, noteOf);
  /** @param {Shown} shown */
  const update = ({ state }) => {
    const notes = state.notes.filter(({ layer_id }) => layer_id === "");
    placeNotes(notes);
    show(node, notes.length > 0);
  };
  return { node, update };
};

/**
 * What the chosen model can draw, where that is little, and how others are added.
 * @param {App} app
 */
const createModelScope = (app) => {
  const knows = h("summary", {});
  const how = h("p", {
    text: "Add the folder of another program, such as ComfyUI/models: Lamina lists what it finds there.",
  });
  const open = button(app, "models", { label: "Models …", test: "scope-models", kind: "small" });
  const node = h("details", { class: "model-scope", "data-test": "model-scope" }, knows, how, open);
  /** @param {Shown} shown */
  const update = ({ state, record }) => {
    const model = state.facts?.models.find(({ id }) => id === record.settings.model);
    set(knows, { text: `${model?.title} knows ${model?.knows}; add a model for anything else` });
    show(node, Boolean(model?.knows));
  };
  return { node, update };
};

/** @param {App} app */
export const createRecipePanel = (app) => {
  const dials = dialsOf(app);
  dials.seed.node.append(
    button(app, "dice", {
      iconName: "dice",
      test: "dice",
      title: "New seed (D)",
      kind: "quiet small inset",
    }),
  );
  const [prompt, advanced, generate] = [
    createPrompt(app),
    createAdvanced(app),
    createGenerate(app),
  ];
  const loras = createLoraList(app, {
    label: "LoRAs of the whole picture",
    test: "lora",
    bringsDials: true,
    read: ({ scene }) => scene.loras ?? [],
    edit: (change) => (record) => setScene({ loras: change(record.scene.loras ?? []) })(record),
  });
  const [notes, setter] = [createSceneNotes(), createLinkedDial(app)];
  const [subject, scope] = [createRunSubject(app), createModelScope(app)];
  const [numbers, few] = [Object.values(dials), createFewSteps(app)];
  const row = h(
    "div",
    { class: "dials" },
    numbers.map(({ node }) => node),
  );
  const inside = [prompt.node, scope.node, subject.node, loras.node, row, few.node, setter.node];
  const body = h("div", { class: "recipe-body" }, inside, notes.node, advanced.node);
  const node = h(
    "section",
    { class: "recipe", "aria-label": "Prompt and dials" },
    body,
    generate.node,
  );
  const parts = [prompt, scope, subject, loras, ...numbers, few, setter, notes, advanced, generate];
  /** @param {Shown} shown */
  const update = (shown) => parts.forEach((part) => part.update(shown));
  return { node, update };
};
