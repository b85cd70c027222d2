"""What happens to a job: the one set of events, which methods yield, workers complete and the store
keeps.

Events without pixels are records and are stored as they stand. Events with pixels carry arrays
until the store has them; what is kept of them are records that name the arrays by digest. The store
numbers the events of a job without gaps; a terminal one is the last.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Literal

from pydantic import Field, field_serializer

from backend.plan.layer_score import Scores
from backend.scene.imaging.arrays import Picture
from backend.scene.records import Record


class JobState(StrEnum):
    """Where a job stands."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


TERMINAL = frozenset({JobState.FINISHED, JobState.FAILED, JobState.CANCELLED, JobState.INTERRUPTED})
"""States that a job does not leave."""


class EventKind(StrEnum):
    """What an event tells, as the store and the page name it. Ends are named as the states."""

    QUEUED = "queued"
    STARTED = "started"
    PROGRESS = "progress"
    STAGE1_IMAGES = "stage1_images"
    IMAGES = "images"
    EMBEDDINGS_LEARNED = "embeddings_learned"
    EMBEDDINGS_CHECKPOINT = "embeddings_checkpoint"
    LAYERS_FOUND = "layers_found"
    NOTE = "note"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"
    INTERRUPTED = "interrupted"


class JobEvent(Record):
    """``n`` is the number among the events of a job, from 1; 0 until the store has given it one."""

    n: int = 0


class JobQueued(JobEvent):
    """The job waits."""

    kind: Literal[EventKind.QUEUED] = EventKind.QUEUED


class JobStarted(JobEvent):
    """A worker took the job on ``device``."""

    kind: Literal[EventKind.STARTED] = EventKind.STARTED
    device: str


class Preview(Record):
    """What a run looks like so far; ``stage1_count`` images of stage 1 lie side by side, 0 for the
    picture. ``jpeg`` are the bytes of a JPEG, a data URI for the page.
    """

    jpeg: bytes = Field(repr=False)
    stage1_count: int = 0

    @field_serializer("jpeg")
    def _data_uri(self, jpeg: bytes) -> str:
        return f"data:image/jpeg;base64,{base64.b64encode(jpeg).decode('ascii')}"


class Progress(JobEvent):
    """``done`` of ``total`` steps, with a preview where one is due."""

    kind: Literal[EventKind.PROGRESS] = EventKind.PROGRESS
    done: int
    total: int
    preview: Preview | None = None


@dataclass(frozen=True, eq=False)
class Stage1Image:
    """The first image of a method of two stages, which the second goes on from.

    ``index`` is the place of its seed in the plan; ``picture`` is uint8 (h, w, 3).
    """

    index: int
    picture: Picture = field(repr=False)
    scores: Scores = ()


@dataclass(frozen=True, eq=False)
class Image:
    """A finished picture, uint8 (h, w, 3), of the plan's seed number ``index``."""

    index: int
    picture: Picture = field(repr=False)
    scores: Scores = ()
    changed_outside: int | None = None
    """For a re-roll, the pixels beyond the feathered mask that differ from the source; None for
    a whole picture.
    """
    stage1_index: int | None = None
    """The index of the Stage1Image of the same run that it was made from; None where there is
    none.
    """
    subject_mask: Picture | None = field(default=None, repr=False)
    """Where the subject was found, uint8 (h, w), 255 = inside; None where none was looked for or
    found.
    """
    attention_maps: Mapping[str, Picture] = field(default_factory=dict, repr=False)
    """Where the words of layers looked: by layer a small uint8 (h, w), each from its darkest to
    its brightest.
    """


@dataclass(frozen=True, eq=False)
class Stage1Images:
    """The end of stage 1 of some candidates, with sentences about them that a person should read;
    each image of a run is yielded once.
    """

    images: tuple[Stage1Image, ...]
    notes: tuple[str, ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pixels of the images, uint8 (h, w, 3) each."""
        return tuple(image.picture for image in self.images)

    def with_scores(self, scores: Sequence[Scores]) -> Stage1Images:
        """The same images, each with its layers' scores."""
        pairs = zip(self.images, scores, strict=True)
        return replace(self, images=tuple(replace(image, scores=found) for image, found in pairs))


@dataclass(frozen=True, eq=False)
class Images:
    """Finished pictures of some candidates, and sentences about them that a person should read."""

    images: tuple[Image, ...]
    notes: tuple[str, ...] = ()

    @property
    def pictures(self) -> tuple[Picture, ...]:
        """The pixels of the images, uint8 (h, w, 3) each."""
        return tuple(image.picture for image in self.images)

    def with_scores(self, scores: Sequence[Scores]) -> Images:
        """The same images, each with its layers' scores."""
        pairs = zip(self.images, scores, strict=True)
        return replace(self, images=tuple(replace(image, scores=found) for image, found in pairs))


def build_images(offset: int, pictures: Sequence[Picture], notes: tuple[str, ...] = ()) -> Images:
    """Whole pictures of the plan's seeds from number ``offset`` on."""
    return Images(
        tuple(Image(index, picture) for index, picture in enumerate(pictures, offset)), notes
    )


@dataclass(frozen=True, eq=False)
class EmbeddingsLearned:
    """Embeddings by layer as bytes of safetensors files, and uint8 (h, w, 3) of what each draws
    alone.
    """

    embeddings: Mapping[str, bytes] = field(repr=False)
    samples: Mapping[str, Picture] = field(repr=False)


@dataclass(frozen=True, eq=False)
class EmbeddingsCheckpoint:
    """Where the learning of embeddings stands, by layer as bytes of safetensors files: it
    can go on from there.
    """

    states: Mapping[str, bytes] = field(repr=False)


@dataclass(frozen=True)
class RunCheckpoint:
    """Where a run that makes pictures stands, as the bytes of a safetensors file: it can go on from
    there in another process.
    """

    content: bytes = field(repr=False)


@dataclass(frozen=True)
class AdapterTrained:
    """What a model has learned of a subject, as the bytes of a safetensors file."""

    content: bytes = field(repr=False)


@dataclass(frozen=True)
class AdapterCheckpoint:
    """Where the training of a subject stands, as the bytes of a safetensors file: it can go on
    from there.
    """

    content: bytes = field(repr=False)


@dataclass(frozen=True, eq=False)
class LayersFound:
    """A decomposed picture: its objects by layer as uint8 (h, w, 4) of its size, and the background
    behind them.

    ``background`` is uint8 (h, w, 3); ``missing`` are the layers that were looked for and not
    found.
    """

    objects: Mapping[str, Picture] = field(repr=False)
    background: Picture = field(repr=False)
    missing: tuple[str, ...] = ()


class JobNote(JobEvent):
    """Something went wrong on the way that does not end the job; a person should know it."""

    kind: Literal[EventKind.NOTE] = EventKind.NOTE
    text: str


class JobFinished(JobEvent):
    """All that was asked for is there."""

    kind: Literal[EventKind.FINISHED] = EventKind.FINISHED


class JobFailed(JobEvent):
    """Nothing more will come; the three parts of the error, and the log's ``code`` for it."""

    kind: Literal[EventKind.FAILED] = EventKind.FAILED
    what: str
    limit: str = ""
    remedy: str = ""
    code: str = ""


class JobCancelled(JobEvent):
    """The job was stopped on request."""

    kind: Literal[EventKind.CANCELLED] = EventKind.CANCELLED


class JobInterrupted(JobEvent):
    """The job was running when Lamina was closed or ended."""

    kind: Literal[EventKind.INTERRUPTED] = EventKind.INTERRUPTED


JobEnd = JobFinished | JobFailed | JobCancelled | JobInterrupted
"""The last event of a job; its kind is the state that the job ends in."""

Result = Stage1Images | Images | EmbeddingsLearned | EmbeddingsCheckpoint | LayersFound
"""What a method yields beside its steps."""

Event = (
    JobStarted
    | Progress
    | Result
    | RunCheckpoint
    | AdapterTrained
    | AdapterCheckpoint
    | JobFinished
    | JobFailed
    | JobCancelled
)
"""What a worker tells of a job."""
