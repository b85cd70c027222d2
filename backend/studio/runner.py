"""The thread that takes queued jobs to a worker, one at a time and in order, and writes down all
that happens.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections.abc import Callable
from typing import TypeVar

from backend.errors import LaminaError, StoreError
from backend.logs import FILE_NAME, log_job, log_plan
from backend.plan.events import (
    AdapterCheckpoint,
    AdapterTrained,
    EmbeddingsCheckpoint,
    EmbeddingsLearned,
    Event,
    Images,
    JobCancelled,
    JobEnd,
    JobFailed,
    JobFinished,
    JobInterrupted,
    JobNote,
    JobStarted,
    JobState,
    LayersFound,
    Preview,
    Progress,
    RunCheckpoint,
    Stage1Images,
)
from backend.plan.layer_score import passes
from backend.plan.plan import Plan
from backend.plan.request import TrainingJob
from backend.studio.jobs import jobs
from backend.studio.jobs.jobs import (
    append_event,
    claim_next,
    end_job,
    list_active_ids,
    plan_of_job,
    requeue_job,
    revive_running,
    set_progress,
    state_of,
    tries_of_job,
    was_started,
)
from backend.studio.jobs.queue import JobPreview, StepPace
from backend.studio.jobs.worker import NOTHING_DONE, Handle, WorkDone, Worker
from backend.studio.library.embeddings import resume_learning, store_embeddings
from backend.studio.library.library import keep_adapter
from backend.studio.library.subjects import resume_training, training_of_job
from backend.studio.projects.candidates import candidates_of_job, insert_candidate, store_candidate
from backend.studio.projects.cutting import store_layers
from backend.studio.projects.history import append_entry
from backend.studio.projects.pictures import Origin, insert_stage1, stage1_digests, store_stage1
from backend.studio.storage.records import StoredEvent, StoredImages, StoredStage1Images
from backend.studio.storage.storage import Storage

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""How long to wait before the end of a job is written again when the disk refused it."""

CLOSE_S = 20.0
"""How long ``close`` waits for the step that is being computed."""


RUN_LIMIT_S = 6 * 3600.0
"""So long may a run or a training take at a stretch; then it is stopped and says so."""

TOO_LONG = JobFailed(
    what="The run was stopped.",
    limit=f"It has taken {RUN_LIMIT_S / 3600:.0f} hours, the most that one may.",
    remedy="Ask for fewer steps or pictures at a time; what was made is kept.",
)

RESUMED = "Lamina was started again, and the run goes on where it stood."
CONTINUED = "The queue goes on, and the run where it stood."
PAUSED = "The queue is paused: nothing is computed until it goes on."
STILL_PAUSED = (
    "The queue is still paused, as it was when Lamina ended: nothing is computed until it goes on."
)

Stored = TypeVar("Stored")


_NO_PREVIEW = JobPreview("", 0, Preview(jpeg=b""))


class Runner:
    """One worker's queue. Jobs that an earlier process left running go on where they stood; those
    that waited get their turn after them.
    """

    def __init__(self, store: Storage, worker: Worker) -> None:
        self._store = store
        self._pixels = store.contents
        self._worker = worker
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._unwanted: set[str] = set()
        self._halted: set[str] = set()
        self._current: tuple[str, Handle] | None = None
        self._preview = _NO_PREVIEW
        self._pace = StepPace()
        self._trouble = ""
        with store.database.write() as connection:
            revive_running(connection)
            active = list_active_ids(connection)
            self._pause = STILL_PAUSED if jobs.is_paused(connection) else ""
        store.runs.keep_only(active)
        self._thread = threading.Thread(target=self._work, name="lamina-runner", daemon=True)
        self._wake.set()
        self._thread.start()

    def wake(self) -> None:
        """A job was queued."""
        self._wake.set()

    def cancel(self, job: str) -> JobState:
        """End a job that waits, ask a running one to stop; returns its state now. An ended job
        stays as it is.
        """
        with self._lock:
            with self._store.database.write() as connection:
                state = state_of(connection, job)
                if state == JobState.QUEUED:
                    state = end_job(connection, job, JobCancelled())
                    self._store.runs.drop(job)
                    return state
            if state == JobState.RUNNING:
                self._unwanted.add(job)
                if self._current is not None and self._current[0] == job:
                    self._current[1].cancel()
            return state

    def set_pause(self, *, paused: bool) -> None:
        """Pause the queue, or let it go on. A running job stops after its step; it waits as the
        first and goes on where it stood.
        """
        with self._lock:
            self._pause = PAUSED if paused else ""
            with self._store.database.write() as connection:
                jobs.set_pause(connection, paused=paused)
            if paused and self._current is not None:
                self._halt(*self._current)
        self._wake.set()

    def _halt(self, job: str, handle: Handle) -> None:
        if job not in self._unwanted:
            self._halted.add(job)
        handle.cancel()

    def preview(self, job: str) -> JobPreview:
        """The newest preview of a job; an empty one when there is none."""
        return self._preview if self._preview.job == job else _NO_PREVIEW

    @property
    def newest_preview(self) -> JobPreview:
        """The newest preview of the job that runs; an empty one when there is none."""
        return self._preview

    def find_left_s(self, job: str) -> float | None:
        """Seconds until the last step of a job that runs; None while no pace is known."""
        current = self._current
        is_running = current is not None and current[0] == job
        return self._pace.find_left_s(time.monotonic()) if is_running else None

    @property
    def trouble(self) -> str:
        """Why the queue stands still, a sentence for a person; empty where it does not."""
        return self._trouble

    @property
    def pause(self) -> str:
        """That the queue is paused, a sentence for a person; empty where it is not."""
        return self._pause

    def close(self) -> None:
        """Stop after the step that is being computed: at the next start the running job goes on
        there, and then those that wait.
        """
        self._closing.set()
        self._wake.set()
        with self._lock:
            if self._current is not None:
                self._current[1].cancel()
        self._thread.join(CLOSE_S)

    def _work(self) -> None:
        while not self._closing.is_set():
            self._wake.wait()
            self._wake.clear()
            while not self._closing.is_set() and self._run_next():
                pass

    def _run_next(self) -> bool:
        """Run the oldest queued job to its end; False when none waits or the store does not
        answer.
        """
        try:
            with self._store.database.write() as connection:
                job = claim_next(connection)
        except LaminaError as error:
            log.exception("the queue could not be read")
            self._trouble = f"The queue stands still: {error.sentence}"
            self._closing.wait(RETRY_S)
            self._wake.set()
            return False
        self._trouble = ""
        if job:
            with log_job(job):
                self._settle(job, self._outcome(job))
            self._forget(job)
        return bool(job)

    def _outcome(self, job: str) -> JobEnd:
        """How the job ended; never raises."""
        try:
            with self._store.database.read() as connection:
                training, tries = training_of_job(connection, job), tries_of_job(connection, job)
                work: Plan | TrainingJob = (
                    plan_of_job(connection, job) if training is None else training
                )
            log_plan(work.digest() if isinstance(work, Plan) else "")
            work, done = self._resume(job, work)
            if isinstance(work, Plan) and self._is_done(job, work, tries, done):
                return JobFinished()
            return self._follow(job, work, tries, done)
        except LaminaError as error:
            return JobFailed(what=error.what, limit=error.limit, remedy=error.remedy)
        except BaseException:  # a SystemExit of some library must not end the queue either
            code = secrets.token_hex(3)
            log.exception("job %s failed unexpectedly, code %s", job, code)
            return JobFailed(
                what="Something broke while the picture was made.",
                limit=f"The log, {FILE_NAME} in the store's folder, has it under {code}.",
                remedy="Try again.",
                code=code,
            )
        finally:
            with self._lock:
                self._current = None

    def _resume(self, job: str, work: Plan | TrainingJob) -> tuple[Plan | TrainingJob, WorkDone]:
        """The work with its newest checkpoint, and what was done of it before a restart or a
        pause.
        """
        note = CONTINUED if job in self._halted else RESUMED
        self._halted.discard(job)
        with self._store.database.read() as connection:
            if not was_started(connection, job):
                return work, NOTHING_DONE
            if isinstance(work, TrainingJob):
                return resume_training(connection, job, work), NOTHING_DONE
            work = resume_learning(connection, job, work)
            images = len(candidates_of_job(connection, job))
        self._append(job, JobNote(text=note))
        return work, WorkDone(images, self._store.runs.get(job))

    def _is_done(self, job: str, plan: Plan, tries: int, done: WorkDone) -> bool:
        """Whether all that was asked for was there when the earlier process ended."""
        if done.images == 0:
            return False
        with self._store.database.read() as connection:
            made = candidates_of_job(connection, job)
        passed = tries > 1 and any(passes(one.scores) for one in made)
        return passed or done.images >= len(plan.seeds)

    def _follow(self, job: str, work: Plan | TrainingJob, tries: int, done: WorkDone) -> JobEnd:
        """Write down the worker's events until a terminal one; where several tries were asked
        for, until one passes.
        """
        passed = False
        handle = self._worker.submit(job, work, self._pixels, done)
        limit_s = time.monotonic() + RUN_LIMIT_S
        with self._lock:
            self._pace = StepPace()
            self._current = (job, handle)
            if job in self._unwanted or self._closing.is_set():
                handle.cancel()
            elif self._pause:
                self._halt(job, handle)
        for event in handle.events():
            if time.monotonic() > limit_s:
                handle.cancel()
            match event:
                case JobFinished() | JobFailed():
                    return event
                case JobCancelled() if time.monotonic() > limit_s:
                    return TOO_LONG
                case JobCancelled():
                    return JobFinished() if passed else self._stop_state(job)
            self._note(job, work, event)
            if (
                tries > 1
                and isinstance(event, Images)
                and any(passes(image.scores) for image in event.images)
            ):
                passed = True
                handle.cancel()
        return JobFailed(what="The worker stopped without an answer.", remedy="Try again.")

    def _stop_state(self, job: str) -> JobCancelled | JobInterrupted:
        with self._lock:
            goes_on = self._closing.is_set() or job in self._halted
            stopped = job in self._unwanted or not goes_on
        return JobCancelled() if stopped else JobInterrupted()

    def _note(self, job: str, work: Plan | TrainingJob, event: Event) -> None:
        match event:
            case JobStarted():
                with self._store.database.write() as connection:
                    append_event(connection, job, event)
            case Progress(preview=preview):
                self._pace.add(time.monotonic(), event.done, event.total)
                with self._store.database.write() as connection:
                    n = set_progress(connection, job, event)
                    if preview is not None:  # before those who watch the database are called
                        self._preview = JobPreview(job, n, preview)
            case RunCheckpoint(content=content):
                self._store.runs.put(job, content)
            case AdapterTrained() | AdapterCheckpoint():
                keep_adapter(self._store, job, event)
            case _ if isinstance(work, Plan):
                self._keep_result(Origin(job, work), event)

    def _keep_result(self, origin: Origin, event: Event) -> None:
        match event:
            case Stage1Images():
                self._keep_stage1_images(origin, event)
            case Images():
                self._keep_images(origin, event)
            case EmbeddingsLearned() | EmbeddingsCheckpoint():
                self._append(origin.job, store_embeddings(self._store, origin.plan, event))
            case LayersFound():
                self._append(origin.job, store_layers(self._store.pixels, origin.plan, event))

    def _append(self, job: str, event: StoredEvent) -> None:
        with self._store.database.write() as connection:
            append_event(connection, job, event)

    def _keep_images(self, origin: Origin, event: Images) -> None:
        """Pixels first, then their records in one transaction: a record never names a picture that
        is not there.
        """
        with self._store.database.read() as connection:
            stage1 = stage1_digests(connection, origin.job)
        candidates = self._persist(
            origin.job,
            lambda: [
                store_candidate(self._store.pixels, origin, image, stage1) for image in event.images
            ],
        )
        ids = tuple(candidate.id for candidate in candidates)
        with self._store.database.write() as connection:
            for candidate in candidates:
                insert_candidate(connection, candidate)
                append_entry(connection, candidate)
            stored = StoredImages(candidates=ids, notes=event.notes)
            append_event(connection, origin.job, stored)

    def _persist(self, job: str, store: Callable[[], Stored]) -> Stored:
        """Store what was computed for minutes, again and again while the disk refuses and nobody
        stops the run.
        """
        while True:
            try:
                stored = store()
                self._trouble = ""
                return stored
            except StoreError as error:
                log.exception("pictures of job %s could not be written", job)
                self._trouble = f"The pictures wait until they can be stored: {error.sentence}"
                with self._lock:
                    is_unwanted = job in self._unwanted
                if is_unwanted or self._closing.wait(RETRY_S):
                    raise

    def _keep_stage1_images(self, origin: Origin, event: Stage1Images) -> None:
        """As ``_keep_images``, for the pictures of a first stage."""
        with self._store.database.read() as connection:
            known = stage1_digests(connection, origin.job)
        fresh = [image for image in event.images if image.index not in known]
        if not fresh:
            return
        images = [store_stage1(self._store.pixels, origin, image) for image in fresh]
        ids = tuple(image.id for image in images)
        with self._store.database.write() as connection:
            for image in images:
                insert_stage1(connection, image)
            stored = StoredStage1Images(stage1_images=ids, notes=event.notes)
            append_event(connection, origin.job, stored)

    def _settle(self, job: str, end: JobEnd) -> None:
        """Write the end of a job, again and again while the disk refuses: nothing that ended may
        look alive.
        """
        while True:
            try:
                with self._store.database.write() as connection:
                    if isinstance(end, JobInterrupted):
                        requeue_job(connection, job, is_counted=False)
                    else:
                        end_job(connection, job, end)
                self._trouble = ""
                if not isinstance(end, JobInterrupted):
                    self._store.runs.drop(job)
                return
            except StoreError as error:
                log.exception("the end of job %s could not be written", job)
                self._trouble = f"The end of the run could not be written: {error.sentence}"
                if self._closing.wait(RETRY_S):
                    return

    def _forget(self, job: str) -> None:
        with self._lock:
            self._unwanted.discard(job)
            self._preview = _NO_PREVIEW
