"""Pictures that came out: rows of ``candidates``, written once. Their ranks follow from the scores
and are not kept.
"""

from __future__ import annotations

from dataclasses import dataclass
from sqlite3 import Connection, Row

from backend.errors import StoreError
from backend.plan.plan import OneLayer, Plan
from backend.studio.clock import new_id, now
from backend.studio.pictures import Stored, fields_of, insert_picture, made_now, ranked
from backend.studio.records import Candidate

_LISTED = (
    "SELECT candidates.*, retouches.mask AS found FROM candidates"
    " LEFT JOIN retouches ON retouches.candidate = candidates.id"
)


def insert_candidate(connection: Connection, job: str, plan: Plan, stored: Stored) -> Candidate:
    """The record of a stored picture, written once."""
    target = plan.target
    candidate = Candidate(
        **dict(made_now(job, plan, stored)),
        layer_id=target.layer_id if isinstance(target, OneLayer) else "",
        source=target.source if isinstance(target, OneLayer) else "",
        changed_outside=stored.changed_outside,
        batch=plan.batch,
        draft=stored.draft,
    )
    _insert(connection, candidate)
    return candidate


@dataclass(frozen=True)
class Painted:
    """A stored picture that a person painted together: what of the candidate ``other`` (its id) the
    mask took over.
    """

    other: str
    mask: str
    digest: str
    changed_outside: int


def insert_mix(connection: Connection, base: Candidate, painted: Painted) -> Candidate:
    """The record of a picture that was painted over ``base``; it follows the last one of the base's
    run.

    The run may still be going on, so it stands behind every place that the plan's seeds will take.
    """
    places = connection.execute(
        "SELECT MAX(MAX(position) + 1, json_array_length(jobs.plan, '$.seeds')) AS next"
        " FROM candidates JOIN jobs ON jobs.id = candidates.job WHERE candidates.job = ?",
        (base.job,),
    ).fetchone()
    candidate = base.model_copy(
        update={
            "id": new_id(),
            "index": int(places["next"]),
            "digest": painted.digest,
            "layer_id": "",
            "source": base.digest,
            "changed_outside": painted.changed_outside,
            "created": now(),
            "scores": (),
            "rank": 0,
            "layout": False,
            "mask": "",
        }
    )
    _insert(connection, candidate)
    connection.execute(
        "INSERT INTO mixes VALUES (?, ?, ?)", (candidate.id, painted.other, painted.mask)
    )
    return candidate


def is_mix(connection: Connection, candidate: str) -> bool:
    """Whether a candidate was painted together from two others."""
    return (
        connection.execute("SELECT 1 FROM mixes WHERE candidate = ?", (candidate,)).fetchone()
        is not None
    )


def _insert(connection: Connection, candidate: Candidate) -> None:
    insert_picture(connection, "candidates", candidate, beside=("layout", "mask"))


def candidates_of_job(connection: Connection, job: str) -> tuple[Candidate, ...]:
    """In the order of the plan's seeds, ranked."""
    rows = connection.execute(
        f"{_LISTED} WHERE candidates.job = ? ORDER BY candidates.position", (job,)
    )
    return ranked([_candidate(row) for row in rows])


def candidates_of_project(connection: Connection, project: str) -> tuple[Candidate, ...]:
    """In the order in which they were made, each ranked within its job."""
    rows = connection.execute(
        (
            f"{_LISTED} JOIN jobs ON jobs.id = candidates.job WHERE jobs.project = ? ORDER BY "
            "candidates.number"
        ),
        (project,),
    )
    return ranked([_candidate(row) for row in rows])


def read_candidate(connection: Connection, candidate: str) -> Candidate:
    """The candidate of that id, or a StoreError."""
    row = connection.execute(f"{_LISTED} WHERE candidates.id = ?", (candidate,)).fetchone()
    if row is None:
        raise StoreError(
            f"There is no candidate {candidate[:40]!r}.", remedy="Choose one of the pictures shown."
        )
    return _candidate(row)


def _candidate(row: Row) -> Candidate:
    fields = fields_of(row)
    found = fields.pop("found")
    return Candidate(**fields, layout=found == "", mask=found or "")
