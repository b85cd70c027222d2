"""A disk that fails or is full: nothing is damaged, the refusal has words, and it goes on when
there is room.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import StoreError
from backend.scene.formats.picture_file import encode_png
from backend.studio.studio import Studio
from tests.studio.faulty_disk import FaultyDisk, FullDisk
from tests.studio.workshop import (
    compose,
    open_studio,
    save_scene,
    scene_with,
    square_picture,
    wait_for_end,
)


def make_with(studio: Studio, disk: FaultyDisk, project: str, revision: int, seed: int) -> str:
    """Run a job on a disk whose next operations count from 0; its end."""
    disk.count = 0
    job_events = wait_for_end(studio, studio.generate(project, revision, compose(seed=seed)).job)
    for candidate in job_events.candidates:
        studio.picture_png(candidate.digest)
    if job_events.state == "failed":
        assert "could not be stored" in job_events.events[-1].what
        assert job_events.candidates == ()
    return job_events.state


def test_whichever_operation_fails_once_the_pictures_are_tried_again_and_kept(
    tmp_path: Path,
) -> None:
    """Folders and files are new for each seed, so every run does the same operations."""
    disk = FaultyDisk(0)
    with open_studio(tmp_path, disk=disk) as studio:
        project, revision = save_scene(studio)
        ends = []
        for number in range(1, 100):
            disk.fails_at = number
            ends.append(make_with(studio, disk, project, revision, seed=number * 10))
            if disk.count < number:
                break
    assert set(ends) == {"finished"}
    assert len(ends) > 8


def test_a_full_database_refuses_a_save_and_keeps_the_old_one(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        writer = studio._store.database._writer
        scene = studio.open_project(project).scene.model_dump(mode="json") | {
            "prompt": "p" * 4000,
            "negative": "n" * 4000,
        }
        writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        pages = writer.execute("PRAGMA page_count").fetchone()[0]
        writer.execute(f"PRAGMA max_page_count = {pages}")
        with pytest.raises(StoreError, match="full") as refusal:
            studio.save(project, revision, scene, {})
        assert "free space" in refusal.value.remedy
        assert studio.open_project(project).scene.name == "Toys"
        writer.execute("PRAGMA max_page_count = 100000")
        assert studio.save(project, revision, scene, {}).revision == revision + 1


def test_a_nearly_full_disk_still_saves_the_scene(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        digest = str(studio.open_project(project).scene.layers[0].picture)
    with open_studio(tmp_path, disk=FullDisk(10 * 2**20)) as studio:
        with pytest.raises(StoreError, match="10 MB free"):
            studio.take_picture(encode_png(square_picture((1, 2, 3))), "new.png")
        assert (
            studio.save(project, revision, scene_with(digest, "Renamed"), {}).revision
            == revision + 1
        )
