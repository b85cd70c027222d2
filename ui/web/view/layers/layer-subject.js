// The line of a card that makes its layer one of a subject.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Identifier, Subject } from "../../types/protocol.d.ts"
 */

import { layerOf } from "../../model/records.js";
import { isUsable, subjectById, withSubject } from "../../model/subjects.js";
import { h, set, show } from "../dom/elements.js";
import { choice } from "../dom/fields.js";
import { createSubjectChip } from "../subjects/subject-chip.js";
import { line } from "./card-lines.js";

const TITLE =
  "A re-roll then draws your own subject here, by Layout-and-Retouch, in this layer alone";

/**
 * @param {Subject} subject
 * @param {Identifier} model
 */
const nameOf = (subject, model) =>
  isUsable(subject, model) ? subject.name : `${subject.name} (not trained)`;

/**
 * Two parts: {node, update(shown)}; hidden while there are neither subjects nor one in the layer.
 * @param {App} app
 * @param {Identifier} id
 */
export const createLayerSubject = (app, id) => {
  const chip = createSubjectChip(app);
  const which = choice(app, {
    label: "Subject of the layer",
    test: "layer-subject",
    options: ({ state, record }) => {
      const { subjects } = state.library;
      const own = layerOf(record, id)?.subject;
      const gone =
        own && !subjects.some((subject) => subject.id === own)
          ? [{ id: own, title: "a deleted subject" }]
          : [];
      const known = subjects.map((subject) => ({
        id: subject.id,
        title: nameOf(subject, record.settings.model),
      }));
      return [{ id: "", title: "none" }, ...gone, ...known];
    },
    read: ({ record }) => layerOf(record, id)?.subject ?? "",
    name: "Subject",
    edit: (value) => withSubject(app.session.state, id, value),
  });
  const node = line("Subject", TITLE, h("span", { class: "choice-head" }, chip.node, which.node));
  /** @param {Shown} shown */
  const update = (shown) => {
    const own = layerOf(shown.record, id)?.subject ?? null;
    show(node, own !== null || shown.state.library.subjects.length > 0);
    if (node.hidden) return;
    chip.update(own ? subjectById(shown.state, own) : null);
    which.update(shown);
    set(node, { "data-subject": own });
  };
  return { node, update };
};
