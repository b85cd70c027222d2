"""Plans on their way: rows of ``jobs`` and their numbered ``events``. Every change of state
writes its event.
"""

from __future__ import annotations

import json
import logging
from sqlite3 import Connection, Row
from typing import Any, NamedTuple

from pydantic import TypeAdapter

from backend.errors import RequestError, StoreError
from backend.plan.events import TERMINAL, JobEnd, JobFailed, JobQueued, JobState, Progress
from backend.plan.plan import OneLayer, Plan
from backend.plan.request import AnyRequest, RequestKind
from backend.plan.upgrade import read_plan
from backend.scene.scene import canonical_json
from backend.studio.storage.database import new_id, now
from backend.studio.storage.migration import parse_record
from backend.studio.storage.records import JobRecord, StoredEvent

log = logging.getLogger(__name__)

_ANY: Any = StoredEvent  # a special form: type checkers know no type of it
_EVENTS: TypeAdapter[StoredEvent] = TypeAdapter(_ANY)

MAX_WAITING = 32
"""Queued jobs: more than an afternoon's work of one person would only be a stuck key."""


class ActiveJob(NamedTuple):
    """A job that waits or runs. ``revision`` is that of its project now; ``subject`` and its name
    are empty but for a training; ``noted`` is the number of its newest event that is no progress.
    """

    id: str
    project: str
    revision: int
    kind: RequestKind
    state: JobState
    layer_id: str
    subject: str
    subject_name: str
    done: int
    total: int
    noted: int
    created: str


_ACTIVE = """
SELECT jobs.id, jobs.project, projects.revision,
    CASE WHEN json_valid(jobs.request) THEN json_extract(jobs.request, '$.kind') END AS kind,
    jobs.state, jobs.layer_id, COALESCE(training_jobs.subject, '') AS subject,
    COALESCE(subjects.name, '') AS subject_name, jobs.done, jobs.total,
    (SELECT n FROM events WHERE job = jobs.id AND kind <> 'progress' ORDER BY n DESC LIMIT 1)
        AS noted,
    jobs.created
FROM jobs JOIN projects ON projects.id = jobs.project
LEFT JOIN training_jobs ON training_jobs.job = jobs.id
LEFT JOIN subjects ON subjects.id = training_jobs.subject
WHERE jobs.state IN ('queued', 'running') ORDER BY jobs.state = 'queued', jobs.turn
"""


def list_active(connection: Connection) -> tuple[ActiveJob, ...]:
    """The jobs that wait or run, in the order in which they get their turn."""
    return tuple(
        ActiveJob(*row)._replace(
            kind=_read_kind(row["kind"]),
            state=JobState(row["state"]),
            subject_name=row["subject_name"] or ("a subject" if row["subject"] else ""),
        )
        for row in connection.execute(_ACTIVE)
    )


MAX_ATTEMPTS = 2
"""So often may Lamina end while a job runs and comes no further, before the job itself is taken for
the reason.
"""

SET_ASIDE = JobFailed(
    what="This run was set aside.",
    limit=f"Lamina ended {MAX_ATTEMPTS} times while it was computed, each time no further on.",
    remedy="Ask for fewer pictures at a time or a smaller canvas, then generate again.",
)


def insert_job(connection: Connection, project: str, request: AnyRequest, plan: Plan) -> str:
    """A queued job with its first event; returns its id. A RequestError when too many wait
    already.
    """
    check_room(connection)
    layer_id, source = (
        (plan.target.layer_id, plan.target.source)
        if isinstance(plan.target, OneLayer)
        else ("", "")
    )
    job = queue_job(connection, project, _text(request), _text(plan))
    connection.execute(
        "UPDATE jobs SET layer_id = ?, source = ?, total = ? WHERE id = ?",
        (layer_id, source, plan.steps, job),
    )
    return job


def check_room(connection: Connection) -> None:
    """A RequestError when too many jobs wait already."""
    if (waiting := _waiting(connection)) >= MAX_WAITING:
        raise RequestError(
            f"{waiting} jobs are waiting already.",
            limit=f"At most {MAX_WAITING} may wait.",
            remedy="Cancel some, or try again when the first ones have ended.",
        )


def queue_job(connection: Connection, project: str, request: str, plan: str) -> str:
    """A queued job of a request and a recipe, both as JSON, with its first event; returns its
    id.
    """
    job = new_id()
    connection.execute(
        "INSERT INTO jobs (id, project, state, layer_id, source, done, total, request, plan, "
        "attempts, created)"
        " VALUES (?, ?, 'queued', '', '', 0, 0, ?, ?, 0, ?)",
        (job, project, request, plan, now()),
    )
    connection.execute("UPDATE jobs SET turn = number WHERE id = ?", (job,))
    append_event(connection, job, JobQueued())
    return job


def claim_next(connection: Connection) -> str:
    """The queued job whose turn it is, now running and with one more attempt; an empty text when
    none waits or the queue is paused.
    """
    row = connection.execute(
        "SELECT id FROM jobs WHERE state = 'queued' ORDER BY turn LIMIT 1"
    ).fetchone()
    if row is None or is_paused(connection):
        return ""
    connection.execute(
        "UPDATE jobs SET state = 'running', attempts = attempts + 1 WHERE id = ?", (row["id"],)
    )
    return str(row["id"])


def append_event(connection: Connection, job: str, event: StoredEvent) -> int:
    """Write the next event of a job; returns its number, counted from 1 without gaps."""
    last = connection.execute(
        "SELECT COALESCE(MAX(n), 0) AS n FROM events WHERE job = ?", (job,)
    ).fetchone()["n"]
    body = event.model_dump(mode="json", exclude={"n", "kind", "preview"}, exclude_defaults=True)
    connection.execute(
        "INSERT INTO events (job, n, kind, body) VALUES (?, ?, ?, ?)",
        (job, last + 1, event.kind, canonical_json(body)),
    )
    return int(last) + 1


def set_progress(connection: Connection, job: str, event: Progress) -> int:
    """Keep how far a job is and write the event; returns its number."""
    connection.execute(
        "UPDATE jobs SET done = ?, total = ? WHERE id = ?", (event.done, event.total, job)
    )
    return append_event(connection, job, event)


def end_job(connection: Connection, job: str, end: JobEnd) -> JobState:
    """Give a job its last event and the state of its kind, unless it has ended; returns the state
    that it has.
    """
    present = state_of(connection, job)
    if present in TERMINAL:
        return present
    connection.execute("UPDATE jobs SET state = ? WHERE id = ?", (end.kind, job))
    append_event(connection, job, end)
    return JobState(end.kind)


def requeue_job(connection: Connection, job: str, *, is_counted: bool = True) -> None:
    """A running job waits again, before all others; it goes on where it stood. Where it is not
    ``is_counted`` it was stopped on purpose, and its attempt is none.
    """
    connection.execute(
        "UPDATE jobs SET state = 'queued', attempts = attempts - ?, turn = (SELECT MIN(turn) - 1"
        " FROM jobs WHERE state = 'queued' OR id = ?) WHERE id = ?",
        (int(not is_counted), job, job),
    )
    append_event(connection, job, JobQueued())


def move_job(connection: Connection, job: str, place: int) -> None:
    """Give a waiting job another place among those that wait, counted from 1; beyond the last one
    it is the last. A RequestError for one that does not wait.
    """
    rows = connection.execute(
        "SELECT id, turn FROM jobs WHERE state = 'queued' ORDER BY turn"
    ).fetchall()
    ids = [row["id"] for row in rows]
    if job not in ids:
        raise RequestError(
            f"That run does not wait: it is {state_of(connection, job)}.",
            limit="Only what waits can be moved.",
            remedy="Stop it, or move those that wait.",
        )
    ids.remove(job)
    ids.insert(place - 1, job)
    turns = [row["turn"] for row in rows]
    connection.executemany("UPDATE jobs SET turn = ? WHERE id = ?", zip(turns, ids, strict=True))


def is_paused(connection: Connection) -> bool:
    """Whether somebody paused the queue."""
    return connection.execute("SELECT 1 FROM pauses").fetchone() is not None


def set_pause(connection: Connection, *, paused: bool) -> None:
    """Pause the queue, or let it go on; it is remembered over restarts."""
    connection.execute("DELETE FROM pauses")
    if paused:
        connection.execute("INSERT INTO pauses VALUES (?)", (now(),))


def revive_running(connection: Connection) -> None:
    """At start: jobs that an earlier process left running wait again. One with which Lamina ended
    MAX_ATTEMPTS times without coming further than the time before is set aside: it has failed.
    """
    rows = connection.execute("SELECT id, attempts FROM jobs WHERE state = 'running'").fetchall()
    for row in rows:
        if row["attempts"] < MAX_ATTEMPTS:
            requeue_job(connection, row["id"])
        elif _came_further(connection, row["id"]):
            requeue_job(connection, row["id"])
            connection.execute("UPDATE jobs SET attempts = 1 WHERE id = ?", (row["id"],))
        else:
            end_job(connection, row["id"], SET_ASIDE)


_FURTHEST = """
SELECT COALESCE(MAX(CASE WHEN n > start THEN done END), 0) > COALESCE(MAX(CASE WHEN n < start
    THEN done END), 0)
FROM (SELECT n, CASE WHEN json_valid(body) THEN json_extract(body, '$.done') END AS done
    FROM events WHERE job = :job AND kind = 'progress'),
    (SELECT MAX(n) AS start FROM events WHERE job = :job AND kind = 'started')
"""


def _came_further(connection: Connection, job: str) -> bool:
    """Whether a job got to a later step since its newest start than ever before: then the machine
    is ended, and not the job at fault.
    """
    return bool(connection.execute(_FURTHEST, {"job": job}).fetchone()[0])


def list_active_ids(connection: Connection) -> frozenset[str]:
    """The ids of the jobs that wait or run."""
    rows = connection.execute("SELECT id FROM jobs WHERE state IN ('queued', 'running')")
    return frozenset(row["id"] for row in rows)


def was_started(connection: Connection, job: str) -> bool:
    """Whether an earlier process, or the time before a pause, has worked at a job."""
    count = connection.execute(
        "SELECT COUNT(*) FROM events WHERE job = ? AND kind = 'started'", (job,)
    ).fetchone()[0]
    return int(count) > 0


def state_of(connection: Connection, job: str) -> JobState:
    """The state of a job, or a StoreError when there is no such job."""
    return JobState(_row(connection, job)["state"])


def plan_of_job(connection: Connection, job: str) -> Plan:
    """The recipe as it was decided when the job was submitted."""
    return read_plan(_row(connection, job)["plan"])


def tries_of_job(connection: Connection, job: str) -> int:
    """How many times a job may run with new seeds until a candidate passes; 1 for jobs that run
    once.
    """
    return int(parse_record(_row(connection, job)["request"]).get("tries", 1))


def _waiting(connection: Connection) -> int:
    return int(connection.execute("SELECT COUNT(*) FROM jobs WHERE state = 'queued'").fetchone()[0])


def events_after(connection: Connection, job: str, after: int) -> tuple[StoredEvent, ...]:
    """The events with a number above ``after``; a damaged one is left out."""
    rows = connection.execute(
        "SELECT n, kind, body FROM events WHERE job = ? AND n > ? ORDER BY n", (job, after)
    )
    return tuple(event for row in rows if (event := _read_event(row)) is not None)


def list_jobs(connection: Connection, project: str) -> tuple[JobRecord, ...]:
    """All jobs of a project, oldest first."""
    rows = connection.execute("SELECT * FROM jobs WHERE project = ? ORDER BY number", (project,))
    return tuple(_job(row) for row in rows)


def present_job(connection: Connection, project: str) -> JobRecord | None:
    """The job that a page should show when it opens: one on its way, else the newest if it was
    interrupted.
    """
    row = connection.execute(
        "SELECT * FROM jobs WHERE project = ? AND id NOT IN (SELECT job FROM training_jobs)"
        " ORDER BY state = 'running' DESC, state = 'queued' DESC,"
        " CASE state WHEN 'queued' THEN -turn ELSE number END DESC LIMIT 1",
        (project,),
    ).fetchone()
    shown = (JobState.QUEUED, JobState.RUNNING, JobState.INTERRUPTED)
    return _job(row) if row is not None and row["state"] in shown else None


def _row(connection: Connection, job: str) -> Row:
    row: Row | None = connection.execute("SELECT * FROM jobs WHERE id = ?", (job,)).fetchone()
    if row is None:
        raise StoreError(
            f"There is no job {job[:40]!r}.", remedy="Reload the page to see the jobs there are."
        )
    return row


def _job(row: Row) -> JobRecord:
    names = ("id", "project", "state", "layer_id", "done", "total", "created")
    asked = parse_record(row["request"])
    ids = asked.get("layer_ids", ())
    return JobRecord(
        kind=_read_kind(asked.get("kind")),
        layer_ids=tuple(map(str, ids)) if isinstance(ids, list) else (),
        **{name: row[name] for name in names},
    )


def _read_event(row: Row) -> StoredEvent | None:
    try:
        record = {"n": row["n"], "kind": row["kind"], **json.loads(row["body"])}
        return _EVENTS.validate_python(record)
    except (ValueError, TypeError, RecursionError):
        log.warning("event %d of a job cannot be read", row["n"], exc_info=True)
        return None


def _read_kind(kind: object) -> RequestKind:
    """The kind of a request; of a damaged one the usual kind, as the work itself says the rest."""
    known = {str(one): one for one in RequestKind}
    return known.get(str(kind), RequestKind.COMPOSE)


def _text(record: AnyRequest | Plan) -> str:
    return canonical_json(record.model_dump(mode="json"))
