"""The queue as a page shows it: what runs, what waits and in which order, and how long it takes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from sqlite3 import Connection
from typing import NamedTuple, Protocol

from backend.plan.events import JobState, Preview
from backend.studio.jobs.jobs import ActiveJob, list_active, move_job
from backend.studio.storage.records import QueueEntry, QueueReport
from backend.studio.storage.storage import Storage

PACE_SAMPLES = 24
"""Steps by which the pace of a run is known: enough to even out previews, few enough to follow
from one stage to the next.
"""


class _StepTime(NamedTuple):
    at_s: float
    done: int
    total: int


class StepPace:
    """How fast one job takes its steps, by the last of them; times are those of one clock, in s."""

    def __init__(self) -> None:
        self._samples: deque[_StepTime] = deque(maxlen=PACE_SAMPLES)

    def add(self, at_s: float, done: int, total: int) -> None:
        """The job has done so many of its steps."""
        self._samples.append(_StepTime(at_s, done, total))

    def find_left_s(self, now_s: float) -> float | None:
        """Seconds until the last step; None before two steps are known."""
        if len(self._samples) < 2:
            return None
        first, last = self._samples[0], self._samples[-1]
        if last.done <= first.done:
            return None
        a_step = (last.at_s - first.at_s) / (last.done - first.done)
        return max(0.0, a_step * (last.total - last.done) - (now_s - last.at_s))


class JobPreview(NamedTuple):
    """A preview of a job, and the number of the event that brought it."""

    job: str
    n: int
    preview: Preview


class CurrentJob(Protocol):
    """What the runner knows of the job that it computes."""

    @property
    def newest_preview(self) -> JobPreview:
        """Its newest preview; an empty one when there is none."""
        ...

    @property
    def trouble(self) -> str:
        """Why the queue stands still, a sentence for a person; empty where it does not."""
        ...

    @property
    def pause(self) -> str:
        """That the queue is paused, a sentence for a person; empty where it is not."""
        ...

    def set_pause(self, *, paused: bool) -> None:
        """Pause the queue, or let it go on."""
        ...

    def find_left_s(self, job: str) -> float | None:
        """Seconds until the last step of this job, if it is the one; None while no pace is
        known.
        """
        ...


class JobQueue:
    """The jobs that wait or run, over all scenes and subjects of a store."""

    def __init__(self, store: Storage, current: CurrentJob) -> None:
        self._store = store
        self._current = current
        self._names: dict[tuple[str, int], str] = {}

    def report(self) -> QueueReport:
        """The queue as it is now, the running job first."""
        with self._store.database.read() as connection:
            jobs = list_active(connection)
            names = self._read_names(connection, jobs)
        entries = tuple(
            self._entry(job, place, job.subject_name or names[job.project, job.revision])
            for place, job in enumerate(jobs, start=_first_place(jobs))
        )
        current = self._current
        return QueueReport(jobs=entries, trouble=current.trouble, pause=current.pause)

    def move(self, job: str, place: int) -> QueueReport:
        """Give a waiting job another place, counted from 1; the queue as it is then. A RequestError
        for a job that does not wait.
        """
        with self._store.database.write() as connection:
            move_job(connection, job, place)
        return self.report()

    def set_pause(self, *, paused: bool) -> QueueReport:
        """Pause the queue as a whole, or let it go on; the queue as it is then.

        What runs stops after its step and waits as the first; it goes on where it stood.
        """
        self._current.set_pause(paused=paused)
        return self.report()

    def preview(self) -> JobPreview:
        """The newest preview of the running job; an empty one when there is none."""
        return self._current.newest_preview

    def watch(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back, in the writer's thread, after whatever was written to the store; returns what
        ends it.
        """
        return self._store.database.watch(listener)

    def _entry(self, job: ActiveJob, place: int, name: str) -> QueueEntry:
        return QueueEntry(
            id=job.id,
            project=job.project,
            kind=job.kind,
            state=job.state,
            layer_id=job.layer_id,
            name=name,
            subject=job.subject,
            done=job.done,
            total=job.total,
            place=place,
            noted=job.noted,
            left_s=self._current.find_left_s(job.id),
            created=job.created,
        )

    def _read_names(
        self, connection: Connection, jobs: tuple[ActiveJob, ...]
    ) -> dict[tuple[str, int], str]:
        """The scenes' names by project and revision: each revision is read once, not at every
        step of a run.
        """
        wanted = {(job.project, job.revision) for job in jobs}
        known = {key: name for key, name in self._names.items() if key in wanted}
        for project, revision in wanted - known.keys():
            known[project, revision] = connection.execute(
                "SELECT CASE WHEN json_valid(scene) THEN json_extract(scene, '$.name') ELSE '' END"
                " FROM projects WHERE id = ?",
                (project,),
            ).fetchone()[0]
        self._names = known
        return known


def _first_place(jobs: tuple[ActiveJob, ...]) -> int:
    """0 for the job that runs; those that wait are counted from 1."""
    return 0 if jobs and jobs[0].state == JobState.RUNNING else 1
