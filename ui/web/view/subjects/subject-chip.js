// A subject in few pixels: its picture and name as a chip, its name beside a layer's phrase.

/**
 * @import { App, Shown } from "../../types/editor.d.ts"
 * @import { Layer, Subject } from "../../types/protocol.d.ts"
 */

import { subjectById } from "../../model/subjects.js";
import { h, set, show } from "../dom/elements.js";

/**
 * A subject's first picture and its name, as a chip.
 * @param {App} app
 */
export const createSubjectChip = (app) => {
  const picture = h("img", { alt: "", draggable: "false" });
  const name = h("span");
  const node = h("span", { class: "subject-chip", "data-test": "subject-chip" }, picture, name);
  /** @param {Subject | null} subject */
  const update = (subject) => {
    show(node, subject !== null);
    if (!subject) return;
    set(picture, { src: app.pictures.url(subject.references[0]) });
    set(name, { text: subject.name });
    set(node, { "data-subject": subject.id, title: `${subject.name}, a ${subject.class_word}` });
  };
  return { node, update };
};

/** The subject's name beside a row's phrase: {node, update(shown, layer)}. */
export const createRowSubject = () => {
  const node = h("span", { class: "row-subject", "data-test": "row-subject", hidden: true });
  /**
   * @param {Shown} shown
   * @param {Layer} layer
   */
  const update = ({ state }, layer) => {
    const subject = layer.subject ? subjectById(state, layer.subject) : null;
    show(node, layer.subject !== null);
    set(node, { text: subject?.name ?? "deleted subject" });
  };
  return { node, update };
};
