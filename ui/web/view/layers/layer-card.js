// The opened card of a layer: its words, its dials, and what can be done with it.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Layer, LayerScore } from "../../types/protocol.d.ts"
 * @import { ButtonOptions, CardPart, Warning } from "../../types/view.d.ts"
 */

import { formatFraction } from "../../kernels/numbers.js";
import { appendPhrase } from "../../kernels/spans.js";
import { setScene } from "../../model/edits.js";
import { layerOf } from "../../model/records.js";
import { figuresOf, heatOf, scoreOf } from "../../model/scores.js";
import { reasonsOf } from "../../model/tuning.js";
import { h, set, show } from "../dom/elements.js";
import { button } from "../dom/fields.js";
import { icon } from "../dom/icons.js";
import { classLine, createMoreFields } from "./card-fields.js";
import { dial, line, nodesOf, words } from "./card-lines.js";
import { createLayerCandidates } from "./layer-candidates.js";
import { createLayerSubject } from "./layer-subject.js";
import { createEmbeddingLine } from "./embedding-line.js";
import { createStrengthField } from "./strength-field.js";

/** @type {readonly Parameters<typeof dial>[2][]} */
const DIALS = [
  {
    label: "Hold in place",
    title: "How strongly the phrase is drawn to this object (v⁺)",
    test: "attention",
    field: "attention_positive",
    high: 2,
    normal: 0.5,
  },
  {
    label: "Keep out of the rest",
    title: "How strongly the phrase is kept out of other places (v⁻)",
    test: "keep-out",
    field: "attention_negative",
    high: 2,
    normal: 0.8,
  },
  {
    label: "Opacity",
    title: "How solid the picture lies on what is below",
    test: "opacity",
    field: "opacity",
    normal: 1,
  },
];

/**
 * The sentence with a remedy at hand: a phrase that is not in the prompt is appendPhrase with one
 * click.
 * @param {App} app
 * @param {Identifier} id
 */
const createWarnings = (app, id) => {
  const text = h("span");
  const append = () =>
    app.store.change("Add the phrase to the prompt", (record) =>
      setScene({ prompt: appendPhrase(record.scene.prompt, layerOf(record, id)?.phrase ?? "") })(
        record,
      ),
    );
  const link = h("button", {
    type: "button",
    class: "button small",
    "data-test": "append-phrase",
    text: "Add to prompt",
    on: { click: append },
  });
  const again = h("button", {
    type: "button",
    class: "button small",
    "data-test": "reroll-until",
    text: "Re-roll until it passes",
    on: { click: () => app.run("rerollUntilPassed", id) },
  });
  const node = h("div", { class: "card-warning", hidden: true }, icon("warn"), text, link, again);
  /**
   * @param {Shown} shown
   * @param {readonly Warning[]} notes
   */
  const update = (shown, notes) => {
    const warnings = notes.filter(({ code }) => code !== "unjudged");
    show(node, warnings.length > 0);
    set(text, { text: warnings.map((warning) => warning.text).join(" ") });
    show(link, shown.unlinked.has(id) && shown.scene.prompt.trim() !== "");
    show(
      again,
      warnings.some(({ code }) => code === "failed"),
    );
    set(again, { disabled: shown.state.job !== null });
  };
  return { node, update };
};

/**
 * How the layer came out in the shown candidate; nothing where nobody measured it.
 * @param {App} app
 * @param {Identifier} id
 */
const createScores = (app, id) => {
  const box = h("span", { class: "scores" });
  const heat = createHeatSwitch(app, id);
  const node = line("Came out", "How this layer came out in the shown candidate", box, heat.node);
  set(node, { "data-test": "layer-scores", hidden: true });
  /** @type {LayerScore | null | undefined} */
  let known;
  /** @param {Shown} shown */
  const update = (shown) => {
    heat.update(shown);
    const score = scoreOf(shown.scored, id);
    if (score === known) return;
    known = score;
    const figures = figuresOf(score);
    const unjudged = score?.unjudged ?? "";
    show(node, figures.length > 0 || unjudged !== "" || Boolean(score?.heat));
    /** @param {number} value */
    const number = (value) => h("b", { text: formatFraction(value) });
    /** @param {{ field: string, name: string, title: string, value: number }} parts */
    const tell = ({ field, name, title, value }) =>
      h(
        "span",
        { class: "score", title, "data-test": `score-${field}` },
        `${name} `,
        number(value),
      );
    const why = {
      class: "score",
      "data-test": "score-unjudged",
      text: `cannot be judged: ${unjudged}`,
    };
    box.replaceChildren(...figures.map(tell), ...(unjudged ? [h("span", why)] : []));
  };
  return { node, update };
};

/**
 * Why the dials stand as they do, as long as they are the chosen ones.
 * @param {Identifier} id
 */
const createReasons = (id) => {
  const node = h("ul", {
    class: "reasons",
    "data-test": "reasons",
    "aria-label": "Why these dials",
    hidden: true,
  });
  let known = "";
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = (shown, layer) => {
    const reasons = reasonsOf(layer, shown.state.tuned[id]);
    show(node, reasons.length > 0);
    if (reasons.join() === known) return;
    known = reasons.join();
    node.replaceChildren(...reasons.map((text) => h("li", { text })));
  };
  return { node, update };
};

/** @type {readonly Parameters<typeof words>[2][]} */
const WORDS = [
  {
    label: "Phrase",
    test: "phrase",
    field: "phrase",
    placeholder: "what this is, as the prompt says it",
  },
  { label: "Name", test: "layer-name", field: "name", placeholder: "only for you" },
];

const TRIES = [
  { value: 1, text: "one try" },
  { value: 2, text: "at most 2 tries" },
  { value: 4, text: "at most 4 tries" },
  { value: 8, text: "at most 8 tries" },
];

/**
 * How often a re-roll goes on with new seeds; one choice for all layers: {node, update(shown)}.
 * @param {App} app
 */
const createTries = (app) => {
  const options = TRIES.map((each) => h("option", each));
  const shape = {
    class: "field-input choice",
    "aria-label": "Tries of a re-roll",
    "data-test": "reroll-tries",
  };
  const select = h("select", shape, options);
  select.addEventListener("change", () => app.session.set({ tries: Number(select.value) }));
  const title = "A re-roll can go on with new seeds until a candidate passes its scores";
  /** @param {Shown} shown */
  const update = ({ state }) => {
    if (Number(select.value) !== state.tries) select.value = String(state.tries);
  };
  return { node: h("span", { class: "choice-box tries", title }, select, icon("down")), update };
};

const REROLL = {
  label: "Re-roll",
  iconName: "again",
  test: "reroll",
  title: "Make this object again in the picked picture (R)",
  key: "R",
};
const VARY = {
  label: "Vary only this",
  iconName: "vary",
  test: "vary",
  title: "Make candidates of the whole picture that differ in this layer alone (W)",
};
const QUIET = {
  copy: { iconName: "copy", test: "duplicate", title: "Duplicate (Ctrl D)" },
  tune: {
    iconName: "tune",
    test: "autotune-layer",
    title: "Auto-adjust: choose this layer's dials, with reasons",
  },
  mask: {
    iconName: "brush",
    test: "mask-file",
    title: "Mask from a picture file; one can be dropped on the layer's row, too",
  },
  merge: {
    iconName: "merge",
    test: "merge-down",
    title: "Merge with the layer below (Ctrl Shift M)",
  },
  remove: { iconName: "bin", test: "delete", title: "Delete (Del)" },
};

/**
 * Two lines: this object again, and so often; and what else can be done with the layer.
 * @param {App} app
 * @param {Identifier} id
 */
const createActions = (app, id) => {
  const reroll = button(app, () => app.run("rerollLayer", id), REROLL);
  const vary = button(app, () => app.run("vary", id), VARY);
  const tries = createTries(app);
  /**
   * @param {string | (() => unknown)} command
   * @param {ButtonOptions} shape
   */
  const quiet = (command, shape) => button(app, command, { ...shape, kind: "quiet" });
  const others = [
    quiet("duplicate", QUIET.copy),
    quiet(() => app.run("autotuneLayer", id), QUIET.tune),
    quiet(() => app.run("maskFromFile", id), QUIET.mask),
    quiet("mergeDown", QUIET.merge),
    quiet("delete", QUIET.remove),
  ];
  const again = h("div", { class: "action-line" }, reroll, tries.node);
  const rest = h("div", { class: "action-line" }, vary, h("span", { class: "spring" }), others);
  /** @param {Shown} shown */
  const update = (shown) => {
    tries.update(shown);
    set(reroll, {
      disabled: shown.state.job !== null,
      "data-kind": shown.shownDigest ? "ready" : null,
    });
    set(vary, { disabled: shown.state.job !== null });
  };
  return { node: h("div", { class: "card-actions" }, again, rest), update };
};

/**
 * The card of the layer `id`: {node, update(shown, layer, warnings)}.
 * @param {App} app
 * @param {Identifier} id
 */
export const createLayerCard = (app, id) => {
  /** @type {readonly CardPart[]} */
  const fields = [
    createLayerCandidates(app, id),
    classLine(app, id, true),
    ...WORDS.map((options) => words(app, id, options)),
    createStrengthField(app, id),
    ...DIALS.map((options) => dial(app, id, options)),
    createReasons(id),
    createEmbeddingLine(app, id),
    createLayerSubject(app, id),
    createMoreFields(app, id),
  ];
  const [warnings, scores] = [createWarnings(app, id), createScores(app, id)];
  const actions = createActions(app, id);
  const inputs = fields.flatMap(nodesOf);
  const node = h("div", { class: "card" }, warnings.node, scores.node, inputs, actions.node);
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   * @param {readonly Warning[]} notes
   */
  const update = (shown, layer, notes) => {
    fields.forEach((part) => part.update(shown, layer));
    warnings.update(shown, notes);
    scores.update(shown);
    actions.update(shown);
  };
  return { node, update };
};

/**
 * The switch in a layer's card: {node, update(shown)}.
 * @param {App} app
 * @param {Identifier} id
 */
const createHeatSwitch = (app, id) => {
  const title = "Show where the layer's words looked while this candidate was made";
  const turn = () => app.session.set({ heat: !app.session.state.heat });
  const node = button(app, turn, {
    label: "Where it looked",
    test: "show-heat",
    title,
    kind: "quiet small",
  });
  /** @param {Shown} shown */
  const update = (shown) => {
    show(node, heatOf(shown.scored, id) !== "");
    set(node, { "aria-pressed": shown.state.heat });
  };
  return { node, update };
};
