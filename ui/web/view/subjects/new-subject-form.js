// The form of a new subject: its pictures, what it is, and how it is learned.

/**
 * @import { App, Reference, Shown, SubjectForm } from "../../types/editor.d.ts"
 * @import { SubjectLibrary, SubjectMethod, TrainingMethod } from "../../types/protocol.d.ts"
 * @import { Attributes } from "../../types/view.d.ts"
 */

import { plural } from "../../kernels/numbers.js";
import { obstacleOf, putForm, noteOf } from "../../model/subjects.js";
import { createKeyed, h, set, show } from "../dom/elements.js";
import { button, choiceBox } from "../dom/fields.js";
import { icon } from "../dom/icons.js";

const MOST_STEPS = 5000;

/**
 * @param {App} app
 * @param {Reference} reference
 */
const createReference = (app, { digest }) => {
  const picture = h("img", {
    src: app.pictures.url(digest),
    alt: "Reference picture",
    draggable: "false",
  });
  const shape = {
    type: "button",
    class: "reference-drop",
    title: "Leave this picture out",
    "data-test": "reference-drop",
  };
  const on = { click: () => app.run("dropReference", digest) };
  const drop = h("button", { ...shape, "aria-label": "Leave this picture out", on }, icon("close"));
  return {
    node: h(
      "li",
      { class: "reference", "data-test": "reference", "data-digest": digest },
      picture,
      drop,
    ),
  };
};

/** @param {App} app */
const createReferences = (app) => {
  const list = h("ul", { class: "references", "aria-label": "Reference pictures" });
  const invite = h("p", {
    class: "reference-invite muted",
    text: "Drop three to six pictures of one thing here.",
  });
  const files = button(app, "chooseReferences", {
    label: "Choose …",
    iconName: "picture",
    test: "references-choose",
    kind: "small",
  });
  const layers = button(app, "referencesFromLayers", {
    label: "Selected layers",
    iconName: "copy",
    test: "references-layers",
    title: "Take the pictures of the selected layers",
    kind: "small",
  });
  const node = h(
    "div",
    { class: "reference-box" },
    list,
    invite,
    h("div", { class: "reference-adds" }, files, layers),
  );
  /** @param {Reference} reference */
  const referenceOf = (/** @type {Reference} */ reference) => createReference(app, reference);
  const placeReferences = createKeyed(list, ({ digest }) => digest, referenceOf);
  /** @param {SubjectForm} form */
  const update = ({ references }) => {
    placeReferences(references);
    show(invite, references.length === 0);
    show(list, references.length > 0);
  };
  return { node, update };
};

/**
 * A text of the form; what is typed goes to the session, and back only when somebody else changes
 * it.
 * @param {App} app
 * @param {"name" | "classWord"} field
 * @param {Attributes} shape
 */
const textOf = (app, field, shape) => {
  const input = h("input", {
    class: "field-input",
    type: "text",
    autocomplete: "off",
    maxlength: 200,
    ...shape,
  });
  input.addEventListener("input", () => putForm(app.session, { [field]: input.value }));
  input.addEventListener("keydown", (event) => event.key === "Enter" && app.run("makeSubject"));
  /** @param {SubjectForm} form */
  const update = (form) => {
    if (input.value !== form[field]) input.value = form[field];
  };
  return { node: input, update };
};

/** @param {App} app */
const createMethod = (app) => {
  const select = h("select", {
    class: "field-input choice",
    "aria-label": "How it is learned",
    "data-test": "subject-method",
  });
  select.addEventListener("change", () => {
    const method = /** @type {TrainingMethod | ""} */ (select.value);
    putForm(app.session, { method });
  });
  /** @type {readonly SubjectMethod[] | null} */
  let known = null;
  /**
   * @param {SubjectForm} form
   * @param {SubjectLibrary} library
   */
  const update = (form, { methods }) => {
    if (methods !== known)
      select.replaceChildren(
        ...methods.map(({ id, title }) => h("option", { value: id, text: title })),
      );
    known = methods;
    const value = form.method || (methods[0]?.id ?? "");
    if (select.value !== value) select.value = value;
  };
  return { node: choiceBox(select), update };
};

/** @param {App} app */
const createSteps = (app) => {
  const shape = {
    type: "text",
    inputmode: "numeric",
    class: "field-input number",
    placeholder: "usual",
    autocomplete: "off",
  };
  const input = h("input", {
    ...shape,
    "aria-label": "Steps of the training",
    "data-test": "subject-steps",
  });
  input.addEventListener("change", () => {
    const steps = Math.min(MOST_STEPS, Math.max(0, Math.round(Number(input.value)))) || 0;
    putForm(app.session, { steps });
    input.value = steps ? String(steps) : "";
  });
  return {
    node: input,
    update: (/** @type {SubjectForm} */ { steps }) =>
      document.activeElement !== input && (input.value = steps ? String(steps) : ""),
  };
};

/**
 * Whether the pictures are cut out, where the model has a SAM.
 * @param {App} app
 */
const createCut = (app) => {
  const input = h("input", {
    type: "checkbox",
    class: "tick",
    "aria-label": "Cut it out",
    "data-test": "subject-cut",
  });
  input.addEventListener("change", () => app.run("cutReferences", input.checked));
  const node = field(
    "Cut it out",
    input,
    "So that the model learns the thing and not its surroundings",
  );
  /**
   * @param {SubjectForm} form
   * @param {Shown} shown
   */
  const update = (form, shown) => {
    show(node, Boolean(shown.model?.members.includes("sam")));
    set(input, { disabled: shown.state.reading !== "" || form.references.length === 0 });
    if (input.checked !== form.cut) input.checked = form.cut;
  };
  return { node, update };
};

/**
 * @param {string} title
 * @param {HTMLElement} node
 * @param {unknown | null} [about]
 */
const field = (title, node, about = null) =>
  h("label", { class: "option", title: about }, h("span", { text: title }), node);

const WORD = {
  placeholder: "cat, mug, backpack",
  "data-test": "subject-word",
  "aria-label": "What it is",
};
const NAME = { placeholder: "only for you", "data-test": "subject-new-name", "aria-label": "Name" };

/**
 * What the form lacks, or what it will do.
 * @param {SubjectForm} form
 */
const hintOf = (form) => {
  const count = plural(form.references.length, "picture", "pictures");
  const usual = `${count}. Training takes a few minutes; it can be stopped and gone on with.`;
  return obstacleOf(form) || noteOf(form) || usual;
};

/**
 * {node, update(shown)}: there while a new subject is being described.
 * @param {App} app
 */
export const createSubjectForm = (app) => {
  const references = createReferences(app);
  const [word, name] = [textOf(app, "classWord", WORD), textOf(app, "name", NAME)];
  const [method, steps, cut] = [createMethod(app), createSteps(app), createCut(app)];
  const hint = h("p", { class: "muted subject-hint", "data-test": "subject-hint", role: "status" });
  const make = button(app, "makeSubject", {
    label: "Make and train",
    test: "subject-make",
    kind: "accent",
  });
  const leave = button(app, "leaveSubject", {
    label: "Cancel",
    test: "subject-leave",
    kind: "quiet",
  });
  const fields = [
    field("It is a", word.node, "What one calls such things, in one word"),
    field("Name", name.node),
    cut.node,
    field("Learned by", method.node),
    field("Steps", steps.node, "Empty takes the method's usual number"),
  ];
  const foot = h("div", { class: "subject-actions" }, make, leave);
  const shape = { class: "subject-form", "data-test": "subject-form", hidden: true };
  const node = h("div", shape, references.node, fields, hint, foot);
  /** @param {Shown} shown */
  const update = (shown) => {
    const { subjectForm: form, library, reading } = shown.state;
    if (form && node.hidden) requestAnimationFrame(() => word.node.focus());
    show(node, form !== null);
    if (!form) return;
    [references, word, name, steps].forEach((part) => part.update(form));
    method.update(form, library);
    cut.update(form, shown);
    set(hint, { text: hintOf(form) });
    set(make, { disabled: obstacleOf(form) !== "" || reading !== "" });
  };
  return { node, update };
};
