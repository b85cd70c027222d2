"""What a save costs: the scene is looked at once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from backend.plan import survey
from backend.scene.composite import alpha_of
from backend.studio.library.examples import ExampleScenes
from backend.studio.storage.disk import Disk
from backend.studio.storage.storage import Storage
from backend.studio.studio import Studio
from tests.studio.projects.test_stage1_images import TwoStageOffer
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import compose, save_scene


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    store = Storage(tmp_path, Disk())
    studio = Studio(store, TwoStageOffer(), ScriptedWorker(), ExampleScenes(tmp_path / "none"))
    yield studio
    studio.close()


@pytest.fixture
def raster_count(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Grows by one with every layer that a survey rasters."""
    found: list[object] = []

    def count(picture: Any, mask: Any, *rest: Any) -> Any:
        found.append(picture)
        return alpha_of(picture, mask, *rest)

    monkeypatch.setattr(survey, "alpha_of", count)
    return found


@pytest.mark.parametrize("method", ["collage", "tcig"])
def test_a_save_and_a_request_raster_each_layer_once(
    studio: Studio, raster_count: list[object], method: str
) -> None:
    project, revision = save_scene(studio)
    scene = studio.open_project(project).scene
    raster_count.clear()
    record = scene.model_dump(mode="json")
    saved = studio.save(project, revision, record, {"settings": {"method": method}})
    assert len(raster_count) == len(scene.layers)
    studio.generate(project, saved.revision, compose(method=method))
    assert len(raster_count) == 2 * len(scene.layers)
