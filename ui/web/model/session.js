// What the page knows beside the document and never undoes: the project, its job, its candidates, tool and view.

const START = Object.freeze({
  project: "",
  revision: 0,
  facts: null,
  candidates: [],
  coverage: [],
  notes: [],
  job: null,
  saved: { state: "saved", at: "" },
  link: "up",
  conflict: null,
  notices: [],
  tool: "move",
  view: { zoom: 1, x: 0, y: 0 },
  fitted: true,
  showing: "collage",
  viewed: "",
  batch: "",
  dismissed: [],
  comparing: false,
  compare: "",
  splitAt: 0.5,
  hovered: "",
  also: Object.freeze([]),
  guides: null,
  outline: null,
  brush: Object.freeze({
    size: 48,
    hardness: 0.8,
    opacity: 1,
    spacing: 0.1,
    pressureSize: true,
    pressureFlow: false,
  }),
  region: Object.freeze({ subtract: false, tolerance: 24, radius: 8 }),
  open: "",
  theme: "",
  freshSeeds: false,
  moreOpen: false,
  tuned: Object.freeze({}),
  bindings: Object.freeze({}),
  reading: "",
});

class Session {
  #state = START;
  #serial = 0;
  #listeners = new Set();

  get state() {
    return this.#state;
  }

  /** 1, 2, 3, …: names for what comes and goes. */
  serial() {
    this.#serial += 1;
    return this.#serial;
  }

  set(patch) {
    this.#state = Object.freeze({ ...this.#state, ...patch });
    this.#listeners.forEach((listener) => listener());
  }

  subscribe(listener) {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}

export const createSession = () => new Session();

/** Candidates by job, the newest run first; runs that were discarded are left out. */
export const batchesOf = ({ candidates, dismissed }) => {
  const batches = new Map();
  for (const candidate of candidates) {
    if (!dismissed.includes(candidate.job))
      batches.set(candidate.job, [...(batches.get(candidate.job) ?? []), candidate]);
  }
  return [...batches]
    .map(([job, members]) => ({
      job,
      layerId: members[0].layer_id,
      candidates: members.toSorted((a, b) => a.index - b.index),
    }))
    .reverse();
};

/** The candidate of a digest: as equal recipes make equal pixels, the one of the shown run, else the newest. */
export const candidateOf = ({ candidates, batch }, digest) =>
  candidates.findLast((candidate) => candidate.digest === digest && candidate.job === batch) ??
  candidates.findLast((candidate) => candidate.digest === digest) ??
  null;

/** What a shown picture is compared with: the digest it was made over, else the picked one; "" means the collage. */
export const beforeOf = ({ viewed }, { picked }, candidate) =>
  candidate?.source || (viewed && picked && viewed !== picked ? picked : "");

export const isWorking = ({ job }) => job !== null && (job.state === "queued" || job.state === "running");

/** A notice is a calm sentence: {what, limit, remedy, tone: "note" | "good" | "problem", action?: {title, run}}. */
export const addNotice = (session, notice) => {
  const entry = { id: session.serial(), tone: "note", limit: "", remedy: "", action: null, ...notice };
  const others = session.state.notices.filter((other) => other.what !== entry.what).slice(-3);
  session.set({ notices: [...others, entry] });
  return entry.id;
};

export const dropNotice = (session, id) =>
  session.set({ notices: session.state.notices.filter((notice) => notice.id !== id) });
