"""A new scene: a project of its own with nothing in it, of a size that scenes can have."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.studio.workshop import open_studio
from ui.bridge import Bridge
from ui.uploads import prepare_upload_folder


def test_it_is_empty_of_that_size_and_another_project(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        bridge = Bridge(studio, prepare_upload_folder(tmp_path / "uploads"))
        before = bridge.ask({"verb": "hello"})["project"]
        reply = bridge.ask({"verb": "new_scene", "width_px": 768, "height_px": 512})
        assert reply["project"] != before
        scene = reply["scene"]
        assert (scene["width_px"], scene["height_px"], scene["layers"], scene["prompt"]) == (
            768,
            512,
            [],
            "",
        )
        assert bridge.ask({"verb": "hello"})["project"] == reply["project"]


@pytest.mark.parametrize("side_px", [0, 1, 10**6, 512.5, "512"])
def test_a_size_that_no_scene_has_is_refused(tmp_path: Path, side_px: object) -> None:
    with open_studio(tmp_path) as studio:
        bridge = Bridge(studio, prepare_upload_folder(tmp_path / "uploads"))
        reply = bridge.ask({"verb": "new_scene", "width_px": 512, "height_px": side_px})
        assert reply["error"]["code"] == "request"
        assert "height of the canvas" in reply["error"]["what"]
