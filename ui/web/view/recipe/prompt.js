// The scene's prompt: a plain text area, and under its glass the same text with every phrase in its
// layer's colour.

/**
 * @import { App, Shown, Span } from "../../types/editor.d.ts"
 * @import { Identifier, Subject } from "../../types/protocol.d.ts"
 */

import { appendPhrase, cutAtSpans, idAt } from "../../kernels/spans.js";
import { select, setScene } from "../../model/edits.js";
import { placeIn, subjectOfRun } from "../../model/subjects.js";
import { h, show } from "../dom/elements.js";
import { textField } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

/**
 * Where a prompt names a subject.
 * @param {string} prompt
 * @param {Subject} subject
 * @returns {readonly Span[]}
 */
const spansOfSubject = (prompt, { id, class_word }) => {
  const own = placeIn(prompt, class_word);
  return own ? [{ ...own, ids: [id] }] : [];
};

/**
 * @param {App} app
 * @param {string} test
 */
const createMirror = (app, test) => {
  const node = h("div", { class: "mirror", "aria-hidden": "true", "data-test": test });
  let known = "";
  /**
   * @param {string} text
   * @param {readonly Identifier[]} ids
   * @param {string} selected
   */
  const markOf = (text, ids, selected) => ({
    text,
    "data-tint": app.tints.indexOf(ids[0]),
    "data-line": app.tints.lineOf(ids[0]),
    "data-span": ids[0],
    "data-selected": ids.includes(selected),
  });
  /** @param {Shown} shown */
  const update = (shown) => {
    const { prompt } = shown.scene;
    // A run that draws a subject reads the prompt alone: no layer has a word in it.
    const subject = subjectOfRun(shown.state, shown.record);
    const spans = subject ? spansOfSubject(prompt, subject) : shown.spans.spans;
    const key = JSON.stringify([prompt, spans, subject?.name, shown.record.selected]);
    if (key === known) return;
    known = key;
    const chip = {
      class: "subject-mark",
      "data-test": "subject-mark",
      "data-subject": subject?.id ?? null,
    };
    const runs = cutAtSpans(prompt, spans).map(({ text, ids }) => {
      if (ids.length === 0) return document.createTextNode(text);
      return h("mark", subject ? { ...chip, text } : markOf(text, ids, shown.record.selected));
    });
    // A last line break has no height of its own in the mirror, so it gets a blank to stand on.
    node.replaceChildren(
      ...runs,
      document.createTextNode(shown.scene.prompt.endsWith("\n") ? " " : ""),
    );
  };
  return { node, update };
};

/**
 * Phrases that the prompt does not hold, each one click away from it.
 * @param {App} app
 */
const createLoose = (app) => {
  const node = h("div", { class: "loose", "data-test": "loose-phrases", hidden: true });
  let known = "";
  /** @param {string} phrase */
  const append = (phrase) => () =>
    app.store.change("Add the phrase to the prompt", (record) =>
      setScene({ prompt: appendPhrase(record.scene.prompt, phrase) })(record),
    );
  /** @param {Shown} shown */
  const update = (shown) => {
    const loose = shown.scene.layers.filter(
      (layer) => layer.visible && shown.unlinked.has(layer.id),
    );
    const key = JSON.stringify(loose.map(({ id, phrase }) => [id, phrase]));
    if (key === known) return;
    known = key;
    show(node, loose.length > 0);
    node.replaceChildren(
      h("span", { class: "muted", text: "not in the prompt:" }),
      ...loose.map(({ id, phrase }) =>
        h(
          "button",
          {
            type: "button",
            class: "chip",
            "data-tint": app.tints.indexOf(id),
            title: `Add “${phrase.trim()}” to the prompt`,
            "data-test": "append-loose",
            on: { click: append(phrase) },
          },
          icon("plus"),
          h("span", { text: phrase.trim() }),
        ),
      ),
    );
  };
  return { node, update };
};

const LONGEST_PROMPT = 4000;

/** @param {App} app */
export const createPrompt = (app) => {
  const mirror = createMirror(app, "prompt-spans");
  const field = textField(app, {
    label: "Prompt of the scene",
    test: "prompt",
    rows: 2,
    limit: LONGEST_PROMPT,
    placeholder: "Describe the whole picture, naming each object",
    read: ({ scene }) => scene.prompt,
    name: "Prompt",
    edit: (prompt) => setScene({ prompt }),
    merge: () => "prompt",
  });
  const glass = h("div", { class: "glass" }, mirror.node, field.node);
  const loose = createLoose(app);
  const negative = textField(app, {
    label: "Negative prompt: what should not be seen",
    test: "negative",
    limit: LONGEST_PROMPT,
    placeholder: "not wanted: blur, text, frames",
    read: ({ scene }) => scene.negative,
    name: "Negative prompt",
    edit: (value) => setScene({ negative: value }),
    merge: () => "negative",
  });
  negative.node.classList.add("negative");
  // A click on a phrase chooses its layer, as choosing a layer marks its phrase; the caret stays
  // where it was set.
  field.node.addEventListener("click", () => {
    const { selectionStart: at, selectionEnd: end } = field.input;
    const id = at !== null && at === end ? idAt(app.shown().spans.spans, at) : "";
    if (id) app.store.amend(select(id));
  });
  field.node.addEventListener("scroll", () => (mirror.node.scrollTop = field.node.scrollTop));
  /** @param {Shown} shown */
  const update = (shown) => [mirror, field, loose, negative].forEach((part) => part.update(shown));
  return { node: h("div", { class: "prompt" }, glass, loose.node, negative.node), update };
};
