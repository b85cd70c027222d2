"""Files that a person takes away, and the canvas as a whole: by its dialogs, as they are used."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.browser.editor_page import EditorPage
from tests.scene.formats.small_scenes import save_by_gimp

pytestmark = pytest.mark.slow


def export(editor: EditorPage, **choices: str) -> tuple[str, bytes]:
    """The name and content of what the dialog writes for these choices."""
    editor.part("export-menu").click()
    editor.part("dialog").wait_for()
    for field, value in choices.items():
        part = editor.part(f"dialog-{field}")
        if part.evaluate("node => node.tagName") == "SELECT":
            part.select_option(value)
        else:
            part.fill(value)
            part.press("Tab")
    with editor.page.expect_download() as found:
        editor.part("dialog-run").click()
    return found.value.suggested_filename, Path(found.value.path()).read_bytes()


def test_pictures_leave_at_the_canvas_size_in_three_formats_and_the_canvas_is_extended(
    fresh: EditorPage,
) -> None:
    name, content = export(fresh, source="collage", format="jpeg", colour="#3050a0")
    collage = Image.open(io.BytesIO(content))
    assert (collage.format, collage.size) == ("JPEG", (512, 512))
    shown = fresh.pixels()
    opaque = shown[..., 3] == 255
    kept = np.abs(np.asarray(collage).astype(int) - shown[..., :3])[opaque]
    assert kept.mean() < 3
    fresh.set_dials(3, 2)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 2")
    name, content = export(fresh)
    assert name.endswith(".png")
    assert Image.open(io.BytesIO(content)).size == (512, 512)
    name, content = export(fresh, source="run", format="webp", size="scale", scale="100+50*2")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        images = [Image.open(io.BytesIO(archive.read(one))) for one in archive.namelist()]
        assert [(one.format, one.size) for one in images] == [("WEBP", (1024, 1024))] * 2
    name, content = export(fresh, source="scene")
    assert name.endswith(".ora")
    assert zipfile.ZipFile(io.BytesIO(content)).read("mimetype") == b"image/openraster"

    layers, prompt = fresh.layers(), fresh.state()["scene"]["prompt"]
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Shift+E")
    fresh.part("dialog-phrase").fill("a wooden shelf")
    fresh.look("canvas-extend")
    fresh.part("dialog-phrase").press("Enter")
    fresh.wait("state.scene.width_px === 640")
    scene = fresh.state()["scene"]
    assert scene["prompt"] == f"{prompt}, a wooden shelf"
    assert [one["placement"] for one in scene["layers"][:-1]] == [
        one["placement"] for one in layers
    ]
    rim = fresh.page.evaluate(
        "id => document.querySelector('.lamina-root').lamina.maskPixels(id).grey.length",
        scene["layers"][-1]["id"],
    )
    assert rim == 640 * 512
    fresh.wait_saved()
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+z")
    fresh.wait("state.scene.width_px === 512")
    assert fresh.layers() == layers


def test_a_scene_comes_back_from_photoshop_s_format_and_from_another_program(fresh: EditorPage):
    fresh.part("project-name").fill("Trip")
    fresh.wait_saved()
    before = fresh.state()
    name, content = export(fresh, source="scene", format="psd")
    assert (name, content[:4]) == ("Trip.psd", b"8BPS")
    fresh.drop((name, content))
    fresh.wait(f"state.project !== {before['project']!r}")
    again = fresh.state()
    assert again["scene"] == before["scene"]
    fresh.wait_drawn()
    fresh.look("photoshop-again")
    name, content = export(fresh, source="scene", format="ora")
    fresh.drop((name, save_by_gimp(content)))  # the scene is found in the store, by what it shows
    fresh.wait(f"state.project !== {again['project']!r}")
    scene = fresh.state()["scene"]
    assert (scene["prompt"], scene["layers"]) == (
        before["scene"]["prompt"],
        before["scene"]["layers"],
    )
    fresh.part("scene-note").filter(has_text="layers were found again").wait_for()
    fresh.wait_drawn()
    fresh.look("saved-by-gimp")
