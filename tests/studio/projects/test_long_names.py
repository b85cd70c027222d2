"""Names of more than 200 characters are cut with a note; no file is refused for its name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.scene.blobs import MemoryPixels
from backend.scene.formats.openraster import read_ora, write_ora
from backend.scene.formats.picture_file import encode_png
from backend.scene.scene import build_scene
from tests.scene.formats.test_archive import PICTURE, pack_members
from tests.studio.workshop import open_studio, scene_with, square_picture
from ui.messages import OpenOra, TakePicture, read_message

LONG = "n" * 251 + ".png"


@pytest.mark.parametrize("name", [LONG, "森" * 255, "x" * 4096])
def test_a_file_may_have_any_name_that_a_disk_allows(name: str) -> None:
    taken = read_message({"path": "a", "name": name}, TakePicture)
    opened = read_message({"path": "a", "name": name}, OpenOra)
    assert (taken, opened) == (TakePicture(path="a", name=name), OpenOra(path="a", name=name))


def test_a_picture_with_a_long_name_is_taken_with_a_note(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        content = encode_png(np.zeros((4, 4, 4), np.uint8))
        assert studio.take_picture(content, "x.png").notes == ()
        (note,) = studio.take_picture(content, LONG).notes
        assert note == "The file's name has 255 characters; the layer keeps the first 200."


def test_a_scene_with_a_long_file_name_opens_with_a_note(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        pixels = MemoryPixels()
        scene = build_scene(scene_with(pixels.add_picture(square_picture()), ""))
        project = studio.open_ora(write_ora(scene, pixels, {}), "n" * 251 + ".ora")
        assert project.scene.name == "n" * 200
        assert any("251 characters; the scene keeps" in note.text for note in project.notes)


def test_long_names_of_another_programs_layers_and_groups_are_cut_with_a_note() -> None:
    layer = f'<layer src="data/a.png" name="{"l" * 300}"/>'
    stack = f'<image w="64" h="64"><stack><stack name="{"g" * 222}">{layer}</stack></stack></image>'
    opened = read_ora(pack_members(PICTURE, stack=stack))
    assert opened.scene.layers[0].name == "l" * 200
    assert opened.scene.groups[0].name == "g" * 200
    assert sum("characters; the first 200 are kept" in note for note in opened.notes) == 2
