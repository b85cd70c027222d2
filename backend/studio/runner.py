"""The thread that takes queued jobs to a worker, one at a time and in order, and writes down all
that happens.
"""

from __future__ import annotations

import logging
import secrets
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

from backend.errors import LaminaError, StoreError
from backend.metrics.layer_score import Scores, passes
from backend.plan.lesson import Lesson
from backend.plan.plan import Plan
from backend.scene.scene import Picture
from backend.studio.candidates import insert_candidate
from backend.studio.drafts import insert_draft, sources_of
from backend.studio.events import (
    TERMINAL,
    Cancelled,
    DraftsMade,
    Event,
    Failed,
    Finished,
    Handle,
    JobState,
    Learned,
    Made,
    Progressed,
    Started,
    TakenApart,
    Taught,
    Worker,
)
from backend.studio.heat import with_heat
from backend.studio.history import append_entry
from backend.studio.jobs import (
    append_event,
    claim_next,
    end_job,
    interrupt_running,
    plan_of_job,
    set_progress,
    state_of,
    tries_of_job,
)
from backend.studio.looks import append_looks, stored_looks
from backend.studio.parts import stored_parts
from backend.studio.pictures import Stored
from backend.studio.retouching import append_retouches
from backend.studio.store import Store
from backend.studio.subjects import lesson_of_job
from backend.studio.subjects_files import PixelsAndSubjects
from backend.studio.subjects_library import keep_taught

log = logging.getLogger(__name__)

RETRY_S = 1.0
"""How long to wait before the end of a job is written again when the disk refused it."""

CLOSE_S = 20.0
"""How long ``close`` waits for the step that is being computed."""

Outcome = tuple[JobState, Mapping[str, Any]]


class Preview(NamedTuple):
    """A preview of a job: the number of its event, the JPEG, and how many drafts lie in it side by
    side (0: none).
    """

    job: str
    n: int
    jpeg: bytes
    drafts: int


_NO_PREVIEW = Preview("", 0, b"", 0)


class Runner:
    """One worker's queue. Jobs that an earlier process left running are interrupted; those that
    waited go on.
    """

    def __init__(self, store: Store, worker: Worker) -> None:
        self._store = store
        self._pixels = PixelsAndSubjects(store.pixels, store.subjects)
        self._worker = worker
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._unwanted: set[str] = set()
        self._current: tuple[str, Handle] | None = None
        self._preview = _NO_PREVIEW
        with store.database.write() as connection:
            interrupt_running(connection)
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
                if state == "queued":
                    return end_job(connection, job, "cancelled", {})
            if state == "running":
                self._unwanted.add(job)
                if self._current is not None and self._current[0] == job:
                    self._current[1].cancel()
            return state

    def preview(self, job: str) -> Preview:
        """The newest preview of a job; an empty one when there is none."""
        return self._preview if self._preview.job == job else _NO_PREVIEW

    def close(self) -> None:
        """Stop after the step that is being computed: the running job is interrupted, queued ones
        stay queued.
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
        except LaminaError:
            log.exception("the queue could not be read")
            self._closing.wait(RETRY_S)
            self._wake.set()
            return False
        if job:
            self._settle(job, self._outcome(job))
            self._forget(job)
        return bool(job)

    def _outcome(self, job: str) -> Outcome:
        """How the job ended; never raises."""
        try:
            with self._store.database.read() as connection:
                lesson, tries = lesson_of_job(connection, job), tries_of_job(connection, job)
                work: Plan | Lesson = plan_of_job(connection, job) if lesson is None else lesson
            return self._followed(job, work, tries)
        except LaminaError as error:
            return "failed", _told(Failed(error.what, error.limit, error.remedy))
        except BaseException:  # a SystemExit of some library must not end the queue either
            code = secrets.token_hex(3)
            log.exception("job %s failed unexpectedly, code %s", job, code)
            failed = Failed(
                "Something broke while the picture was made.",
                f"The log has it under {code}.",
                "Try again.",
            )
            return "failed", {**_told(failed), "code": code}
        finally:
            with self._lock:
                self._current = None

    def _followed(self, job: str, work: Plan | Lesson, tries: int) -> Outcome:
        """Write down the worker's events until a terminal one; where several tries were asked for,
        until one passes.
        """
        passed = False
        handle = self._worker.submit(job, work, self._pixels)
        with self._lock:
            self._current = (job, handle)
            if job in self._unwanted or self._closing.is_set():
                handle.cancel()
        for event in handle.events():
            match event:
                case Finished():
                    return "finished", {}
                case Failed():
                    return "failed", _told(event)
                case Cancelled():
                    return "finished" if passed else self._stopped(job), {}
            self._note(job, work, event)
            if (
                tries > 1
                and isinstance(event, Made)
                and any(passes(scores) for scores in event.scores or ((),))
            ):
                passed = True
                handle.cancel()
        failed = Failed("The worker stopped without an answer.", "", "Try again.")
        return "failed", _told(failed)

    def _stopped(self, job: str) -> JobState:
        with self._lock:
            wanted_by_person = job in self._unwanted
        return "cancelled" if wanted_by_person or not self._closing.is_set() else "interrupted"

    def _note(self, job: str, work: Plan | Lesson, event: Event) -> None:
        match event:
            case Started(device=device):
                with self._store.database.write() as connection:
                    append_event(connection, job, "started", {"device": device})
            case Progressed(done=done, total=total, preview_jpeg=jpeg, drafts=drafts):
                with self._store.database.write() as connection:
                    n = set_progress(connection, job, done, total)
                if jpeg:
                    self._preview = Preview(job, n, jpeg, drafts)
            case Taught():
                keep_taught(self._store, job, event)
            case _ if isinstance(work, Plan):
                self._note_result(job, work, event)

    def _note_result(self, job: str, plan: Plan, event: Event) -> None:
        match event:
            case DraftsMade():
                self._keep_drafts(job, plan, event)
            case Made():
                self._keep(job, plan, event)
            case Learned():
                looks = stored_looks(self._store.pixels, plan, event)
                with self._store.database.write() as connection:
                    append_looks(connection, job, looks, event.finished)
            case TakenApart():
                apart = stored_parts(self._store.pixels, plan, event)
                with self._store.database.write() as connection:
                    append_event(connection, job, "apart", apart.model_dump(mode="json"))

    def _keep(self, job: str, plan: Plan, made: Made) -> None:
        """Pixels first, then their records in one transaction: a record never names a picture that
        is not there.
        """
        scores = with_heat(self._store.pixels, made.scores or ((),) * len(made.pictures), made.heat)
        kept = [
            self._stored(made.offset + at, picture, scores[at])
            for at, picture in enumerate(made.pictures)
        ]
        outside = made.changed_outside or (None,) * len(kept)
        masks = tuple(map(self._store.pixels.add_mask, made.masks))
        with self._store.database.write() as connection:
            sources = sources_of(connection, job, plan, made.drafts or (-1,) * len(kept))
            stored = map(_completed, kept, outside, sources)
            candidates = [insert_candidate(connection, job, plan, each) for each in stored]
            append_retouches(connection, plan, candidates, masks)
            for candidate in candidates:
                append_entry(connection, candidate)
            told: dict[str, Any] = {"candidates": [candidate.id for candidate in candidates]}
            append_event(
                connection, job, "made", told | ({"notes": list(made.notes)} if made.notes else {})
            )

    def _keep_drafts(self, job: str, plan: Plan, made: DraftsMade) -> None:
        """As ``_keep``, for the pictures of a first stage."""
        scores = made.scores or ((),) * len(made.pictures)
        stored = list(map(self._stored, made.places, made.pictures, scores))
        with self._store.database.write() as connection:
            drafts = [insert_draft(connection, job, plan, each) for each in stored]
            append_event(connection, job, "drafted", {"drafts": [draft.id for draft in drafts]})

    def _stored(self, index: int, picture: Picture, scores: Scores) -> Stored:
        height_px, width_px = picture.shape[:2]
        return Stored(
            index, self._store.pixels.add_picture(picture), width_px, height_px, None, scores
        )

    def _settle(self, job: str, outcome: Outcome) -> None:
        """Write the end of a job, again and again while the disk refuses: nothing that ended may
        look alive.
        """
        state, body = outcome
        assert state in TERMINAL
        while True:
            try:
                with self._store.database.write() as connection:
                    end_job(connection, job, state, body)
                return
            except StoreError:
                log.exception("the end of job %s could not be written", job)
                if self._closing.wait(RETRY_S):
                    return

    def _forget(self, job: str) -> None:
        with self._lock:
            self._unwanted.discard(job)
            self._preview = _NO_PREVIEW


def _completed(stored: Stored, changed_outside: int | None, draft: str) -> Stored:
    return replace(stored, changed_outside=changed_outside, draft=draft)


def _told(failed: Failed) -> dict[str, str]:
    return {"what": failed.what, "limit": failed.limit, "remedy": failed.remedy}
