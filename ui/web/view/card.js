// The opened card of a layer: its words, its dials, and what can be done with it.

import { appendPhrase } from "../kernels/spans.js";
import { setScene } from "../model/edits.js";
import { layerOf } from "../model/records.js";
import { figuresOf, scoreOf } from "../model/scores.js";
import { reasonsOf } from "../model/tuning.js";
import { formatFraction } from "../kernels/numbers.js";
import { button } from "./fields.js";
import { createFreedomLine } from "./freedom.js";
import { createHeatSwitch } from "./heat.js";
import { icon } from "./icons.js";
import { h, set, show } from "./dom.js";
import { createLayerSubject } from "./subjectlayer.js";
import { classLine, createMore, dial, line, words } from "./layerfields.js";
import { createLook } from "./look.js";
import { createMade } from "./made.js";

const DIALS = [
  {
    label: "Attention",
    title: "How strongly the phrase is drawn to this object (v⁺)",
    test: "attention",
    field: "attention_positive",
    high: 2,
    normal: 0.5,
  },
  {
    label: "Keep out",
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

/** The sentence with a remedy at hand: a phrase that is not in the prompt is appended with one click. */
const createWarnings = (desk, id) => {
  const text = h("span");
  const append = () =>
    desk.store.change("Add the phrase to the prompt", (record) =>
      setScene({ prompt: appendPhrase(record.scene.prompt, layerOf(record, id).phrase) })(record),
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
    on: { click: () => desk.run("rerollUntilPassed", id) },
  });
  const node = h("div", { class: "card-warning", hidden: true }, icon("warn"), text, link, again);
  const update = (shown, warnings) => {
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

/** How the layer came out in the shown candidate; nothing where nobody measured it. */
const createScores = (desk, id) => {
  const box = h("span", { class: "scores" });
  const heat = createHeatSwitch(desk, id);
  const node = line("Came out", "How this layer came out in the shown candidate", box, heat.node);
  set(node, { "data-test": "layer-scores", hidden: true });
  let known = null;
  const update = (shown) => {
    heat.update(shown);
    const score = scoreOf(shown.scored, id);
    if (score === known) return;
    known = score;
    const figures = figuresOf(score);
    show(node, figures.length > 0 || Boolean(score?.heat));
    const number = (value) => h("b", { text: formatFraction(value) });
    const tell = ({ field, name, title, value }) =>
      h(
        "span",
        { class: "score", title, "data-test": `score-${field}` },
        `${name} `,
        number(value),
      );
    box.replaceChildren(...figures.map(tell));
  };
  return { node, update };
};

/** Why the dials stand as they do, as long as they are the chosen ones. */
const createReasons = (id) => {
  const node = h("ul", {
    class: "reasons",
    "data-test": "reasons",
    "aria-label": "Why these dials",
    hidden: true,
  });
  let known = "";
  const update = (shown, layer) => {
    const reasons = reasonsOf(layer, shown.state.tuned[id]);
    show(node, reasons.length > 0);
    if (reasons.join() === known) return;
    known = reasons.join();
    node.replaceChildren(...reasons.map((text) => h("li", { text })));
  };
  return { node, update };
};

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

/** How often a re-roll goes on with new seeds; one choice for all layers: {node, update(shown)}. */
const createTries = (desk) => {
  const options = TRIES.map((each) => h("option", each));
  const shape = {
    class: "field-input choice",
    "aria-label": "Tries of a re-roll",
    "data-test": "reroll-tries",
  };
  const select = h("select", shape, options);
  select.addEventListener("change", () => desk.session.set({ tries: Number(select.value) }));
  const title = "A re-roll can go on with new seeds until a candidate passes its scores";
  const update = ({ state }) => {
    if (Number(select.value) !== state.tries) select.value = state.tries;
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
  merge: {
    iconName: "merge",
    test: "merge-down",
    title: "Merge with the layer below (Ctrl Shift M)",
  },
  remove: { iconName: "bin", test: "delete", title: "Delete (Del)" },
};

/** Two lines: this object again, and so often; and what else can be done with the layer. */
const createActions = (desk, id) => {
  const reroll = button(desk, () => desk.run("rerollLayer", id), REROLL);
  const vary = button(desk, () => desk.run("vary", id), VARY);
  const tries = createTries(desk);
  const quiet = (command, shape) => button(desk, command, { ...shape, kind: "quiet" });
  const others = [
    quiet("duplicate", QUIET.copy),
    quiet(() => desk.run("autotuneLayer", id), QUIET.tune),
    quiet("mergeDown", QUIET.merge),
    quiet("delete", QUIET.remove),
  ];
  const again = h("div", { class: "action-line" }, reroll, tries.node);
  const rest = h("div", { class: "action-line" }, vary, h("span", { class: "spring" }), others);
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

/** The card of the layer `id`: {node, update(shown, layer, warnings)}. */
export const createCard = (desk, id) => {
  const fields = [
    createMade(desk, id),
    classLine(desk, id, true),
    ...WORDS.map((options) => words(desk, id, options)),
    createFreedomLine(desk, id),
    ...DIALS.map((options) => dial(desk, id, options)),
    createReasons(id),
    createLook(desk, id),
    createLayerSubject(desk, id),
    createMore(desk, id),
  ];
  const [warnings, scores] = [createWarnings(desk, id), createScores(desk, id)];
  const actions = createActions(desk, id);
  const inputs = fields.flatMap(({ node, nodes }) => nodes ?? [node]);
  const node = h("div", { class: "card" }, warnings.node, scores.node, inputs, actions.node);
  const update = (shown, layer, notes) => {
    fields.forEach((part) => part.update(shown, layer));
    warnings.update(shown, notes);
    scores.update(shown);
    actions.update(shown);
  };
  return { node, update };
};
