"""Runs plans in this process: one at a time on its device, in the thread that follows the
events.
"""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch

from backend.engine.decode import preview
from backend.engine.loop_types import FitProgress, Run, Step
from backend.engine.weighted_words import read_plan_words
from backend.errors import LaminaError, RequestError
from backend.logs import StepTimes
from backend.methods.catalog import RUNNABLE, Method
from backend.metrics.scores import Scorer
from backend.models.bundle import ModelBundle, WeightedWords
from backend.models.cache import ModelCache
from backend.models.catalog import Catalog
from backend.models.lora import WeightedLora, apply_loras
from backend.models.lora_file import read_lora
from backend.models.model_search import ModelSearch
from backend.models.run_state import RunState
from backend.models.sam import sam_of
from backend.models.word_embedding import read_embedding
from backend.plan.events import (
    Event,
    Images,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobStarted,
    Preview,
    Progress,
    Result,
    RunCheckpoint,
    Stage1Images,
)
from backend.plan.plan import Plan, move_layer
from backend.plan.request import TrainingJob
from backend.scene.blobs import Contents
from backend.scene.formats.picture_file import encode_jpeg
from backend.scene.geometry import PixelPoint, PointOrBox
from backend.scene.imaging.arrays import Picture
from backend.studio.jobs.worker import NOTHING_DONE, WorkDone
from backend.workers.offer import choose_device
from backend.workers.training import train

log = logging.getLogger(__name__)

PREVIEW_EVERY_S = 0.2
"""At most five previews a second: more than that the eye does not use."""

CHECKPOINT_EVERY_S = 3.0
"""How much of a run a crash may cost."""

PREVIEW_QUALITY = 80
TILE_PX = 256
"""A side of each of several drafts in one preview: they are looked at side by side, and sent
five times a second.
"""

PATIENCE_S = 2.0
"""How long a selection waits for the device: a re-roll's last steps and a score, not a whole
run.
"""

OUT_OF_MEMORY = (torch.OutOfMemoryError, MemoryError)


class LocalWorker:
    """One device of this machine. ``events()`` of a handle computes as it is iterated; a lock
    keeps it to one job.
    """

    def __init__(
        self,
        catalog: Catalog | ModelSearch,
        cache: ModelCache,
        device: str,
        methods: Mapping[str, Method] = RUNNABLE,
    ) -> None:
        """``device`` is torch's name of it ("cpu", "cuda", "cuda:1")."""
        self._catalog = catalog
        self._cache = cache
        self._device = device
        self._methods = methods
        self._turn = threading.Lock()

    @property
    def device(self) -> str:
        return self._device

    def submit(
        self,
        job_id: str,
        plan: Plan | TrainingJob,
        pixels: Contents,
        done: WorkDone = NOTHING_DONE,
    ) -> LocalHandle:
        """A handle of the job; nothing is computed before its events are asked for."""
        return LocalHandle(self, plan, pixels, done)

    def run(
        self,
        plan: Plan | TrainingJob,
        pixels: Contents,
        stop: threading.Event,
        done: WorkDone = NOTHING_DONE,
    ) -> Iterator[Event]:
        """The events of a plan or a training, up to a terminal one.

        ``stop`` is looked at before the model is loaded and after each step.

        Closing the iterator closes the method's, which undoes every patch of the networks.
        """
        with self._turn:
            yield JobStarted(device=self._device)
            try:
                yield from self._compute(plan, pixels, stop, done)
            except (LaminaError, *OUT_OF_MEMORY) as error:
                yield _failure(error, plan, self._device)

    def cut(self, model: str, picture: Picture, where: PointOrBox) -> Picture:
        """The mask of an object by the family's SAM; see ``Worker``.

        A ModelError without a SAM, a RequestError while a job holds the device for longer than
        ``PATIENCE_S``.
        """
        if not self._turn.acquire(timeout=PATIENCE_S):
            raise RequestError(
                "The device is busy with a run.",
                limit="Objects are selected between runs.",
                remedy="Wait for the run, or press Esc to stop it.",
            )
        try:
            with self._cache.lease(self._catalog.card(model), self._device) as bundle:
                sam = sam_of(bundle)
                sam.set_picture(picture)
                cut = sam.at_point(*where) if isinstance(where, PixelPoint) else sam.in_box(*where)
                return cut.mask.astype(np.uint8) * 255
        finally:
            self._turn.release()

    def _compute(
        self, plan: Plan | TrainingJob, pixels: Contents, stop: threading.Event, done: WorkDone
    ) -> Iterator[Event]:
        if stop.is_set():
            yield JobCancelled()
            return
        if isinstance(plan, TrainingJob):
            with self._cache.lease(self._catalog.card(plan.model), self._device) as bundle:
                yield from train(plan, bundle, pixels, stop)
            return
        method = self._methods[plan.method]
        card = self._catalog.card(plan.model)
        with (
            self._cache.lease(card, self._device, plan.sampler) as own,
            apply_loras(own, self._read_loras(plan, "")) as whole,
        ):
            bundle = replace(
                whole,
                layer_loras=self._read_layer_loras(plan),
                weighted=self._read_words(plan, whole),
            )
            state = bundle.run
            state.begin(done.images, done.checkpoint, bundle.device)
            count = StepCount(plan, state.steps)
            scorer = Scorer(bundle, move_layer(plan), pixels)
            publisher = _Publisher(scorer, count, state)
            run = method.run(plan, bundle, pixels)
            try:
                yield from _follow(run, publisher, stop)
            finally:
                if isinstance(run, Generator):
                    run.close()
                state.end()

    def _read_loras(self, plan: Plan, layer_id: str) -> tuple[WeightedLora, ...]:
        """Those of a layer, or with an empty id those of the whole picture."""
        return tuple(
            WeightedLora(read_lora(self._catalog.find_planned(one)), one.weight, one.digest)
            for one in plan.loras
            if one.layer_id == layer_id
        )

    def _read_words(self, plan: Plan, bundle: ModelBundle) -> WeightedWords | None:
        """How the plan's prompts are read; None for words alone."""
        if not plan.weighted_prompt:
            return None
        vectors = {
            one.name.lower(): read_embedding(self._catalog.find_embedding(one))
            for one in plan.embeddings
        }
        key = tuple((one.name, one.digest) for one in plan.embeddings)
        texts = (plan.prompt, plan.negative)
        return read_plan_words(bundle, texts, vectors, key, plan.clip_skip)

    def _read_layer_loras(self, plan: Plan) -> dict[str, tuple[WeightedLora, ...]]:
        ids = {one.layer_id for one in plan.loras} - {""}
        return {layer_id: self._read_loras(plan, layer_id) for layer_id in ids}


@dataclass(frozen=True)
class LocalHandle:
    """A job of a LocalWorker."""

    worker: LocalWorker
    plan: Plan | TrainingJob
    pixels: Contents = field(repr=False)
    done: WorkDone = field(default=NOTHING_DONE, repr=False)
    stop: threading.Event = field(default_factory=threading.Event, repr=False)

    def events(self) -> Iterator[Event]:
        """Computes the pictures in the calling thread."""
        return self.worker.run(self.plan, self.pixels, self.stop, self.done)

    def cancel(self) -> None:
        self.stop.set()


class StepCount:
    """Counts the steps of all batches of a plan, and says when the next preview or checkpoint is
    due. ``done`` steps were taken before.
    """

    def __init__(self, plan: Plan, done: int = 0) -> None:
        self._batches = math.ceil(len(plan.seeds) / plan.batch)
        self._done = done
        self._next_preview = time.monotonic()
        self._next_checkpoint = time.monotonic() + CHECKPOINT_EVERY_S

    def add(self, step: Step) -> tuple[int, int]:
        """Steps done and in all, after ``step``."""
        self._done += 1
        return self._done, max(self._done, self._batches * (step.total - step.first))

    def preview_due(self) -> bool:
        """True at most once in PREVIEW_EVERY_S."""
        now = time.monotonic()
        due = now >= self._next_preview
        if due:
            self._next_preview = now + PREVIEW_EVERY_S
        return due

    def checkpoint_due(self) -> bool:
        """True at most once in CHECKPOINT_EVERY_S, and not at once."""
        now = time.monotonic()
        due = now >= self._next_checkpoint
        if due:
            self._next_checkpoint = now + CHECKPOINT_EVERY_S
        return due


def build_worker(
    models: Sequence[Path] | ModelSearch, device: str, cache_bytes: int, threads: int
) -> LocalWorker:
    """The worker of this machine; weights are loaded by the first job that needs them.

    ``device`` is "auto", "cpu" or "cuda"; ``threads`` 0 leaves torch's own choice.
    """
    if threads:
        torch.set_num_threads(threads)
    search = models if isinstance(models, ModelSearch) else ModelSearch(models)
    return LocalWorker(search, ModelCache(cache_bytes), choose_device(device))


def _failure(error: BaseException, plan: Plan | TrainingJob, device: str) -> JobFailed:
    """An error as the job's end. Memory that was not enough is told with its numbers."""
    if isinstance(error, LaminaError) and not isinstance(error.__cause__, OUT_OF_MEMORY):
        return JobFailed(what=error.what, limit=error.limit, remedy=error.remedy)
    limit = ""
    if device.startswith("cuda"):
        torch.cuda.empty_cache()
        free, total = torch.cuda.mem_get_info(device)
        limit = f"{free / 2**30:.1f} of {total / 2**30:.1f} GB are free now."
    if isinstance(plan, TrainingJob):
        return JobFailed(
            what=f"Training the subject does not fit into the memory of {device}.",
            limit=limit,
            remedy="Choose textual inversion or DreamBooth of low rank, which need the least.",
        )
    many = f"{plan.batch} pictures of {plan.width_px} x {plan.height_px} px at once"
    return JobFailed(
        what=f"{many} do not fit into the memory of {device}.",
        limit=limit,
        remedy="Ask for fewer, or for a smaller canvas.",
    )


@dataclass(frozen=True)
class _Publisher:
    """Completes what a method yields: steps become progress with previews, images get their
    scores.
    """

    scorer: Scorer
    count: StepCount
    state: RunState
    times: StepTimes = field(default_factory=lambda: StepTimes(log))

    def publish(self, yielded: Step | Result) -> Event:
        """The event of a job."""
        match yielded:
            case Step():
                return self._progress(yielded)
            case Images():
                self.state.finish_images(len(yielded.images))
                return self._with_scores(yielded)
            case Stage1Images():
                return self._with_scores(yielded)
            case _:
                return yielded

    def _progress(self, step: Step) -> Progress:
        done, total = self.count.add(step)
        self.state.steps = done
        self.times.count(done, total)
        return Progress(
            done=done,
            total=total,
            preview=self._preview(step) if self.count.preview_due() else None,
        )

    def _preview(self, step: Step) -> Preview:
        pictures = preview(self.scorer.bundle, step)
        if not isinstance(step, FitProgress):
            return Preview(jpeg=encode_jpeg(step.frame(pictures[0]), PREVIEW_QUALITY))
        return Preview(
            jpeg=encode_jpeg(_row(pictures), PREVIEW_QUALITY), stage1_count=len(pictures)
        )

    def _with_scores(self, event: Images | Stage1Images) -> Images | Stage1Images:
        """With scores, or as it is where a network for them fails: a picture that was made is
        never lost over them.
        """
        try:
            return event.with_scores(self.scorer.score(event.pictures))
        except Exception as error:
            log.exception("the pictures could not be scored")
            note = f"The pictures could not be scored ({type(error).__name__}); the log says why."
            return replace(event, notes=(*event.notes, note))


def _row(pictures: Picture) -> Picture:
    """Pictures (n, h, w, 3) side by side, each one thinned to at most TILE_PX a side where there
    are several.
    """
    every = math.ceil(max(pictures.shape[1:3]) / TILE_PX) if len(pictures) > 1 else 1
    return np.ascontiguousarray(np.concatenate(pictures[:, ::every, ::every], axis=1))


def _follow(run: Run, publisher: _Publisher, stop: threading.Event) -> Iterator[Event]:
    for yielded in run:
        stopped = stop.is_set()
        if not (stopped and isinstance(yielded, Step)):  # what is finished is not thrown away
            yield publisher.publish(yielded)
        is_due = isinstance(yielded, Step) and (stopped or publisher.count.checkpoint_due())
        if is_due and (content := publisher.state.to_bytes()):
            yield RunCheckpoint(content)
        if stopped:
            yield JobCancelled()
            return
    publisher.times.finish()
    yield JobFinished()
