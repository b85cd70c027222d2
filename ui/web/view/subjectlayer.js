// The line of a card that makes its layer one of a subject.

import { layerOf } from "../model/records.js";
import { isUsable, subjectById, withSubject } from "../model/subjects.js";
import { choice } from "./fields.js";
import { h, set, show } from "./dom.js";
import { line } from "./layerfields.js";
import { createChip } from "./subjectrun.js";

const TITLE =
  "A re-roll then draws your own subject here, by Layout-and-Retouch, in this layer alone";

const nameOf = (subject, model) =>
  isUsable(subject, model) ? subject.name : `${subject.name} (not trained)`;

/** Two parts: {node, update(shown)}; hidden while there are neither subjects nor one in the layer. */
export const createLayerSubject = (desk, id) => {
  const chip = createChip(desk);
  const which = choice(desk, {
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
    edit: (value) => withSubject(desk.session.state, id, value),
  });
  const node = line("Subject", TITLE, h("span", { class: "look-head" }, chip.node, which.node));
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

/** The subject's name beside a row's phrase: {node, update(shown, layer)}. */
export const createRowSubject = () => {
  const node = h("span", { class: "row-subject", "data-test": "row-subject", hidden: true });
  const update = ({ state }, layer) => {
    const subject = layer.subject ? subjectById(state, layer.subject) : null;
    show(node, layer.subject !== null);
    set(node, { text: subject?.name ?? "deleted subject" });
  };
  return { node, update };
};
