"""Pictures that came out: rows of ``candidates``, written once. Their ranks follow from the scores and are not kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import TypeVar

from backend.errors import StoreError
from backend.metrics.layer_score import Scores, ranks
from backend.plan.plan import OneLayer, Plan
from backend.scene.scene import canonical_json
from backend.studio.clock import new_id, now
from backend.studio.records import Candidate, Draft

_LISTED = (
    "SELECT candidates.*, retouches.mask AS found FROM candidates"
    " LEFT JOIN retouches ON retouches.candidate = candidates.id"
)

Made = TypeVar("Made", Candidate, Draft)


@dataclass(frozen=True)
class Stored:
    """A picture whose pixels are in the store; ``index`` counts the plan's seeds, ``draft`` is its draft's digest."""

    index: int
    digest: str
    width_px: int
    height_px: int
    changed_outside: int | None
    scores: Scores = ()
    draft: str = ""


def insert_candidate(connection: Connection, job: str, plan: Plan, stored: Stored) -> Candidate:
    """The record of a stored picture, written once."""
    target = plan.target
    candidate = Candidate(
        id=new_id(),
        job=job,
        index=stored.index,
        seed=plan.seeds[stored.index],
        digest=stored.digest,
        width_px=stored.width_px,
        height_px=stored.height_px,
        layer_id=target.layer_id if isinstance(target, OneLayer) else "",
        source=target.source if isinstance(target, OneLayer) else "",
        changed_outside=stored.changed_outside,
        plan=plan.digest(),
        batch=plan.batch,
        created=now(),
        scores=stored.scores,
        draft=stored.draft,
    )
    _insert(connection, candidate)
    return candidate


@dataclass(frozen=True)
class Painted:
    """A stored picture that a person painted together: what of the candidate ``other`` (its id) the mask took over."""

    other: str
    mask: str
    digest: str
    changed_outside: int


def insert_mix(connection: Connection, base: Candidate, painted: Painted) -> Candidate:
    """The record of a picture that was painted over ``base``; it follows the last one of the base's run.

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
    connection.execute("INSERT INTO mixes VALUES (?, ?, ?)", (candidate.id, painted.other, painted.mask))
    return candidate


def is_mix(connection: Connection, candidate: str) -> bool:
    """Whether a candidate was painted together from two others."""
    return connection.execute("SELECT 1 FROM mixes WHERE candidate = ?", (candidate,)).fetchone() is not None


def _insert(connection: Connection, candidate: Candidate) -> None:
    row = candidate.model_dump(exclude={"rank", "layout", "mask"})
    row |= {"position": row.pop("index"), "scores": canonical_json(row["scores"])}
    connection.execute(
        f"INSERT INTO candidates ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})", row
    )


def candidates_of_job(connection: Connection, job: str) -> tuple[Candidate, ...]:
    """In the order of the plan's seeds, ranked."""
    rows = connection.execute(f"{_LISTED} WHERE candidates.job = ? ORDER BY candidates.position", (job,))
    return ranked([_candidate(row) for row in rows])


def candidates_of_project(connection: Connection, project: str) -> tuple[Candidate, ...]:
    """In the order in which they were made, each ranked within its job."""
    rows = connection.execute(
        f"{_LISTED} JOIN jobs ON jobs.id = candidates.job WHERE jobs.project = ? ORDER BY candidates.number",
        (project,),
    )
    return ranked([_candidate(row) for row in rows])


def read_candidate(connection: Connection, candidate: str) -> Candidate:
    """The candidate of that id, or a StoreError."""
    row = connection.execute(f"{_LISTED} WHERE candidates.id = ?", (candidate,)).fetchone()
    if row is None:
        raise StoreError(f"There is no candidate {candidate[:40]!r}.", remedy="Choose one of the pictures shown.")
    return _candidate(row)


def ranked(candidates: Sequence[Made]) -> tuple[Made, ...]:
    """The same candidates, or drafts, each with its place among those of its job."""
    by_job: dict[str, list[Made]] = {}
    for candidate in candidates:
        by_job.setdefault(candidate.job, []).append(candidate)
    places = {
        candidate.id: rank
        for siblings in by_job.values()
        for candidate, rank in zip(siblings, ranks([one.scores for one in siblings]), strict=True)
    }
    return tuple(candidate.model_copy(update={"rank": places[candidate.id]}) for candidate in candidates)


def _candidate(row: Row) -> Candidate:
    fields = {name: row[name] for name in row.keys() if name not in ("number", "position", "found")}  # noqa: SIM118
    fields["scores"] = json.loads(fields["scores"])
    found = {"layout": row["found"] == "", "mask": row["found"] if row["found"] is not None else ""}
    return Candidate(index=row["position"], **fields, **found)
