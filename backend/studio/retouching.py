"""Layouts that wait to be retouched."""

from __future__ import annotations

from sqlite3 import Connection

from backend.errors import RequestError
from backend.plan.plan import Plan
from backend.plan.request import Compose, RunSettings
from backend.studio.candidates import read_candidate
from backend.studio.history import plan_of
from backend.studio.jobs import insert_job


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
