// What the page knows beside the document and never undoes: the project, its job, its candidates,
// tool and view.

/**
 * @import { Batch, EditorState, GallerySlice, HomeSlice, NewNotice, Notice, PaintSlice, PanelSlice, ProjectSlice, ResultSlice, RunSlice, SessionState, SessionStore, StageSlice } from "../types/editor.d.ts"
 * @import { Candidate, Digest, Stage1Image, Identifier, Note } from "../types/protocol.d.ts"
 */

import { NO_FILTER } from "./gallery.js";
import { freeze } from "./records.js";

/** @type {ProjectSlice} */
const PROJECT = {
  project: "",
  revision: 0,
  facts: null,
  candidates: [],
  stage1Images: [],
  coverage: [],
  notes: [],
  embeddings: [],
  snapshots: [],
  library: { subjects: [], methods: [] },
  saved: { state: "saved", at: "" },
  link: "up",
  conflict: null,
};

/** @type {RunSlice} */
const RUN = {
  job: null,
  queue: { jobs: [], trouble: "", pause: "" },
  watched: 0,
  reading: "",
  freshSeeds: false,
  closeUp: true,
  tries: 1,
  embeddingSteps: 250,
  tuned: {},
  varied: {},
  moved: {},
};

/** @type {ResultSlice} */
const RESULT = {
  showing: "collage",
  viewed: "",
  batch: "",
  dismissed: [],
  comparing: false,
  compare: "",
  splitAt: 0.5,
  heat: false,
  masksShown: false,
};

/** @type {StageSlice} */
const STAGE = {
  tool: "move",
  view: { zoom: 1, x: 0, y: 0, turn: 0, mirror: false },
  fitted: true,
  hovered: "",
  also: [],
  guides: null,
  outline: null,
};

/** @type {PaintSlice} */
const PAINT = {
  paints: "mask",
  brush: {
    size: 48,
    hardness: 0.8,
    opacity: 1,
    spacing: 0.1,
    pressureSize: true,
    pressureFlow: false,
  },
  region: { subtract: false, tolerance: 24, radius: 8 },
};

/** @type {PanelSlice} */
const PANELS = {
  notices: [],
  open: "",
  theme: "",
  moreOpen: false,
  cardOpen: true,
  subjectsOpen: false,
  modelsOpen: false,
  modelsBusy: false,
  subjectForm: null,
  bindings: {},
  check: null,
  carries: freeze({ scene: true, words: false }),
};

/** @type {HomeSlice} */
const HOME = {
  homeOpen: false,
  scenes: null,
  homeNotes: [],
  homeQuery: "",
  homeSort: "changed",
};

/** @type {GallerySlice} */
const GALLERY = {
  galleryOpen: false,
  galleryCarried: false,
  galleryFilter: NO_FILTER,
  galleryIndex: null,
  galleryPages: {},
  galleryChosen: [],
  galleryViewed: null,
  galleryRecipe: null,
};

/** @type {Readonly<SessionState>} */
const START = freeze({
  ...PROJECT,
  ...RUN,
  ...RESULT,
  ...STAGE,
  ...PAINT,
  ...PANELS,
  ...HOME,
  ...GALLERY,
});

class Session {
  #state = START;
  #serial = 0;
  /** @type {Set<() => unknown>} */
  #listeners = new Set();

  get state() {
    return this.#state;
  }

  /** 1, 2, 3, …: names for what comes and goes. */
  serial() {
    this.#serial += 1;
    return this.#serial;
  }

  /** @param {Partial<SessionState>} patch */
  set(patch) {
    this.#state = Object.freeze({ ...this.#state, ...patch });
    this.#listeners.forEach((listener) => listener());
  }

  /** @param {() => unknown} listener */
  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export const createSession = () => new Session();

/**
 * @param {{ index: number }} one
 * @param {{ index: number }} other
 */
const byIndex = (one, other) => one.index - other.index;

/**
 * The drafts of a run: its own, else those among which the one was that it refined.
 * @param {readonly Stage1Image[]} stage1Images
 * @param {Identifier} job
 * @param {readonly Candidate[]} candidates
 */
const stage1ImagesOf = (stage1Images, job, candidates) => {
  /** @param {Identifier} id */
  const from = (id) => stage1Images.filter((stage1) => stage1.job === id).toSorted(byIndex);
  const named = candidates.find(({ stage1 }) => stage1)?.stage1;
  const own = from(job);
  const refined = named && stage1Images.findLast(({ digest }) => digest === named);
  return own.length === 0 && refined ? from(refined.job) : own;
};

/**
 * Candidates and drafts by job, the newest run first; runs that were discarded are left out. A
 * draft that was taken as the picture itself stands among the drafts alone.
 * @param {Pick<SessionState, "candidates" | "dismissed"> & Partial<Pick<SessionState, "stage1Images">>} state
 * @returns {Batch[]}
 */
export const batchesOf = ({ candidates, stage1Images = [], dismissed }) => {
  /** @type {Map<Identifier, Candidate[]>} */
  const batches = new Map();
  /** @param {Candidate} candidate */
  const isStage1 = ({ job, digest }) =>
    stage1Images.some((stage1) => stage1.job === job && stage1.digest === digest);
  for (const candidate of candidates) {
    if (!dismissed.includes(candidate.job) && !isStage1(candidate))
      batches.set(candidate.job, [...(batches.get(candidate.job) ?? []), candidate]);
  }
  const alone = stage1Images.filter(({ job }) => !dismissed.includes(job) && !batches.has(job));
  alone.forEach(({ job }) => batches.set(job, []));
  return [...batches]
    .map(([job, members]) => ({
      job,
      layerId: members[0]?.layer_id ?? "",
      stage1Images: stage1ImagesOf(stage1Images, job, members),
      candidates: members.toSorted(byIndex),
      created: (members[0] ?? stage1Images.find((stage1) => stage1.job === job))?.created ?? "",
    }))
    .toSorted((one, other) =>
      one.created < other.created ? -1 : Number(one.created > other.created),
    )
    .reverse();
};

/**
 * The candidate of a digest: as equal recipes make equal pixels, the one of the shown run, else the
 * newest.
 * @param {Pick<SessionState, "candidates" | "batch">} state
 * @param {Digest} digest
 * @returns {Candidate | null}
 */
export const candidateOf = ({ candidates, batch }, digest) =>
  candidates.findLast((candidate) => candidate.digest === digest && candidate.job === batch) ??
  candidates.findLast((candidate) => candidate.digest === digest) ??
  null;

/**
 * What a shown picture is compared with: the digest it was made over, else the picked one; "" means
 * the collage.
 * @param {Pick<SessionState, "viewed">} state
 * @param {EditorState} editor
 * @param {Candidate | null} candidate
 */
export const beforeOf = ({ viewed }, { picked }, candidate) =>
  candidate?.source || (viewed && picked && viewed !== picked ? picked : "");

/** @param {Pick<SessionState, "job">} state */
export const isWorking = ({ job }) =>
  job !== null && (job.state === "queued" || job.state === "running");

/**
 * A notice is a calm sentence: {what, limit, remedy, tone: "note" | "good" | "problem", action?:
 * {title, run}}.
 * @param {SessionStore} session
 * @param {NewNotice} notice
 */
export const addNotice = (session, notice) => {
  /** @type {Notice} */
  const entry = {
    id: session.serial(),
    tone: "note",
    limit: "",
    remedy: "",
    action: null,
    ...notice,
  };
  const others = session.state.notices.filter((other) => other.what !== entry.what).slice(-3);
  session.set({ notices: [...others, entry] });
  return entry.id;
};

/**
 * Newer notes of a scene; what was said when its file was opened stays said.
 * @param {readonly Note[]} before
 * @param {readonly Note[]} after
 */
export const withOpeningNotes = (before, after) => [
  ...before.filter(({ code }) => code === "opened"),
  ...after,
];

/**
 * @param {SessionStore} session
 * @param {number} id
 */
export const dropNotice = (session, id) =>
  session.set({ notices: session.state.notices.filter((notice) => notice.id !== id) });
