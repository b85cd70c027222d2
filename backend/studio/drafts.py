"""Pictures of a first stage: rows of ``drafts``, written once, from which candidates can be made again and again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection, Row

from backend.plan.plan import Plan
from backend.scene.scene import canonical_json
from backend.studio.candidates import Stored, ranked
from backend.studio.clock import new_id, now
from backend.studio.records import Draft


def insert_draft(connection: Connection, job: str, plan: Plan, stored: Stored) -> Draft:
    """The record of a stored draft, written once."""
    draft = Draft(
        id=new_id(),
        job=job,
        index=stored.index,
        seed=plan.seeds[stored.index],
        digest=stored.digest,
        width_px=stored.width_px,
        height_px=stored.height_px,
        plan=plan.digest(),
        created=now(),
        scores=stored.scores,
    )
    row = draft.model_dump(exclude={"rank"})
    row |= {"position": row.pop("index"), "scores": canonical_json(row["scores"])}
    connection.execute(f"INSERT INTO drafts ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})", row)
    return draft


def drafts_of_job(connection: Connection, job: str) -> tuple[Draft, ...]:
    """In the order of the plan's seeds, ranked."""
    return _drafts(connection.execute("SELECT * FROM drafts WHERE job = ? ORDER BY position", (job,)).fetchall())


def drafts_of_project(connection: Connection, project: str) -> tuple[Draft, ...]:
    """In the order in which they were made, each ranked within its job."""
    rows = connection.execute(
        "SELECT drafts.* FROM drafts JOIN jobs ON jobs.id = drafts.job WHERE jobs.project = ? ORDER BY drafts.number",
        (project,),
    )
    return _drafts(rows.fetchall())


def sources_of(connection: Connection, job: str, plan: Plan, places: Sequence[int]) -> tuple[str, ...]:
    """The digests of the drafts that pictures of a job were made from, by the drafts' places in its plan.

    That is the plan's own draft for a job that only refined one; empty without any.
    """
    if plan.draft is not None:
        return (plan.draft,) * len(places)
    made = {draft.index: draft.digest for draft in drafts_of_job(connection, job)}
    return tuple(made.get(place, "") for place in places)


def _drafts(rows: Sequence[Row]) -> tuple[Draft, ...]:
    return ranked([_draft(row) for row in rows])


def _draft(row: Row) -> Draft:
    fields = {name: row[name] for name in row.keys() if name not in ("number", "position")}  # noqa: SIM118
    fields["scores"] = json.loads(fields["scores"])
    return Draft(index=row["position"], **fields)
