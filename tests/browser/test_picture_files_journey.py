"""A picture that tells what it is, as a person uses it: exported, looked into, dropped again, and
back in the scene that it was made in.
"""

from __future__ import annotations

import base64
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import expect

from backend.scene.formats.carried_scene import find_scene
from backend.scene.formats.picture_record import read_record
from tests.browser.editor_page import EditorPage

pytestmark = pytest.mark.slow


def export(editor: EditorPage, *, words: bool) -> bytes:
    editor.part("export-menu").click()
    expect(editor.part("dialog-scene")).to_be_checked()
    editor.part("dialog-words").set_checked(words)
    with editor.page.expect_download() as coming:
        editor.part("dialog-run").click()
    return coming.value.path().read_bytes()


def test_a_result_goes_out_and_its_scene_comes_back(fresh: EditorPage) -> None:
    fresh.set_dials(2, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")
    fresh.page.keyboard.press("Enter")
    fresh.wait_saved()
    before = fresh.state()
    wordless = export(fresh, words=False)
    content = export(fresh, words=True)

    record = read_record(content).record
    assert record is not None
    assert record.pixels.get("generated", 0) > 0
    assert record.objects[0].name
    assert find_scene(wordless) is not None
    assert before["scene"]["prompt"].encode() in content
    assert before["scene"]["prompt"].encode() not in wordless
    with Image.open(io.BytesIO(content)) as image:
        assert np.asarray(image).any()

    fresh.part("open-menu").click()
    fresh.part("new-square").click()
    fresh.wait(f"state.project !== {before['project']!r} && state.scene.layers.length === 0")
    other = fresh.state()["project"]
    fresh.drop(("made.png", content))
    fresh.wait("state.scene.layers.length === 1")
    fresh.wait_for_text("carries the scene that it was made in")
    fresh.look("carries-scene")
    fresh.part("notice-action").first.click()
    fresh.wait(f"state.project !== {other!r} && state.scene.layers.length > 1")
    after = fresh.state()
    assert after["scene"]["prompt"] == before["scene"]["prompt"]
    assert after["scene"]["layers"] == before["scene"]["layers"]
    fresh.wait_saved()
    fresh.wait_drawn()
    fresh.look("scene-restored")


def test_a_picture_is_checked_before_and_after_somebody_painted_on_it(
    fresh: EditorPage, tmp_path: Path
) -> None:
    fresh.set_dials(2, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")
    content = export(fresh, words=False)
    sound = tmp_path / "sound.png"
    sound.write_bytes(content)
    fresh.part("open-menu").click()
    check(fresh, "check-picture", sound)
    expect(fresh.part("check-found")).to_contain_text("Untouched: all")
    expect(fresh.part("check-found")).to_contain_text("made here: seed")
    expect(fresh.part("check-lines")).to_contain_text("px generated")
    fresh.look("check-untouched")

    record = read_record(content).record
    assert record is not None
    with Image.open(io.BytesIO(content)) as image:
        pixels, packet = np.array(image), image.info["XML:com.adobe.xmp"]
    x0, y0, x1, y1 = record.objects[1].box
    middle = np.s_[(y0 + y1) // 2 - 10 : (y0 + y1) // 2 + 10, (x0 + x1) // 2 - 10 : (x0 + x1) // 2]
    pixels[middle][..., :3] = (1, 2, 3)
    edited, texts = tmp_path / "edited.png", PngInfo()
    texts.add_itxt("XML:com.adobe.xmp", packet)
    Image.fromarray(pixels).save(edited, pnginfo=texts)
    check(fresh, "check-again", edited)
    expect(fresh.part("check-found")).to_contain_text("Edited: object 2, at most")
    expect(fresh.part("check-found")).to_contain_text("The scene that it carried was taken out")
    fresh.look("check-edited")
    fresh.page.keyboard.press("Escape")
    expect(fresh.page.locator('[data-test="check-sheet"]')).to_be_hidden()


def check(editor: EditorPage, part: str, file: Path) -> None:
    with editor.page.expect_file_chooser() as chooser:
        editor.part(part).click()
    chooser.value.set_files(file)
    expect(editor.part("check-title")).to_have_text(file.name)


def test_a_mask_comes_from_a_file_that_is_dropped_on_a_layer_or_chosen(
    fresh: EditorPage, tmp_path: Path
) -> None:
    layer = fresh.layers()[0]["id"]
    fresh.select(layer)
    half = np.zeros((64, 64), np.uint8)
    half[:, :32] = 255
    file = tmp_path / "half.png"
    Image.fromarray(half).convert("1").save(file)
    with fresh.page.expect_file_chooser() as chooser:
        fresh.part("mask-file").click()
    chooser.value.set_files(file)
    fresh.until(lambda: fresh.layer(layer)["mask"] is not None)
    first = fresh.layer(layer)["mask"]
    fresh.wait_for_text("was stretched to the canvas")
    fresh.look("mask-from-file")
    content = base64.b64encode(file.read_bytes()).decode()
    script = """([layer, content]) => {
      const row = document.querySelector(`[data-test="layer-row"][data-layer="${layer}"]`);
      const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
      const held = new DataTransfer();
      held.items.add(new File([bytes], "half.png", { type: "image/png" }));
      const rest = { bubbles: true, cancelable: true, dataTransfer: held };
      for (const kind of ["dragover", "drop"]) row.dispatchEvent(new DragEvent(kind, rest));
    }"""
    other = fresh.layers()[-1]["id"]
    count = len(fresh.layers())
    fresh.page.evaluate(script, [other, content])
    fresh.until(lambda: fresh.layer(other)["mask"] == first)
    assert len(fresh.layers()) == count
    fresh.wait_saved()
