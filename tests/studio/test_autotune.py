"""Dials on request: chosen from the saved scene, changing nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.errors import RequestError, StaleRevision
from tests.studio.workshop import open_studio, save_scene


def test_dials_are_chosen_for_all_layers_or_one_and_nothing_changes(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        before = studio.open_project(project).scene
        (ball,) = studio.autotune(project, revision)
        assert ball.layer_id == "ball"
        assert 0 < ball.strength < 1
        assert len(ball.reasons) >= 3
        assert studio.autotune(project, revision, "ball") == (ball,)
        assert studio.open_project(project).scene == before


def test_another_scene_and_a_layer_that_takes_no_part_are_refused(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, revision = save_scene(studio)
        with pytest.raises(StaleRevision):
            studio.autotune(project, revision - 1)
        with pytest.raises(RequestError, match="no part"):
            studio.autotune(project, revision, "gone")
