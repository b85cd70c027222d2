"""Makes the worker and the offer while the page is already opening: loading torch and the catalogs takes seconds."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from backend.errors import LaminaError, ModelError
from backend.plan.card import Card
from backend.plan.plan import Plan
from backend.plan.request import OptionValue
from backend.scene.scene import Pixels
from backend.studio.events import Handle, Worker
from backend.studio.offer import Offer
from backend.studio.records import MethodFacts, ModelFacts


@dataclass(frozen=True)
class Bench:
    """Where work is done: what can be asked for, and who does it."""

    offer: Offer
    worker: Worker


class LateBench:
    """Calls ``build`` once, in a thread of its own; whoever asks for the bench waits until it stands."""

    def __init__(self, build: Callable[[], Bench]) -> None:
        self._build = build
        self._bench: Bench | None = None
        self._refusal: LaminaError | None = None
        self._thread = threading.Thread(target=self._set_up, name="lamina-bench", daemon=True)
        self._thread.start()

    def bench(self) -> Bench:
        """The bench, or the LaminaError that its building ended with."""
        self._thread.join()
        if self._refusal is not None:
            raise self._refusal
        if self._bench is None:
            raise ModelError("The models could not be loaded.", remedy="Look into the log, and start Lamina again.")
        return self._bench

    def _set_up(self) -> None:
        try:
            self._bench = self._build()
        except LaminaError as error:
            self._refusal = error


class LateOffer:
    """The offer of a bench that may still be building."""

    def __init__(self, late: LateBench) -> None:
        self._late = late

    def models(self) -> tuple[ModelFacts, ...]:
        return self._late.bench().offer.models()

    def methods(self) -> tuple[MethodFacts, ...]:
        return self._late.bench().offer.methods()

    def card(self, model: str) -> Card:
        return self._late.bench().offer.card(model)

    def check_options(self, method: str, options: Mapping[str, OptionValue]) -> None:
        self._late.bench().offer.check_options(method, options)


class LateWorker:
    """The worker of a bench that may still be building."""

    def __init__(self, late: LateBench) -> None:
        self._late = late

    @property
    def device(self) -> str:
        return self._late.bench().worker.device

    def submit(self, job_id: str, plan: Plan, pixels: Pixels) -> Handle:
        return self._late.bench().worker.submit(job_id, plan, pixels)
