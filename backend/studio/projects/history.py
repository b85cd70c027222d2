"""What was made from what: a tree of candidates that only grows, and the plan of each entry."""

from __future__ import annotations

from sqlite3 import Connection

from backend.errors import RequestError, StoreError
from backend.plan.plan import Plan
from backend.plan.request import Compose, RunSettings
from backend.studio.jobs.jobs import insert_job, plan_of_job
from backend.studio.projects.candidates import is_mix, read_candidate
from backend.studio.storage.records import Candidate


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


def insert_retouch(connection: Connection, project: str, candidate: str) -> tuple[str, Plan]:
    """A queued job that retouches one layout: its own recipe and seed, so nothing is drawn twice;
    (job, plan).

    A RequestError for a candidate that is no layout, or of another project.
    """
    layout = read_candidate(connection, candidate)
    owner = connection.execute("SELECT project FROM jobs WHERE id = ?", (layout.job,)).fetchone()[
        "project"
    ]
    if not layout.layout or owner != project:
        raise RequestError(
            "This picture cannot be retouched.",
            limit="Layouts of a subject can, as Layout-and-Retouch makes them.",
            remedy="Choose Layout-and-Retouch with layouts first, and generate.",
        )
    plan = plan_of(connection, candidate)
    options = {**plan.options, "stage": "retouch"}
    plan = plan.model_copy(update={"seeds": (layout.seed,), "batch": 1, "options": options})
    settings = RunSettings(
        model=plan.model,
        method=plan.method,
        sampler=plan.sampler,
        steps=plan.steps,
        guidance_scale=plan.guidance_scale,
        seed=layout.seed,
        count=1,
        options=options,
    )
    return insert_job(
        connection, project, Compose(settings=settings, subject=plan.subject), plan
    ), plan
