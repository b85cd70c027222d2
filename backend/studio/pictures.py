"""What candidates and drafts have in common: a stored picture of a job becomes a row, written once,
and a record.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any, TypeVar

from backend.metrics.layer_score import Scores, ranks
from backend.plan.plan import Plan
from backend.scene.scene import canonical_json
from backend.studio.clock import new_id, now
from backend.studio.records import MadePicture

Made = TypeVar("Made", bound=MadePicture)


@dataclass(frozen=True)
class Stored:
    """A picture whose pixels are in the store; ``index`` counts the plan's seeds, ``draft`` is its
    draft's digest.
    """

    index: int
    digest: str
    width_px: int
    height_px: int
    changed_outside: int | None
    scores: Scores = ()
    draft: str = ""


def made_now(job: str, plan: Plan, stored: Stored) -> MadePicture:
    """What is known of every picture that a job made, under an id of its own."""
    return MadePicture(
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


def insert_picture(
    connection: Connection, table: str, made: MadePicture, *, beside: Sequence[str] = ()
) -> None:
    """Write the record's row. ``beside`` names fields that another table keeps; the rank is not
    kept at all.
    """
    row = made.model_dump(exclude={"rank", *beside})
    row |= {"position": row.pop("index"), "scores": canonical_json(row["scores"])}
    connection.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})",
        row,
    )


def fields_of(row: Row) -> dict[str, Any]:
    """The record's fields in a row of either table, without a rank."""
    fields = {name: row[name] for name in row.keys() if name != "number"}  # noqa: SIM118
    return fields | {"index": fields.pop("position"), "scores": json.loads(fields["scores"])}


def ranked(pictures: Sequence[Made]) -> tuple[Made, ...]:
    """The same pictures, each with its place among those of its job."""
    by_job: dict[str, list[Made]] = {}
    for picture in pictures:
        by_job.setdefault(picture.job, []).append(picture)
    places = {
        picture.id: rank
        for siblings in by_job.values()
        for picture, rank in zip(siblings, ranks([one.scores for one in siblings]), strict=True)
    }
    return tuple(picture.model_copy(update={"rank": places[picture.id]}) for picture in pictures)
