"""Layouts that wait to be retouched, and where a subject was found in those that were: rows of
``retouches``.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection

from backend.errors import RequestError
from backend.plan.plan import Plan
from backend.plan.request import Compose, Settings
from backend.studio.candidates import read_candidate
from backend.studio.history import plan_of
from backend.studio.jobs import insert_job
from backend.studio.records import Candidate

METHOD = "layout_retouch"
"""The method that draws subjects: layouts first, or layouts and their retouch at once."""


def append_retouches(
    connection: Connection, plan: Plan, made: Sequence[Candidate], masks: Sequence[str]
) -> None:
    """Remember which candidates are mere layouts, and the masks (digests) of those that were
    retouched.
    """
    if plan.method != METHOD:
        return
    layouts = plan.options.get("stage") == "layouts"
    found = ("",) * len(made) if layouts else masks
    for candidate, mask in zip(made, found, strict=False):
        connection.execute("INSERT INTO retouches VALUES (?, ?)", (candidate.id, mask))


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
    settings = Settings(
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
