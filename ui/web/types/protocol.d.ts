// The records that cross between the page and the server. Written by `python -m ui.protocol` from
// the server's JSON Schema: change the records in Python, then run it; never this file.

export type Digest = string;
export type Identifier = string;

export type BlendMode =
  | "normal"
  | "multiply"
  | "screen"
  | "overlay"
  | "soft_light"
  | "darken"
  | "lighten"
  | "color_dodge"
  | "color_burn"
  | "hard_light"
  | "difference"
  | "hue"
  | "saturation"
  | "color"
  | "luminosity"
  | "add"
  | "soft_light_krita";

export type StructureKind = "none" | "edges" | "soft_edges" | "depth";

export type OptionValue = boolean | number | string;

export interface Ability {
  id: string;
  title: string;
  lacks: readonly string[];
  better_with: readonly string[];
}

export interface Candidate {
  id: string;
  job: string;
  index: number;
  seed: number;
  digest: string;
  width_px: number;
  height_px: number;
  plan: string;
  created: string;
  scores: readonly LayerScore[];
  rank: number;
  layer_id: string;
  source: string;
  changed_outside: number | null;
  batch: number;
  stage1: string;
  layout: boolean;
  mask: string;
}

export type CheckFinding =
  | "untouched"
  | "edited"
  | "cropped"
  | "re-encoded"
  | "resized"
  | "stripped"
  | "doubled"
  | "record changed"
  | "another picture"
  | "no record";

export interface CheckLine {
  term: string;
  text: string;
}

export interface Coverage {
  layer_id: string;
  visible_frac: number;
  cells: number;
}

export interface CutLayer {
  layer_id: string;
  digest: string;
  width_px: number;
  height_px: number;
  centre_x_px: number;
  centre_y_px: number;
}

export interface CutReply {
  layers: readonly CutLayer[];
}

export type DoneReply = Readonly<Record<never, never>>;

export interface EditorRecord {
  settings: RunSettings;
  picked: Digest | "";
  selected: string;
  mix: MixRecord | null;
  subject: string;
  starred: readonly Digest[];
}

export interface Example {
  id: string;
  title: string;
}

export interface ExportReply {
  url: string;
  name: string;
}

export interface Facts {
  models: readonly ModelFacts[];
  refused: readonly RefusedModel[];
  model_folders: readonly ModelFolder[];
  loras: readonly LoraFacts[];
  words: readonly WordFacts[];
  version: string;
  methods: readonly MethodFacts[];
  samplers: readonly string[];
  exporters: readonly FileFormat[];
  examples: readonly Example[];
  limits: Readonly<Record<string, number>>;
}

export interface FewStepsFacts {
  title: string;
  sampler: Sampler;
  steps: number;
  guidance_scale: number;
}

export interface FileFormat {
  id: string;
  title: string;
  suffix: string;
  media_type: string;
  about: string;
  is_scene: boolean;
  has_quality: boolean;
  keeps_alpha: boolean;
}

export interface FoundPart {
  layer_id: string;
  picture: string;
  x_px: number;
  y_px: number;
  width_px: number;
  height_px: number;
}

export interface ApartEvent {
  n: number;
  kind: "layers_found";
  layers: readonly FoundPart[];
  background: string;
  missing: readonly string[];
  width_px: number;
  height_px: number;
}

export interface FoundRecipe {
  program: string;
  prompt: string;
  negative: string;
  seed: number | null;
  steps: number | null;
  guidance_scale: number | null;
}

export interface GalleryChoice {
  id: string;
  title: string;
  count: number;
}

export interface GalleryChoices {
  scenes: readonly GalleryChoice[];
  layers: readonly GalleryChoice[];
  methods: readonly GalleryChoice[];
  models: readonly GalleryChoice[];
}

export interface GalleryIndex {
  total: number;
  page: number;
  keys: readonly number[];
  choices: GalleryChoices;
}

export interface GalleryPageReply {
  pictures: readonly GalleryPicture[];
}

export interface GalleryPicture {
  number: number;
  id: string;
  project: string;
  scene: string;
  job: string;
  digest: string;
  width_px: number;
  height_px: number;
  seed: number;
  created: string;
  prompt: string;
  layer_id: string;
  layer: string;
  method: string;
  model: string;
  starred: boolean;
  restorable: boolean;
}

export interface Group {
  id: Identifier;
  name: string;
  members: readonly Identifier[];
  collapsed: boolean;
  hid: readonly Identifier[];
}

export interface JobCancelled {
  n: number;
  kind: "cancelled";
}

export interface JobReport {
  state: JobState;
  events: readonly JobEvent[];
  candidates: readonly Candidate[];
  stage1_images: readonly Stage1Image[];
  trouble: string;
  left_s: number | null;
}

export interface FailedEvent {
  n: number;
  kind: "failed";
  what: string;
  limit: string;
  remedy: string;
  code: string;
}

export interface JobFinished {
  n: number;
  kind: "finished";
}

export interface JobInterrupted {
  n: number;
  kind: "interrupted";
}

export interface JobNote {
  n: number;
  kind: "note";
  text: string;
}

export interface JobQueued {
  n: number;
  kind: "queued";
}

export interface JobRecord {
  id: string;
  project: string;
  kind: RequestKind;
  state: JobState;
  layer_id: string;
  layer_ids: readonly string[];
  done: number;
  total: number;
  created: string;
}

export interface JobStarted {
  n: number;
  kind: "started";
  device: string;
}

export type JobState = "queued" | "running" | "finished" | "failed" | "cancelled" | "interrupted";

export interface JobsReply {
  jobs: readonly JobRecord[];
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
  strength: number;
  attention_positive: number;
  attention_negative: number;
  structure: Structure;
  embedding: Digest | null;
  subject: Identifier | null;
  class_label: string;
  seed: number | null;
  strength_map: Digest | null;
  prompt_start: number;
  prompt_end: number;
  loras: readonly LoraChoice[];
}

export interface LayerScore {
  layer_id: string;
  form: number | null;
  place: number | null;
  colour: number | null;
  text: number | null;
  image: number | null;
  iou: number | null;
  seam: number | null;
  drift: number | null;
  failed: string;
  unjudged: string;
  heat: Digest | "";
}

export interface LearnedEmbedding {
  layer_id: string;
  phrase: string;
  embedding: string;
  sample: string;
}

export interface SubjectLibrary {
  subjects: readonly Subject[];
  methods: readonly SubjectMethod[];
}

export interface Subject {
  id: string;
  name: string;
  class_word: string;
  method: TrainingMethod;
  references: readonly string[];
  model: string;
  file: string;
  state: SubjectState;
  job: string;
  done: number;
  total: number;
  class_steps: number;
  has_checkpoint: boolean;
  error: string;
  created: string;
}

export interface LoraChoice {
  name: string;
  weight: number;
}

export interface LoraFacts {
  name: string;
  path: string;
  folder: string;
  size_bytes: number;
  words: number;
  few_steps: FewStepsFacts | null;
}

export interface MethodFacts {
  id: string;
  title: string;
  options: OptionsSchema;
  stage1: boolean;
  ignores: readonly string[];
  prompt_alone: boolean;
}

export interface MixRecord {
  base: string;
  other: string;
  mask: Digest;
}

export interface ModelFacts {
  id: string;
  title: string;
  device: string;
  native_px: number;
  cell_px: number;
  members: readonly string[];
  classes: readonly string[];
  knows: string;
  picture_strength: number;
  flat_strength: number;
  family: string;
  path: string;
  folder: string;
  licence: string;
  size_bytes: number;
  memory_bytes: number;
  abilities: readonly Ability[];
  words_widths: readonly number[];
  notes: readonly string[];
}

export interface ModelFolder {
  path: string;
  added: boolean;
  models: number;
  refused: number;
  files: number;
  loras: number;
  words: number;
}

export interface ModelsFound {
  models: readonly ModelFacts[];
  refused: readonly RefusedModel[];
  model_folders: readonly ModelFolder[];
  loras: readonly LoraFacts[];
  words: readonly WordFacts[];
}

export interface Note {
  code: string;
  layer_id: string;
  text: string;
}

export interface OptionSchema {
  title: string;
  description: string;
  type: "boolean" | "integer" | "number" | "string";
  default: OptionValue;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  enum?: readonly string[];
  section?: string;
  unit?: string;
  step?: number;
  sets?: Readonly<Record<string, readonly [number, number]>>;
  unless?: string;
}

export interface OptionsSchema {
  properties: Readonly<Record<string, OptionSchema>>;
}

export interface PictureCheck {
  name: string;
  untouched: boolean;
  findings: readonly CheckFinding[];
  sentences: readonly string[];
  lines: readonly CheckLine[];
}

export interface PictureFileReply {
  url: string;
  name: string;
  notes: readonly string[];
}

export interface PictureScene {
  project: string;
  scene: Scene;
  editor: EditorRecord;
  notes: readonly string[];
}

export interface Placement {
  centre_x_px: number;
  centre_y_px: number;
  scale_x: number;
  scale_y: number;
  rotation_deg: number;
  flip_x: boolean;
  flip_y: boolean;
}

export interface Preview {
  jpeg: string;
  stage1_count: number;
}

export interface ProgressedEvent {
  n: number;
  kind: "progress";
  done: number;
  total: number;
  preview: Preview | null;
}

export interface ProjectReply {
  project: string;
  revision: number;
  scene: Scene;
  editor: EditorRecord;
  job: JobRecord | null;
  candidates: readonly Candidate[];
  stage1_images: readonly Stage1Image[];
  coverage: readonly Coverage[];
  notes: readonly Note[];
  embeddings: readonly LearnedEmbedding[];
  place: number;
  is_kept: boolean;
  saved_by: string;
  models: readonly ModelFacts[];
  refused: readonly RefusedModel[];
  model_folders: readonly ModelFolder[];
  loras: readonly LoraFacts[];
  words: readonly WordFacts[];
  version: string;
  methods: readonly MethodFacts[];
  samplers: readonly string[];
  exporters: readonly FileFormat[];
  examples: readonly Example[];
  limits: Readonly<Record<string, number>>;
}

export interface QueueEntry {
  id: string;
  project: string;
  kind: RequestKind;
  state: JobState;
  layer_id: string;
  name: string;
  subject: string;
  done: number;
  total: number;
  place: number;
  noted: number;
  left_s: number | null;
  created: string;
}

export interface QueueReport {
  jobs: readonly QueueEntry[];
  trouble: string;
  pause: string;
}

export interface RefusedModel {
  id: string;
  kind: "model" | "member" | "file" | "folder";
  name: string;
  path: string;
  folder: string;
  what: string;
  limit: string;
  remedy: string;
}

export type RequestKind = "compose" | "reroll" | "learn" | "decompose" | "subject";

export interface RunSettings {
  model: Identifier;
  method: Identifier;
  sampler: Sampler;
  steps: number;
  guidance_scale: number;
  seed: number;
  count: number;
  options: Readonly<Record<string, OptionValue>>;
  weighted_prompt: boolean;
  clip_skip: number;
}

export type Sampler =
  | "ddim"
  | "ddim_trailing"
  | "euler"
  | "euler_karras"
  | "euler_trailing"
  | "euler_ancestral"
  | "dpmpp_2m"
  | "dpmpp_2m_karras"
  | "dpmpp_2m_sde_karras"
  | "dpmpp_single"
  | "unipc"
  | "unipc_karras"
  | "deis"
  | "lms"
  | "lms_karras"
  | "heun"
  | "dpm2"
  | "ddpm"
  | "lcm"
  | "tcd";

export interface SavedReply {
  revision: number;
  digest: string;
  coverage: readonly Coverage[];
  notes: readonly Note[];
}

export interface Scene {
  version: 2;
  name: string;
  width_px: number;
  height_px: number;
  prompt: string;
  negative: string;
  layers: readonly Layer[];
  groups: readonly Group[];
  loras: readonly LoraChoice[];
}

export interface SceneEntry {
  id: string;
  name: string;
  width_px: number;
  height_px: number;
  layers: number;
  pictures: number;
  revision: number;
  created: string;
  changed: string;
  number: number;
  change: number;
  thumbnail: string;
  problem: string;
  is_readable: boolean;
  deleted: string;
}

export interface SceneSnapshot {
  id: string;
  project: string;
  name: string;
  created: string;
}

export interface ScenesReply {
  scenes: readonly SceneEntry[];
  notes: readonly string[];
}

export interface SnapshotsReply {
  snapshots: readonly SceneSnapshot[];
}

export interface Stage1Image {
  id: string;
  job: string;
  index: number;
  seed: number;
  digest: string;
  width_px: number;
  height_px: number;
  plan: string;
  created: string;
  scores: readonly LayerScore[];
  rank: number;
}

export interface StateReply {
  state: JobState;
}

export interface StepsFound {
  steps: readonly StoredStep[];
  records: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  more_before: number;
}

export interface StoredCheckpoint {
  n: number;
  kind: "embeddings_checkpoint";
  embeddings: readonly LearnedEmbedding[];
}

export interface LearnedEvent {
  n: number;
  kind: "embeddings_learned";
  embeddings: readonly LearnedEmbedding[];
}

export interface StoredImages {
  n: number;
  kind: "images";
  candidates: readonly string[];
  notes: readonly string[];
}

export interface StoredStage1Images {
  n: number;
  kind: "stage1_images";
  stage1_images: readonly string[];
  notes: readonly string[];
}

export interface StoredStep {
  place: number;
  name: string;
  scene: number;
  editor: number;
  layers: readonly number[];
}

export interface Structure {
  kind: StructureKind;
  weight: number;
}

export interface SubjectMethod {
  id: TrainingMethod;
  title: string;
}

export type SubjectState = "new" | "waiting" | "training" | "stopped" | "failed" | "ready";

export interface SubmittedJob {
  job: string;
  notes: readonly Note[];
}

export interface TakenMask {
  digest: string;
  width_px: number;
  height_px: number;
  notes: readonly string[];
}

export interface TakenPicture {
  digest: string;
  width_px: number;
  height_px: number;
  opaque: boolean;
  notes: readonly string[];
  plain: boolean;
  recipe: FoundRecipe | null;
  has_scene: boolean;
}

export type TrainingMethod =
  "textual_inversion" | "custom_diffusion" | "dreambooth" | "dreambooth_lora";

export interface TunedLayer {
  layer_id: Identifier;
  strength: number;
  attention_positive: number;
  attention_negative: number;
  structure: number;
  reasons: readonly string[];
}

export interface TunedReply {
  layers: readonly TunedLayer[];
}

export interface WordFacts {
  name: string;
  path: string;
  folder: string;
  size_bytes: number;
  vectors: number;
  widths: readonly number[];
}

export interface AddModelFolderMessage {
  path: string;
}

export interface AutotuneMessage {
  project: Identifier;
  revision: number;
  layer?: Identifier | null;
}

export interface CancelMessage {
  job: Identifier;
}

export interface CheckPictureMessage {
  path: string;
  name?: string;
}

export interface ComposeRequest {
  kind: "compose";
  settings: RunSettings;
  subject?: SubjectRef | null;
  stage1?: Digest | null;
  varied?: Identifier | null;
  close_ups?: boolean;
}

export interface CutReferenceMessage {
  model: Identifier;
  picture: Digest;
}

export interface DecomposeRequest {
  kind: "decompose";
  settings: RunSettings;
  source: Digest;
}

export interface DeletePicturesMessage {
  pictures: readonly Identifier[];
}

export interface DeleteSceneMessage {
  project: Identifier;
}

export interface DeleteSnapshotMessage {
  snapshot: Identifier;
}

export interface DeleteSubjectMessage {
  subject: Identifier;
}

export interface DuplicateSceneMessage {
  project: Identifier;
}

export type ErrorCode =
  | "stale"
  | "picture"
  | "scene"
  | "archive"
  | "request"
  | "model"
  | "engine"
  | "store"
  | "refused"
  | "lamina"
  | "internal"
  | "offline";

export interface ErrorRecord {
  what: string;
  limit: string;
  remedy: string;
  code: ErrorCode;
  current?: number | null;
  incident?: string | null;
}

export interface EventsMessage {
  job: Identifier;
  after?: number;
}

export interface ExportMessage {
  project: Identifier;
  request: ExportRequest;
}

export interface ExportOraMessage {
  project: Identifier;
}

export interface ExportPicturesMessage {
  pictures: readonly Identifier[];
}

export interface ExportPngMessage {
  picture: Digest;
  name?: string;
  scene?: boolean;
  words?: boolean;
}

export interface ExportRequest {
  format: Identifier;
  candidates?: readonly Identifier[];
  width_px?: number;
  height_px?: number;
  quality?: number;
  background?: string;
  scene?: boolean;
  words?: boolean;
}

export interface FindPicturesMessage {
  filter: GalleryFilter;
}

export interface GalleryFilter {
  words?: string;
  scene?: string;
  layer?: string;
  method?: string;
  model?: string;
  starred?: boolean;
  deleted?: boolean;
}

export interface GenerateMessage {
  project: Identifier;
  revision: number;
  request: AnyRequest;
}

export interface HelloMessage {
  project?: Identifier | null;
}

export interface JobsMessage {
  project: Identifier;
}

export interface LearnRequest {
  kind: "learn";
  settings: RunSettings;
  layer_ids: readonly Identifier[];
  steps?: number;
  checkpoints?: Readonly<Record<string, Digest>>;
}

export interface MakeSubjectMessage {
  name?: string;
  class_word: string;
  method?: TrainingMethod;
  references: readonly Digest[];
}

export interface MixMessage {
  project: Identifier;
  base: Identifier;
  other: Identifier;
  mask: Digest;
}

export interface MoveJobMessage {
  job: Identifier;
  place: number;
}

export interface NewSceneMessage {
  width_px: number;
  height_px: number;
}

export interface OpenOraMessage {
  path?: string | null;
  name?: string;
  example?: Identifier | null;
}

export interface PauseQueueMessage {
  paused: boolean;
}

export interface ReadGalleryPageMessage {
  filter: GalleryFilter;
  key: number;
}

export interface ReadPictureFileMessage {
  path: string;
  name?: string;
}

export interface ReadPictureSceneMessage {
  picture: Identifier;
}

export interface ReadSnapshotSceneMessage {
  snapshot: Identifier;
}

export interface ReadSnapshotsMessage {
  project: Identifier;
}

export interface ReadStepsMessage {
  project: Identifier;
  place: number;
  later?: boolean;
}

export interface RemoveModelFolderMessage {
  path: string;
}

export interface RenameSceneMessage {
  project: Identifier;
  name: string;
}

export interface RenameSubjectMessage {
  subject: Identifier;
  name: string;
}

export interface RerollRequest {
  kind: "reroll";
  settings: RunSettings;
  layer_id: Identifier;
  source: Digest;
  feather_px?: number;
  tries?: number;
  subject?: SubjectRef | null;
  crop?: boolean;
}

export interface RestorePicturesMessage {
  pictures: readonly Identifier[];
}

export interface RestoreSceneMessage {
  project: Identifier;
}

export interface RetouchMessage {
  project: Identifier;
  candidate: Identifier;
}

export interface SalvageSceneMessage {
  project: Identifier;
}

export interface SaveMessage {
  project: Identifier;
  revision: number;
  scene: Scene;
  editor: EditorRecord;
  steps?: SentSteps | null;
  page?: string;
}

export type ScenesMessage = Readonly<Record<never, never>>;

export type SearchModelsMessage = Readonly<Record<never, never>>;

export interface SelectMessage {
  project: Identifier;
  picture: Digest;
  point?: readonly number[] | null;
  box?: readonly number[] | null;
}

export interface SentStep {
  name: string;
  scene?: Scene | null;
  editor?: EditorRecord | null;
}

export interface SentSteps {
  first: number;
  place: number;
  steps?: readonly SentStep[];
}

export interface SplitByMasksMessage {
  project: Identifier;
  revision: number;
  picture: Digest;
}

export interface StarPictureMessage {
  picture: Identifier;
  starred: boolean;
}

export interface SubjectRef {
  subject: Digest;
  reference: Digest;
}

export type SubjectsMessage = Readonly<Record<never, never>>;

export interface TakeMaskMessage {
  path: string;
}

export interface TakeMaskFileMessage {
  path: string;
  name?: string;
  width_px: number;
  height_px: number;
}

export interface TakePictureMessage {
  path: string;
  name?: string;
}

export interface TakeSnapshotMessage {
  project: Identifier;
  revision: number;
  name: string;
}

export interface TrainSubjectMessage {
  project: Identifier;
  subject: Identifier;
  model: Identifier;
  steps?: number;
}

export type AnyRequest = ComposeRequest | RerollRequest | LearnRequest | DecomposeRequest;

export type JobEvent =
  | JobQueued
  | JobStarted
  | ProgressedEvent
  | StoredStage1Images
  | StoredImages
  | LearnedEvent
  | StoredCheckpoint
  | ApartEvent
  | JobNote
  | JobFinished
  | FailedEvent
  | JobCancelled
  | JobInterrupted;

/** What each verb carries. */
export interface Messages {
  hello: HelloMessage;
  save: SaveMessage;
  steps: ReadStepsMessage;
  snapshots: ReadSnapshotsMessage;
  take_snapshot: TakeSnapshotMessage;
  snapshot_scene: ReadSnapshotSceneMessage;
  delete_snapshot: DeleteSnapshotMessage;
  take_picture: TakePictureMessage;
  take_mask: TakeMaskMessage;
  open_ora: OpenOraMessage;
  export_ora: ExportOraMessage;
  export: ExportMessage;
  generate: GenerateMessage;
  autotune: AutotuneMessage;
  select: SelectMessage;
  mix: MixMessage;
  split_by_masks: SplitByMasksMessage;
  retouch: RetouchMessage;
  subjects: SubjectsMessage;
  cut_reference: CutReferenceMessage;
  make_subject: MakeSubjectMessage;
  train_subject: TrainSubjectMessage;
  rename_subject: RenameSubjectMessage;
  delete_subject: DeleteSubjectMessage;
  search_models: SearchModelsMessage;
  add_model_folder: AddModelFolderMessage;
  remove_model_folder: RemoveModelFolderMessage;
  events: EventsMessage;
  cancel: CancelMessage;
  move_job: MoveJobMessage;
  pause_queue: PauseQueueMessage;
  jobs: JobsMessage;
  new_scene: NewSceneMessage;
  scenes: ScenesMessage;
  rename_scene: RenameSceneMessage;
  duplicate_scene: DuplicateSceneMessage;
  delete_scene: DeleteSceneMessage;
  restore_scene: RestoreSceneMessage;
  salvage_scene: SalvageSceneMessage;
  gallery: FindPicturesMessage;
  gallery_page: ReadGalleryPageMessage;
  picture_scene: ReadPictureSceneMessage;
  star_picture: StarPictureMessage;
  delete_pictures: DeletePicturesMessage;
  restore_pictures: RestorePicturesMessage;
  export_pictures: ExportPicturesMessage;
  export_png: ExportPngMessage;
  take_mask_file: TakeMaskFileMessage;
  check_picture: CheckPictureMessage;
  read_picture_file: ReadPictureFileMessage;
}

/** What each verb answers. */
export interface Replies {
  hello: ProjectReply;
  save: SavedReply;
  steps: StepsFound;
  snapshots: SnapshotsReply;
  take_snapshot: SceneSnapshot;
  snapshot_scene: PictureScene;
  delete_snapshot: DoneReply;
  take_picture: TakenPicture;
  take_mask: TakenMask;
  open_ora: ProjectReply;
  export_ora: ExportReply;
  export: PictureFileReply;
  generate: SubmittedJob;
  autotune: TunedReply;
  select: TakenMask;
  mix: Candidate;
  split_by_masks: CutReply;
  retouch: SubmittedJob;
  subjects: SubjectLibrary;
  cut_reference: TakenPicture;
  make_subject: Subject;
  train_subject: SubmittedJob;
  rename_subject: Subject;
  delete_subject: DoneReply;
  search_models: ModelsFound;
  add_model_folder: ModelsFound;
  remove_model_folder: ModelsFound;
  events: JobReport;
  cancel: StateReply;
  move_job: QueueReport;
  pause_queue: QueueReport;
  jobs: JobsReply;
  new_scene: ProjectReply;
  scenes: ScenesReply;
  rename_scene: SceneEntry;
  duplicate_scene: SceneEntry;
  delete_scene: SceneEntry;
  restore_scene: SceneEntry;
  salvage_scene: ExportReply;
  gallery: GalleryIndex;
  gallery_page: GalleryPageReply;
  picture_scene: PictureScene;
  star_picture: DoneReply;
  delete_pictures: DoneReply;
  restore_pictures: DoneReply;
  export_pictures: ExportReply;
  export_png: PictureFileReply;
  take_mask_file: TakenMask;
  check_picture: PictureCheck;
  read_picture_file: PictureScene;
}

export type Verb = keyof Replies;

/** A message: its verb, and the fields of that verb; the server refuses unknown ones. */
export type Message<V extends Verb = Verb> = { [K in V]: { verb: K } & Messages[K] }[V];
