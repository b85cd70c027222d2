// Subjects: collecting pictures for a new one, making and training it, and putting it into a scene or a run.

import { appended } from "../kernels/spans.js";
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
  subjectById,
} from "../model/subjects.js";

import { busy, settle } from "./runs.js";

const PICTURES = "image/png,image/jpeg,image/webp";

export const toggleSubjects = ({ session }) =>
  session.set({ subjectsOpen: !session.state.subjectsOpen });

export const beginSubject = ({ session }) =>
  session.set({ subjectsOpen: true, subjectForm: EMPTY_FORM });

export const leaveSubject = ({ session }) => session.set({ subjectForm: null });

const formOf = ({ session }) => session.state.subjectForm ?? EMPTY_FORM;

/** The form takes pictures {digest} that it does not have yet; those beyond the limit are told of and left out. */
const take = (desk, digests) => {
  const { references } = formOf(desk);
  const known = new Set(references.map(({ whole }) => whole));
  const fresh = [...new Set(digests)].filter((digest) => !known.has(digest));
  const room = MOST_REFERENCES - references.length;
  if (fresh.length > room) {
    addNotice(desk.session, {
      what: `${references.length + fresh.length} pictures are too many.`,
      limit: `A subject is learned from 1 to ${MOST_REFERENCES}; three to six are best.`,
      remedy: "The first ones were taken.",
    });
  }
  const added = fresh.slice(0, room).map((digest) => ({ digest, whole: digest }));
  putForm(desk.session, { references: [...references, ...added] });
};

/** Uploads files and takes them as references; a file that is no picture is told of. */
export const addReferences = async (desk, files) => {
  for (const file of files) {
    await desk.attempt(async () => {
      const taken = await desk.busyWith(`Reading ${file.name}`, () =>
        desk.bridge.takePicture(file),
      );
      take(desk, [taken.digest]);
    });
  }
  if (formOf(desk).cut) await cutReferences(desk, true);
};

export const chooseReferences = async (desk) =>
  addReferences(desk, await desk.chooseFiles(PICTURES, true));

/** The pictures of the chosen layers become references. */
export const referencesFromLayers = (desk) => {
  const { store, session } = desk;
  const layers = chosenIds(store.record, session.state.also).map((id) => layerOf(store.record, id));
  const digests = layers.filter(({ picture }) => picture).map(({ picture }) => picture);
  if (digests.length === 0) {
    return addNotice(session, {
      what: "No layer with a picture is selected.",
      remedy: "Select one in the list of layers, or several with Ctrl.",
      brief: true,
    });
  }
  const [first] = layers;
  const word = first.phrase.trim().split(/\s+/).at(-1) ?? "";
  take(desk, digests);
  if (!formOf(desk).classWord) putForm(session, { classWord: word.toLowerCase() });
  return undefined;
};

export const dropReference = ({ session }, digest) => {
  const { references } = session.state.subjectForm;
  putForm(session, { references: references.filter((each) => each.digest !== digest) });
};

/** Cuts the object out of every reference with the model's SAM, or goes back to the whole pictures. */
export const cutReferences = async (desk, cut) => {
  const { session, bridge } = desk;
  putForm(session, { cut });
  for (const reference of formOf(desk).references) {
    const isCut = reference.digest !== reference.whole;
    if (isCut === cut) continue;
    const digest = await cutOne(desk, reference, cut, bridge);
    if (digest === null) return putForm(session, { cut: false });
    const { references } = formOf(desk);
    putForm(session, {
      references: references.map((each) =>
        each.whole === reference.whole ? { ...each, digest } : each,
      ),
    });
  }
  return undefined;
};

/** The digest of a cut-out or of the whole picture; null, and a sentence, when it cannot be cut. */
const cutOne = async (desk, { whole }, cut, bridge) => {
  if (!cut) return whole;
  const found = await desk.attempt(() =>
    desk.busyWith("Cutting out", () => bridge.library.cutReference(whole)),
  );
  return found?.digest ?? null;
};

/** Makes the subject of the form and begins to train it. */
export const makeSubject = async (desk) => {
  const { session, bridge } = desk;
  const form = formOf(desk);
  const obstacle = obstacleOf(form);
  if (obstacle) return addNotice(session, { what: obstacle, brief: true });
  const subject = await bridge.library.make(form);
  session.set({ subjectForm: null });
  return bridge.library.train(subject.id, form.steps);
};

export const trainSubject = ({ bridge }, id) => bridge.library.train(id);

export const stopTraining = ({ bridge, session }, id) =>
  bridge.library.stop(subjectById(session.state, id));

export const renameSubject = ({ bridge, session }, id, name) => {
  const subject = subjectById(session.state, id);
  return subject && name.trim() && name.trim() !== subject.name
    ? bridge.library.rename(id, name.trim())
    : undefined;
};

export const deleteSubject = async ({ bridge, session }, id) => {
  const subject = subjectById(session.state, id);
  await bridge.library.drop(id);
  addNotice(session, {
    what: `${subject.name} is deleted.`,
    remedy: "Its pictures stay in your scenes.",
    brief: true,
  });
};

const withWord = (prompt, word) => (placeIn(prompt, word) ? prompt : appended(prompt, `a ${word}`));

/** A layer of the subject, in the middle, named in the prompt: one step. */
export const placeSubject = async (desk, id) => {
  const { store, session, pictures } = desk;
  const subject = subjectById(session.state, id);
  const picture = subject.references[0];
  const size = await sizeOf(pictures.url(picture));
  const { scene } = store.record;
  const centre = { x: scene.width_px / 2, y: scene.height_px / 2 };
  const placement = firstPlacement(size, scene, centre);
  const words = { name: subject.name, phrase: subject.class_word };
  const layer = freeze({
    ...buildLayer({ id: desk.newId(), ...words, picture, placement }),
    subject: id,
    noise: 0.8,
  });
  const prompt = withWord(scene.prompt, subject.class_word);
  store.change(`Add ${subject.name}`, (record) => setScene({ prompt })(addLayer(layer)(record)));
  session.set({ showing: "collage" });
};

const sizeOf = async (source) => {
  const image = new Image();
  image.src = source;
  await image.decode();
  return { width_px: image.naturalWidth, height_px: image.naturalHeight };
};

/** Sets the desk up to draw a subject: Layout-and-Retouch, layouts first, the class word in the prompt; one step. */
export const drawSubject = (desk, id) => {
  const { store, session } = desk;
  const subject = subjectById(session.state, id);
  if (!isUsable(subject, store.record.settings.model)) {
    return addNotice(session, {
      what: `${subject.name} is not trained for this model.`,
      remedy: "Train it first.",
    });
  }
  const { settings, scene } = store.record;
  const setup = settings.method === SUBJECT_METHOD ? {} : settingsOfMethod(SUBJECT_METHOD);
  const prompt = withWord(scene.prompt, subject.class_word);
  const chosen = (record) => freeze({ ...record, subject: id });
  store.change(`Draw ${subject.name}`, (record) =>
    chosen(setScene({ prompt })(setSettings(setup)(record))),
  );
  return undefined;
};

/** Retouches the layout that is shown. */
export const retouch = async (desk) => {
  if (busy(desk)) return;
  const { candidate } = desk.shown();
  if (!candidate?.layout) {
    return addNotice(desk.session, {
      what: "No layout of a subject is shown.",
      remedy: "Generate with Layout-and-Retouch, layouts first, then click one.",
      brief: true,
    });
  }
  desk.session.set({ showing: "result", comparing: false, notices: [] });
  settle(desk, await desk.bridge.retouch(candidate));
};

export const showMasks = ({ session }) => session.set({ masksShown: !session.state.masksShown });

/** The class word of the chosen subject goes into the prompt. */
export const nameSubject = ({ store, session }, id) => {
  const { class_word: word, name } = subjectById(session.state, id);
  store.change(`Name ${name} in the prompt`, (record) =>
    setScene({ prompt: withWord(record.scene.prompt, word) })(record),
  );
};
