// The library of subjects: its verbs, and following what is being trained.

/**
 * @import { LibraryParts } from "../types/bridge.d.ts"
 * @import { SubjectForm } from "../types/editor.d.ts"
 * @import { Digest, Identifier, Message, QueueReport, Subject, Verb } from "../types/protocol.d.ts"
 */

import { freeze } from "../model/records.js";
import { addNotice } from "../model/session.js";
import { isTraining, subjectById } from "../model/subjects.js";
import { Silence } from "./link.js";

class Library {
  #parts;
  #following = false;

  /** @param {LibraryParts} parts */
  constructor(parts) {
    this.#parts = parts;
    parts.feed.subscribe((report) => this.#takeQueue(report));
  }

  /** Reads the library anew, and goes on reading it while something is being trained. */
  async refresh() {
    const { session, link } = this.#parts;
    const { subjects, methods } = await link.ask({ verb: "subjects" });
    const before = session.state;
    session.set({ library: freeze({ subjects, methods }) });
    subjects.forEach((subject) => this.#tellEnd(subjectById(before, subject.id), subject));
    this.#follow();
  }

  /**
   * {digest, …} of a stored picture without what is around its object.
   * @param {Digest} picture
   */
  cutReference(picture) {
    return this.#ask({ verb: "cut_reference", model: this.#model, picture });
  }

  /** @param {SubjectForm} form */
  async make({ name, classWord, method, references }) {
    const made = {
      name,
      class_word: classWord,
      references: references.map(({ digest }) => digest),
    };
    const subject = await this.#ask({
      verb: "make_subject",
      ...made,
      ...(method ? { method } : {}),
    });
    await this.refresh();
    return subject;
  }

  /**
   * @param {Identifier} subject
   * @param {number} [steps]
   */
  async train(subject, steps = 0) {
    const { project } = this.#parts.session.state;
    const verb = "train_subject";
    const { notes } = await this.#ask({ verb, project, subject, model: this.#model, steps });
    for (const { text } of notes ?? []) addNotice(this.#parts.session, { what: text });
    await this.refresh();
  }

  /** @param {Pick<Subject, "job">} subject */
  async stop({ job }) {
    await this.#ask({ verb: "cancel", job });
    await this.refresh();
  }

  /**
   * @param {Identifier} subject
   * @param {string} name
   */
  async rename(subject, name) {
    await this.#ask({ verb: "rename_subject", subject, name });
    await this.refresh();
  }

  /** @param {Identifier} subject */
  async drop(subject) {
    await this.#ask({ verb: "delete_subject", subject });
    await this.refresh();
  }

  get #model() {
    return this.#parts.store.record.settings.model;
  }

  /**
   * @template {Verb} V
   * @param {Message<V>} message
   */
  #ask(message) {
    return this.#parts.link.ask(message);
  }

  /**
   * How far trainings are.
   * @param {QueueReport} report
   */
  #takeQueue({ jobs }) {
    const { session } = this.#parts;
    const { library } = session.state;
    const steps = new Map(jobs.map(({ id, done, total }) => [id, { done, total }]));
    if (!library.subjects.some(({ job }) => steps.has(job))) return;
    const subjects = library.subjects.map((subject) => ({ ...subject, ...steps.get(subject.job) }));
    session.set({ library: freeze({ ...library, subjects }) });
  }

  async #follow() {
    const { session, feed } = this.#parts;
    const training = session.state.library.subjects.filter(isTraining);
    if (this.#following || training.length === 0) return;
    this.#following = true;
    await Promise.race(training.map(({ job }) => feed.next(job, feed.entry(job)?.noted ?? 0)));
    this.#following = false;
    try {
      await this.refresh();
    } catch (error) {
      if (!(error instanceof Silence)) throw error;
      this.#follow();
    }
  }

  /**
   * How a training ended, once.
   * @param {Subject | null} before
   * @param {Subject} after
   */
  #tellEnd(before, { name, state, error: reason }) {
    if (!before || !isTraining(before) || isTraining({ state })) return;
    const { session } = this.#parts;
    if (reason) addNotice(session, { tone: "problem", what: `${name}: ${reason}` });
    else if (state === "ready")
      addNotice(session, { tone: "good", what: `${name} is trained.`, brief: true });
  }
}

/**
 * parts: {link, session, store, feed}.
 * @param {LibraryParts} parts
 */
export const createLibrary = (parts) => new Library(parts);
