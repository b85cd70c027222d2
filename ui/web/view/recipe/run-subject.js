// The subject of a run, under the prompt: which one, whether the prompt names it, and whether
// layouts come first.

/** @import { App, Shown } from "../../types/editor.d.ts" */

import { setOption } from "../../model/edits.js";
import { freeze } from "../../model/records.js";
import { isUsable, placeIn, SUBJECT_METHOD, subjectOfRun } from "../../model/subjects.js";
import { firstOf, h, set, show } from "../dom/elements.js";
import { button, choice } from "../dom/fields.js";
import { createSubjectChip } from "../subjects/subject-chip.js";

const STAGES = [
  {
    id: "layouts",
    title: "Layouts first",
    about: "Show the layouts; the one that is picked is retouched then",
  },
  { id: "retouch", title: "Retouch each", about: "Retouch every layout at once" },
];

/** @param {App} app */
const createStages = (app) => {
  /** @param {string} stage */
  const press = (stage) => () => app.store.change("Stage", setOption("stage", stage));
  const buttons = STAGES.map(({ id, title, about }) =>
    h("button", {
      type: "button",
      role: "radio",
      text: title,
      title: about,
      "data-test": `stage-${id}`,
      on: { click: press(id) },
    }),
  );
  const node = h(
    "span",
    { class: "segments", role: "radiogroup", "aria-label": "Layouts first, or all at once" },
    buttons,
  );
  /** @param {Shown} shown */
  const update = ({ record }) => {
    const stage = record.settings.options.stage ?? "retouch";
    buttons.forEach((each, index) =>
      set(each, { "aria-checked": String(STAGES[index].id === stage) }),
    );
  };
  return { node, update };
};

/** @param {App} app */
const createChoice = (app) =>
  choice(app, {
    label: "Subject of the run",
    test: "run-subject",
    options: ({ state, record }) =>
      state.library.subjects
        .filter((subject) => isUsable(subject, record.settings.model))
        .map(({ id, name }) => ({ id, title: name })),
    read: (shown) => subjectOfRun(shown.state, shown.record)?.id ?? null,
    name: "Subject",
    edit: (id) => (record) => freeze({ ...record, subject: id }),
  });

/**
 * {node, update(shown)}: there only while the method is one that draws a subject.
 * @param {App} app
 */
export const createRunSubject = (app) => {
  const chip = createSubjectChip(app);
  const [stages, which] = [createStages(app), createChoice(app)];
  const current = () => subjectOfRun(app.session.state, app.store.record);
  const append = button(app, () => app.run("nameSubject", current()?.id), {
    label: "+",
    test: "name-subject",
    kind: "small",
  });
  const none = h("span", { class: "muted", text: "No subject is trained for this model yet." });
  const open = button(app, "subjects", {
    label: "Subjects …",
    test: "run-subjects",
    kind: "small",
  });
  const node = h(
    "div",
    { class: "subject-run", hidden: true },
    chip.node,
    which.node,
    none,
    open,
    append,
    stages.node,
  );
  /** @param {Shown} shown */
  const update = (shown) => {
    show(node, shown.record.settings.method === SUBJECT_METHOD);
    if (node.hidden) return;
    const subject = subjectOfRun(shown.state, shown.record);
    chip.update(subject);
    which.update(shown);
    stages.update(shown);
    [none, open].forEach((each) => show(each, subject === null));
    show(which.node, subject !== null && which.input.options.length > 1);
    show(append, subject !== null && !placeIn(shown.scene.prompt, subject.class_word));
    if (subject) set(firstOf(append), { text: `Add “a ${subject.class_word}” to the prompt` });
  };
  return { node, update };
};
