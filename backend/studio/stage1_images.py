"""Pictures of a first stage: rows of ``stage1_images``, written once, from which candidates can be
made again and again.
"""

from __future__ import annotations

from collections.abc import Sequence
from sqlite3 import Connection, Row

from backend.plan.events import Stage1Image
from backend.studio.pictures import Origin, fields_of, insert_picture, picture_fields, rank
from backend.studio.pixel_files import PixelFiles
from backend.studio.records import Stage1Record


def build_stage1(pixels: PixelFiles, origin: Origin, image: Stage1Image) -> Stage1Record:
    """The record of a stage-1 image, whose pixels are then in the store."""
    return Stage1Record(**picture_fields(pixels, origin, image))


def insert_stage1(connection: Connection, draft: Stage1Record) -> None:
    """Write a draft's row, once."""
    insert_picture(connection, "stage1_images", draft)


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
    return {draft.index: draft.digest for draft in stage1_of_job(connection, job)}


def _rank_rows(rows: Sequence[Row]) -> tuple[Stage1Record, ...]:
    return rank([Stage1Record(**fields_of(row)) for row in rows])
