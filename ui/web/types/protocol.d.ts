// The records that cross between the page and the server, written by hand until they are generated from the
// server's JSON Schema. Names are those of the wire; numbers are JSON numbers.

export type Digest = string;
export type Identifier = string;
export type BlendMode =
  "normal" | "multiply" | "screen" | "overlay" | "soft_light" | "darken" | "lighten";
export type StructureKind = "none" | "edges" | "soft_edges" | "depth";
export type OptionValue = boolean | number | string;
export type RequestKind = "compose" | "reroll" | "learn" | "decompose";
export type JobState = "queued" | "running" | "finished" | "failed" | "cancelled" | "interrupted";
export type SubjectState = "new" | "waiting" | "training" | "stopped" | "failed" | "ready";

export interface Placement {
  centre_x_px: number;
  centre_y_px: number;
  scale_x: number;
  scale_y: number;
  rotation_deg: number;
  flip_x: boolean;
  flip_y: boolean;
}

export interface Structure {
  kind: StructureKind;
  weight: number;
}

export interface Layer {
  id: Identifier;
  name: string;
  picture: Digest | null;
  mask: Digest | null;
  placement: Placement;
  opacity: number;
  blend: BlendMode;
  visible: boolean;
  locked: boolean;
  phrase: string;
  negative: string;
  noise: number;
  attention_positive: number;
  attention_negative: number;
  structure: Structure;
  look: Digest | null;
  subject: Identifier | null;
  class_label: string;
  seed: number | null;
  noise_map: Digest | null;
  heard_from: number;
  heard_to: number;
}

export interface Group {
  id: Identifier;
  name: string;
  members: readonly Identifier[];
  collapsed: boolean;
  hid: readonly Identifier[];
}

export interface Scene {
  version: number;
  name: string;
  width_px: number;
  height_px: number;
  prompt: string;
  negative: string;
  layers: readonly Layer[];
  groups?: readonly Group[];
}

export interface Settings {
  model: Identifier;
  method: Identifier;
  sampler: string;
  steps: number;
  guidance_scale: number;
  seed: number;
  count: number;
  options: Readonly<Record<string, OptionValue>>;
}

export interface MixRecord {
  base: Identifier;
  other: Identifier;
  mask: Digest;
}

/** What is kept beside the scene. */
export interface EditorRecord {
  settings: Settings;
  picked: Digest | "";
  selected: Identifier | "";
  mix: MixRecord | null;
  subject: Identifier | "";
  starred: readonly Digest[];
}

export interface Note {
  code: string;
  layer_id: Identifier | "";
  text: string;
}

export interface Coverage {
  layer_id: Identifier;
  visible_frac: number;
  cells: number;
}

export interface LayerScore {
  layer_id: Identifier;
  text: number | null;
  image: number | null;
  iou: number | null;
  seam: number | null;
  drift: number | null;
  failed: string;
  heat: Digest | "";
}

interface MadePicture {
  id: Identifier;
  job: Identifier;
  index: number;
  seed: number;
  digest: Digest;
  width_px: number;
  height_px: number;
  plan: string;
  created: string;
  scores: readonly LayerScore[];
  rank: number;
}

export interface Candidate extends MadePicture {
  layer_id: Identifier | "";
  source: Digest | "";
  changed_outside: number | null;
  batch: number;
  draft: Digest | "";
  layout: boolean;
  mask: Digest | "";
}

export type Draft = MadePicture;

export interface LearnedLook {
  layer_id: Identifier;
  phrase: string;
  look: Digest;
  shown: Digest;
}

export interface JobRecord {
  id: Identifier;
  project: Identifier;
  kind: RequestKind;
  state: JobState;
  layer_id: Identifier | "";
  layer_ids: readonly Identifier[];
  done: number;
  total: number;
  created: string;
}

export interface OptionSet {
  name: string;
  low: number;
  high: number;
}

export interface OptionField {
  name: string;
  title: string;
  kind: "bool" | "int" | "float" | "choice";
  default: OptionValue;
  minimum: number;
  maximum: number;
  step: number;
  choices: readonly string[];
  unit: string;
  help: string;
  section: string;
  sets: readonly OptionSet[];
  unless: string;
}

export interface MethodFacts {
  id: Identifier;
  title: string;
  options: readonly OptionField[];
  drafts: boolean;
  ignores: readonly string[];
}

export interface ModelFacts {
  id: Identifier;
  title: string;
  device: string;
  native_px: number;
  cell_px: number;
  members: readonly string[];
  classes: readonly string[];
}

export interface Example {
  id: Identifier;
  title: string;
}

export interface Facts {
  version: string;
  models: readonly ModelFacts[];
  methods: readonly MethodFacts[];
  samplers: readonly string[];
  examples: readonly Example[];
  limits: Readonly<Record<string, number>>;
}

export interface Subject {
  id: Identifier;
  name: string;
  class_word: string;
  method: string;
  references: readonly Digest[];
  model: Identifier | "";
  file: Digest | "";
  state: SubjectState;
  job: Identifier | "";
  done: number;
  total: number;
  begun: boolean;
  told: string;
  created: string;
}

export interface SubjectRef {
  subject: Digest;
  reference: Digest;
}

export interface ComposeRequest {
  kind: "compose";
  settings: Settings;
  subject?: SubjectRef;
  draft?: Digest;
  varied?: Identifier;
}

export interface RerollRequest {
  kind: "reroll";
  settings: Settings;
  layer_id: Identifier;
  source: Digest;
  feather_px: number;
  tries?: number;
  subject?: SubjectRef;
}

export interface LearnRequest {
  kind: "learn";
  settings: Settings;
  layer_ids: readonly Identifier[];
  steps: number;
}

export interface DecomposeRequest {
  kind: "decompose";
  settings: Settings;
  source: Digest;
}

export type AnyRequest = ComposeRequest | RerollRequest | LearnRequest | DecomposeRequest;

/** One object of a picture that was decomposed: its pixels, and its corner in pixels of the picture. */
export interface FoundPart {
  layer_id: Identifier;
  picture: Digest;
  x_px: number;
  y_px: number;
  width_px: number;
  height_px: number;
}

/** What of every event there is, and what single kinds bring. */
interface NumberedEvent {
  n: number;
}

export interface ProgressedEvent extends NumberedEvent {
  kind: "progressed";
  done: number;
  total: number;
  preview?: { jpeg: string; stage1_count: number } | null;
}

export interface LearnedEvent extends NumberedEvent {
  kind: "learned";
  looks: readonly LearnedLook[];
}

export interface ApartEvent extends NumberedEvent {
  kind: "apart";
  parts: readonly FoundPart[];
  plate: Digest;
  missing: readonly Identifier[];
  width_px: number;
  height_px: number;
}

export interface FailedEvent extends NumberedEvent {
  kind: "failed";
  what: string;
  limit: string;
  remedy: string;
}

export interface PlainEvent extends NumberedEvent {
  kind:
    "queued" | "started" | "drafted" | "made" | "kept" | "finished" | "cancelled" | "interrupted";
}

export type JobEvent = ProgressedEvent | LearnedEvent | ApartEvent | FailedEvent | PlainEvent;

/** A reply to `events`. */
export interface JobNews {
  state: JobState;
  events: readonly JobEvent[];
  candidates: readonly Candidate[];
  drafts?: readonly Draft[];
}

/** A reply to `hello`, `open_ora` and `new_scene`. */
export interface ProjectReply extends Partial<Facts> {
  project: Identifier;
  revision: number;
  scene: Scene;
  desk: EditorRecord;
  job: JobRecord | null;
  candidates?: readonly Candidate[];
  drafts?: readonly Draft[];
  coverage?: readonly Coverage[];
  notes?: readonly Note[];
  looks?: readonly LearnedLook[];
}

/** A reply to `save`. */
export interface SavedReply {
  revision: number;
  digest: Digest;
  coverage?: readonly Coverage[];
  notes?: readonly Note[];
}

/** A reply to `take_picture` and `cut_reference`. */
export interface TakenPicture {
  digest: Digest;
  width_px: number;
  height_px: number;
  opaque: boolean;
  notes: readonly string[];
}

/** A reply to `take_mask` and `select`. */
export interface TakenMask {
  digest: Digest;
  width_px: number;
  height_px: number;
}

/** Of a reply to `cut_apart`. */
export interface CutLayer {
  layer_id: Identifier;
  digest: Digest;
  width_px: number;
  height_px: number;
  centre_x_px: number;
  centre_y_px: number;
}

/** Of a reply to `autotune`. */
export interface TunedLayer {
  layer_id: Identifier;
  noise: number;
  attention_positive: number;
  attention_negative: number;
  structure: number;
  reasons: readonly string[];
}

/** A reply to `generate`, `retouch` and `train_subject`. */
export interface SubmittedJob {
  job: Identifier;
  notes?: readonly Note[];
}

export interface SubjectMethod {
  id: Identifier;
  title: string;
}

/** A reply to `subjects`. */
export interface SubjectLibrary {
  subjects: readonly Subject[];
  methods: readonly SubjectMethod[];
}

/** Why the server, or the page itself, said no. */
export interface ErrorRecord {
  what: string;
  limit: string;
  remedy: string;
  code: string;
  current?: number;
  incident?: string;
}

/** What each verb answers. */
export interface Replies {
  hello: ProjectReply;
  save: SavedReply;
  take_picture: TakenPicture;
  take_mask: TakenMask;
  open_ora: ProjectReply;
  new_scene: ProjectReply;
  export_ora: { url: string; name: string };
  generate: SubmittedJob;
  autotune: { layers: readonly TunedLayer[] };
  select: TakenMask;
  mix: Candidate;
  cut_apart: { layers: readonly CutLayer[] };
  retouch: SubmittedJob;
  subjects: SubjectLibrary;
  cut_reference: TakenPicture;
  make_subject: Subject;
  train_subject: SubmittedJob;
  rename_subject: Subject;
  delete_subject: Record<string, never>;
  events: JobNews;
  cancel: { state: JobState };
  jobs: { jobs: readonly JobRecord[] };
}

export type Verb = keyof Replies;

/** A message: its verb, and the fields of that verb (backend and ui/messages.py refuse unknown ones). */
export interface Message<V extends Verb = Verb> {
  verb: V;
  [field: string]: unknown;
}
