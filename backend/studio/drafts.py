"""Pictures of a first stage: rows of ``drafts``, written once, from which candidates can be made
again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection, Row

from backend.plan.plan import Plan
from backend.studio.pictures import Stored, fields_of, insert_picture, made_now, ranked
from backend.studio.records import Draft


def insert_draft(connection: Connection, job: str, plan: Plan, stored: Stored) -> Draft:
    """The record of a stored draft, written once."""
    draft = Draft(**dict(made_now(job, plan, stored)))
    insert_picture(connection, "drafts", draft)
    return draft


def drafts_of_job(connection: Connection, job: str) -> tuple[Draft, ...]:
    """In the order of the plan's seeds, ranked."""
    return _drafts(
        connection.execute(
            "SELECT * FROM drafts WHERE job = ? ORDER BY position", (job,)
        ).fetchall()
    )


def drafts_of_project(connection: Connection, project: str) -> tuple[Draft, ...]:
    """In the order in which they were made, each ranked within its job."""
    rows = connection.execute(
        (
            "SELECT drafts.* FROM drafts JOIN jobs ON jobs.id = drafts.job WHERE jobs.project = "
            "? ORDER BY drafts.number"
        ),
        (project,),
    )
    return _drafts(rows.fetchall())


def sources_of(
    connection: Connection, job: str, plan: Plan, places: Sequence[int]
) -> tuple[str, ...]:
    """The digests of the drafts that pictures of a job were made from, by the drafts' places in its
    plan.

    That is the plan's own draft for a job that only refined one; empty without any.
    """
    if plan.draft is not None:
        return (plan.draft,) * len(places)
    made = {draft.index: draft.digest for draft in drafts_of_job(connection, job)}
    return tuple(made.get(place, "") for place in places)


def _drafts(rows: Sequence[Row]) -> tuple[Draft, ...]:
    return ranked([Draft(**fields_of(row)) for row in rows])
