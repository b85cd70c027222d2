"""Makes the offer and the worker while the page is already opening: loading torch and its
company takes seconds.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Generic, TypeVar

from backend.errors import LaminaError, ModelError
from backend.plan.card import Card
from backend.plan.plan import Plan, PlannedLora
from backend.plan.request import OptionValue, TrainingJob
from backend.scene.blobs import Contents
from backend.scene.geometry import PointOrBox
from backend.scene.imaging.arrays import Picture
from backend.scene.scene import Scene
from backend.studio.jobs.worker import NOTHING_DONE, Handle, Offer, WorkDone, Worker
from backend.studio.storage.records import MethodFacts, ModelFacts, ModelsFound

log = logging.getLogger(__name__)
T = TypeVar("T")


class Future(Generic[T]):
    """A value that is built once, in a thread of its own; whoever asks for it waits until it is
    there.

    The building begins at once, or with ``begin`` where one is given: an Event that others set, and
    ``get`` as well.
    """

    def __init__(self, build: Callable[[], T], begin: threading.Event | None = None) -> None:
        self._build = build
        self._begin = begin
        self._built: list[T] = []
        self._refusal: LaminaError = ModelError(
            "The models could not be set up.", remedy="Look into the log, and start Lamina again."
        )
        self._thread = threading.Thread(target=self._run, name="lamina-late", daemon=True)
        self._thread.start()

    def get(self) -> T:
        """The value, or the LaminaError that its building ended with."""
        if self._begin is not None:
            self._begin.set()
        self._thread.join()
        if not self._built:
            raise self._refusal
        return self._built[0]

    def _run(self) -> None:
        if self._begin is not None:
            self._begin.wait()
        try:
            self._built.append(self._build())
        except LaminaError as error:
            self._refusal = error
        except Exception:
            log.exception("the models could not be set up")


class FutureOffer:
    """An offer that may still be in the making. ``asked`` is set once somebody was told what
    there is.
    """

    def __init__(self, future: Future[Offer]) -> None:
        self._future = future
        self.asked = threading.Event()

    def models(self) -> tuple[ModelFacts, ...]:
        return self._future.get().models()

    def list_found(self) -> ModelsFound:
        return self._future.get().list_found()

    def find_loras(self, scene: Scene, weighted: bool = False) -> tuple[PlannedLora, ...]:
        return self._future.get().find_loras(scene, weighted)

    def search(self, added: Sequence[Path]) -> None:
        self._future.get().search(added)

    def methods(self) -> tuple[MethodFacts, ...]:
        listed = self._future.get().methods()
        self.asked.set()
        return listed

    def card(self, model: str) -> Card:
        return self._future.get().card(model)

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        self._future.get().check_options(method, options)


class FutureWorker:
    """A worker that may still be in the making."""

    def __init__(self, future: Future[Worker]) -> None:
        self._future = future

    @property
    def device(self) -> str:
        return self._future.get().device

    def submit(
        self,
        job_id: str,
        plan: Plan | TrainingJob,
        pixels: Contents,
        done: WorkDone = NOTHING_DONE,
    ) -> Handle:
        return self._future.get().submit(job_id, plan, pixels, done)

    def cut(self, model: str, picture: Picture, where: PointOrBox) -> Picture:
        return self._future.get().cut(model, picture, where)
