// What the parts of the bridge are built from.

import type { createLink } from "../bridge/link.js";
import type { createMaskKeeper } from "../bridge/masks.js";
import type {
  Clock,
  EditorStore,
  Host,
  Job,
  KeyValues,
  MaskShelf,
  MaskStore,
  SessionStore,
} from "./editor.d.ts";
import type { ApartEvent, Identifier, JobState, LearnedEvent } from "./protocol.d.ts";

export type Link = ReturnType<typeof createLink>;
export type MaskKeeper = ReturnType<typeof createMaskKeeper>;

/** What the page gives to the bridge. */
export interface BridgeParts {
  host: Host;
  store: EditorStore;
  session: SessionStore;
  masks: MaskStore;
  shelf: MaskShelf;
  clock: Clock;
  /** What this browser keeps, over tabs and reloads. */
  vault: KeyValues;
  /** What this tab keeps over reloads. */
  tab: KeyValues;
  newId(): Identifier;
  /** Whether nobody looks at the page. */
  hidden(): boolean;
}

export type LinkParts = Pick<BridgeParts, "host" | "session" | "clock">;
export type KeeperParts = Pick<BridgeParts, "masks" | "shelf"> & { link: Link };
export type LibraryParts = Pick<BridgeParts, "session" | "store" | "clock" | "hidden"> & {
  link: Link;
};
export type SaverParts = Pick<BridgeParts, "store" | "session" | "clock" | "vault" | "masks"> & {
  link: Link;
  keeper: MaskKeeper;
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
