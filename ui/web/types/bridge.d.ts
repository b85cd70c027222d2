// What the parts of the bridge are built from.

import type { createLink } from "../bridge/link.js";
import type { createMaskSaver } from "../bridge/masks.js";
import type {
  Clock,
  EditorStore,
  Host,
  Job,
  KeyValues,
  MaskDatabase,
  MaskStore,
  SessionStore,
} from "./editor.d.ts";
import type { ApartEvent, Identifier, JobState, LearnedEvent } from "./protocol.d.ts";

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
}

export type LinkParts = Pick<BridgeParts, "host" | "session" | "clock">;
export type MaskSaverParts = Pick<BridgeParts, "masks" | "database"> & { link: Link };
export type LibraryParts = Pick<BridgeParts, "session" | "store" | "clock" | "hidden"> & {
  link: Link;
};
export type HomeParts = Pick<BridgeParts, "session"> & { link: Link };
export type ModelsParts = Pick<BridgeParts, "session"> & { link: Link };
export type SaverParts = Pick<BridgeParts, "store" | "session" | "clock" | "storage" | "masks"> & {
  link: Link;
  maskSaver: MaskSaver;
};

/** An event that brings something else than pictures. */
export type ResultEvent = LearnedEvent | ApartEvent;

export type WatcherParts = Pick<BridgeParts, "session" | "clock" | "hidden"> & {
  link: Link;
  result(event: ResultEvent): void;
};

/** A job as far as it is known when the page begins to follow it. */
export type FollowedJob = Pick<Job, "id" | "kind" | "layer_id" | "layer_ids"> & {
  state: JobState;
} & Partial<Job>;
