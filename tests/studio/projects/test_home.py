"""Home: every scene of the store, whatever is wrong with it, and what deletion leaves."""

from __future__ import annotations

import io
import json
import sqlite3
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.errors import LaminaError, RequestError, StoreError
from backend.scene.formats.openraster import read_ora
from backend.scene.formats.picture_file import encode_png
from backend.studio.storage.records import SceneEntry
from backend.studio.studio import Studio
from tests.studio.workshop import (
    EDITOR,
    compose,
    open_studio,
    save_scene,
    scene_with,
    square_picture,
    wait_for_end,
)

DAY = timedelta(days=1)


def make_scene(
    studio: Studio, name: str, colour: tuple[int, int, int] = (200, 30, 40)
) -> tuple[str, str]:
    """A saved scene of one layer; its id and the digest of its picture."""
    digest = studio.take_picture(encode_png(square_picture(colour)), "ball.png").digest
    project = studio.begin_scene(128, 128)
    studio.save(project.id, project.revision, scene_with(digest, name), EDITOR)
    return project.id, digest


def entries(studio: Studio) -> dict[str, SceneEntry]:
    return {entry.name: entry for entry in studio.home.list_all()}


def change_row(folder: Path, project: str, scene: str) -> None:
    with sqlite3.connect(folder / "studio.sqlite") as connection:
        connection.execute("UPDATE projects SET scene = ? WHERE id = ?", (scene, project))
    connection.close()


def file_of(folder: Path, digest: str) -> Path:
    return folder / "pixels" / digest[:2] / digest[2:4] / f"{digest}.png"


def open_zip(content: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_all_scenes_are_listed_newest_change_first(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        first, _ = make_scene(studio, "First")
        make_scene(studio, "Second")
        studio.home.rename(first, "  First,   renamed ")
        listed = studio.home.list_all()
    assert [entry.name for entry in listed] == ["First, renamed", "Second"]
    assert [(entry.width_px, entry.height_px, entry.layers) for entry in listed] == [
        (128, 128, 1),
        (128, 128, 1),
    ]
    assert all(entry.is_readable and not entry.problem for entry in listed)


def test_a_name_is_needed_and_a_renamed_scene_has_a_new_revision(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        before = studio.open_project(project).revision
        with pytest.raises(RequestError, match="no name"):
            studio.home.rename(project, " \n ")
        assert studio.home.rename(project, "First").revision == before
        assert studio.home.rename(project, "Other").revision == before + 1
        with pytest.raises(StoreError, match="no project"):
            studio.home.rename("nobody", "Other")


def test_a_duplicate_is_a_scene_of_its_own(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, digest = make_scene(studio, "First")
        copy = studio.home.duplicate(project)
        opened = studio.open_project(copy.id)
        assert (copy.name, copy.pictures) == ("First copy", 0)
        assert opened.scene.layers[0].picture == digest
        studio.home.rename(copy.id, "Changed")
        assert studio.open_project(project).scene.name == "First"


def test_the_thumbnail_shows_the_collage_then_the_accepted_picture(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        entry = entries(studio)["First"]
        assert entry.thumbnail == f"lamina/thumbnail/{project}.{entry.revision}.webp"
        content = studio.home.thumbnail(project, entry.revision)
        with Image.open(io.BytesIO(content)) as image:
            shown = np.asarray(image.convert("RGBA"))
        assert shown.shape == (128, 128, 4)
        assert shown[64, 64, 3] == 255
        assert shown[2, 2, 3] == 0
        assert abs(int(shown[64, 64, 0]) - 200) < 12
        assert len(list((tmp_path / "thumbnails").iterdir())) == 1

        blue = studio.take_picture(encode_png(np.full((64, 64, 3), (10, 20, 220), np.uint8)), "b")
        opened = studio.open_project(project)
        editor: dict[str, Any] = {**EDITOR, "picked": blue.digest}
        scene = opened.scene.model_dump(mode="json")
        saved = studio.save(project, opened.revision, scene, editor)
        with Image.open(io.BytesIO(studio.home.thumbnail(project, saved.revision))) as image:
            accepted = np.asarray(image.convert("RGB"))
        assert abs(int(accepted[32, 32, 2]) - 220) < 12
        assert [path.name for path in (tmp_path / "thumbnails").iterdir()] == [
            f"{project}.{saved.revision}.webp"
        ]


def test_painted_regions_have_thumbnails_of_their_own(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        grey = np.zeros((128, 128), np.uint8)
        grey[:64] = 255
        mask = studio.take_mask(encode_png(grey)).digest
        project = studio.begin_scene(128, 128)
        layer = {"id": "sky", "mask": mask, "placement": {"centre_x_px": 64, "centre_y_px": 64}}
        record = {"name": "Sky", "width_px": 128, "height_px": 128, "layers": [layer]}
        saved = studio.save(project.id, project.revision, record, EDITOR)
        with Image.open(io.BytesIO(studio.home.thumbnail(project.id, saved.revision))) as image:
            shown = np.asarray(image.convert("RGBA"))
        assert shown[20, 64, 3] > 100
        assert shown[120, 64, 3] == 0


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        ('{"name":"First","version":9,"width_px":64,"height_px":64}', "newer Lamina (format 9)"),
        ('{"height_px":128,"layers":[{"id":"ba', "record of this scene is damaged"),
        ("", "record of this scene is damaged"),
    ],
)
def test_an_unreadable_scene_is_listed_with_its_reason_and_hides_nobody(
    tmp_path: Path, record: str, reason: str
) -> None:
    with open_studio(tmp_path) as studio:
        make_scene(studio, "Sound")
        broken, _ = make_scene(studio, "Broken")
    change_row(tmp_path, broken, record)
    with open_studio(tmp_path) as studio:
        listed = {entry.id: entry for entry in studio.home.list_all()}
        assert len(listed) == 2
        assert reason in listed[broken].problem
        assert not listed[broken].is_readable
        with pytest.raises(LaminaError, match=r"damaged|newer"):
            studio.open_project(broken)
        with pytest.raises(LaminaError, match=r"damaged|newer"):
            studio.home.duplicate(broken)
        latest = studio.open_latest()
        assert latest.scene.name == "Sound"
        assert any("cannot be read" in note.text for note in latest.notes)
        studio.home.delete(broken)
        assert [one.name for one in studio.home.list_all() if not one.deleted] == ["Sound"]


def test_a_store_of_nothing_but_broken_scenes_opens_with_an_empty_one(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        broken, _ = make_scene(studio, "Broken")
    change_row(tmp_path, broken, "{")
    with open_studio(tmp_path) as studio:
        opened = studio.open_latest()
        assert opened.scene.layers == ()
        assert any("listed in Home" in note.text for note in opened.notes)
        assert len(studio.home.list_all()) == 2


def test_what_is_there_of_an_unreadable_scene_can_be_exported(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        job = studio.generate(project, revision, compose()).job
        made = wait_for_end(studio, job).candidates
        text = studio.open_project(project).scene.model_dump(mode="json")
    change_row(tmp_path, project, json.dumps({**text, "version": 9}, separators=(",", ":")))
    with open_studio(tmp_path) as studio:
        content, name = studio.home.salvage(project)
    members = open_zip(content)
    assert name == "Toys (what is there).zip"
    assert {"README.txt", "scene.json", "editor.json"} <= members.keys()
    assert b"newer Lamina" in members["README.txt"]
    assert sum(name.startswith("results/") for name in members) == len(made)
    assert any(name.startswith("pictures/") for name in members)
    assert "scene.ora" not in members


def test_a_scene_without_a_picture_names_the_layer_and_exports_the_rest(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, digest = make_scene(studio, "First")
        opened = studio.open_project(project)
        other = studio.take_picture(encode_png(square_picture((0, 200, 0))), "b.png").digest
        record = opened.scene.model_dump(mode="json")
        layer = {**record["layers"][0], "id": "cat", "name": "Cat", "picture": other}
        scene = {**record, "layers": [*record["layers"], layer]}
        studio.save(project, opened.revision, scene, EDITOR)
    file_of(tmp_path, digest).unlink()
    with open_studio(tmp_path) as studio:
        entry = entries(studio)["First"]
        assert entry.is_readable
        assert entry.problem == "The picture of the layer “Ball” is missing or damaged."
        assert studio.open_project(project).scene.layers[1].name == "Cat"
        with pytest.raises(StoreError, match="layer “Ball” is missing or damaged"):
            studio.export_ora(project)
        members = open_zip(studio.home.salvage(project)[0])
        rescued = read_ora(members["scene.ora"])
        assert [one.name for one in rescued.scene.layers] == ["Cat"]


@pytest.mark.parametrize("damage", [b"", b"\0" * 200, "head"])
def test_a_damaged_picture_is_mended_by_adding_it_again(
    tmp_path: Path, damage: bytes | str
) -> None:
    with open_studio(tmp_path) as studio:
        project, digest = make_scene(studio, "First")
        path = file_of(tmp_path, digest)
        whole = path.read_bytes()
        path.write_bytes(damage if isinstance(damage, bytes) else b"\0" * 200 + whole[200:])
    with open_studio(tmp_path) as studio:
        opened = studio.open_project(project)
        sentences = " ".join(note.text for note in opened.notes)
        assert "layer “Ball” is missing or damaged" in sentences
        assert "BytesIO" not in sentences
        assert "“Ball”" in entries(studio)["First"].problem
        with pytest.raises(LaminaError, match="“Ball”"):
            studio.generate(project, opened.revision, compose())
        again = studio.take_picture(encode_png(square_picture()), "ball.png")
        assert again.digest == digest
        assert path.read_bytes() == whole
        assert entries(studio)["First"].problem == ""
        assert studio.export_ora(project)[0]


def test_deleting_hides_at_once_and_can_be_taken_back(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = make_scene(studio, "First")
        make_scene(studio, "Second")
        assert studio.home.delete(project).deleted
        with pytest.raises(StoreError, match="was deleted"):
            studio.open_project(project)
        with pytest.raises(StoreError, match="was deleted"):
            studio.save(project, 2, scene_with("0" * 64) | {"layers": []}, EDITOR)
        assert studio.open_latest().scene.name == "Second"
        assert not studio.home.restore(project).deleted
        assert studio.open_project(project).scene.name == "First"
        with pytest.raises(StoreError, match="no scene"):
            studio.home.delete("nobody")


def test_within_the_day_a_deleted_scene_is_gone_and_what_others_use_stays(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        wait_for_end(studio, studio.generate(project, revision, compose()).job)
        own = {one.digest for one in studio.open_project(project).candidates}
        shared = studio.open_project(project).scene.layers[0].picture
        kept, _ = make_scene(studio, "Kept")
        studio.home.thumbnail(project, revision)
        studio.home.delete(project)
        present = datetime.now(UTC)
        studio.upkeep.run(present)
        assert studio.home.restore(project)
        studio.home.delete(project)

        swept = studio.upkeep.run(present + DAY)
        assert swept.scenes == 1
        with pytest.raises(StoreError, match="no scene"):
            studio.home.restore(project)
        assert [entry.id for entry in studio.home.list_all()] == [kept]
        assert all(not file_of(tmp_path, digest).exists() for digest in own)
        assert shared is not None
        assert file_of(tmp_path, shared).exists()
        assert list((tmp_path / "thumbnails").iterdir()) == []
        assert studio.open_project(kept).scene.layers[0].picture == shared
    words = b"a red ball on a meadow"
    for path in [tmp_path / "studio.sqlite", *(tmp_path / "backups").iterdir()]:
        assert path.read_bytes().count(words) in (1, 2)  # those of the scene that stays


def test_a_file_that_nothing_names_waits_a_day_for_an_undo(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, digest = make_scene(studio, "First")
        opened = studio.open_project(project)
        record = opened.scene.model_dump(mode="json")
        bare = studio.save(project, opened.revision, {**record, "layers": []}, EDITOR)
        present = datetime.now(UTC)
        for hours in (0, 10, 19):
            assert studio.upkeep.run(present + timedelta(hours=hours)).files == 0
        again = studio.save(project, bare.revision, record, EDITOR)
        assert studio.upkeep.run(present + timedelta(hours=30)).files == 0
        studio.save(project, again.revision, {**record, "layers": []}, EDITOR)
        studio.upkeep.run(present + timedelta(hours=31))
        assert file_of(tmp_path, digest).exists()
        assert studio.upkeep.run(present + timedelta(hours=52)).files == 1
        assert not file_of(tmp_path, digest).exists()


def test_a_running_scene_is_stopped_when_it_is_deleted(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        jobs = [studio.generate(project, revision, compose(steps=9)).job for _ in range(3)]
        studio.home.delete(project)
        for job in jobs:
            assert wait_for_end(studio, job).state in ("cancelled", "finished")
        assert studio.upkeep.run(datetime.now(UTC) + DAY).scenes == 1
