// The fields of a layer's card: words, dials, and what only some methods ask for (not, structure,
// class, seed).

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { BlendMode, Identifier, Layer, ModelFacts, Structure, StructureKind } from "../../types/protocol.d.ts"
 * @import { CardPart } from "../../types/view.d.ts"
 */

import { formatFraction } from "../../kernels/numbers.js";
import { setLayer } from "../../model/edits.js";
import { promptRangeText } from "../../model/prompt-range.js";
import { isPainted, layerOf } from "../../model/records.js";
import { firstOf, h, set, show } from "../dom/elements.js";
import { choice } from "../dom/fields.js";
import { createLoraList } from "../dom/lora-list.js";
import { numberField, slider } from "../dom/number-fields.js";
import { editLayer, line, nodesOf, words } from "./card-lines.js";
import { createClassField } from "./class-field.js";
import { createPromptRange } from "./prompt-range.js";

const LARGEST_SEED = Number.MAX_SAFE_INTEGER;

/**
 * The class: of a painted layer at the head of its card, of a picture among what is seldom asked
 * for.
 * @param {App} app
 * @param {Identifier} id
 * @param {boolean} forPainted
 */
export const classLine = (app, id, forPainted) => {
  const field = createClassField(app, id);
  const node = line("Class", "What it is, in the words of the model's segmenters", field.node);
  /** @param {Shown} shown */
  const update = (shown) => {
    const layer = layerOf(shown.record, id);
    show(node, layer !== null && isPainted(layer) === forPainted);
    field.update(shown);
  };
  return { node, update };
};

/**
 * @param {Identifier} id
 * @param {Partial<Structure>} patch
 */
const editStructure = (id, patch) =>
  editLayer(id, ({ structure }) => ({ structure: { ...structure, ...patch } }));

/** @type {readonly { id: StructureKind, title: string, needs: readonly string[] }[]} */
const KINDS = [
  { id: "none", title: "none", needs: [] },
  { id: "edges", title: "its edges", needs: ["controlnet"] },
  { id: "soft_edges", title: "soft edges", needs: ["controlnet_soft_edges"] },
  { id: "depth", title: "its depth", needs: ["controlnet_depth", "depth"] },
];
/**
 * @param {ModelFacts | null} model
 * @param {{ needs: readonly string[] }} kind
 */
const isOffered = (model, { needs }) => needs.every((member) => model?.members.includes(member));
/**
 * Buttons in the order of KINDS: which one is chosen, and which the model can do.
 * @param {readonly HTMLElement[]} buttons
 * @param {StructureKind} chosen
 * @param {ModelFacts | null} model
 */
const markKinds = (buttons, chosen, model) =>
  buttons.forEach((button, index) => {
    set(button, { "aria-checked": KINDS[index].id === chosen });
    show(button, KINDS[index].id === chosen || isOffered(model, KINDS[index]));
  });
/** @param {StructureKind} kind */
const titleOfKind = (kind) => KINDS.find(({ id }) => id === kind)?.title ?? kind;
const FIRST_WEIGHT = 0.5;

/**
 * What of the picture's own structure is kept, and how firmly. A kind without a weight would do
 * nothing. A kind is only offered where the model has its ControlNet; a layer that already holds to
 * its structure can be freed anywhere.
 * @param {App} app
 * @param {Identifier} id
 * @returns {CardPart}
 */
const structureLines = (app, id) => {
  /** @param {StructureKind} kind */
  const choose = (kind) =>
    editLayer(id, ({ structure: { weight: held } }) => ({
      structure: { kind, weight: kind === "none" ? 0 : held || FIRST_WEIGHT },
    }));
  /** @param {StructureKind} kind */
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
    read: ({ record }) => layerOf(record, id)?.structure.weight ?? null,
    name: "Structure",
    edit: (value) => editStructure(id, { weight: value }),
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
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, { structure: { kind, weight: held } }) => {
    show(node, kind !== "none" || KINDS.slice(1).some((one) => isOffered(shown.model, one)));
    markKinds(kinds, kind, shown.model);
    show(firm, kind !== "none");
    set(value, { text: kind === "none" ? "" : formatFraction(held) });
    weight.update(shown);
  };
  return { nodes: [node, firm], update };
};

/**
 * The layer's own seed; without one it shares the scene's.
 * @param {App} app
 * @param {Identifier} id
 * @returns {CardPart}
 */
const seedLine = (app, id) => {
  const field = numberField(app, {
    label: "",
    title: "This layer's own seed (-1 draws a new one)",
    draw: app.random,
    test: "layer-seed",
    low: 0,
    high: LARGEST_SEED,
    name: "Seed of the layer",
    read: ({ record }) => layerOf(record, id)?.seed ?? null,
    edit: (value) => setLayer(id, { seed: value }),
  });
  const turn = () => {
    const own = layerOf(app.store.record, id)?.seed ?? null;
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
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    field.update(shown);
    show(field.node, layer.seed !== null);
    set(own, { "aria-pressed": layer.seed !== null });
    set(firstOf(own), { text: layer.seed === null ? "the scene's" : "its own" });
  };
  return { nodes: [node], update };
};

/** @type {readonly { id: BlendMode, title: string }[]} */
const BLENDS = [
  { id: "normal", title: "Normal" },
  { id: "multiply", title: "Multiply" },
  { id: "screen", title: "Screen" },
  { id: "overlay", title: "Overlay" },
  { id: "soft_light", title: "Soft light" },
  { id: "darken", title: "Darken" },
  { id: "lighten", title: "Lighten" },
  { id: "color_dodge", title: "Color dodge" },
  { id: "color_burn", title: "Color burn" },
  { id: "hard_light", title: "Hard light" },
  { id: "difference", title: "Difference" },
  { id: "hue", title: "Hue" },
  { id: "saturation", title: "Saturation" },
  { id: "color", title: "Color" },
  { id: "luminosity", title: "Luminosity" },
  { id: "add", title: "Add" },
  { id: "soft_light_krita", title: "Soft light of Krita" },
];

/**
 * How the picture meets the layers below.
 * @param {App} app
 * @param {Identifier} id
 */
const blendLine = (app, id) => {
  const part = choice(app, {
    label: "Blend mode",
    test: "blend",
    options: () => BLENDS,
    read: ({ record }) => layerOf(record, id)?.blend ?? null,
    name: "Blend mode",
    edit: (mode) => setLayer(id, { blend: /** @type {BlendMode} */ (mode) }),
  });
  return {
    node: line("Blend", "How the picture meets the layers below", part.node),
    update: part.update,
  };
};

/**
 * LoRAs that act on this layer's region and words alone.
 * @param {App} app
 * @param {Identifier} id
 */
const loraLine = (app, id) => {
  const part = createLoraList(app, {
    label: "LoRAs of this layer",
    test: "layer-lora",
    read: ({ record }) => layerOf(record, id)?.loras ?? [],
    edit: (change) => editLayer(id, ({ loras = [] }) => ({ loras: change(loras) })),
  });
  const node = line("LoRAs", "Only this layer’s region and words feel them", part.node);
  /** @param {Shown} shown */
  const update = (shown) => {
    part.update(shown);
    show(node, !part.node.hidden);
  };
  return { node, update };
};

/**
 * What the fold tells while it is shut.
 * @param {Layer} layer
 */
const summaryOf = (layer) =>
  [
    layer.blend !== "normal" && BLENDS.find(({ id }) => id === layer.blend)?.title.toLowerCase(),
    layer.negative.trim() && `not ${layer.negative.trim()}`,
    promptRangeText(layer, formatFraction),
    layer.structure.kind !== "none" &&
      `${titleOfKind(layer.structure.kind)} ${formatFraction(layer.structure.weight)}`,
    layer.class_label.trim() && `class ${layer.class_label.trim()}`,
    layer.seed !== null && `seed ${layer.seed}`,
    ...(layer.loras ?? []).map(({ name, weight }) => `${name} ${formatFraction(weight)}`),
  ]
    .filter(Boolean)
    .join(" · ");

/**
 * The fold with the fields that a first picture does not need; open or shut for all layers alike.
 * @param {App} app
 * @param {Identifier} id
 * @returns {CardPart}
 */
export const createMoreFields = (app, id) => {
  const negative = words(app, id, {
    label: "Negative prompt",
    test: "layer-negative",
    field: "negative",
    placeholder: "what this object should not be",
  });
  /** @type {readonly CardPart[]} */
  const parts = [
    blendLine(app, id),
    negative,
    createPromptRange(app, id),
    structureLines(app, id),
    classLine(app, id, false),
    seedLine(app, id),
    loraLine(app, id),
  ];
  const closedText = h("span", { class: "more-summary" });
  const summary = h(
    "summary",
    { "data-test": "layer-more" },
    h("span", { text: "More" }),
    closedText,
  );
  const body = h("div", { class: "more-body" }, parts.flatMap(nodesOf));
  const node = h("details", { class: "advanced more" }, summary, body);
  summary.addEventListener("click", (event) => {
    event.preventDefault();
    app.session.set({ moreOpen: !app.session.state.moreOpen });
  });
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    if (node.open !== shown.state.moreOpen) node.open = shown.state.moreOpen;
    set(closedText, { text: shown.state.moreOpen ? "" : summaryOf(layer) });
    parts.forEach((part) => part.update(shown, layer));
  };
  return { node, update };
};
