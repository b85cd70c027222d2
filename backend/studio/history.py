"""What was made from what: an append-only tree of candidates. Any entry can rebuild its plan."""

from __future__ import annotations

from sqlite3 import Connection

from backend.errors import StoreError
from backend.plan.plan import Plan
from backend.studio.candidates import is_mix, read_candidate
from backend.studio.jobs import plan_of_job
from backend.studio.records import Candidate


def append_entry(connection: Connection, candidate: Candidate) -> None:
    """Hang a new candidate under the one whose picture it re-rolled, or at the root.

    When several candidates of the project have the same pixels the newest is the parent.
    """
    parent = connection.execute(
        "SELECT older.id FROM candidates AS older JOIN jobs ON jobs.id = older.job"
        " WHERE older.digest = ? AND older.id <> ? AND jobs.project = (SELECT project FROM "
        "jobs WHERE id = ?)"
        " ORDER BY older.number DESC LIMIT 1",
        (candidate.source, candidate.id, candidate.job),
    ).fetchone()
    connection.execute(
        "INSERT INTO history (candidate, parent) VALUES (?, ?)",
        (candidate.id, None if parent is None else parent["id"]),
    )


def lineage(connection: Connection, candidate: str) -> tuple[Candidate, ...]:
    """A candidate and what it was made from, newest first, down to a whole picture."""
    found = [read_candidate(connection, candidate)]
    while parent := _parent(connection, found[-1].id):
        found.append(read_candidate(connection, parent))
    return tuple(found)


def plan_of(connection: Connection, candidate: str) -> Plan:
    """The plan that made a candidate, rebuilt from the store; a StoreError for one that a person
    painted together.
    """
    job = read_candidate(connection, candidate).job
    if is_mix(connection, candidate):
        raise StoreError(
            "This picture was painted together from two others.",
            limit="It has no recipe of its own.",
            remedy="Ask for the recipe of one of the two.",
        )
    return plan_of_job(connection, job)


def _parent(connection: Connection, candidate: str) -> str:
    row = connection.execute(
        "SELECT parent FROM history WHERE candidate = ?", (candidate,)
    ).fetchone()
    return "" if row is None or row["parent"] is None else str(row["parent"])
