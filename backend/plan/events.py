"""What happens to a job: the one set of events, which methods yield, workers complete and the store
keeps.

Events without pixels are records and are stored as they stand. Events with pixels carry arrays
until the store has them; what is kept of them are records that name the arrays by digest. The store
numbers the events of a job without gaps; a terminal one is the last.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from pydantic import Field

from backend.plan.layer_score import Scores
from backend.scene.layer import Record
from backend.scene.scene import Picture


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


class JobStarted(Record):
    """A worker took the job on ``device``."""

    device: str


class Preview(Record):
    """What a run looks like so far, as a JPEG; ``stage1_count`` images of stage 1 side by side,
    0 for the picture.
    """

    jpeg: bytes = Field(repr=False)
    stage1_count: int = 0


class Progress(Record):
    """``done`` of ``total`` steps, with a preview where one is due."""

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
    """The end of stage 1 of some candidates; each image of a run is yielded once."""

    images: tuple[Stage1Image, ...]

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
    """Embeddings by layer as pictures uint8 (h, w, 4), and uint8 (h, w, 3) of what each draws
    alone.
    """

    embeddings: Mapping[str, Picture] = field(repr=False)
    samples: Mapping[str, Picture] = field(repr=False)


@dataclass(frozen=True, eq=False)
class EmbeddingsCheckpoint:
    """Where the learning of embeddings stands, by layer as pictures uint8 (h, w, 4): it can go
    on from there.
    """

    states: Mapping[str, Picture] = field(repr=False)


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


class JobFinished(Record):
    """All that was asked for is there."""


class JobFailed(Record):
    """Nothing more will come; the three parts of the error."""

    what: str
    limit: str = ""
    remedy: str = ""


class JobCancelled(Record):
    """The job was stopped on request."""


Result = Stage1Images | Images | EmbeddingsLearned | EmbeddingsCheckpoint | LayersFound
"""What a method yields beside its steps."""

Event = (
    JobStarted
    | Progress
    | Result
    | AdapterTrained
    | AdapterCheckpoint
    | JobFinished
    | JobFailed
    | JobCancelled
)
