// The shelf of subjects over the stage: the library, and the form of a new one.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Subject } from "../../types/protocol.d.ts"
 */

import { isTraining, isUsable, standingOf, trainTitle } from "../../model/subjects.js";
import { createKeyed, firstOf, focused, h, set, setVariable, show } from "../dom/elements.js";
import { button, nameField } from "../dom/fields.js";
import { icon } from "../dom/icons.js";
import { createSubjectForm } from "./new-subject-form.js";

const SHOWN_THUMBS = 3;

/**
 * The first pictures of a subject, fanned out.
 * @param {App} app
 * @param {Subject} subject
 */
const createFan = (app, { references }) =>
  h(
    "span",
    { class: "fan", "aria-hidden": "true" },
    references
      .slice(0, SHOWN_THUMBS)
      .map((digest) => h("img", { src: app.pictures.url(digest), alt: "", draggable: "false" })),
  );

/**
 * @param {App} app
 * @param {Identifier} id
 */
const createName = (app, id) => {
  const { node, update: tell } = nameField({
    label: "Name of the subject",
    test: "subject-name",
    keep: (name) => app.run("renameSubject", id, name),
  });
  /** @param {{ name: string }} one */
  const update = ({ name }) => tell(name);
  return { node, update };
};

/**
 * Deleting asks once more in its place, and forgets it was asked when the focus leaves.
 * @param {App} app
 * @param {Identifier} id
 */
const createDelete = (app, id) => {
  let sure = false;
  const press = () => (sure ? app.run("deleteSubject", id) : tell(true));
  const node = button(app, press, {
    iconName: "bin",
    test: "subject-delete",
    title: "Delete",
    kind: "quiet small",
  });
  const words = h("span", { text: "Delete?", hidden: true });
  node.append(words);
  /** @param {boolean} asked */
  const tell = (asked) => {
    sure = asked;
    show(words, asked);
    set(node, { "aria-label": asked ? "Really delete it?" : "Delete", "data-sure": asked });
  };
  node.addEventListener("blur", () => tell(false));
  return node;
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
const createActions = (app, id) => {
  /** @param {string} command */
  const press = (command) => () => app.run(command, id);
  const train = button(app, press("trainSubject"), {
    label: "Train",
    test: "subject-train",
    kind: "small",
  });
  const stop = button(app, press("stopTraining"), {
    label: "Stop",
    test: "subject-stop",
    kind: "small",
  });
  const draw = button(app, press("drawSubject"), {
    label: "Draw",
    test: "subject-draw",
    title: "Draw it by Layout-and-Retouch: several layouts, then pick one to retouch",
    kind: "small accent",
  });
  const place = button(app, press("placeSubject"), {
    label: "To scene",
    iconName: "plus",
    test: "subject-place",
    title: "Put it into the scene as a layer",
    kind: "small",
  });
  const drop = createDelete(app, id);
  const node = h(
    "div",
    { class: "subject-actions" },
    draw,
    place,
    train,
    stop,
    h("span", { class: "spring" }),
    drop,
  );
  /**
   * @param {Subject} subject
   * @param {string} model
   */
  const update = (subject, model) => {
    const usable = isUsable(subject, model);
    [draw, place].forEach((each) => show(each, usable));
    show(train, !isTraining(subject));
    show(stop, isTraining(subject));
    set(train, {
      title: usable ? "Learn it once more from the beginning" : "Teach the model this subject",
    });
    set(firstOf(train), { text: trainTitle(subject) });
    train.classList.toggle("accent", !usable);
    set(drop, { disabled: isTraining(subject) });
  };
  return { node, update };
};

/**
 * @param {App} app
 * @param {Subject} subject
 */
const createSubject = (app, subject) => {
  const { id } = subject;
  const [name, actions] = [createName(app, id), createActions(app, id)];
  const word = h("span", { class: "muted" });
  const state = h("span", { class: "subject-state", "data-test": "subject-state", role: "status" });
  const bar = h("span", { class: "subject-bar", "aria-hidden": "true" });
  const errorLine = h("p", { class: "subject-error", "data-test": "subject-error", hidden: true });
  const words = h(
    "div",
    { class: "subject-words" },
    name.node,
    h("span", { class: "subject-line" }, word, state),
  );
  const head = h("div", { class: "subject-head" }, createFan(app, subject), words);
  const shape = { class: "subject", role: "listitem", "data-test": "subject", "data-subject": id };
  const node = h("li", shape, head, bar, errorLine, actions.node);
  /**
   * @param {Subject} now
   * @param {string} model
   */
  const update = (now, model) => {
    const { text, tone } = standingOf(now, model);
    name.update(now);
    actions.update(now, model);
    set(word, { text: now.class_word });
    set(state, { text, "data-tone": tone });
    show(bar, isTraining(now));
    setVariable(bar, "--done", now.total ? `${(100 * now.done) / now.total}%` : "0%");
    show(errorLine, now.error !== "");
    set(errorLine, { text: now.error });
    set(node, { "data-state": now.state });
  };
  return { node, update };
};

/** @param {App} app */
const createList = (app) => {
  const list = h("ul", {
    class: "subject-list",
    "aria-label": "Subjects",
    "data-test": "subject-list",
  });
  const empty = h(
    "div",
    { class: "empty" },
    icon("subject"),
    h("p", { text: "No subjects yet." }),
    h("p", {
      class: "muted",
      text: "A subject is one thing of yours, a toy or a pet, that the model learns from a few pictures.",
    }),
  );
  const node = h("div", { class: "subject-scroll" }, list, empty);
  /** @param {Subject} subject */
  const subjectOf = (/** @type {Subject} */ subject) => createSubject(app, subject);
  const placeSubjects = createKeyed(list, ({ id }) => id, subjectOf);
  /** @param {Shown} shown */
  const update = ({ state, record }) => {
    const { subjects } = state.library;
    placeSubjects(subjects).forEach((each, index) =>
      each.update(subjects[index], record.settings.model),
    );
    show(empty, subjects.length === 0);
    show(list, subjects.length > 0);
  };
  return { node, update };
};

/**
 * Pictures dropped on the shelf become references of the new subject.
 * @param {App} app
 * @param {HTMLElement} node
 */
const connectDrop = (app, node) => {
  /** @param {DragEvent} event */
  const over = (event) => {
    event.preventDefault();
    node.classList.add("dropping");
  };
  node.addEventListener("dragenter", over);
  node.addEventListener("dragover", over);
  node.addEventListener(
    "dragleave",
    (event) =>
      !node.contains(/** @type {Node | null} */ (event.relatedTarget)) &&
      node.classList.remove("dropping"),
  );
  node.addEventListener("drop", (event) => {
    event.preventDefault();
    event.stopPropagation();
    node.classList.remove("dropping");
    if (!app.session.state.subjectForm) app.run("newSubject");
    app.run("addReferences", [...(event.dataTransfer?.files ?? [])]);
  });
};

/** @param {App} app */
const createHead = (app) => {
  const fresh = {
    label: "New subject",
    iconName: "plus",
    test: "new-subject",
    kind: "small accent",
  };
  const away = { iconName: "close", test: "subjects-close", title: "Close", kind: "quiet small" };
  const [add, close] = [button(app, "newSubject", fresh), button(app, "subjects", away)];
  const title = h("h2", { text: "Subjects" });
  return {
    node: h("div", { class: "panel-head" }, title, h("span", { class: "spring" }), add, close),
    add,
  };
};

/**
 * Escape leaves the form first, then the shelf.
 * @param {App} app
 * @param {HTMLElement} node
 */
const connectEscape = (app, node) =>
  node.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.stopPropagation();
    app.run(app.session.state.subjectForm ? "leaveSubject" : "subjects");
  });

/**
 * {node, update(shown)}: hidden until it is opened; the focus comes along, stays inside, goes back
 * where it was.
 * @param {App} app
 */
export const createSubjectsPanel = (app) => {
  const [head, form, list] = [createHead(app), createSubjectForm(app), createList(app)];
  const shape = {
    class: "subjects",
    role: "dialog",
    "aria-label": "Subjects",
    "data-test": "subjects-panel",
  };
  const node = h("section", { ...shape, hidden: true }, head.node, form.node, list.node);
  connectDrop(app, node);
  connectEscape(app, node);
  /** @type {HTMLElement | null} */
  let returnTo = null;
  /** @param {boolean} open */
  const turn = (open) => {
    if (open) returnTo = focused();
    show(node, open);
    (open ? head.add : returnTo)?.focus();
  };
  /** @param {Shown} shown */
  const update = (shown) => {
    const open = shown.state.subjectsOpen;
    if (open === node.hidden) turn(open);
    if (!open) return;
    const [wasInForm, wasInList] = [form, list].map((part) =>
      part.node.contains(document.activeElement),
    );
    list.update(shown);
    form.update(shown);
    show(head.add, shown.state.subjectForm === null);
    const isGone =
      (wasInForm && form.node.hidden) || (wasInList && !node.contains(document.activeElement));
    if (isGone) head.add.focus();
  };
  return { node, update };
};
