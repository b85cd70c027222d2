"""The gallery: what is found in it, how it is paged, and what deletion leaves."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.errors import RequestError, StoreError
from backend.scene.records import PictureDigest
from backend.studio.projects.gallery import PAGE, SIDE_PX
from backend.studio.storage.records import GalleryFilter, GalleryPicture
from backend.studio.studio import Studio
from tests.studio.projects.test_home import change_row, file_of, make_scene
from tests.studio.workshop import EDITOR, compose, open_studio, reroll, scene_with, wait_for_end

DAY = timedelta(days=1)


def generate(studio: Studio, project: str, request: dict[str, Any]) -> list[str]:
    """The ids of the candidates of one run."""
    revision = studio.open_project(project).revision
    job = studio.generate(project, revision, request).job
    return [candidate.id for candidate in wait_for_end(studio, job).candidates]


def list_found(studio: Studio, **wanted: Any) -> list[GalleryPicture]:
    """All pictures that a filter finds, page by page."""
    asked = GalleryFilter(**wanted)
    index = studio.gallery.index(asked)
    found = [picture for key in index.keys for picture in studio.gallery.page(asked, key)]
    assert len(found) == index.total
    return found


def make_many(studio: Studio, project: str, count: int) -> None:
    """So many more rows of pictures like the newest one, under the same job."""
    with studio._store.database.write() as connection:
        connection.executemany(
            "INSERT INTO candidates SELECT NULL, :id, job, :place, seed, digest, width_px,"
            " height_px, layer_id, source, changed_outside, plan, batch, created, scores, stage1"
            " FROM candidates ORDER BY number LIMIT 1",
            [{"id": f"many-{place}", "place": 1000 + place} for place in range(count)],
        )


def test_pictures_of_all_scenes_are_listed_the_newest_first(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        first, _ = make_scene(studio, "First")
        second, _ = make_scene(studio, "Second")
        older = generate(studio, first, compose(seed=1))
        newer = generate(studio, second, compose(seed=9))
        found = list_found(studio)
        assert [one.id for one in found] == [*reversed(newer), *reversed(older)]
        assert [one.scene for one in found] == ["Second", "Second", "First", "First"]
        assert found[0].prompt == "a red ball on a meadow"
        assert found[0].restorable
        studio.home.delete(second)
        assert {one.scene for one in list_found(studio)} == {"First"}


def test_every_filter_finds_its_own(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        first, _ = make_scene(studio, "Meadow of Änne")
        second, _ = make_scene(studio, "Second")
        whole = generate(studio, first, compose(seed=1, count=1))
        generate(studio, second, compose(seed=2, count=1))
        with studio._store.database.write() as connection:
            connection.execute(
                "UPDATE recipes SET method = 'baseline' WHERE job IN"
                " (SELECT id FROM jobs WHERE project = ?)",
                (second,),
            )
        source = studio.open_project(first).candidates[0].digest
        layer = generate(studio, first, reroll(source, seed=3, count=1))
        assert [one.id for one in list_found(studio, scene=first)] == [*layer, *whole]
        assert [one.id for one in list_found(studio, scene=first, layer="ball")] == layer
        assert {one.scene for one in list_found(studio, method="baseline")} == {"Second"}
        assert len(list_found(studio, model="pocket")) == 3
        assert list_found(studio, model="other") == []
        assert {one.scene for one in list_found(studio, words="ÄNNE meadow")} == {"Meadow of Änne"}
        assert len(list_found(studio, words="RED ball")) == 3
        assert list_found(studio, words="ball submarine") == []
        studio.gallery.star(whole[0], True)
        assert [one.id for one in list_found(studio, starred=True)] == whole
        assert studio.open_project(first).editor.starred == (source,)
        studio.gallery.star(whole[0], False)
        assert list_found(studio, starred=True) == []
        choices = studio.gallery.index(GalleryFilter(scene=first)).choices
        assert [(one.title, one.count) for one in choices.layers] == [("Ball", 1)]
        assert {one.title: one.count for one in choices.scenes} == {
            "Meadow of Änne": 2,
            "Second": 1,
        }
        assert {one.id: one.count for one in choices.methods} == {"collage": 2, "baseline": 1}


def test_pages_are_found_by_key_and_stay_while_pictures_come(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        generate(studio, project, compose(count=1))
        make_many(studio, project, 10_000 - 1)
        index = studio.gallery.index(GalleryFilter())
        assert (index.total, index.page, len(index.keys)) == (10_000, PAGE, -(-10_000 // PAGE))
        middle = studio.gallery.page(GalleryFilter(), index.keys[40])
        assert [one.number for one in middle] == list(
            range(index.keys[40], index.keys[40] - PAGE, -1)
        )
        generate(studio, project, compose(seed=77, count=2))
        assert studio.gallery.page(GalleryFilter(), index.keys[40]) == middle


def test_a_page_reads_only_its_own_rows(tmp_path: Path) -> None:
    """By key, never by offset: the work of the last page is that of the first."""
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        generate(studio, project, compose(count=1))
        make_many(studio, project, 5_000)
        keys = studio.gallery.index(GalleryFilter()).keys
        steps: list[int] = []
        reader = studio._store.database._reader
        for key in (keys[0], keys[-2]):
            counted = [0]

            def tick(counted: list[int] = counted) -> int:
                counted[0] += 1
                return 0

            reader.set_progress_handler(tick, 10)
            studio.gallery.page(GalleryFilter(), key)
            reader.set_progress_handler(None, 0)
            steps.append(counted[0])
        assert steps[1] <= steps[0] * 1.2 + 20
        assert steps[0] * 10 < PAGE * 200


def test_a_scene_that_cannot_be_read_hides_no_picture(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        first, _ = make_scene(studio, "First")
        second, _ = make_scene(studio, "Second")
        generate(studio, first, compose(count=1))
        generate(studio, second, compose(count=1))
    change_row(tmp_path, first, "{cut sho")
    with open_studio(tmp_path) as studio:
        assert [one.scene for one in list_found(studio)] == ["Second", "Untitled"]


def test_the_scene_comes_back_as_it_was_when_the_picture_was_made(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, digest = make_scene(studio, "First")
        (made,) = generate(studio, project, compose(count=1))
        before = studio.open_project(project)
        changed = {**scene_with(digest, "Changed"), "prompt": "something else", "layers": []}
        studio.save(project, before.revision, changed, {"settings": {"steps": 9, "count": 1}})
        found = studio.gallery.scene_of(made)
        assert (found.project, found.scene) == (project, before.scene)
        assert found.editor == before.editor
        with pytest.raises(StoreError, match="gone"):
            studio.gallery.scene_of("nobody")


def test_a_picture_of_an_older_store_says_that_its_scene_was_not_kept(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        (made,) = generate(studio, project, compose(count=1))
        with studio._store.database.write() as connection:
            connection.execute("UPDATE recipes SET version = 0")
        assert not list_found(studio)[0].restorable
        with pytest.raises(StoreError, match="not kept"):
            studio.gallery.scene_of(made)


def test_thumbnails_are_small_files_made_once(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        rng = np.random.default_rng(5)
        digest = studio._store.pixels.add_picture(rng.integers(0, 255, (600, 900, 3), np.uint8))
        content = studio.gallery.thumbnail(digest)
        with Image.open(io.BytesIO(content)) as image:
            assert image.size == (SIDE_PX, round(SIDE_PX * 2 / 3))
        assert len(content) < 40_000
        studio._store.pixels.remove([digest])
        assert studio.gallery.thumbnail(digest) == content
        with pytest.raises(StoreError):
            studio.gallery.thumbnail(PictureDigest("0" * 64))


def test_a_deleted_picture_is_gone_from_the_disk_within_the_day(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        gone, stays = generate(studio, project, compose(count=2))
        digests = {one.id: one.digest for one in list_found(studio)}
        studio.gallery.thumbnail(digests[gone])
        studio.gallery.star(gone, True)
        studio.gallery.delete([gone])
        assert [one.id for one in list_found(studio)] == [stays]
        assert [one.id for one in list_found(studio, deleted=True)] == [gone]
        assert [one.id for one in studio.open_project(project).candidates] == [stays]
        assert next(iter(studio.home.list_all())).pictures == 1
        studio.gallery.restore([gone])
        assert len(list_found(studio)) == 2
        studio.gallery.delete([gone])
        studio.upkeep.run(datetime.now(UTC) + DAY / 4)
        assert len(list_found(studio, deleted=True)) == 1
        studio.upkeep.run(datetime.now(UTC) + DAY * 0.6)
        studio.upkeep.run(datetime.now(UTC) + DAY * 0.9)
        assert not list(tmp_path.rglob(f"{digests[gone]}*"))
        assert file_of(tmp_path, digests[stays]).exists()
        assert studio.open_project(project).editor.starred == ()
        with pytest.raises(StoreError, match="gone"):
            studio.gallery.restore([gone])


def test_a_deleted_picture_that_others_use_keeps_its_pixels(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        source, accepted, left = generate(studio, project, compose(count=3))
        digests = {one.id: one.digest for one in list_found(studio)}
        (child,) = generate(studio, project, reroll(digests[source], count=1))
        opened = studio.open_project(project)
        editor = {**EDITOR, "picked": digests[accepted]}
        studio.save(project, opened.revision, opened.scene.model_dump(mode="json"), editor)
        studio.gallery.delete([source, accepted, left])
        for share in (0.6, 0.95):
            studio.upkeep.run(datetime.now(UTC) + DAY * share)
        assert [one.id for one in list_found(studio)] == [child]
        assert file_of(tmp_path, digests[source]).exists()
        assert file_of(tmp_path, digests[accepted]).exists()
        assert not file_of(tmp_path, digests[left]).exists()
        with studio._store.database.read() as connection:
            rows = connection.execute("SELECT candidate, parent FROM history").fetchall()
        assert [tuple(row) for row in rows] == [(child, None)]
        assert studio.plan_of(child).seeds


def test_many_pictures_are_one_file(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "Toys / on: the table")
        made = generate(studio, project, compose(seed=5, count=3))
        name = studio.gallery.prepare_export(made)
        content = b"".join(studio.gallery.export(name))
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            names = archive.namelist()
            recipes = json.loads(archive.read("pictures.json"))
            assert archive.testzip() is None
        assert names[0] == "0001 Toys on the table, seed 7.png"
        assert len(names) == 4
        assert [one["seed"] for one in recipes] == [7, 6, 5]
        assert recipes[0]["prompt"] == "a red ball on a meadow"
        with pytest.raises(StoreError, match="no such file"):
            next(studio.gallery.export("0" * 32))
        with pytest.raises(RequestError, match="No picture"):
            studio.gallery.prepare_export([])


def test_versions_share_their_layers_and_go_when_nothing_names_them(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, digest = make_scene(studio, "First")
        generate(studio, project, compose(count=1))
        opened = studio.open_project(project)
        scene = {**scene_with(digest, "First"), "prompt": "a red ball at night"}
        studio.save(project, opened.revision, scene, EDITOR)
        generate(studio, project, compose(count=1))
        generate(studio, project, compose(count=1, seed=4))

        def count() -> dict[str, int]:
            with studio._store.database.read() as connection:
                return {
                    table: connection.execute(f"SELECT COUNT(*) FROM {table}").fetchone()[0]
                    for table in ("versions", "records")
                }

        assert count() == {"versions": 2, "records": 4}
        studio.home.delete(project)
        studio.upkeep.run(datetime.now(UTC) + DAY)
        assert count() == {"versions": 0, "records": 0}
