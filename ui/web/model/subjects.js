// Subjects as the page sees them: the library's records, the form of a new one, and how they stand
// to a run.

/**
 * @import { Edit, EditorState, SessionState, SessionStore, SubjectForm } from "../types/editor.d.ts"
 * @import { Standing } from "../types/model.d.ts"
 * @import { Identifier, RunSettings, Subject } from "../types/protocol.d.ts"
 */

import { occurrences } from "../kernels/spans.js";
import { setLayer } from "./edits.js";
import { freeze, requireLayer } from "./records.js";

/** The method that draws subjects. */
export const SUBJECT_METHOD = "layout_retouch";

export const MOST_REFERENCES = 20;

/**
 * What choosing a method sets: its usual options; subjects are drawn by DDIM, layouts first.
 * @param {string} method
 * @returns {Partial<RunSettings>}
 */
export const settingsOfMethod = (method) =>
  method === SUBJECT_METHOD
    ? { method, sampler: "ddim", options: { stage: "layouts" } }
    : { method, options: {} };

/**
 * A new subject before it is made; each of `references` is {digest, whole}: as it is used, and as
 * it was given.
 * @type {Readonly<SubjectForm>}
 */
export const EMPTY_FORM = freeze({
  name: "",
  classWord: "",
  method: "",
  steps: 0,
  cut: false,
  references: [],
});

/**
 * @param {Pick<SessionState, "library">} state
 * @param {Identifier} id
 */
export const subjectById = ({ library }, id) =>
  library.subjects.find((subject) => subject.id === id) ?? null;

/**
 * The subject of an id that is known to be there; a RangeError names one that is not.
 * @param {Pick<SessionState, "library">} state
 * @param {Identifier} id
 * @returns {Subject}
 */
export const requireSubject = (state, id) => {
  const subject = subjectById(state, id);
  if (!subject) throw new RangeError(`There is no subject ${id}.`);
  return subject;
};

/** @param {Pick<Subject, "state">} subject */
export const isTraining = ({ state }) => state === "waiting" || state === "training";

/**
 * Whether a model can draw it.
 * @param {Subject} subject
 * @param {Identifier} model
 */
export const isUsable = (subject, model) => subject.file !== "" && subject.model === model;

/**
 * The steps of a training as they were asked for: those that draw its class first are counted by
 * themselves.
 * @param {Pick<Subject, "done" | "total" | "class_steps">} subject
 */
const stepsOf = ({ done, total, class_steps = 0 }) => {
  const isDrawing = total > 0 && done < class_steps;
  if (isDrawing) return { done, total: class_steps, isDrawing };
  return {
    done: Math.max(0, done - class_steps),
    total: Math.max(0, total - class_steps),
    isDrawing,
  };
};

/**
 * @param {number} done
 * @param {number} total
 * @param {boolean} isDrawing
 */
const stepText = (done, total, isDrawing) =>
  isDrawing ? `drawing its class, step ${done} of ${total}` : `step ${done} of ${total}`;

/**
 * Where a subject stands: {text, tone}.
 * @param {Subject} subject
 * @param {Identifier} model
 * @returns {Standing}
 */
export const standingOf = (subject, model) => {
  const { state } = subject;
  const { done, total, isDrawing } = stepsOf(subject);
  if (state === "waiting") return { text: "waiting for the device", tone: "busy" };
  if (state === "training")
    return { text: total ? stepText(done, total, isDrawing) : "starting …", tone: "busy" };
  if (state === "ready")
    return subject.model === model
      ? { text: "ready", tone: "good" }
      : { text: `trained on ${subject.model}`, tone: "warn" };
  if (state === "stopped")
    return {
      text: subject.has_checkpoint ? `stopped at ${done} of ${total}` : "stopped",
      tone: "warn",
    };
  return state === "failed"
    ? { text: "failed", tone: "bad" }
    : { text: "not trained yet", tone: "" };
};

/**
 * What the button that begins a training says.
 * @param {Pick<Subject, "state" | "has_checkpoint">} subject
 */
export const trainTitle = ({ state, has_checkpoint }) => {
  if (has_checkpoint) return "Go on";
  return state === "ready" || state === "failed" ? "Train again" : "Train";
};

/**
 * Why a form makes no subject yet; "" when it does.
 * @param {Pick<SubjectForm, "references" | "classWord">} form
 */
export const obstacleOf = ({ references, classWord }) => {
  if (references.length === 0) return "Add one to twenty pictures of it.";
  if (references.length > MOST_REFERENCES)
    return `${references.length} pictures are too many: at most ${MOST_REFERENCES}.`;
  return classWord.trim() ? "" : "Say what it is, in one word: cat, mug, backpack.";
};

/**
 * A remark on a form that could be better; "" for none.
 * @param {Pick<SubjectForm, "references">} form
 */
export const noteOf = ({ references }) =>
  references.length === 1
    ? "With a single picture it will look much the same everywhere; three to six are best."
    : "";

/**
 * Where a text names the class of a subject first, as a whole word: {start, end}; null where it
 * does not.
 * @param {string} text
 * @param {string} classWord
 */
export const placeIn = (text, classWord) => occurrences(text, classWord)[0] ?? null;

/**
 * The subject that a run with these settings draws: the chosen one, else the newest that fits; null
 * for none.
 * @param {Pick<SessionState, "library">} state
 * @param {EditorState} editor
 */
export const subjectOfRun = (state, { settings, subject }) => {
  if (settings.method !== SUBJECT_METHOD) return null;
  const usable = state.library.subjects.filter((each) => isUsable(each, settings.model));
  return subjectById(state, subject) ?? usable[0] ?? null;
};

/**
 * What a request says of a subject.
 * @param {Subject} subject
 */
export const referenceOf = ({ file, references }) => ({ subject: file, reference: references[0] });

/**
 * Makes a layer one of a subject ("" for none); a layer that does not name its class takes the word
 * for its phrase.
 * @param {Pick<SessionState, "library">} state
 * @param {Identifier} layerId
 * @param {Identifier | ""} id
 * @returns {Edit}
 */
export const withSubject = (state, layerId, id) => (record) => {
  const subject = subjectById(state, id);
  const phrase =
    subject && !placeIn(requireLayer(record, layerId).phrase, subject.class_word)
      ? subject.class_word
      : null;
  return setLayer(layerId, { subject: id || null, ...(phrase === null ? {} : { phrase }) })(record);
};

/**
 * @param {SessionStore} session
 * @param {Partial<SubjectForm>} patch
 */
export const putForm = (session, patch) =>
  session.set({ subjectForm: freeze({ ...(session.state.subjectForm ?? EMPTY_FORM), ...patch }) });
