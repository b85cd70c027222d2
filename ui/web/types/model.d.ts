// The types of the model: history, strokes, what is painted on, and the sentences that say why not.

import type { App, Edit, EditorState, Gesture, Mask, Point } from "./editor.d.ts";
import type {
  Digest,
  FoundPart,
  Group,
  Identifier,
  Layer,
  OptionSchema,
  Placement,
  ProjectReply,
} from "./protocol.d.ts";

/** What this browser keeps of a scene until the server has confirmed it. */
export type UnsavedCopy = Pick<ProjectReply, "revision" | "scene" | "editor"> & { page?: string };

/** An option of a method: its schema and its name. */
export type MethodOption = OptionSchema & { name: string };

/** A step: its name, the record after it, and the key under which quick repeats join. */
export interface HistoryEntry {
  name: string;
  record: EditorState;
  merge: string;
  at_ms: number;
  /** Its number, which it keeps when older ones go: the place among the steps on the server. */
  n: number;
}

/** A step as it was kept on the server. */
export type StoredEntry = Pick<HistoryEntry, "name" | "record" | "n">;

/** Named records, the oldest first, and the place of the present one. */
export interface History {
  readonly entries: readonly HistoryEntry[];
  readonly place: number;
}

/** What a record refers to, each with its bytes. */
export type Weigh = (record: EditorState) => readonly (readonly [name: string, bytes: number])[];

/** A stroke over the mask `base`: what its dabs cover by tile, and the mask that follows. */
export interface Stroke {
  readonly base: Mask;
  readonly target: number;
  readonly opacity: number;
  readonly cover: ReadonlyMap<number, Uint8Array>;
  readonly mask: Mask;
}

/** Why something cannot be done now, in words. */
export interface Obstacle {
  what: string;
  limit?: string;
  remedy: string;
}

/** A mask that can be painted on, and the edit that gives the record a new one. */
export interface PaintTarget {
  obstacle: null;
  title: string;
  base: Mask;
  isNew: boolean;
  edit(mask: string): Edit;
}

/** What painting needs of the page. */
export type PaintParts = Pick<App, "store" | "session" | "masks" | "newId" | "touched">;

/** What moving a part of a layer needs of the page. */
export type MarqueeParts = PaintParts & { hits(id: Identifier, point: Point): boolean };

/** A picture that was decomposed. */
export interface Decomposed {
  layers: readonly FoundPart[];
  background: Digest;
  missing: readonly Identifier[];
  width_px: number;
  height_px: number;
}

/** A figure of a score that was measured. */
export interface Figure {
  field: "form" | "place" | "colour";
  name: string;
  title: string;
  value: number;
}

/** A subject as a list offers it: how it stands, and the tone in which that is said. */
export interface Standing {
  text: string;
  tone: "" | "busy" | "good" | "warn" | "bad";
}

/** What is said of a layer that failed, or that nobody can judge. */
export interface VerdictNote {
  code: string;
  short: string;
  text: string;
}

/** What a new layer of a picture is built from. */
export interface NewLayer {
  id: Identifier;
  name: string;
  phrase: string;
  picture: Digest | null;
  placement: Pick<Placement, "centre_x_px" | "centre_y_px" | "scale_x" | "scale_y"> &
    Partial<Placement>;
  strength?: number;
}

/** How the store tells time, weighs its steps, and leaves what a gesture made. */
export interface StoreWays {
  now(): number;
  weigh: Weigh;
  settle(base: EditorState, record: EditorState): EditorState;
}

/** The gesture that is open, as the store holds it. */
export interface OpenGesture {
  readonly base: EditorState;
  record: EditorState;
  readonly handle: Gesture;
}

/** Layers that lie together in the stack: those of a group, or one alone. */
export interface LayerBlock {
  group: Group | null;
  layers: Layer[];
}
