// Subjects: collecting pictures for a new one, making and training it, and putting it into a scene
// or a run.

/**
 * @import { App, Bridge, EditorState, Reference } from "../types/editor.d.ts"
 * @import { Digest, Identifier } from "../types/protocol.d.ts"
 */

import { appendPhrase } from "../kernels/spans.js";
import { addLayer, setScene, setSettings } from "../model/edits.js";
import { buildLayer, chosenIds, firstPlacement, freeze, layerOf } from "../model/records.js";
import { addNotice } from "../model/session.js";
import {
  EMPTY_FORM,
  MOST_REFERENCES,
  SUBJECT_METHOD,
  isUsable,
  obstacleOf,
  placeIn,
  putForm,
  settingsOfMethod,
  requireSubject,
} from "../model/subjects.js";

import { isBusy, settle } from "./runs.js";

const PICTURES = "image/png,image/jpeg,image/webp";

/** @param {App} app */
export const toggleSubjects = ({ session }) =>
  session.set({ subjectsOpen: !session.state.subjectsOpen });

/** @param {App} app */
export const beginSubject = ({ session }) =>
  session.set({ subjectsOpen: true, subjectForm: EMPTY_FORM });

/** @param {App} app */
export const leaveSubject = ({ session }) => session.set({ subjectForm: null });

/** @param {App} app */
const formOf = ({ session }) => session.state.subjectForm ?? EMPTY_FORM;

/**
 * The form takes pictures {digest} that it does not have yet; those beyond the limit are told of
 * and left out.
 * @param {App} app
 * @param {readonly Digest[]} digests
 */
const take = (app, digests) => {
  const { references } = formOf(app);
  const known = new Set(references.map(({ whole }) => whole));
  const fresh = [...new Set(digests)].filter((digest) => !known.has(digest));
  const room = MOST_REFERENCES - references.length;
  if (fresh.length > room) {
    addNotice(app.session, {
      what: `${references.length + fresh.length} pictures are too many.`,
      limit: `A subject is learned from 1 to ${MOST_REFERENCES}; three to six are best.`,
      remedy: "The first ones were taken.",
    });
  }
  const added = fresh.slice(0, room).map((digest) => ({ digest, whole: digest }));
  putForm(app.session, { references: [...references, ...added] });
};

/**
 * Uploads files and takes them as references; a file that is no picture is told of.
 * @param {App} app
 * @param {readonly File[]} files
 */
export const addReferences = async (app, files) => {
  for (const file of files) {
    await app.attempt(async () => {
      const taken = await app.busyWith(`Reading ${file.name}`, () => app.bridge.takePicture(file));
      take(app, [taken.digest]);
    });
  }
  if (formOf(app).cut) await cutReferences(app, true);
};

/** @param {App} app */
export const chooseReferences = async (app) =>
  addReferences(app, await app.chooseFiles(PICTURES, true));

/**
 * The pictures of the chosen layers become references.
 * @param {App} app
 */
export const referencesFromLayers = (app) => {
  const { store, session } = app;
  const ids = chosenIds(store.record, session.state.also);
  const layers = ids.flatMap((id) => layerOf(store.record, id) ?? []);
  const digests = layers.flatMap(({ picture }) => picture ?? []);
  if (digests.length === 0) {
    return addNotice(session, {
      what: "No layer with a picture is selected.",
      remedy: "Select one in the list of layers, or several with Ctrl.",
      brief: true,
    });
  }
  const [first] = layers;
  const word = first.phrase.trim().split(/\s+/).at(-1) ?? "";
  take(app, digests);
  if (!formOf(app).classWord) putForm(session, { classWord: word.toLowerCase() });
  return undefined;
};

/**
 * @param {App} app
 * @param {Digest} digest
 */
export const dropReference = (app, digest) => {
  const { references } = formOf(app);
  putForm(app.session, { references: references.filter((each) => each.digest !== digest) });
};

/**
 * Cuts the object out of every reference with the model's SAM, or goes back to the whole pictures.
 * @param {App} app
 * @param {boolean} cut
 */
export const cutReferences = async (app, cut) => {
  const { session, bridge } = app;
  putForm(session, { cut });
  for (const reference of formOf(app).references) {
    const isCut = reference.digest !== reference.whole;
    if (isCut === cut) continue;
    const digest = await cutOne(app, reference, cut, bridge);
    if (digest === null) return putForm(session, { cut: false });
    const { references } = formOf(app);
    putForm(session, {
      references: references.map((each) =>
        each.whole === reference.whole ? { ...each, digest } : each,
      ),
    });
  }
  return undefined;
};

/**
 * The digest of a cut-out or of the whole picture; null, and a sentence, when it cannot be cut.
 * @param {App} app
 * @param {Reference} reference
 * @param {boolean} cut
 * @param {Bridge} bridge
 */
const cutOne = async (app, { whole }, cut, bridge) => {
  if (!cut) return whole;
  const found = await app.attempt(() =>
    app.busyWith("Cutting out", () => bridge.library.cutReference(whole)),
  );
  return found?.digest ?? null;
};

/**
 * Makes the subject of the form and begins to train it.
 * @param {App} app
 */
export const makeSubject = async (app) => {
  const { session, bridge } = app;
  const form = formOf(app);
  const obstacle = obstacleOf(form);
  if (obstacle) return addNotice(session, { what: obstacle, brief: true });
  const subject = await bridge.library.make(form);
  session.set({ subjectForm: null });
  return bridge.library.train(subject.id, form.steps);
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const trainSubject = ({ bridge }, id) => bridge.library.train(id);

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const stopTraining = ({ bridge, session }, id) =>
  bridge.library.stop(requireSubject(session.state, id));

/**
 * @param {App} app
 * @param {Identifier} id
 * @param {string} name
 */
export const renameSubject = ({ bridge, session }, id, name) => {
  const subject = requireSubject(session.state, id);
  return subject && name.trim() && name.trim() !== subject.name
    ? bridge.library.rename(id, name.trim())
    : undefined;
};

/**
 * @param {App} app
 * @param {Identifier} id
 */
export const deleteSubject = async ({ bridge, session }, id) => {
  const subject = requireSubject(session.state, id);
  await bridge.library.drop(id);
  addNotice(session, {
    what: `${subject.name} is deleted.`,
    remedy: "Its pictures stay in your scenes.",
    brief: true,
  });
};

/**
 * @param {string} prompt
 * @param {string} word
 */
const withWord = (prompt, word) =>
  placeIn(prompt, word) ? prompt : appendPhrase(prompt, `a ${word}`);

/**
 * A layer of the subject, in the middle, named in the prompt: one step.
 * @param {App} app
 * @param {Identifier} id
 */
export const placeSubject = async (app, id) => {
  const { store, session, pictures } = app;
  const subject = requireSubject(session.state, id);
  const picture = subject.references[0];
  const size = await sizeOf(pictures.url(picture));
  const { scene } = store.record;
  const centre = { x: scene.width_px / 2, y: scene.height_px / 2 };
  const placement = firstPlacement(size, scene, centre);
  const words = { name: subject.name, phrase: subject.class_word };
  const layer = freeze({
    ...buildLayer({ id: app.newId(), ...words, picture, placement }),
    subject: id,
    strength: 0.8,
  });
  const prompt = withWord(scene.prompt, subject.class_word);
  store.change(`Add ${subject.name}`, (record) => setScene({ prompt })(addLayer(layer)(record)));
  session.set({ showing: "collage" });
};

/** @param {string} source */
const sizeOf = async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  return { width_px: image.naturalWidth, height_px: image.naturalHeight };
};

/**
 * Sets the app up to draw a subject: Layout-and-Retouch, layouts first, the class word in the
 * prompt; one step.
 * @param {App} app
 * @param {Identifier} id
 */
export const drawSubject = (app, id) => {
  const { store, session } = app;
  const subject = requireSubject(session.state, id);
  if (!isUsable(subject, store.record.settings.model)) {
    return addNotice(session, {
      what: `${subject.name} is not trained for this model.`,
      remedy: "Train it first.",
    });
  }
  const { settings, scene } = store.record;
  const setup = settings.method === SUBJECT_METHOD ? {} : settingsOfMethod(SUBJECT_METHOD);
  const prompt = withWord(scene.prompt, subject.class_word);
  /** @param {EditorState} record */
  const chosen = (record) => freeze({ ...record, subject: id });
  store.change(`Draw ${subject.name}`, (record) =>
    chosen(setScene({ prompt })(setSettings(setup)(record))),
  );
  return undefined;
};

/**
 * Retouches the layout that is shown.
 * @param {App} app
 */
export const retouch = async (app) => {
  if (isBusy(app)) return;
  const { candidate } = app.shown();
  if (!candidate?.layout) {
    return addNotice(app.session, {
      what: "No layout of a subject is shown.",
      remedy: "Generate with Layout-and-Retouch, layouts first, then click one.",
      brief: true,
    });
  }
  app.session.set({ showing: "result", comparing: false, notices: [] });
  settle(app, await app.bridge.retouch(candidate));
};

/** @param {App} app */
export const showMasks = ({ session }) => session.set({ masksShown: !session.state.masksShown });

/**
 * The class word of the chosen subject goes into the prompt.
 * @param {App} app
 * @param {Identifier} id
 */
export const nameSubject = ({ store, session }, id) => {
  const { class_word: word, name } = requireSubject(session.state, id);
  store.change(`Name ${name} in the prompt`, (record) =>
    setScene({ prompt: withWord(record.scene.prompt, word) })(record),
  );
};
