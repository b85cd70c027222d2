"""Saving, opening, pictures, history: what was said to be kept is there again."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import (
    ArchiveError,
    InputError,
    LaminaError,
    PictureError,
    SceneError,
    StaleRevision,
    StoreError,
)
from backend.plan.plan import OneLayer
from backend.plan.request import RunSettings
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.openraster import read_ora, write_ora
from backend.scene.formats.picture_file import decode_picture, encode_png
from backend.scene.scene import build_scene
from backend.studio.projects import history
from backend.studio.storage.disk import Disk
from backend.studio.storage.pixel_files import PixelFiles
from backend.studio.storage.storage import Storage
from backend.studio.studio import Studio
from tests.scene.drawings import png_chunk, raw_png
from tests.studio.scripted import ScriptedWorker, build_scripted_studio
from tests.studio.workshop import (
    EDITOR,
    compose,
    open_studio,
    reroll,
    save_scene,
    scene_with,
    square_picture,
    wait_for_end,
)


def write_examples(folder: Path) -> Path:
    folder.mkdir()
    for stem, name in (("b-second", "The second"), ("a-first", "The first")):
        pixels = MemoryPixels()
        scene = build_scene(scene_with(pixels.add_picture(square_picture()), name))
        (folder / f"{stem}.ora").write_bytes(write_ora(scene, pixels, {"steps": 7, "seed": 0}))
    (folder / "c-broken.ora").write_bytes(b"PK not really")
    return folder


def test_an_empty_store_opens_the_first_example(tmp_path: Path) -> None:
    studio = build_scripted_studio(
        tmp_path / "store", ScriptedWorker(), write_examples(tmp_path / "scenes")
    )
    project = studio.open_latest()
    assert [(example.id, example.title) for example in studio.facts().examples] == [
        ("a-first", "The first"),
        ("b-second", "The second"),
        ("c-broken", "c-broken (cannot be read)"),
    ]
    assert project.scene.name == "The first"
    assert project.editor.settings.steps == 7
    assert project.revision == 1
    assert [row.layer_id for row in project.coverage] == ["ball"]
    assert studio.open_latest().id == project.id
    second = studio.open_example("b-second")
    assert studio.open_latest().id == second.id
    studio.open_project(project.id)
    assert studio.open_latest().id == project.id
    with pytest.raises(StoreError, match="There are: a-first, b-second, c-broken"):
        studio.open_example("../a-first")
    with pytest.raises(ArchiveError, match=r"c-broken\.ora"):
        studio.open_example("c-broken")
    studio.close()


def test_where_no_example_can_be_read_the_first_scene_is_empty(tmp_path: Path) -> None:
    folder = tmp_path / "scenes"
    folder.mkdir()
    (folder / "a.ora").write_bytes(b"PK not really")
    studio = build_scripted_studio(tmp_path / "store", ScriptedWorker(), folder)
    assert studio.open_latest().scene.layers == ()
    studio.close()


def test_two_pages_that_open_an_empty_store_at_once_share_one_project(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        together = threading.Barrier(2)
        opened: list[str] = []

        def open_page() -> None:
            together.wait(60)
            opened.append(studio.open_latest().id)

        pages = [threading.Thread(target=open_page) for _ in range(2)]
        for page in pages:
            page.start()
        for page in pages:
            page.join(60)
        assert len(opened) == 2
        assert len(set(opened)) == 1


def test_a_file_that_cannot_be_opened_is_named(tmp_path: Path) -> None:
    with (
        open_studio(tmp_path) as studio,
        pytest.raises(ArchiveError, match=r"“toys\.ora” cannot be opened\..*damaged"),
    ):
        studio.open_ora(b"PK\x03\x04", "toys.ora")


def test_a_save_is_there_after_a_restart(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        before = studio.open_project(project)
    with open_studio(tmp_path) as studio:
        after = studio.open_latest()
    assert after == before
    assert after.revision == revision
    assert after.scene.layers[0].phrase == "red ball"
    assert after.editor.settings.steps == 4


def test_a_stale_save_is_answered_with_the_present_revision(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        with pytest.raises(StaleRevision) as refusal:
            studio.save(project, revision - 1, {"width_px": 64, "height_px": 64}, EDITOR)
        assert refusal.value.current == revision
        assert studio.open_project(project).scene.name == "Toys"


def test_two_writers_lose_nothing_in_silence(tmp_path: Path) -> None:
    """Each accepted save was based on the one before it: the revisions of both are 2, 3, 4 …
    without a repeat.
    """
    with open_studio(tmp_path) as studio:
        project = studio.open_latest()
        accepted: list[tuple[int, str]] = []

        def write(name: str) -> None:
            revision = project.revision
            for number in range(25):
                scene = {"width_px": 64, "height_px": 64, "name": f"{name} {number}"}
                try:
                    revision = studio.save(project.id, revision, scene, {}).revision
                    accepted.append((revision, scene["name"]))  # type: ignore[arg-type]
                except StaleRevision as stale:
                    revision = stale.current

        threads = [threading.Thread(target=write, args=(name,)) for name in ("left", "right")]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        accepted.sort()
        assert [revision for revision, _ in accepted] == list(range(2, len(accepted) + 2))
        last = studio.open_project(project.id)
        assert (last.revision, last.scene.name) == accepted[-1]


@pytest.mark.parametrize(
    "scene",
    [
        None,
        [],
        {"layers": 3},
        {"width_px": 64},
        {"width_px": 64, "height_px": float("nan")},
        {"width_px": 64, "height_px": 64, "unknown": 1},
        {"width_px": 64, "height_px": 64, "version": 9},
        {"width_px": 64, "height_px": 64, "layers": [{}] * 300},
        scene_with("0" * 64),
    ],
)
def test_a_wrong_scene_changes_nothing(tmp_path: Path, scene: Any) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        with pytest.raises(SceneError) as refusal:
            studio.save(project, revision, scene, EDITOR)
        assert refusal.value.remedy
        with pytest.raises(InputError):
            studio.save(project, revision, {"width_px": 64, "height_px": 64}, {"picked": "none"})
        assert studio.open_project(project).revision == revision


def test_pictures_come_back_as_they_were(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    picture = rng.integers(0, 256, (20, 30, 4), np.uint8)
    with open_studio(tmp_path) as studio:
        taken = studio.take_picture(encode_png(picture), "noise.png")
        assert (taken.width_px, taken.height_px, taken.opaque) == (30, 20, False)
        again = decode_picture(studio.picture_png(taken.digest), "").picture
        np.testing.assert_array_equal(again, picture)
        assert studio.take_picture(encode_png(picture), "same.png").digest == taken.digest
        assert len(list((tmp_path / "pixels").rglob("*.png"))) == 1
        with pytest.raises(PictureError):
            studio.take_picture(b"not a picture", "x.png")
        words = b"parameters\0a mill\nSteps: 12, Seed: 5"
        carrying = raw_png((1, 1), 8, 2, [b"\1\2\3"], png_chunk(b"tEXt", words))
        found = studio.take_picture(carrying, "mill.png").recipe
        assert taken.recipe is None
        assert found is not None
        assert (found.prompt, found.seed, found.steps) == ("a mill", 5, 12)


def test_the_store_keeps_masks_and_finds_damage(tmp_path: Path) -> None:
    store = Storage(tmp_path, Disk())
    mask = np.arange(48, dtype=np.uint8).reshape(6, 8)
    digest = store.pixels.add_mask(mask)
    np.testing.assert_array_equal(store.pixels.mask(digest), mask)
    assert not store.pixels.mask(digest).flags.writeable
    with pytest.raises(StoreError, match="not RGBA"):
        store.pixels.picture(digest)
    store.close()
    (path,) = tmp_path.rglob("*.png")
    whole = path.read_bytes()
    other = encode_png(mask + 1)
    for damage in (whole[:45], b"", other):
        path.write_bytes(damage)
        store = Storage(tmp_path, Disk())
        with pytest.raises(StoreError, match="cannot be used"):
            store.pixels.mask(digest)
        store.close()


def test_one_wrong_byte_is_harmless_or_refused(tmp_path: Path) -> None:
    store = Storage(tmp_path, Disk())
    mask = np.arange(48, dtype=np.uint8).reshape(6, 8)
    digest = store.pixels.add_mask(mask)
    (path,) = tmp_path.rglob("*.png")
    whole = path.read_bytes()
    refused = 0
    for position in range(len(whole)):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 0x5A]) + whole[position + 1 :])
        try:
            np.testing.assert_array_equal(
                PixelFiles(tmp_path / "pixels", Disk()).mask(digest), mask
            )
        except StoreError:
            refused += 1
    assert refused > len(whole) // 2
    store.close()


def test_the_store_folder_is_private_and_has_one_owner(tmp_path: Path) -> None:
    store = Storage(tmp_path / "store", Disk())
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
    with pytest.raises(StoreError, match="open in another Lamina"):
        Storage(tmp_path / "store", Disk())
    store.close()
    Storage(tmp_path / "store", Disk()).close()


def test_an_unusable_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreError, match="--store"):
        Storage(tmp_path / "file" / "store", Disk())


def test_export_and_open_again(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = save_scene(studio)
        content, name = studio.export_ora(project)
        again = studio.open_ora(content, name)
        assert name == "Toys.ora"
        assert again.id != project
        assert again.scene == studio.open_project(project).scene
        assert again.editor.settings.steps == 4
        assert read_ora(content).settings["count"] == 2
        with pytest.raises(LaminaError):
            studio.open_ora(b"nonsense", "x.ora")


def test_settings_that_nobody_knows_give_the_usual_ones_and_a_note(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = save_scene(studio)
        opened = read_ora(studio.export_ora(project)[0])
        content = write_ora(opened.scene, opened.pixels, {"sampler": "of tomorrow"})
        again = studio.open_ora(content, "tomorrow.ora")
        assert again.editor.settings == RunSettings()
        (note,) = (note.text for note in again.notes if "sampler" in note.text)
        assert note.startswith("The file's sampler = 'of tomorrow' is not known here. Known are")


def test_a_row_of_a_newer_lamina_opens_and_names_what_is_not_known(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = save_scene(studio)
    with closing(sqlite3.connect(tmp_path / "studio.sqlite")) as connection, connection:
        connection.execute(
            "UPDATE projects SET scene = json_set(scene, '$.layers[0].glow', 3),"
            " editor = json_set(editor, '$.settings.sampler', 'newton', '$.hand', 'left')"
        )
    with open_studio(tmp_path) as studio:
        again = studio.open_project(project)
        assert again.editor.settings.steps == 4
        texts = [note.text for note in again.notes if note.code == "opened"]
        assert [text.split(" = ")[0] for text in texts] == [
            "The scene says glow of layer 1 (“Ball”)",
            "The scene's sampler",
            "The scene says hand",
        ]


def test_an_unnamed_file_lends_its_name(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        pixels = MemoryPixels()
        scene = build_scene(scene_with(pixels.add_picture(square_picture()), "Untitled"))
        assert (
            studio.open_ora(write_ora(scene, pixels, {}), "C:\\pictures\\boats.ora").scene.name
            == "boats"
        )


def test_every_name_gives_a_harmless_file_name(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        for name, expected in (
            ("../../etc", "etc.ora"),
            ("", "scene.ora"),
            ("Ämter/ß", "Ämterß.ora"),
            ("...", "scene.ora"),
        ):
            revision = studio.save(
                project, revision, {"width_px": 64, "height_px": 64, "name": name}, {}
            ).revision
            assert studio.export_ora(project)[1] == expected


def make(studio: Studio, project: str, revision: int, request: dict[str, Any]) -> str:
    """The digest of the first candidate of a request."""
    return (
        wait_for_end(studio, studio.generate(project, revision, request).job).candidates[0].digest
    )


def test_the_history_is_a_tree_and_rebuilds_plans(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        whole = make(studio, project, revision, compose())
        first = make(studio, project, revision, reroll(whole, seed=5))
        make(studio, project, revision, reroll(first, seed=9))
        candidates = studio.open_project(project).candidates
        assert [candidate.layer_id for candidate in candidates] == [
            "",
            "",
            "ball",
            "ball",
            "ball",
            "ball",
        ]
        assert [candidate.changed_outside for candidate in candidates] == [None, None, 0, 0, 0, 0]
        assert [candidate.source for candidate in candidates] == [
            "",
            "",
            whole,
            whole,
            first,
            first,
        ]
        with studio._store.database.read() as connection:
            line = history.lineage(connection, candidates[5].id)
        assert [entry.digest for entry in line] == [candidates[5].digest, first, whole]
        plan = studio.plan_of(candidates[5].id)
        assert plan.digest() == candidates[5].plan
        assert isinstance(plan.target, OneLayer)
        assert plan.target.source == first
        assert plan.seeds == (9, 10)


def test_what_was_picked_stays_picked(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        digest = make(studio, project, revision, compose())
        scene = studio.open_project(project).scene.model_dump(mode="json")
        studio.save(project, revision, scene, {"picked": digest, "selected": "ball"})
    with open_studio(tmp_path) as studio:
        assert studio.open_latest().editor.picked == digest
        assert studio.picture_png(digest).startswith(b"\x89PNG")


def test_a_missing_model_and_lost_pixels_are_notes_when_a_project_opens(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        scene = studio.open_project(project).scene.model_dump(mode="json")
        saved = studio.save(project, revision, scene, {"settings": {"model": "gone"}})
        assert "model_missing" in [note.code for note in saved.notes]
        assert [row.layer_id for row in saved.coverage] == ["ball"]
    for path in tmp_path.rglob("*.png"):
        path.unlink()
    with open_studio(tmp_path) as studio:
        opened = studio.open_project(project)
        assert opened.scene.layers[0].id == "ball"
        assert "unreadable" in [note.code for note in opened.notes]
