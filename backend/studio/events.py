"""What happens to a job, in order. The store numbers events without gaps; terminal ones are the
last.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from backend.metrics.layer_score import Scores
from backend.plan.lesson import Lesson
from backend.plan.plan import Plan
from backend.scene.scene import Picture, Pixels

JobState = Literal["queued", "running", "finished", "failed", "cancelled", "interrupted"]
TERMINAL: frozenset[str] = frozenset({"finished", "failed", "cancelled", "interrupted"})


@dataclass(frozen=True)
class Started:
    """A worker took the job on ``device``."""

    device: str


@dataclass(frozen=True)
class Progressed:
    """``done`` of ``total`` steps; ``preview_jpeg`` is empty when this step has no preview.

    ``drafts``: the preview shows that many drafts of a first stage side by side; 0 for the picture
    itself.
    """

    done: int
    total: int
    preview_jpeg: bytes = field(default=b"", repr=False)
    drafts: int = 0


@dataclass(frozen=True)
class DraftsMade:
    """Pictures of a first stage, uint8 (h, w, 3), and their layers' scores; ``places`` are those of
    their seeds.
    """

    places: tuple[int, ...]
    pictures: tuple[Picture, ...] = field(repr=False)
    scores: tuple[Scores, ...] = ()


@dataclass(frozen=True)
class Made:
    """Finished pictures, uint8 (h, w, 3), of the plan's candidates from ``offset`` on, and their
    layers' scores.

    ``drafts`` are the places of the drafts that they were made from, where this run made drafts.
    ``notes`` are sentences about them that a person should read; ``masks``, uint8 (h, w), where a
    subject was found in each; ``heat`` are small grey pictures, uint8 (h, w), of where the words of
    its layers looked, by layer.
    """

    offset: int
    pictures: tuple[Picture, ...] = field(repr=False)
    changed_outside: tuple[int | None, ...] = ()
    scores: tuple[Scores, ...] = ()
    drafts: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    masks: tuple[Picture, ...] = field(default=(), repr=False)
    heat: tuple[Mapping[str, Picture], ...] = field(default=(), repr=False)


@dataclass(frozen=True, eq=False)
class Learned:
    """Learned looks by layer as pictures uint8 (h, w, 4), and uint8 (h, w, 3) of what each draws
    alone.

    Where ``finished`` is False the learning can go on from them, and there are none of the latter.
    """

    looks: Mapping[str, Picture] = field(repr=False)
    shown: Mapping[str, Picture] = field(repr=False)
    finished: bool


@dataclass(frozen=True)
class Taught:
    """What a model has learned of a subject, as the bytes of a safetensors file.

    Where ``finished`` is False it is what a later training goes on from, and no subject yet.
    """

    content: bytes = field(repr=False)
    finished: bool


@dataclass(frozen=True, eq=False)
class TakenApart:
    """A picture's objects by layer, uint8 (h, w, 4), the place behind them, uint8 (h, w, 3), and
    who was not found.
    """

    objects: Mapping[str, Picture] = field(repr=False)
    plate: Picture = field(repr=False)
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Finished:
    """All pictures were made."""


@dataclass(frozen=True)
class Failed:
    """No (further) picture will come; the three parts of the error."""

    what: str
    limit: str
    remedy: str


@dataclass(frozen=True)
class Cancelled:
    """The job was stopped on request."""


Event = (
    Started
    | Progressed
    | DraftsMade
    | Made
    | Learned
    | TakenApart
    | Taught
    | Finished
    | Failed
    | Cancelled
)


class Handle(Protocol):
    """A job in a worker's hands."""

    def events(self) -> Iterator[Event]:
        """Blocks for each next event; ends after a terminal one."""
        ...

    def cancel(self) -> None:
        """Ask for the stop; takes effect within one step. Safe at any time and more than once."""
        ...


class Worker(Protocol):
    """Somebody who runs plans, one at a time."""

    @property
    def device(self) -> str: ...

    def submit(self, job_id: str, plan: Plan | Lesson, pixels: Pixels) -> Handle:
        """Take a job: pictures of a plan, or a lesson about a subject."""
        ...

    def cut(self, model: str, picture: Picture, where_px: Sequence[float]) -> Picture:
        """The object at a point (x, y) or in a box (x0, y0, x1, y1) of a picture, uint8 (h, w, 3):
        its mask, uint8 (h, w), 255 = inside. Computes in the calling thread; a LaminaError when it
        cannot be done now.
        """
        ...
