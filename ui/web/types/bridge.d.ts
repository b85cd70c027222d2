// What the parts of the bridge are built from.

import type { createFeed } from "../bridge/feed.js";
import type { createLink } from "../bridge/link.js";
import type { createMaskSaver } from "../bridge/masks.js";
import type { createStepSaver } from "../bridge/steps.js";
import type {
  Clock,
  EditorStore,
  Host,
  Job,
  KeyValues,
  MaskDatabase,
  MaskStore,
  SessionStore,
  Timer,
} from "./editor.d.ts";
import type { HistoryEntry } from "./model.d.ts";
import type { ApartEvent, Identifier, JobState, LearnedEvent } from "./protocol.d.ts";

export type Feed = ReturnType<typeof createFeed>;
export type StepSaver = ReturnType<typeof createStepSaver>;
export type Link = ReturnType<typeof createLink>;
export type MaskSaver = ReturnType<typeof createMaskSaver>;

/** What the page gives to the bridge. */
export interface BridgeParts {
  host: Host;
  store: EditorStore;
  session: SessionStore;
  masks: MaskStore;
  database: MaskDatabase;
  clock: Clock;
  /** What this browser keeps, over tabs and reloads. */
  storage: KeyValues;
  /** What this tab keeps over reloads. */
  tab: KeyValues;
  newId(): Identifier;
  /** Whether nobody looks at the page. */
  hidden(): boolean;
  /** Begins to hear what the server says by itself. */
  listen(take: StreamListener): void;
}

/** What came over the stream of the queue: JSON, a heartbeat, or that it broke off. */
export interface StreamMessage {
  kind: "queue" | "preview" | "beat" | "lost";
  text: string;
}

export type StreamListener = (message: StreamMessage) => void;

/** Somebody who waits for what comes after an event of a job. */
export interface Followed {
  id: Identifier;
  noted: number;
  timer: Timer | null;
  resolve(): void;
}

export type FeedParts = Pick<BridgeParts, "session" | "clock" | "hidden" | "listen">;

export type LinkParts = Pick<BridgeParts, "host" | "session" | "clock">;
export type StepParts = Pick<BridgeParts, "store"> & { link: Link };

/** Steps for the server: from the number `first` on, after which there are no others. */
export interface StepBatch {
  first: number;
  entries: readonly HistoryEntry[];
  /** The step whose record is the scene then. */
  saved: HistoryEntry;
}

export type MaskSaverParts = Pick<BridgeParts, "masks" | "database"> & { link: Link };
export type LibraryParts = Pick<BridgeParts, "session" | "store"> & { link: Link; feed: Feed };
export type HomeParts = Pick<BridgeParts, "session"> & { link: Link };
export type GalleryParts = Pick<BridgeParts, "session"> & { link: Link };
export type SnapshotParts = Pick<BridgeParts, "session"> & { link: Link };
export type QueueParts = Pick<BridgeParts, "session"> & { link: Link };
export type ModelsParts = Pick<BridgeParts, "session"> & { link: Link };
export type SaverParts = Pick<BridgeParts, "store" | "session" | "clock" | "storage" | "masks"> & {
  link: Link;
  maskSaver: MaskSaver;
  steps: StepSaver;
};

/** An event that brings something else than pictures. */
export type ResultEvent = LearnedEvent | ApartEvent;

export type WatcherParts = Pick<BridgeParts, "session"> & {
  link: Link;
  feed: Feed;
  result(event: ResultEvent): void;
};

/** A job as far as it is known when the page begins to follow it. */
export type FollowedJob = Pick<Job, "id" | "kind" | "layer_id" | "layer_ids"> & {
  state: JobState;
} & Partial<Job>;
