"""What the studio hands to a front end: records that are JSON as they stand."""

from __future__ import annotations

from typing import Annotated, Literal, Required

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict

from backend.plan.events import (
    EventKind,
    JobCancelled,
    JobEvent,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobNote,
    JobQueued,
    JobStarted,
    JobState,
    Progress,
)
from backend.plan.layer_score import LayerScore
from backend.plan.plan import Note
from backend.plan.request import OptionValue, RequestKind, RunSettings
from backend.scene.formats.found_recipe import FoundRecipe
from backend.scene.formats.picture_file import FileFormat
from backend.scene.records import Digest, PictureDigest, Record
from backend.scene.scene import Scene
from backend.studio.storage.found_files import LoraFacts, ModelFolder, RefusedModel, WordFacts


class MixState(Record):
    """Two candidates between which somebody paints: ``other`` shows in ``base`` where the mask
    is inside.
    """

    base: str = Field(max_length=64)
    other: str = Field(max_length=64)
    mask: str = Field(pattern=r"^[0-9a-f]{64}$")


class EditorState(Record):
    """What the browser wants kept beside the scene; empty strings mean nothing picked, selected,
    chosen.
    """

    settings: RunSettings = RunSettings()
    picked: str = Field(default="", pattern=r"^([0-9a-f]{64})?$")
    selected: str = Field(default="", max_length=64)
    mix: MixState | None = None
    subject: str = Field(default="", max_length=64)
    starred: tuple[Digest, ...] = Field(default=(), max_length=4096)


class ResultPicture(Record):
    """One picture that a job made. Immutable; ``digest`` names its pixels, ``plan`` the recipe with
    its ``index``-th ``seed``.

    ``rank`` is the place among the pictures of its kind that the job has made so far, 1 = best, 0
    where nothing could be scored.
    """

    id: str
    job: str
    index: int
    seed: int
    digest: PictureDigest
    width_px: int
    height_px: int
    plan: str
    created: str
    scores: tuple[LayerScore, ...] = ()
    rank: int = 0


class Candidate(ResultPicture):
    """One picture that came out.

    ``layer_id`` and ``source`` are empty for whole pictures; ``changed_outside`` is a count for
    re-rolls. A picture that was painted together from two has the first one as ``source``, and
    stands in its run after the others. ``stage1`` is the digest of the draft that it was made from,
    empty for methods of one stage. A ``layout`` shows a subject before its retouch; ``mask`` is the
    digest of where the subject was found in a retouched one, or empty.
    """

    layer_id: str
    source: str
    changed_outside: int | None
    batch: int
    stage1: str = ""
    layout: bool = False
    mask: str = ""


class Stage1Record(ResultPicture):
    """A picture of a first stage, kept to be refined."""


class LearnedEmbedding(Record):
    """A look in the store: the layer and the words it was learned for, its digest, and a picture
    of it alone.
    """

    layer_id: str
    phrase: str
    embedding: str
    sample: str


class JobRecord(Record):
    """A plan on its way. ``kind`` is that of its request; ``layer_id`` is empty when the whole
    picture is made.

    ``layer_ids`` are the layers whose looks are learned.
    """

    id: str
    project: str
    kind: RequestKind = RequestKind.COMPOSE
    state: JobState
    layer_id: str
    layer_ids: tuple[str, ...] = ()
    done: int
    total: int
    created: str


class Coverage(Record):
    """How much of the picture a layer shows: a fraction of the canvas, and latent cells of the
    chosen model.
    """

    layer_id: str
    visible_frac: float
    cells: float


class Project(Record):
    """A scene that was saved, and everything made from it.

    ``place`` is that of the scene among its steps of undo; ``is_kept`` where that step is as the
    scene is. ``saved_by`` is the page that saved it last.
    """

    id: str
    revision: int
    scene: Scene
    editor: EditorState
    job: JobRecord | None
    candidates: tuple[Candidate, ...]
    stage1_images: tuple[Stage1Record, ...] = ()
    coverage: tuple[Coverage, ...]
    notes: tuple[Note, ...]
    embeddings: tuple[LearnedEmbedding, ...] = ()
    place: int = 0
    is_kept: bool = False
    saved_by: str = ""


class SceneEntry(Record):
    """A scene as Home lists it.

    ``problem`` says why it cannot be read, or what of it is missing; it is empty for a sound one.
    ``is_readable`` tells whether it can be opened all the same. ``pictures`` counts what was made
    of it, ``thumbnail`` is a relative address or empty. ``deleted`` is when it was deleted; it can
    be put back until the rows go. Scenes made later have larger ``number``s, those changed later
    a larger ``change``, whatever the clock said.
    """

    id: str
    name: str
    width_px: int
    height_px: int
    layers: int
    pictures: int
    revision: int
    created: str
    changed: str
    number: int = 0
    change: int = 0
    thumbnail: str = ""
    problem: str = ""
    is_readable: bool = True
    deleted: str = ""


class GalleryFilter(Record):
    """Which pictures the gallery shows; empty texts ask for nothing. ``words`` are looked for in
    prompts, in the layers' names and phrases, and in the scene's name.
    """

    words: str = Field(default="", max_length=400)
    scene: str = Field(default="", max_length=64)
    layer: str = Field(default="", max_length=64)
    method: str = Field(default="", max_length=64)
    model: str = Field(default="", max_length=64)
    starred: bool = False
    deleted: bool = False


class GalleryPicture(Record):
    """A picture as the gallery lists it. ``number`` is its key: later pictures have larger ones.

    ``scene`` is the name of its scene as it is now, ``layer`` that of the layer that was re-rolled
    or empty. ``restorable``: the scene as it was when the picture was made is kept.
    """

    number: int
    id: str
    project: str
    scene: str
    job: str
    digest: PictureDigest
    width_px: int
    height_px: int
    seed: int
    created: str
    prompt: str
    layer_id: str
    layer: str
    method: str
    model: str
    starred: bool
    restorable: bool


class GalleryChoice(Record):
    """A value that a filter offers, and how many pictures have it."""

    id: str
    title: str
    count: int


class GalleryChoices(Record):
    """What can be filtered by; layers only of a chosen scene."""

    scenes: tuple[GalleryChoice, ...]
    layers: tuple[GalleryChoice, ...]
    methods: tuple[GalleryChoice, ...]
    models: tuple[GalleryChoice, ...]


class GalleryIndex(Record):
    """How many pictures a filter finds, and the key at which each page of ``page`` of them
    begins.
    """

    total: int
    page: int
    keys: tuple[int, ...]
    choices: GalleryChoices


class PictureScene(Record):
    """The scene and its editor as they were when a picture was made."""

    project: str
    scene: Scene
    editor: EditorState
    notes: tuple[str, ...] = ()


class Saved(Record):
    """The answer to a save."""

    revision: int
    digest: str
    coverage: tuple[Coverage, ...]
    notes: tuple[Note, ...]


class TakenPicture(Record):
    """A picture file that was decoded and stored; ``notes`` say what was changed on the way in
    (sentences). A ``plain`` one is a silhouette of one colour; ``recipe`` is what it says it was
    made from. With ``has_scene`` it carries the scene of Lamina's that it was made in.
    """

    digest: PictureDigest
    width_px: int
    height_px: int
    opaque: bool
    notes: tuple[str, ...]
    plain: bool = False
    recipe: FoundRecipe | None = None
    has_scene: bool = False


class CutLayer(Record):
    """What a painted layer shows of a picture, stored: its digest, size and centre on the
    canvas, in pixels.
    """

    layer_id: str
    digest: PictureDigest
    width_px: int
    height_px: int
    centre_x_px: float
    centre_y_px: float


class TakenMask(Record):
    """A painted mask that was stored; ``notes`` say what was changed on the way in."""

    digest: PictureDigest
    width_px: int
    height_px: int
    notes: tuple[str, ...] = ()


class Submitted(Record):
    """The answer to a request: the job, and what the person should know before it ends."""

    job: str
    notes: tuple[Note, ...]


class StoredStage1Images(JobEvent):
    """Images of stage 1 that a job made, by the ids of their records, and sentences about them."""

    kind: Literal[EventKind.STAGE1_IMAGES] = EventKind.STAGE1_IMAGES
    stage1_images: tuple[str, ...]
    notes: tuple[str, ...] = ()


class StoredImages(JobEvent):
    """Candidates that a job made, by id, and sentences about them that a person should read."""

    kind: Literal[EventKind.IMAGES] = EventKind.IMAGES
    candidates: tuple[str, ...]
    notes: tuple[str, ...] = ()


class StoredEmbeddings(JobEvent):
    """Embeddings that were learned, with a picture of each alone."""

    kind: Literal[EventKind.EMBEDDINGS_LEARNED] = EventKind.EMBEDDINGS_LEARNED
    embeddings: tuple[LearnedEmbedding, ...]


class StoredCheckpoint(JobEvent):
    """Where the learning of embeddings stands; it can go on from there."""

    kind: Literal[EventKind.EMBEDDINGS_CHECKPOINT] = EventKind.EMBEDDINGS_CHECKPOINT
    embeddings: tuple[LearnedEmbedding, ...]


class FoundLayer(Record):
    """One object as a picture, and the corner at which it lies in the whole (pixels of that)."""

    layer_id: str
    picture: str
    x_px: int
    y_px: int
    width_px: int
    height_px: int


class FoundLayers(JobEvent):
    """A decomposed picture: the objects from back to front, the background behind them, and the
    layers that were not found.
    """

    kind: Literal[EventKind.LAYERS_FOUND] = EventKind.LAYERS_FOUND
    layers: tuple[FoundLayer, ...]
    background: str
    missing: tuple[str, ...]
    width_px: int
    height_px: int


StoredEvent = Annotated[
    JobQueued
    | JobStarted
    | Progress
    | StoredStage1Images
    | StoredImages
    | StoredEmbeddings
    | StoredCheckpoint
    | FoundLayers
    | JobNote
    | JobFinished
    | JobFailed
    | JobCancelled
    | JobInterrupted,
    Field(discriminator="kind"),
]
"""An event of a job as the store keeps it and the page reads it."""


class QueueEntry(Record):
    """A job that waits or runs, as the queue shows it.

    ``name`` is that of its scene, or of the subject that it trains (``subject``, else empty).
    ``place`` is 0 for the job that runs and counts those that wait from 1; ``left_s`` are the
    seconds until its last step, None while no pace is known. ``noted`` is the number of its newest
    event that is no progress: who has read that one need not ask for events.
    """

    id: str
    project: str
    kind: RequestKind
    state: JobState
    layer_id: str
    name: str
    subject: str
    done: int
    total: int
    place: int
    noted: int
    left_s: float | None
    created: str


class QueueReport(Record):
    """The jobs that wait or run, in order. ``trouble`` says why the queue stands still where the
    disk keeps it from going on; ``pause`` says that somebody paused it, and is empty otherwise.
    """

    jobs: tuple[QueueEntry, ...]
    trouble: str = ""
    pause: str = ""


class JobEvents(Record):
    """Events of a job after a number; only the newest preview is carried. ``trouble`` says why the
    queue stands still, where it does; ``left_s`` are the seconds until the last step of a job that
    runs, None while no pace is known.
    """

    state: JobState
    events: tuple[StoredEvent, ...]
    candidates: tuple[Candidate, ...]
    stage1_images: tuple[Stage1Record, ...] = ()
    trouble: str = ""
    left_s: float | None = None


@with_config(ConfigDict(extra="forbid"))
class OptionSchema(TypedDict, total=False):
    """The JSON Schema of one option of a method, with what a form needs beside it.

    ``section`` is the paper's, ``unit`` and ``step`` those of a number. ``sets`` are the options
    that it stands for, each with its value where this one is least and where it is greatest, in
    proportion between them; unless the option named ``unless`` is on.
    """

    title: Required[str]
    description: Required[str]
    type: Required[Literal["boolean", "integer", "number", "string"]]
    default: Required[OptionValue]
    minimum: float
    maximum: float
    exclusiveMinimum: float
    exclusiveMaximum: float
    enum: tuple[str, ...]
    section: str
    unit: str
    step: float
    sets: dict[str, tuple[float, float]]
    unless: str


class OptionsSchema(TypedDict):
    """The JSON Schema of a method's options, in the order of a form."""

    properties: dict[str, OptionSchema]


class MethodFacts(Record):
    """A method and its options. ``stage1_images``: it works in two stages, and the first one's
    pictures can be refined.

    ``ignores`` names what of a layer it does not read (``plan/notes.py``); one with
    ``prompt_alone`` reads no layer for a whole picture.
    """

    id: str
    title: str
    options: OptionsSchema
    stage1: bool = False
    ignores: tuple[str, ...] = ()
    prompt_alone: bool = False


class Ability(Record):
    """Something that a model can be used for.

    ``lacks`` names the networks without which it cannot be done, ``better_with`` those that are
    missing and would help.
    """

    id: str
    title: str
    lacks: tuple[str, ...] = ()
    better_with: tuple[str, ...] = ()


class ModelFacts(Record):
    """A model that is present, and the device it would run on.

    ``members`` names the family's other networks; ``classes`` is its guide's vocabulary without
    the background. ``knows`` says what it can draw, empty for a model of everything. New layers
    begin with ``picture_strength``, silhouettes with ``flat_strength``. ``path`` is where it lies,
    ``folder`` the one below which it was found; ``size_bytes`` is that of its files,
    ``memory_bytes`` what its weights take on the device. ``words_widths`` is how many numbers a
    token has in each text encoder.
    """

    id: str
    title: str
    device: str
    native_px: int
    cell_px: int
    members: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    knows: str = ""
    picture_strength: float = 0.6
    flat_strength: float = 0.6
    family: str = ""
    path: str = ""
    folder: str = ""
    licence: str = ""
    size_bytes: int = 0
    memory_bytes: int = 0
    abilities: tuple[Ability, ...] = ()
    words_widths: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()


class ModelsFound(Record):
    """All that was found in the folders of models."""

    models: tuple[ModelFacts, ...]
    refused: tuple[RefusedModel, ...] = ()
    model_folders: tuple[ModelFolder, ...] = ()
    loras: tuple[LoraFacts, ...] = ()
    words: tuple[WordFacts, ...] = ()


class Example(Record):
    """A scene that ships with Lamina."""

    id: str
    title: str


class Facts(ModelsFound):
    """What the page has to know of this server; only the models change while it runs."""

    version: str
    methods: tuple[MethodFacts, ...]
    samplers: tuple[str, ...]
    exporters: tuple[FileFormat, ...] = ()
    examples: tuple[Example, ...]
    limits: dict[str, int]
