"""The library of subjects: rows of the table ``subjects``, and the jobs that train them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from enum import StrEnum
from sqlite3 import Connection, Row

from backend.errors import StoreError
from backend.plan.events import JobFailed, JobFinished, JobNote, JobState
from backend.plan.request import CLASS_STEPS, TrainingJob, TrainingMethod
from backend.plan.upgrade import read_training
from backend.scene.records import BlobDigest, PictureDigest, Record
from backend.scene.scene import canonical_json
from backend.studio.jobs.jobs import check_room, events_after, queue_job
from backend.studio.storage.database import new_id, now
from backend.studio.storage.records import StoredEvent


class SubjectState(StrEnum):
    """Where a subject stands."""

    NEW = "new"
    WAITING = "waiting"
    TRAINING = "training"
    STOPPED = "stopped"
    FAILED = "failed"
    READY = "ready"


_STATES: dict[JobState, SubjectState] = {
    JobState.QUEUED: SubjectState.WAITING,
    JobState.RUNNING: SubjectState.TRAINING,
    JobState.CANCELLED: SubjectState.STOPPED,
    JobState.INTERRUPTED: SubjectState.STOPPED,
    JobState.FAILED: SubjectState.FAILED,
    JobState.FINISHED: SubjectState.READY,
}


class LibrarySubject(Record):
    """A thing that models can learn from pictures; it belongs to no project and is used in any.

    ``references`` name its pictures, the first is the one that a retouch takes its looks from.
    ``model`` is the id of the model that ``file`` belongs to; both are empty until it was trained.
    ``done`` of ``total`` steps are those of its last training, ``job`` its id; ``has_checkpoint``
    tells whether that training can go on where it stopped, ``error`` why it failed or what
    went wrong on its way. The first ``class_steps`` of ``total`` draw pictures of the class; the
    others are those that were asked for.
    """

    id: str
    name: str
    class_word: str
    method: TrainingMethod
    references: tuple[PictureDigest, ...]
    model: str
    file: BlobDigest
    state: SubjectState
    job: str
    done: int
    total: int
    class_steps: int
    has_checkpoint: bool
    error: str
    created: str


_LISTED = (
    "SELECT subjects.*, jobs.id AS job, jobs.state AS job_state, jobs.done, jobs.total FROM "
    "subjects"
    " LEFT JOIN jobs ON jobs.number = (SELECT MAX(own.number) FROM jobs AS own JOIN training_jobs "
    "ON training_jobs.job = own.id"
    " WHERE training_jobs.subject = subjects.id)"
)


def insert_subject(
    connection: Connection,
    name: str,
    class_word: str,
    method: TrainingMethod,
    references: tuple[str, ...],
) -> str:
    """A new subject without anything learned; returns its id."""
    subject = new_id()
    connection.execute(
        (
            "INSERT INTO subjects (id, name, class_word, method, reference_pictures, created) "
            "VALUES (?, ?, ?, ?, ?, ?)"
        ),
        (subject, name, class_word, method, canonical_json(references), now()),
    )
    return subject


def list_subjects(connection: Connection) -> tuple[LibrarySubject, ...]:
    """All subjects, the newest first."""
    rows = connection.execute(f"{_LISTED} ORDER BY subjects.number DESC").fetchall()
    return tuple(_subject(connection, row) for row in rows)


def read_subject(connection: Connection, subject: str) -> LibrarySubject:
    """The subject of that id, or a StoreError."""
    row = connection.execute(f"{_LISTED} WHERE subjects.id = ?", (subject,)).fetchone()
    if row is None:
        raise StoreError(
            f"There is no subject {subject[:40]!r} in the library.",
            remedy="Choose another subject, or make this one again.",
        )
    return _subject(connection, row)


def subject_of_file(connection: Connection, file: str) -> LibrarySubject:
    """The subject whose file has that digest, or a StoreError."""
    row = connection.execute(
        "SELECT id FROM subjects WHERE file = ? AND file <> ''", (file,)
    ).fetchone()
    return read_subject(connection, file if row is None else row["id"])


def rename_subject(connection: Connection, subject: str, name: str) -> None:
    """Give it another name."""
    connection.execute("UPDATE subjects SET name = ? WHERE id = ?", (name, subject))


def delete_subject(connection: Connection, subject: str) -> None:
    """Take it out of the library; its jobs stay in the list of jobs."""
    connection.execute("DELETE FROM subjects WHERE id = ?", (subject,))


def insert_training(
    connection: Connection, project: str, subject: str, training: TrainingJob
) -> str:
    """A queued job that trains a subject, asked for from a project; returns its id."""
    check_room(connection)
    job = queue_job(
        connection, project, '{"kind":"subject"}', canonical_json(training.model_dump(mode="json"))
    )
    connection.execute("INSERT INTO training_jobs (job, subject) VALUES (?, ?)", (job, subject))
    return job


def training_of_job(connection: Connection, job: str) -> TrainingJob | None:
    """What a job trains; None for one that makes pictures."""
    row = connection.execute(
        "SELECT jobs.plan FROM jobs JOIN training_jobs ON training_jobs.job = jobs.id WHERE "
        "jobs.id = ?",
        (job,),
    ).fetchone()
    return None if row is None else read_training(row["plan"])


def resume_training(connection: Connection, job: str, training: TrainingJob) -> TrainingJob:
    """The training from where it stood when it was interrupted."""
    row = connection.execute(
        "SELECT checkpoint FROM subjects JOIN training_jobs ON training_jobs.subject = subjects.id"
        " WHERE training_jobs.job = ?",
        (job,),
    ).fetchone()
    if row is None or not row["checkpoint"]:
        return training
    return training.model_copy(update={"checkpoint": BlobDigest(row["checkpoint"])})


def set_adapter(connection: Connection, job: str, file: str, model: str) -> None:
    """What the subject of a job knows now; nothing is half learned any more."""
    connection.execute(
        (
            "UPDATE subjects SET file = ?, model = ?, checkpoint = '' WHERE id = (SELECT "
            "subject FROM "
            "training_jobs WHERE job = ?)"
        ),
        (file, model, job),
    )


def set_checkpoint(connection: Connection, job: str, file: str) -> None:
    """Where the training of a job can go on."""
    connection.execute(
        "UPDATE subjects SET checkpoint = ? WHERE id = (SELECT subject FROM training_jobs WHERE "
        "job = ?)",
        (file, job),
    )


def checkpoint_of(connection: Connection, subject: str) -> BlobDigest:
    """The digest of what is half learned, or an empty text."""
    return BlobDigest(
        connection.execute("SELECT checkpoint FROM subjects WHERE id = ?", (subject,)).fetchone()[
            "checkpoint"
        ]
    )


def list_files(connection: Connection) -> frozenset[str]:
    """The digests of all files that a subject needs."""
    rows = connection.execute("SELECT file, checkpoint FROM subjects").fetchall()
    return frozenset(
        digest for row in rows for digest in (row["file"], row["checkpoint"]) if digest
    )


def _trouble(events: Sequence[StoredEvent]) -> str:
    """Why a training failed, or the newest note of one that did not; of a finished one nothing."""
    match events[-1]:
        case JobFailed(what=what, limit=limit, remedy=remedy):
            return " ".join(filter(None, (what, limit, remedy)))
        case JobFinished():
            return ""
    return next((each.text for each in reversed(events) if isinstance(each, JobNote)), "")


def _subject(connection: Connection, row: Row) -> LibrarySubject:
    state: SubjectState = (
        SubjectState.NEW if row["job_state"] is None else _STATES[JobState(row["job_state"])]
    )
    sentence = "" if row["job"] is None else _trouble(events_after(connection, row["job"], 0))
    if row["file"] and state not in (SubjectState.WAITING, SubjectState.TRAINING):
        state = SubjectState.READY
    return LibrarySubject(
        id=row["id"],
        name=row["name"],
        class_word=row["class_word"],
        method=row["method"],
        references=tuple(json.loads(row["reference_pictures"])),
        model=row["model"],
        file=row["file"],
        state=state,
        job=row["job"] if row["job"] is not None else "",
        done=row["done"] if row["done"] is not None else 0,
        total=row["total"] if row["total"] is not None else 0,
        class_steps=CLASS_STEPS[TrainingMethod(row["method"])],
        has_checkpoint=bool(row["checkpoint"]),
        error=sentence,
        created=row["created"],
    )
