"""Rows of pictures that jobs made, candidates and stage-1 images alike, written once."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any, TypeVar

from pydantic import TypeAdapter

from backend.plan.events import Image, Stage1Image
from backend.plan.layer_score import Scores, ranks
from backend.plan.plan import Plan
from backend.scene.scene import canonical_json
from backend.studio.storage.database import new_id, now
from backend.studio.storage.pixel_files import PixelFiles
from backend.studio.storage.records import ResultPicture, Stage1Record

log = logging.getLogger(__name__)

_SCORES: TypeAdapter[Scores] = TypeAdapter(Scores)
RankedPicture = TypeVar("RankedPicture", bound=ResultPicture)


@dataclass(frozen=True)
class Origin:
    """The job that pictures come from, and its recipe."""

    job: str
    plan: Plan


def store_picture(pixels: PixelFiles, origin: Origin, image: Image | Stage1Image) -> dict[str, Any]:
    """Store the pixels of an image; the fields of every record of a picture, under an id of its
    own.
    """
    height_px, width_px = image.picture.shape[:2]
    return {
        "id": new_id(),
        "job": origin.job,
        "index": image.index,
        "seed": origin.plan.seeds[image.index],
        "digest": pixels.add_picture(image.picture),
        "width_px": width_px,
        "height_px": height_px,
        "plan": origin.plan.digest(),
        "created": now(),
        "scores": image.scores,
    }


def insert_picture(
    connection: Connection, table: str, made: ResultPicture, *, left_out: Sequence[str] = ()
) -> None:
    """Write the record's row. ``left_out`` names fields that another table keeps; the rank is
    not kept at all.
    """
    row = made.model_dump(exclude={"rank", *left_out})
    row |= {"position": row.pop("index"), "scores": canonical_json(row["scores"])}
    connection.execute(
        f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join(':' + name for name in row)})",
        row,
    )


def fields_of(row: Row) -> dict[str, Any]:
    """The record's fields in a row of either table, without a rank. Damaged scores cost the scores
    and not the picture.
    """
    fields = {name: row[name] for name in row.keys() if name != "number"}  # noqa: SIM118
    return fields | {"index": fields.pop("position"), "scores": _read_scores(fields["scores"])}


def _read_scores(text: str) -> Scores:
    try:
        return _SCORES.validate_json(text)
    except ValueError:
        log.warning("the scores of a picture cannot be read")
        return ()


def rank(pictures: Sequence[RankedPicture]) -> tuple[RankedPicture, ...]:
    """The same pictures, each with its place among those of its job."""
    by_job: dict[str, list[RankedPicture]] = {}
    for picture in pictures:
        by_job.setdefault(picture.job, []).append(picture)
    places = {
        picture.id: rank
        for siblings in by_job.values()
        for picture, rank in zip(siblings, ranks([one.scores for one in siblings]), strict=True)
    }
    return tuple(picture.model_copy(update={"rank": places[picture.id]}) for picture in pictures)


def store_stage1(pixels: PixelFiles, origin: Origin, image: Stage1Image) -> Stage1Record:
    """The record of a stage-1 image, whose pixels are then in the store."""
    return Stage1Record(**store_picture(pixels, origin, image))


def insert_stage1(connection: Connection, image: Stage1Record) -> None:
    """Write the row of a stage-1 image, once."""
    insert_picture(connection, "stage1_images", image)


def stage1_of_job(connection: Connection, job: str) -> tuple[Stage1Record, ...]:
    """In the order of the plan's seeds, ranked."""
    return _rank_rows(
        connection.execute(
            "SELECT * FROM stage1_images WHERE job = ? ORDER BY position", (job,)
        ).fetchall()
    )


def stage1_of_project(connection: Connection, project: str) -> tuple[Stage1Record, ...]:
    """In the order in which they were made, each ranked within its job."""
    rows = connection.execute(
        (
            "SELECT stage1_images.* FROM stage1_images JOIN jobs ON jobs.id = stage1_images.job "
            "WHERE jobs.project = "
            "? ORDER BY stage1_images.number"
        ),
        (project,),
    )
    return _rank_rows(rows.fetchall())


def stage1_digests(connection: Connection, job: str) -> dict[int, str]:
    """The digests of a job's stage-1 images by their index among the plan's seeds."""
    return {image.index: image.digest for image in stage1_of_job(connection, job)}


def _rank_rows(rows: Sequence[Row]) -> tuple[Stage1Record, ...]:
    return rank([Stage1Record(**fields_of(row)) for row in rows])
