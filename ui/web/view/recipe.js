// The foot of the right panel: prompt, the dials of a run, and Generate.

import { setOption, setSettings } from "../model/edits.js";
import { isWorking } from "../model/session.js";
import { button, choice, numberField, tick } from "./fields.js";
import { createPrompt } from "./prompt.js";
import { createSubjectRun } from "./subjectrun.js";
import { createSetter, isByHand } from "./setter.js";
import { h, keyed, set, show } from "./dom.js";

const LARGEST_SEED = Number.MAX_SAFE_INTEGER;

const SAMPLER_TITLES = {
  ddim: "DDIM",
  euler: "Euler",
  euler_ancestral: "Euler ancestral",
  dpmpp_2m: "DPM++ 2M",
  unipc: "UniPC",
  lcm: "LCM",
};

const dialsOf = (desk) => {
  const number = (label, test, field, range) =>
    numberField(desk, {
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
    seed: number("seed", "seed", "seed", { title: "Seed", low: 0, high: LARGEST_SEED }),
    count: number("candidates", "count", "count", { title: "Candidates", low: 1, high: 16 }),
  };
};

const isSet = (options, { name }) =>
  options.some(({ sets }) => sets.some((each) => each.name === name));

const optionField = (desk, option) => {
  const shared = {
    label: option.title,
    test: `option-${option.name}`,
    name: option.title,
    read: ({ record }) => record.settings.options[option.name] ?? option.default,
    edit: (value) => setOption(option.name, value),
  };
  if (option.kind === "bool") return tick(desk, shared);
  if (option.kind === "choice")
    return choice(desk, {
      ...shared,
      options: () => option.choices.map((id) => ({ id, title: id })),
    });
  const whole = option.kind === "int";
  return numberField(desk, {
    ...shared,
    label: "",
    title: option.title,
    low: option.minimum,
    high: option.maximum,
    step: whole ? 1 : option.step,
    whole,
  });
};

const optionLine = ({ kind, title, unit, help, section }, field) => {
  const about = [help, section].filter(Boolean).join(" · ");
  const words = h("span", {}, title, unit ? h("small", { text: unit }) : null);
  return h(kind === "bool" ? "label" : "div", { class: "option", title: about }, words, field.node);
};

/** The options of the chosen method, as its facts describe them. */
const createMethodOptions = (desk) => {
  const node = h("div", { class: "method-options" });
  let known = null;
  let fields = [];
  const update = (shown) => {
    const method =
      shown.state.facts?.methods.find(({ id }) => id === shown.record.settings.method) ?? null;
    if (method !== known) {
      known = method;
      const options = method?.options ?? [];
      fields = options
        .filter(({ sets }) => sets.length === 0)
        .map((option) => {
          const field = optionField(desk, option);
          return { field, line: optionLine(option, field), follows: isSet(options, option) };
        });
      node.replaceChildren(...fields.map(({ line }) => line));
    }
    const byHand = isByHand(known, shown.record.settings);
    for (const { field, line, follows } of fields) {
      show(line, !follows || byHand);
      field.update(shown);
    }
  };
  return { node, update };
};

const createFreshSeeds = (desk) => {
  const input = h("input", {
    type: "checkbox",
    class: "tick",
    "data-test": "fresh-seeds",
    on: { change: () => desk.session.set({ freshSeeds: input.checked }) },
  });
  const node = h(
    "label",
    { class: "option option-bool", title: "Otherwise the same seed makes the same pictures again" },
    h("span", { text: "A new seed for every run" }),
    input,
  );
  return { node, update: ({ state }) => (input.checked = state.freshSeeds) };
};

const createAdvanced = (desk) => {
  const sampler = choice(desk, {
    label: "Sampler",
    test: "sampler",
    name: "Sampler",
    options: ({ state }) =>
      (state.facts?.samplers ?? []).map((id) => ({ id, title: SAMPLER_TITLES[id] ?? id })),
    read: ({ record }) => record.settings.sampler,
    edit: (value) => setSettings({ sampler: value }),
  });
  const model = choice(desk, {
    label: "Model",
    test: "model-choice",
    name: "Model",
    options: ({ state }) => (state.facts?.models ?? []).map(({ id, title }) => ({ id, title })),
    read: ({ record }) => record.settings.model,
    edit: (value) => setSettings({ model: value }),
  });
  const options = createMethodOptions(desk);
  const fresh = createFreshSeeds(desk);
  const node = h(
    "details",
    { class: "advanced", "data-test": "advanced" },
    h("summary", { text: "Advanced" }),
    h(
      "div",
      { class: "advanced-body" },
      h("label", { class: "option" }, h("span", { text: "Model" }), model.node),
      h("label", { class: "option" }, h("span", { text: "Sampler" }), sampler.node),
      fresh.node,
      options.node,
    ),
  );
  return {
    node,
    update: (shown) => [sampler, model, options, fresh].forEach((part) => part.update(shown)),
  };
};

const workingText = ({ job }) => {
  if (!job) return null;
  if (job.stopping) return "Stopping …";
  return job.total ? `Generating … ${job.done} of ${job.total}` : "Starting …";
};

const createGenerate = (desk) => {
  const title = "Make pictures of the whole scene";
  const node = button(desk, "generate", {
    label: "Generate",
    test: "generate",
    kind: "primary",
    key: "Ctrl Enter",
    title,
  });
  const update = ({ state }) => {
    const working = isWorking(state);
    set(node, { disabled: working || !state.project });
    set(node.firstChild, { text: workingText(state) ?? "Generate" });
    show(node.lastChild, !working);
  };
  return { node, update };
};

/** What a person should know of the scene as a whole, such as the size at which the model works. */
const createSceneNotes = () => {
  const nodes = new Map();
  const node = h("ul", { class: "scene-notes" });
  const noteOf = ({ text }) => ({ node: h("li", { text, "data-test": "scene-note" }) });
  const update = ({ state }) => {
    const notes = state.notes.filter(({ layer_id }) => layer_id === "");
    keyed(node, nodes, notes, ({ code, text }) => `${code} ${text}`, noteOf);
    show(node, notes.length > 0);
  };
  return { node, update };
};

export const createRecipe = (desk) => {
  const dials = dialsOf(desk);
  dials.seed.node.append(
    button(desk, "dice", {
      iconName: "dice",
      test: "dice",
      title: "New seed (D)",
      kind: "quiet small inset",
    }),
  );
  const [prompt, advanced, generate] = [
    createPrompt(desk),
    createAdvanced(desk),
    createGenerate(desk),
  ];
  const [notes, setter] = [createSceneNotes(), createSetter(desk)];
  const subject = createSubjectRun(desk);
  const numbers = Object.values(dials);
  const row = h(
    "div",
    { class: "dials" },
    numbers.map(({ node }) => node),
  );
  const inside = [prompt.node, subject.node, row, setter.node, notes.node, advanced.node];
  const body = h("div", { class: "recipe-body" }, inside);
  const node = h(
    "section",
    { class: "recipe", "aria-label": "Prompt and dials" },
    body,
    generate.node,
  );
  const parts = [prompt, subject, ...numbers, setter, notes, advanced, generate];
  return {
    node,
    update: (shown) => parts.forEach((part) => part.update(shown)),
  };
};
