"""Learning looks as a job: progress, looks in the store, cancel, going on, and scenes that carry
them.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from backend.errors import RequestError, SceneError
from backend.scene.openraster import read_ora
from backend.studio.studio import Studio
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import DESK, Gate, ended, kinds, opened_studio, saved_scene, scene_with


def learn(*layer_ids: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "learn",
        "layer_ids": list(layer_ids or ("ball",)),
        "settings": {"steps": 4},
        **more,
    }


def look_of(studio: Studio, digest: str) -> int:
    """The number that the scripted worker wrote into a look."""
    return int(np.asarray(Image.open(BytesIO(studio.picture_png(digest))))[0, 0, 0])


def test_a_learned_look_is_in_the_store_with_a_picture_of_it_alone(tmp_path: Path) -> None:
    with opened_studio(tmp_path) as studio:
        project, revision = saved_scene(studio)
        job = studio.generate(project, revision, learn()).job
        news = ended(studio, job)
        assert kinds(news)[-2:] == ["learned", "finished"]
        assert news.candidates == ()
        (told,) = news.events[-2].looks
        assert (told.layer_id, told.phrase) == ("ball", "red ball")
        assert look_of(studio, told.look) == 10
        assert studio.picture_png(told.shown)
        opened = studio.open_project(project)
        assert [look.look for look in opened.looks] == [told.look]
        assert studio.jobs(project)[0].kind == "learn"


def test_looks_are_known_in_every_project(tmp_path: Path) -> None:
    with opened_studio(tmp_path) as studio:
        project, revision = saved_scene(studio)
        ended(studio, studio.generate(project, revision, learn()).job)
        content, _ = studio.export_ora(project)
        assert len(studio.open_ora(content, "other.ora").looks) == 1


def test_a_stopped_learning_goes_on_from_what_was_kept(tmp_path: Path) -> None:
    gate = Gate("step 3")
    with opened_studio(tmp_path, ScriptedWorker(script=gate)) as studio:
        project, revision = saved_scene(studio)
        job = studio.generate(project, revision, learn()).job
        assert gate.reached.wait(30)
        studio.cancel(job)
        gate.opened.set()
        told = kinds(ended(studio, job))
        assert "kept" in told
        assert told[-1] == "cancelled"
        news = ended(studio, studio.generate(project, revision, learn()).job)
        (first,) = news.events[-2].looks
        assert look_of(studio, first.look) == 11  # went on from 1
        news = ended(studio, studio.generate(project, revision, learn()).job)
        (second,) = news.events[-2].looks
        assert look_of(studio, second.look) == 10  # a finished look is learned anew


def test_a_scene_with_a_look_is_exported_and_opened_with_it(tmp_path: Path) -> None:
    with opened_studio(tmp_path / "one") as studio:
        project, revision = saved_scene(studio)
        news = ended(studio, studio.generate(project, revision, learn()).job)
        (told,) = news.events[-2].looks
        scene = studio.open_project(project).scene.model_dump(mode="json")
        scene["layers"][0]["look"] = told.look
        studio.save(project, revision, scene, DESK)
        content, _ = studio.export_ora(project)
    assert int(read_ora(content).pixels.picture(told.look)[0, 0, 0]) == 10
    with opened_studio(tmp_path / "two") as other:
        opened = other.open_ora(content, "toys.ora")
        assert opened.scene.layers[0].look == told.look
        assert look_of(other, told.look) == 10


def test_a_scene_with_a_look_that_is_nowhere_is_refused(tmp_path: Path) -> None:
    with opened_studio(tmp_path) as studio:
        project, revision = saved_scene(studio)
        scene = scene_with(studio.open_project(project).scene.layers[0].picture or "")
        scene["layers"][0]["look"] = "ab" * 32
        with pytest.raises(SceneError, match="not in the studio's store"):
            studio.save(project, revision, scene, DESK)


def test_a_request_without_layers_is_refused(tmp_path: Path) -> None:
    with opened_studio(tmp_path) as studio:
        project, revision = saved_scene(studio)
        with pytest.raises(RequestError, match="layer_ids"):
            studio.generate(project, revision, {**learn(), "layer_ids": []})
