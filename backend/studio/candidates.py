"""Pictures that came out: rows of ``candidates``, written once. Their ranks follow from the scores and are not kept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row

from backend.errors import StoreError
from backend.metrics.layer_score import Scores, ranks
from backend.plan.plan import OneLayer, Plan
from backend.scene.scene import canonical_json
from backend.studio.clock import new_id, now
from backend.studio.records import Candidate


@dataclass(frozen=True)
class Stored:
    """A finished picture whose pixels are in the store; ``index`` counts the plan's seeds."""

    index: int
    digest: str
    width_px: int
    height_px: int
    changed_outside: int | None
    scores: Scores = ()


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
    )
    row = candidate.model_dump(exclude={"rank"})
    row |= {"position": row.pop("index"), "scores": canonical_json(row["scores"])}
    connection.execute(
        f"INSERT INTO candidates ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})", row
    )
    return candidate


def candidates_of_job(connection: Connection, job: str) -> tuple[Candidate, ...]:
    """In the order of the plan's seeds, ranked."""
    rows = connection.execute("SELECT * FROM candidates WHERE job = ? ORDER BY position", (job,))
    return _ranked([_candidate(row) for row in rows])


def candidates_of_project(connection: Connection, project: str) -> tuple[Candidate, ...]:
    """In the order in which they were made, each ranked within its job."""
    rows = connection.execute(
        "SELECT candidates.* FROM candidates JOIN jobs ON jobs.id = candidates.job"
        " WHERE jobs.project = ? ORDER BY candidates.number",
        (project,),
    )
    return _ranked([_candidate(row) for row in rows])


def read_candidate(connection: Connection, candidate: str) -> Candidate:
    """The candidate of that id, or a StoreError."""
    row = connection.execute("SELECT * FROM candidates WHERE id = ?", (candidate,)).fetchone()
    if row is None:
        raise StoreError(f"There is no candidate {candidate[:40]!r}.", remedy="Choose one of the pictures shown.")
    return _candidate(row)


def _ranked(candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """The same candidates, each with its place among those of its job."""
    by_job: dict[str, list[Candidate]] = {}
    for candidate in candidates:
        by_job.setdefault(candidate.job, []).append(candidate)
    places = {
        candidate.id: rank
        for siblings in by_job.values()
        for candidate, rank in zip(siblings, ranks([one.scores for one in siblings]), strict=True)
    }
    return tuple(candidate.model_copy(update={"rank": places[candidate.id]}) for candidate in candidates)


def _candidate(row: Row) -> Candidate:
    fields = {name: row[name] for name in row.keys() if name not in ("number", "position")}  # noqa: SIM118
    fields["scores"] = json.loads(fields["scores"])
    return Candidate(index=row["position"], **fields)
