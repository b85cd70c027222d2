// The types of the page itself: what is edited, what the session knows, and what the parts of the page offer.

import type { createBridge } from "../bridge.js";
import type { createMasks } from "../model/masks.js";
import type { createSession } from "../model/session.js";
import type { createStore } from "../model/store.js";
import type {
  Candidate,
  Coverage,
  Digest,
  Stage1Image,
  EditorRecord,
  ErrorRecord,
  Facts,
  GalleryFilter,
  GalleryIndex,
  GalleryPicture,
  Group,
  Identifier,
  JobState,
  Layer,
  LearnedEmbedding,
  Message,
  ModelFacts,
  Note,
  PictureScene,
  QueueReport,
  Replies,
  RequestKind,
  Scene,
  SceneEntry,
  SceneSnapshot,
  SubjectLibrary,
  TrainingMethod,
  TunedLayer,
  Verb,
  PictureCheck,
} from "./protocol.d.ts";

// --- geometry -------------------------------------------------------------------------------------------------

export interface Point {
  x: number;
  y: number;
}

/** An upright box; x1 and y1 are beyond it. */
export interface Box {
  x0: number;
  y0: number;
  x1: number;
  y1: number;
}

/** A size in pixels of a picture or of the canvas. */
export interface Size {
  width_px: number;
  height_px: number;
}

/** A size in CSS pixels of the page, or in samples. */
export interface Extent {
  width: number;
  height: number;
}

export interface Shift {
  dx: number;
  dy: number;
}

/** [a, b, c, d, e, f] as canvas has them: x' = a·x + c·y + e, y' = b·x + d·y + f. */
export type Matrix = readonly [number, number, number, number, number, number];

/** How the scene lies on the stage. */
export interface View {
  zoom: number;
  x: number;
  y: number;
  turn: number;
  mirror: boolean;
}

export interface Guides {
  vertical: number | null;
  horizontal: number | null;
}

/** A line that a tool shows on the stage, in the scene. */
export interface Outline {
  points: readonly Point[];
  closed: boolean;
  subtract: boolean;
}

// --- pixels ---------------------------------------------------------------------------------------------------

/** 64 × 64 values, row by row; null is 0 everywhere. */
export type Tile = Uint8Array | null;

/** A painted mask: a frozen record that shares its tiles with its other versions. */
export interface Mask extends Size {
  readonly across: number;
  readonly tiles: readonly Tile[];
}

/** A byte a sample, row by row. */
export interface Alpha extends Extent {
  values: Uint8Array;
}

/** A stored picture once it is here: what is drawn, what has all pixels, and its alpha for hit tests. */
export interface LoadedPicture {
  image: HTMLImageElement | HTMLCanvasElement;
  source: HTMLImageElement | HTMLCanvasElement;
  size: Size;
  alpha: Alpha;
}

// --- what is edited -------------------------------------------------------------------------------------------

/** What undo moves between: frozen, and an edit is a new one. */
export interface EditorState extends EditorRecord {
  scene: Scene;
}

export type Edit = (editor: EditorState) => EditorState;
export type LayerPatch = Partial<Omit<Layer, "id">>;
/** A field of a layer that holds the name of a painted mask. */
export type PaintedField = "mask" | "strength_map";

/** An edit that goes on until it is committed or cancelled; it is one step of undo. */
export interface Gesture {
  readonly base: EditorState;
  isOpen(): boolean;
  /** Replaces the record with `edit` of the record at the gesture's begin. */
  update(edit: Edit): void;
  /** Goes on from the record as it now is. */
  extend(edit: Edit): void;
  commit(): void;
  cancel(): void;
}

/** A gesture on a mask. */
export interface Pen {
  readonly base: Mask;
  put(mask: Mask): void;
  commit(): void;
  cancel(): void;
}

/** A gesture that moves a part of a layer. */
export interface PartPen {
  readonly box: Box;
  put(shift: Shift): void;
  commit(): void;
  cancel(): void;
}

export type EditorStore = ReturnType<typeof createStore>;
export type MaskStore = ReturnType<typeof createMasks>;
export type SessionStore = ReturnType<typeof createSession>;
export type Bridge = ReturnType<typeof createBridge>;

// --- what the session knows -----------------------------------------------------------------------------------

export interface NoticeAction {
  title: string;
  run(): unknown;
}

/** A calm sentence; a brief one goes by itself. */
export interface Notice {
  id: number;
  tone: "note" | "good" | "problem";
  what: string;
  limit: string;
  remedy: string;
  action: NoticeAction | null;
  brief?: boolean;
}

export type NewNotice = Partial<Omit<Notice, "id">> & { what: string };

/** The run that is followed. */
export interface Job {
  id: Identifier | "";
  kind: RequestKind;
  state: JobState;
  layer_id: Identifier | "";
  layer_ids: readonly Identifier[];
  /** Steps that were asked for. */
  asked: number;
  done: number;
  total: number;
  /** A data URI, or nothing. */
  preview: string;
  /** Drafts that lie side by side in the preview. */
  stage1Count: number;
  left_s: number | null;
  stopping: boolean;
}

export interface Brush {
  size: number;
  hardness: number;
  opacity: number;
  spacing: number;
  pressureSize: boolean;
  pressureFlow: boolean;
}

export interface RegionSettings {
  subtract: boolean;
  tolerance: number;
  radius: number;
}

export interface Reference {
  /** As it is used. */
  digest: Digest;
  /** As it was given. */
  whole: Digest;
}

export interface SubjectForm {
  name: string;
  classWord: string;
  method: TrainingMethod | "";
  steps: number;
  cut: boolean;
  references: readonly Reference[];
}

export type Bindings = Readonly<Record<string, readonly string[]>>;
export type Theme = "" | "dark" | "light";
export type CompareMode = "" | "split" | "blink" | "changed";
export type ToolId =
  | "move"
  | "rectangle"
  | "ellipse"
  | "lasso"
  | "brush"
  | "eraser"
  | "bucket"
  | "select"
  | "marquee"
  | "carry"
  | "hand"
  | "zoom";

/** What the server has: the project, what was made of it, and how saving stands. */
export interface ProjectSlice {
  project: Identifier | "";
  revision: number;
  facts: Readonly<Facts> | null;
  candidates: readonly Candidate[];
  stage1Images: readonly Stage1Image[];
  coverage: readonly Coverage[];
  notes: readonly Note[];
  embeddings: readonly LearnedEmbedding[];
  /** The named versions of the scene, once somebody looked at them. */
  snapshots: readonly SceneSnapshot[];
  library: Readonly<SubjectLibrary>;
  saved: { state: "saved" | "saving" | "unsaved" | "offline"; at: string };
  link: "up" | "down";
  conflict: { current: number } | null;
}

/** The run that is followed, what is asked of the next ones, and what runs left behind. */
export interface RunSlice {
  job: Readonly<Job> | null;
  /** What waits and runs on the server, as it says by itself. */
  queue: Readonly<QueueReport>;
  watched: number;
  reading: string;
  freshSeeds: boolean;
  /** Whether a re-roll draws a small object large and puts it back. */
  closeUp: boolean;
  tries: number;
  embeddingSteps: number;
  tuned: Readonly<Record<Identifier, TunedLayer>>;
  /** The layer that varied in a run. */
  varied: Readonly<Record<Identifier, Identifier>>;
  /** What was carried in a run: the layer goes along when its picture is accepted. */
  moved: Readonly<Record<Identifier, Shift & { id: Identifier }>>;
}

/** Which of the results is looked at, and how. */
export interface ResultSlice {
  showing: "collage" | "result";
  viewed: Digest | "";
  batch: Identifier | "";
  dismissed: readonly Identifier[];
  comparing: boolean;
  compare: CompareMode;
  splitAt: number;
  heat: boolean;
  masksShown: boolean;
}

/** The tool at hand, and what lies on the stage. */
export interface StageSlice {
  tool: ToolId;
  view: View;
  /** Whether the view follows the size of the stage. */
  fitted: boolean;
  hovered: Identifier | "";
  also: readonly Identifier[];
  guides: Guides | null;
  outline: Outline | null;
}

/** What strokes do. */
export interface PaintSlice {
  paints: "mask" | "strength";
  brush: Readonly<Brush>;
  region: Readonly<RegionSettings>;
}

/** The panels around the stage. */
export interface PanelSlice {
  notices: readonly Notice[];
  open: string;
  theme: Theme;
  moreOpen: boolean;
  /** Whether the card of the selected layer is unfolded. */
  cardOpen: boolean;
  subjectsOpen: boolean;
  modelsOpen: boolean;
  /** Whether the server is looking for models. */
  modelsBusy: boolean;
  subjectForm: Readonly<SubjectForm> | null;
  bindings: Bindings;
  carries: Readonly<CarryChoice>;
  /** What was found of a picture file, while it is looked at. */
  check: Readonly<PictureCheck> | null;
}

/** What goes into a picture's file beside its pixels: the scene, and all words. */
export interface CarryChoice {
  scene: boolean;
  words: boolean;
}

export type HomeSort = "changed" | "name" | "created";

/** What an address names. */
export interface Place {
  home: boolean;
  gallery: boolean;
  scene: Identifier | "";
}

/** The list of all scenes. */
export interface HomeSlice {
  homeOpen: boolean;
  /** Null until it was read. */
  scenes: readonly SceneEntry[] | null;
  homeNotes: readonly string[];
  homeQuery: string;
  homeSort: HomeSort;
}

/** How the tiles of the gallery lie, in CSS pixels, and which of them are needed. */
export interface GalleryGrid {
  columns: number;
  side: number;
  /** From a tile to the next one, gap included. */
  step: number;
  height: number;
  first: number;
  /** The place after the last one that is needed. */
  last: number;
}

/** A picture of the gallery, and where it stands among all that the filter finds. */
export interface GalleryView {
  picture: GalleryPicture;
  place: number;
}

/** All pictures of all scenes. */
export interface GallerySlice {
  galleryOpen: boolean;
  /** Whether one is being dragged to the canvas. */
  galleryCarried: boolean;
  galleryFilter: Readonly<Required<GalleryFilter>>;
  /** Null until it was read. */
  galleryIndex: Readonly<GalleryIndex> | null;
  /** Pages that are here, by key. */
  galleryPages: Readonly<Record<number, readonly GalleryPicture[]>>;
  galleryChosen: readonly Identifier[];
  /** The one that is looked at. */
  galleryViewed: GalleryView | null;
  /** The scene as it was when that one was made, once it is here. */
  galleryRecipe: PictureScene | null;
}

/** What the page knows beside the document and never undoes. */
export interface SessionState
  extends
    ProjectSlice,
    RunSlice,
    ResultSlice,
    StageSlice,
    PaintSlice,
    PanelSlice,
    HomeSlice,
    GallerySlice {}

/** A run as the strip shows it. */
export interface Batch {
  job: Identifier;
  layerId: Identifier | "";
  stage1Images: readonly Stage1Image[];
  candidates: readonly Candidate[];
  created: string;
}

/** A place of a phrase in the prompt, and the layers that it belongs to. */
export interface Span {
  start: number;
  end: number;
  ids: readonly Identifier[];
}

export interface Mix {
  base: Candidate;
  other: Candidate;
  mask: string;
}

/** What the views are drawn from: the record, the session, and what follows from the two. */
export interface Shown {
  record: EditorState;
  state: Readonly<SessionState>;
  selected: Layer | null;
  candidate: Candidate | null;
  model: ModelFacts | null;
  scored: Candidate | Stage1Image | null;
  spans: { spans: readonly Span[]; unlinked: ReadonlySet<Identifier> };
  scene: Scene;
  unlinked: ReadonlySet<Identifier>;
  size: Size | null;
  batches: readonly Batch[];
  batch: Batch | null;
  shownDigest: Digest | "";
  ownDigest: Digest | "";
  before: Digest | "";
  mix: Mix | null;
  canCompare: boolean;
}

/** A row of the panel of layers: the head of a group, or a layer with the group that it is in. */
export type LayerRow = { layer?: undefined; group: Group } | { layer: Layer; group: Group | null };

// --- the tools ------------------------------------------------------------------------------------------------

export interface Spot {
  point: Point;
  pressure: number;
}

/** What a pointer or a key does to a tool; points are CSS pixels of the stage. */
export interface ToolEvent extends Spot {
  kind: "hover" | "down" | "move" | "up" | "cancel" | "confirm";
  trail: readonly Spot[];
  shift: boolean;
  ctrl: boolean;
  alt: boolean;
  eraser: boolean;
}

/** A state of a chart, and what is held in it. */
export interface Next<Held = unknown> {
  to: string;
  held: Held;
}

/** A step of a chart; what is held is known to the state's own row. */
export type Step = (surface: Surface, event: ToolEvent, held: any) => Next | null | void;

export interface Chart {
  readonly start: string;
  readonly states: Readonly<Record<string, Readonly<Partial<Record<ToolEvent["kind"], Step>>>>>;
}

export interface Tool {
  id: ToolId;
  title: string;
  key: string;
  icon: string;
  chart: Chart;
  /** Whether it changes masks. */
  paints?: boolean;
}

export interface Pointing {
  cursor: string;
  hovered: Identifier | "";
  /** Where the circle of the brush is shown. */
  ring?: Point | null;
}

/** What SAM is asked by, in pixels of the scene. */
export type SelectWhere = { point: readonly number[] } | { box: readonly number[] };

/** The way an object of a finished picture is carried, in the scene; no layer where none was hit. */
export interface Carry extends Shift {
  from: Point;
  layerId: Identifier | "";
}

/** What a tool may see of the stage, and do to it. */
export interface Surface {
  sizeOf(layer: Layer): Size | null;
  selected(): Layer | null;
  pixels(): Uint8ClampedArray;
  view(): View;
  canvas(): Size;
  brush(): Readonly<Brush>;
  region(): Readonly<RegionSettings>;
  toScene(point: Point): Point;
  toScreen(point: Point): Point;
  hits(id: Identifier, point: Point): boolean;
  beginPart(box: Box, way: { copies: boolean }): PartPen | null;
  topmost(point: Point): Layer | null;
  isBackdrop(layer: Layer): boolean;
  begin(name: string): Gesture;
  beginMask(name: string): Pen | null;
  selectObject(where: SelectWhere): void;
  carryObject(carry: Carry): void;
  chosen(): readonly Identifier[];
  chooseAlone(): void;
  /** Chooses these, and selects the last of them where none of them is selected. */
  choose(ids: readonly Identifier[]): void;
  /** The boxes of the layers that are seen; fixed ones are locked, or cover the canvas. */
  boxes(): readonly { id: Identifier; box: Box; isFixed: boolean }[];
  amend(edit: Edit): void;
  look(view: View): void;
  guide(guides: Guides | null): void;
  outline(outline: Outline | null): void;
  point(pointing: Pointing): void;
}

// --- the parts of the page ------------------------------------------------------------------------------------

/** What the page offers to the modules: the line to the server, uploads and addresses. */
export interface Host {
  ask<V extends Verb>(message: Message<V>): Promise<Replies[V] & { error?: ErrorRecord }>;
  upload(blob: Blob, name: string): Promise<string>;
  pictureUrl(digest: Digest): string;
  url(relative: string): string;
}

export interface Clock {
  now(): number;
  later(run: () => void, wait_ms: number): Timer;
  forget(timer: Timer | null): void;
}

export type Timer = ReturnType<typeof setTimeout>;

/** A storage of the browser that never throws. */
export interface KeyValues {
  get(key: string): any;
  put(key: string, value: unknown): void;
  drop(key: string): void;
}

export interface StoredMask extends Size {
  bytes: Uint8Array;
}

/** The browser's own database of masks; its promises never reject. */
export interface MaskDatabase {
  put(key: string, value: StoredMask): Promise<unknown>;
  get(key: string): Promise<StoredMask | null | undefined>;
  drop(start: string): Promise<unknown>;
}

/** Pictures and masks by digest, as far as they are here. */
export interface Pictures {
  url(digest: Digest): string;
  get(digest: Digest | "" | null | undefined): LoadedPicture | null;
  mask(name: string | "" | null | undefined): Mask | null;
  preview(source: string): HTMLImageElement | HTMLCanvasElement | null;
  readonly previewed: readonly (HTMLImageElement | HTMLCanvasElement)[];
  retry(): void;
}

/** A colour and a line style of its own for every layer. */
export interface Tints {
  indexOf(id: Identifier): number;
  lineOf(id: Identifier): string;
}

/** Colours of the style sheet that are drawn with. */
export interface Inks {
  checkA: string;
  checkB: string;
  accent: string;
  halo: string;
  handle: string;
  guide: string;
  tints: readonly string[];
  ready: boolean;
}

/** The page, built once by main.js: what commands and views work with. */
export interface App {
  readonly store: EditorStore;
  readonly session: SessionStore;
  readonly masks: MaskStore;
  readonly storage: KeyValues;
  readonly pictures: Pictures;
  readonly bridge: Bridge;
  readonly tints: Tints;
  /** What is shown now, computed anew. */
  shown(): Shown;
  /** Draws the whole page in the next frame. */
  refresh(): void;
  /** Draws a box of the canvas in the next frame. */
  touched(box: Box): void;
  /** Runs a command; what goes wrong is told in words. */
  run(id: string, ...given: unknown[]): Promise<unknown>;
  /** Runs what may go wrong; then a notice says so. */
  attempt<Value>(work: () => Promise<Value> | Value): Promise<Value | undefined>;
  /** Says what is waited for until the work is done. */
  busyWith<Value>(reading: string, work: () => Promise<Value>): Promise<Value>;
  /** A new id of a layer or a group. */
  newId(): Identifier;
  /** A new seed. */
  random(): number;
  addressOf(relative: string): string;
  /** Puts a hash in the place of the address's own, without a step of Back. */
  correctAddress(hash: string): void;
  download(href: string, name: string): void;
  chooseFiles(accept: string, multiple: boolean): Promise<File[]>;
  setBindings(bindings: Bindings): void;
  isDark(): boolean;
  setTheme(theme: Theme): void;
  inks(): Inks;
  /** Registers what Escape cancels; it answers whether there was something to do. */
  onCancel(run: () => boolean): void;
  onConfirm(run: () => boolean): void;
  cancelTools(): boolean;
  confirmTools(): boolean;
  /** The size of the stage in CSS pixels. */
  stageSize(): Extent;
  /** Layers as they look together over nothing, as a PNG of the scene's size. */
  drawTogether(layers: readonly Layer[]): Promise<File>;
}

export type CommandGroup = "Pictures" | "Editing" | "Painting" | "View" | "Files" | "Canvas";

export type ParameterValue = string | number | boolean;
export type ParameterValues = Readonly<Record<string, ParameterValue>>;

/** What a command asks for: a field of its dialog, and what may be handed in for it. */
export interface Parameter {
  name: string;
  title: string;
  kind: "number" | "choice" | "colour" | "tick" | "text";
  /** The usual one. */
  value: ParameterValue;
  help?: string;
  unit?: string;
  /** Of a number; `high` of a text is how many letters it may have. */
  low?: number;
  high?: number;
  step?: number;
  options?: readonly { id: string; title: string; about?: string }[];
}

/** What is asked before a command runs; some parameters depend on what is chosen for others. */
export interface CommandDialog {
  /** What the button that runs it says. */
  button: string;
  parameters(app: App, values?: Partial<ParameterValues>): readonly Parameter[];
}

/** Something that can be asked for by key, button or menu; without a title it is not listed. */
export interface Command {
  readonly id: string;
  readonly title: string;
  /** Other words by which the palette finds it. */
  readonly words: string;
  readonly group: CommandGroup;
  readonly keys: readonly string[];
  /** Where its keys work: on the canvas, on the canvas and not in lists, or also while somebody types. */
  readonly where: "canvas" | "layers" | "anywhere";
  readonly dialog: CommandDialog | null;
  readonly run: (app: App, ...given: any[]) => unknown;
}

/** A command in its table, where what is usual is left out. */
export type CommandEntry = Pick<Command, "group" | "run"> & Partial<Command>;

/** Where a key was pressed. */
export type KeyPlace = "text" | "slider" | "list" | "button" | "canvas";

/** A part of the page: its element, and what draws it anew. */
export interface Panel {
  readonly node: HTMLElement;
  update(shown: Shown): void;
}

/** The canvas and what a person does on it. */
export interface StageView {
  readonly node: HTMLElement;
  /** Draws what is shown; with a box only that part of the canvas, whose masks changed. */
  update(shown: Shown, box?: Box | null): void;
  size(): Extent;
  /** Whether a pointer is held on it. */
  held(): boolean;
  /** Space borrows the hand. */
  holdSpace(isHeld: boolean): void;
  /** What the page of the canvas shows, at scene size: RGBA bytes. */
  pixels(): Uint8ClampedArray;
  drawTogether(layers: readonly Layer[]): Promise<File>;
}

/** All views of the page. */
export interface Views {
  readonly stage: StageView;
  draw(shown: Shown, box: Box | null): void;
}
