"""The steps of undo that a store keeps: they come back, are bounded, and what they name stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.errors import StaleRevision
from backend.scene.formats.picture_file import encode_png
from backend.scene.records import PictureDigest
from backend.studio.projects import steps
from backend.studio.projects.steps import MAX_STEPS, SENT_AT_ONCE, SentStep, SentSteps, StepsFound
from backend.studio.studio import Studio
from tests.studio.projects.test_home import file_of, make_scene
from tests.studio.workshop import EDITOR, open_studio, scene_with, square_picture

DAYS = timedelta(days=2)


def step(scene: dict[str, Any], name: str) -> SentStep:
    return SentStep(name=name, scene=scene, editor=EDITOR)


def hand_in(first: int, place: int, *handed_in: SentStep) -> SentSteps:
    return SentSteps(first=first, place=place, steps=handed_in)


def prompts(found: StepsFound) -> list[str]:
    """What the steps' scenes say, in their order."""
    return [str(found.records[str(one.scene)]["prompt"]) for one in found.steps]


def words(scene: dict[str, Any], *texts: str) -> list[dict[str, Any]]:
    return [{**scene, "prompt": text} for text in texts]


def begin(studio: Studio) -> tuple[str, dict[str, Any], int]:
    """A scene with its record and its revision."""
    project, _ = make_scene(studio, "Stepped")
    opened = studio.open_project(project)
    return project, opened.scene.model_dump(mode="json"), opened.revision


def test_steps_outlive_the_server_with_what_was_undone(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        first, second, third = words(scene, "one", "two", "three")
        studio.save(
            project,
            revision,
            second,
            EDITOR,
            hand_in(0, 1, step(first, "Opened"), SentStep(name="Two"), step(third, "Three")),
        )
    with open_studio(tmp_path) as studio:
        opened = studio.open_project(project)
        assert (opened.place, opened.is_kept, opened.scene.prompt) == (1, True, "two")
        found = studio.undo.read(project, opened.place, later=True)
        assert [(one.place, one.name) for one in found.steps] == [
            (0, "Opened"),
            (1, "Two"),
            (2, "Three"),
        ]
        assert (prompts(found), found.more_before) == (["one", "two", "three"], 0)
        assert len({one.layers for one in found.steps}) == 1, "the layers are shared"
        assert [one.place for one in studio.undo.read(project, 1, later=False).steps] == [0]


def test_what_is_done_after_an_undo_takes_the_place_of_what_was_undone(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        texts = words(scene, "a", "b", "c")
        studio.save(
            project,
            revision,
            texts[2],
            EDITOR,
            hand_in(0, 2, *(step(one, one["prompt"]) for one in texts)),
        )
        (other,) = words(scene, "other")
        saved = studio.save(
            project, revision + 1, other, EDITOR, hand_in(1, 1, SentStep(name="Other"))
        )
        assert prompts(studio.undo.read(project, 1, later=True)) == ["a", "other"]
        studio.save(project, saved.revision, texts[0], EDITOR, hand_in(2, 0))
        opened = studio.open_project(project)
        assert (opened.place, opened.is_kept) == (0, True)


def test_a_change_without_its_page_is_a_step_after_the_one_before(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        assert studio.open_project(project).is_kept is False
        studio.save(
            project,
            revision,
            scene,
            EDITOR,
            hand_in(0, 1, step(scene, "Opened"), SentStep(name="Same")),
        )
        studio.home.rename(project, "Renamed elsewhere")
        opened = studio.open_project(project)
        assert (opened.place, opened.is_kept) == (2, False)
        assert len(studio.undo.read(project, opened.place, later=False).steps) == 2


def test_a_step_that_cannot_be_kept_loses_no_work(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        lost = scene_with("0" * 64)
        saved = studio.save(
            project,
            revision,
            scene,
            EDITOR,
            hand_in(
                0,
                3,
                step(scene, "Opened"),
                step(lost, "Of a lost picture"),
                step({"layers": 7}, "No scene"),
                SentStep(name="Saved"),
            ),
        )
        assert saved.revision == revision + 1
        found = studio.undo.read(project, 3, later=True)
        assert [one.name for one in found.steps] == ["Opened", "Saved"]


def test_a_step_whose_pixels_went_is_not_offered(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        taken = studio.take_picture(encode_png(square_picture((9, 9, 9))), "x.png").digest
        studio.save(
            project,
            revision,
            scene,
            EDITOR,
            hand_in(0, 1, step(scene_with(taken), "Of another"), SentStep(name="Saved")),
        )
        file_of(tmp_path, taken).unlink()
        assert [one.name for one in studio.undo.read(project, 1, later=True).steps] == ["Saved"]


def test_a_step_of_an_older_lamina_has_the_fields_that_came_since(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        studio.save(project, revision, scene, EDITOR, hand_in(0, 0, SentStep(name="Saved")))
        with studio._store.database.write() as connection:
            for field in ("groups", "opacity", "starred", "settings.sampler"):
                connection.execute(
                    f"UPDATE records SET body = json_remove(body, '$.{field}'),"
                    " digest = randomblob(16)"
                )
        found = studio.undo.read(project, 0, later=True)
        (kept,) = found.steps
        assert found.records[str(kept.scene)]["groups"] == []
        assert found.records[str(kept.layers[0])]["opacity"] == 1.0
        editor = found.records[str(kept.editor)]
        assert (editor["starred"], editor["settings"]["sampler"]) == ([], "ddim")


def test_a_scene_keeps_its_newest_steps(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        for first in range(0, MAX_STEPS + 2 * SENT_AT_ONCE, SENT_AT_ONCE):
            texts = words(scene, *(f"{first + one}" for one in range(SENT_AT_ONCE)))
            revision = studio.save(
                project,
                revision,
                texts[-1],
                EDITOR,
                hand_in(
                    first,
                    first + SENT_AT_ONCE - 1,
                    *(step(one, "Word") for one in texts[:-1]),
                    SentStep(name="Last"),
                ),
            ).revision
        place = MAX_STEPS + 2 * SENT_AT_ONCE - 1
        below, pages, later = place, 0, True
        listed: list[int] = []
        while below or later:
            found = studio.undo.read(project, below, later=later)
            listed = [*(one.place for one in found.steps), *listed]
            pages, below, later = pages + 1, found.more_before, False
        assert listed == list(range(place - MAX_STEPS + 1, place + 1))
        assert pages == MAX_STEPS // steps.PAGE


def paint(studio: Studio, scene: dict[str, Any], seed: int) -> tuple[dict[str, Any], PictureDigest]:
    """The scene with a mask of noise on its layer, and the mask's digest."""
    noise = np.random.default_rng(seed).integers(0, 256, (128, 128), np.uint8)
    mask = studio.take_mask(encode_png(noise)).digest
    layers = [{**layer, "mask": mask} for layer in scene["layers"]]
    return {**scene, "layers": layers}, mask


def test_files_of_kept_steps_survive_the_sweep_and_the_heaviest_oldest_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        painted = [paint(studio, scene, seed) for seed in range(4)]
        studio.save(
            project,
            revision,
            painted[3][0],
            EDITOR,
            hand_in(0, 3, *(step(one, f"Stroke {at}") for at, (one, _) in enumerate(painted))),
        )
        moment = datetime.now(UTC)
        for days in (1, 2):
            studio.upkeep.run(moment + days * DAYS)
        assert all(studio._store.pixels.has(mask) for _, mask in painted)
        size = studio._store.pixels.size_of(painted[0][1])
        monkeypatch.setattr(steps, "MAX_FILE_BYTES", int(1.5 * size))
        for days in (3, 4):
            studio.upkeep.run(moment + days * DAYS)
        found = studio.undo.read(project, 3, later=True)
        assert [one.name for one in found.steps] == ["Stroke 2", "Stroke 3"]
        assert [studio._store.pixels.has(mask) for _, mask in painted] == [
            False,
            False,
            True,
            True,
        ]
        monkeypatch.setattr(steps, "MAX_FILE_BYTES", 0)
        studio.upkeep.run(moment + 5 * DAYS)
        assert [one.name for one in studio.undo.read(project, 3, later=True).steps] == ["Stroke 3"]


def test_a_deleted_scene_takes_its_steps_along(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        studio.save(project, revision, scene, EDITOR, hand_in(0, 0, SentStep(name="Opened")))
        studio.home.delete(project)
        studio.upkeep.run(datetime.now(UTC) + DAYS)
        assert studio.undo.read(project, 0, later=True).steps == ()


def test_a_page_that_lost_the_answer_to_its_save_is_in_no_conflict_with_itself(
    tmp_path: Path,
) -> None:
    with open_studio(tmp_path) as studio:
        project, scene, revision = begin(studio)
        first, second = words(scene, "first", "second")
        studio.save(project, revision, first, EDITOR, page="mine")
        with pytest.raises(StaleRevision):
            studio.save(project, revision, second, EDITOR, page="another")
        with pytest.raises(StaleRevision):
            studio.save(project, revision, second, EDITOR)
        saved = studio.save(project, revision, second, EDITOR, page="mine")
        assert saved.revision == revision + 2
        assert studio.open_project(project).saved_by == "mine"
        with pytest.raises(StaleRevision):
            studio.save(project, revision, second, EDITOR, page="mine")
