// The fields of a layer's card: words, dials, and what only some methods ask for (not, structure, class, seed).

import { formatFraction } from "../../kernels/numbers.js";
import { setLayer } from "../../model/edits.js";
import { promptRangeText } from "../../model/prompt-range.js";
import { isPainted, layerOf } from "../../model/records.js";
import { h, set, show } from "../dom/elements.js";
import { choice, numberField, slider, textField } from "../dom/fields.js";
import { createClassField } from "./class-field.js";
import { createPromptRange } from "./prompt-range.js";

const LARGEST_SEED = Number.MAX_SAFE_INTEGER;

export const line = (label, title, ...nodes) =>
  h(
    "div",
    { class: "card-line", title },
    h("span", { class: "card-label", text: label }),
    ...nodes,
  );

/** A line of words: {node, update(shown)}. */
export const words = (app, id, { label, test, field, placeholder }) => {
  const part = textField(app, {
    label,
    test,
    placeholder,
    read: ({ record }) => layerOf(record, id)?.[field] ?? null,
    name: label,
    edit: (value) => setLayer(id, { [field]: value }),
    merge: () => `${field}:${id}`,
  });
  return { input: part.node, node: line(label, placeholder, part.node), update: part.update };
};

/** A slider with its number: {node, update(shown)}. */
export const dial = (app, id, { label, title, test, field, high = 1, normal }) => {
  const value = h("span", { class: "dial-value" });
  const part = slider(app, {
    label,
    test,
    high,
    normal,
    step: 0.05,
    format: formatFraction,
    read: ({ record }) => layerOf(record, id)?.[field] ?? null,
    name: label,
    edit: (number) => setLayer(id, { [field]: number }),
    merge: () => `${field}:${id}`,
  });
  const update = (shown) => {
    part.update(shown);
    set(value, { text: formatFraction(layerOf(shown.record, id)[field]) });
  };
  return { node: line(label, title, part.node, value), update };
};

/** The class: of a painted layer at the head of its card, of a picture among what is seldom asked for. */
export const classLine = (app, id, forPainted) => {
  const field = createClassField(app, id);
  const node = line("Class", "What it is, in the words of the model's segmenters", field.node);
  const update = (shown) => {
    const layer = layerOf(shown.record, id);
    show(node, layer !== null && isPainted(layer) === forPainted);
    field.update(shown);
  };
  return { node, update };
};

const structureEdit = (id, patch) => (record) => {
  const { structure } = layerOf(record, id);
  return setLayer(id, { structure: { ...structure, ...patch } })(record);
};

const KINDS = [
  { id: "none", title: "free", needs: [] },
  { id: "edges", title: "its edges", needs: ["controlnet"] },
  { id: "soft_edges", title: "soft edges", needs: ["controlnet_soft_edges"] },
  { id: "depth", title: "its depth", needs: ["controlnet_depth", "depth"] },
];
const offered = (model, { needs }) => needs.every((member) => model?.members.includes(member));
/** Buttons in the order of KINDS: which one is chosen, and which the model can do. */
const markKinds = (buttons, chosen, model) =>
  buttons.forEach((button, index) => {
    set(button, { "aria-checked": KINDS[index].id === chosen });
    show(button, KINDS[index].id === chosen || offered(model, KINDS[index]));
  });
const titleOfKind = (kind) => KINDS.find(({ id }) => id === kind).title;
const FIRST_WEIGHT = 0.5;

/**
 * What of the picture's own structure is kept, and how firmly. A kind without a weight would do nothing. A kind is only
 * offered where the model has its ControlNet; a layer that already holds to its structure can be freed anywhere.
 */
const structure = (app, id) => {
  const read = ({ record }) => layerOf(record, id)?.structure ?? null;
  const choose = (kind) => (record) => {
    const { weight } = layerOf(record, id).structure;
    return structureEdit(id, { kind, weight: kind === "none" ? 0 : weight || FIRST_WEIGHT })(
      record,
    );
  };
  const press = (kind) => () => app.store.change("Structure", choose(kind));
  const kinds = KINDS.map(({ id: kind, title }) =>
    h("button", {
      type: "button",
      role: "radio",
      "data-test": `structure-${kind}`,
      text: title,
      on: { click: press(kind) },
    }),
  );
  const weight = slider(app, {
    label: "Weight of the structure",
    test: "structure-weight",
    format: formatFraction,
    normal: FIRST_WEIGHT,
    read: (shown) => read(shown)?.weight ?? null,
    name: "Structure",
    edit: (value) => structureEdit(id, { weight: value }),
    merge: () => `structure:${id}`,
  });
  const value = h("span", { class: "dial-value" });
  const choice = h(
    "span",
    { class: "segments", role: "radiogroup", "aria-label": "Structure" },
    kinds,
  );
  const node = line(
    "Structure",
    "What of the layer's own drawing is held, and how firmly",
    choice,
    value,
  );
  const firm = line("", "How firmly", weight.node);
  const update = (shown) => {
    const { kind, weight: held } = read(shown);
    show(node, kind !== "none" || KINDS.slice(1).some((one) => offered(shown.model, one)));
    markKinds(kinds, kind, shown.model);
    show(firm, kind !== "none");
    set(value, { text: kind === "none" ? "" : formatFraction(held) });
    weight.update(shown);
  };
  return { nodes: [node, firm], update };
};

/** The layer's own seed; without one it shares the scene's. */
const seed = (app, id) => {
  const field = numberField(app, {
    label: "",
    title: "This layer's own seed",
    test: "layer-seed",
    low: 0,
    high: LARGEST_SEED,
    name: "Seed of the layer",
    read: ({ record }) => layerOf(record, id)?.seed ?? null,
    edit: (value) => setLayer(id, { seed: value }),
  });
  const turn = () => {
    const own = layerOf(app.store.record, id).seed;
    app.store.change(
      "Seed of the layer",
      setLayer(id, { seed: own === null ? app.random() : null }),
    );
  };
  const shape = {
    type: "button",
    class: "button small flip",
    "data-test": "own-seed",
    on: { click: turn },
  };
  const own = h("button", shape, h("span"));
  const node = line(
    "Seed",
    "A seed of its own keeps this layer as it is when the scene's seed changes",
    own,
    field.node,
  );
  node.classList.add("seed-line");
  const update = (shown) => {
    const layer = layerOf(shown.record, id);
    field.update(shown);
    show(field.node, layer.seed !== null);
    set(own, { "aria-pressed": layer.seed !== null });
    set(own.firstChild, { text: layer.seed === null ? "the scene's" : "its own" });
  };
  return { nodes: [node], update };
};

const BLENDS = [
  ["normal", "Normal"],
  ["multiply", "Multiply"],
  ["screen", "Screen"],
  ["overlay", "Overlay"],
  ["soft_light", "Soft light"],
  ["darken", "Darken"],
  ["lighten", "Lighten"],
].map(([mode, title]) => ({ id: mode, title }));

/** How the picture meets the layers below. */
const blend = (app, id) => {
  const part = choice(app, {
    label: "Blend mode",
    test: "blend",
    options: () => BLENDS,
    read: ({ record }) => layerOf(record, id)?.blend ?? null,
    name: "Blend mode",
    edit: (mode) => setLayer(id, { blend: mode }),
  });
  return {
    node: line("Blend", "How the picture meets the layers below", part.node),
    update: part.update,
  };
};

/** What the fold tells while it is shut. */
const summaryOf = (layer) =>
  [
    layer.blend !== "normal" && BLENDS.find(({ id }) => id === layer.blend)?.title.toLowerCase(),
    layer.negative.trim() && `not ${layer.negative.trim()}`,
    promptRangeText(layer, formatFraction),
    layer.structure.kind !== "none" &&
      `${titleOfKind(layer.structure.kind)} ${formatFraction(layer.structure.weight)}`,
    layer.class_label.trim() && `class ${layer.class_label.trim()}`,
    layer.seed !== null && `seed ${layer.seed}`,
  ]
    .filter(Boolean)
    .join(" · ");

/** The fold with the fields that a first picture does not need; open or shut for all layers alike. */
export const createMoreFields = (app, id) => {
  const negative = words(app, id, {
    label: "Not",
    test: "layer-negative",
    field: "negative",
    placeholder: "what this object should not be",
  });
  const parts = [
    blend(app, id),
    negative,
    createPromptRange(app, id),
    structure(app, id),
    classLine(app, id, false),
    seed(app, id),
  ];
  const told = h("span", { class: "more-told" });
  const summary = h("summary", { "data-test": "layer-more" }, h("span", { text: "More" }), told);
  const body = h(
    "div",
    { class: "more-body" },
    parts.flatMap(({ node, nodes }) => nodes ?? [node]),
  );
  const node = h("details", { class: "advanced more" }, summary, body);
  summary.addEventListener("click", (event) => {
    event.preventDefault();
    app.session.set({ moreOpen: !app.session.state.moreOpen });
  });
  const update = (shown, layer) => {
    if (node.open !== shown.state.moreOpen) node.open = shown.state.moreOpen;
    set(told, { text: shown.state.moreOpen ? "" : summaryOf(layer) });
    parts.forEach((part) => part.update(shown));
  };
  return { node, update };
};
