"""The protocols between the studio and whoever computes: what is offered, who runs plans."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

from backend.plan.card import Card
from backend.plan.events import Event
from backend.plan.plan import Plan, PlannedLora
from backend.plan.request import OptionValue, TrainingJob
from backend.scene.blobs import Contents
from backend.scene.geometry import PointOrBox
from backend.scene.imaging.arrays import Picture
from backend.scene.scene import Scene
from backend.studio.storage.records import MethodFacts, ModelFacts, ModelsFound


class WorkDone(NamedTuple):
    """What an earlier process has done of a job: so many finished images, and where the run stood,
    as its newest checkpoint says (nothing where there was none).
    """

    images: int = 0
    checkpoint: bytes = b""


NOTHING_DONE = WorkDone()


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

    def submit(
        self,
        job_id: str,
        plan: Plan | TrainingJob,
        pixels: Contents,
        done: WorkDone = NOTHING_DONE,
    ) -> Handle:
        """Take a job: pictures of a plan, or a training about a subject. What is done of it already
        is left out, and the pixels are those of an undisturbed run.
        """
        ...

    def cut(self, model: str, picture: Picture, where: PointOrBox) -> Picture:
        """The object at a point (x, y) or in a box (x0, y0, x1, y1) of a picture, uint8 (h, w, 3):
        its mask, uint8 (h, w), 255 = inside. Computes in the calling thread; a LaminaError when it
        cannot be done now.
        """
        ...


class Offer(Protocol):
    """Models and methods. May take seconds at the first question, while the libraries behind it are
    loaded.
    """

    def models(self) -> tuple[ModelFacts, ...]:
        """The models that are present, the embedded one first."""
        ...

    def list_found(self) -> ModelsFound:
        """The models, what was found beside them and cannot be used, and the folders."""
        ...

    def search(self, added: Sequence[Path]) -> None:
        """Look for models anew, in the folders of the start and in these."""
        ...

    def find_loras(self, scene: Scene, weighted: bool = False) -> tuple[PlannedLora, ...]:
        """The LoRAs of a scene by the content of their files; a ModelError names one that is not
        there. Those of weight 0 are left out. ``weighted``: also those that its words ask for,
        ``<lora:name:0.8>``, as far as they are there.
        """
        ...

    def methods(self) -> tuple[MethodFacts, ...]:
        """The methods, each with the fields of its options."""
        ...

    def card(self, model: str) -> Card:
        """The card of a model, or a ModelError that names the models there are."""
        ...

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        """A RequestError when the method is unknown or one of its options is out of range."""
        ...
