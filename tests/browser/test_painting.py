"""Painting masks: strokes, lasso, fill, undo and redo, what is hidden of a picture, and what a
reload finds again.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from tests.browser.editor_page import EditorPage

STROKES = 12

# The names under which strokes lie in this browser's database until the server has them.
SHELVED = """() => new Promise((resolve, reject) => {
  const request = indexedDB.open("lamina");
  request.onerror = () => reject(request.error);
  request.onsuccess = () => {
    const keys = request.result.transaction("strokes").objectStore("strokes").getAllKeys();
    keys.onsuccess = () => (request.result.close(), resolve(keys.result));
    keys.onerror = () => reject(keys.error);
  };
})"""


def read_mask(editor: EditorPage, layer_id: str) -> np.ndarray:
    """The mask of a layer as the page holds it: uint8 (h, w)."""
    script = """(id) => {
      const none = { width_px: 0, height_px: 0, grey: new Uint8Array(0) };
      const { width_px, height_px, grey } = document.querySelector('.lamina-root').lamina
        .maskPixels(id) ?? none;
      let text = "";
      for (let at = 0; at < grey.length;
        at += 32768) text += String.fromCharCode(...grey.subarray(at, at + 32768));
      return [width_px, height_px, btoa(text)];
    }"""
    width, height, content = editor.page.evaluate(script, layer_id)
    return np.frombuffer(base64.b64decode(content), np.uint8).reshape(height, width)


def test_a_region_is_painted_erased_undone_and_found_after_a_reload(fresh: EditorPage):
    keys = fresh.page.keyboard
    before = len(fresh.layers())
    fresh.part("add-painted").click()
    region = fresh.state()["selected"]
    assert len(fresh.layers()) == before + 1
    fresh.part("canvas").focus()
    for index in range(STROKES):
        fresh.drag_scene((40, 30 + 35 * index), (400, 40 + 35 * index))
    whole = read_mask(fresh, region)
    assert 0.3 < whole.mean() / 255 < 0.95
    for _ in range(STROKES):
        keys.press("Control+z")
    assert not read_mask(fresh, region).any()
    for _ in range(STROKES):
        keys.press("Control+Shift+z")
    assert np.array_equal(read_mask(fresh, region), whole)
    keys.press("e")
    fresh.drag_scene((200, 20), (200, 480))
    erased = read_mask(fresh, region)
    assert erased[250, 200] == 0
    fresh.look("painted")
    fresh.wait_saved()
    assert len(fresh.layer(region)["mask"]) == 64
    fresh.reload()
    assert fresh.until(lambda: np.array_equal(read_mask(fresh, region), erased))


def test_a_stroke_that_the_server_never_saw_is_there_after_the_page_crashed(
    fresh: EditorPage, watch
):
    watch.forgiven = ("ERR_FAILED", "component server", "Failed to fetch", "upload")
    fresh.part("add-painted").click()
    region = fresh.state()["selected"]
    fresh.wait_saved()
    for door in ("**/component_server/**", "**/gradio_api/upload*"):
        fresh.page.context.route(door, lambda route: route.abort())
    fresh.drag_scene((100, 100), (300, 300))
    kept = read_mask(fresh, region)
    fresh.part("banner-offline").wait_for()
    project = fresh.state()["project"]
    assert fresh.until(lambda: any(key.startswith(project) for key in fresh.page.evaluate(SHELVED)))
    fresh.page.context.unroute_all()
    fresh.reload()
    fresh.wait(f"state.selected === {region!r} && state.saved.state === 'saved'")
    assert kept.any()
    assert np.array_equal(read_mask(fresh, region), kept)


def test_a_lasso_and_a_fill_add_and_subtract(fresh: EditorPage):
    keys, mouse = fresh.page.keyboard, fresh.page.mouse
    fresh.part("add-painted").click()
    region = fresh.state()["selected"]
    fresh.part("canvas").focus()
    keys.press("l")
    for corner in ((50, 50), (250, 50), (250, 250)):
        mouse.click(*fresh.spot(*corner))
    keys.press("Enter")
    assert abs(read_mask(fresh, region).sum() / 255 - 20000) < 300
    keys.press("q")
    keys.press("x")
    fresh.drag_scene((0, 0), (150, 300))
    assert not read_mask(fresh, region)[:, :149].any()
    keys.press("x")
    keys.press("g")
    mouse.click(*fresh.spot(10, 10))
    assert read_mask(fresh, region)[10, 10] == 255
    keys.press("Shift+v")
    assert read_mask(fresh, region)[10, 10] == 0


def test_the_eraser_hides_a_part_of_a_picture_without_touching_its_pixels(fresh: EditorPage):
    layer = fresh.layers()[-1]
    fresh.select(layer["id"])
    whole = fresh.pixels()
    x, y = layer["placement"]["centre_x_px"], layer["placement"]["centre_y_px"]
    fresh.page.keyboard.press("e")
    fresh.drag_scene((x - 20, y), (x + 20, y))
    hidden = fresh.pixels()
    assert np.any(hidden != whole)
    assert fresh.layer(layer["id"])["picture"] == layer["picture"]
    fresh.page.keyboard.press("b")
    for _ in range(8):
        fresh.page.keyboard.press("]")
    fresh.drag_scene((x - 20, y), (x + 20, y))
    assert np.abs(fresh.pixels().astype(int) - whole).max() <= 1


def test_what_a_pictures_mask_hides_is_shown_in_its_own_colour_while_it_is_painted(
    fresh: EditorPage,
):
    layer = fresh.layers()[-1]
    fresh.select(layer["id"])
    x, y = layer["placement"]["centre_x_px"], layer["placement"]["centre_y_px"]
    fresh.page.keyboard.press("e")
    fresh.drag_scene((x - 20, y), (x + 20, y))
    fresh.page.mouse.move(*fresh.spot(20, 20))
    fresh.pixels()  # once the exact picture stands, only the tool changes what is seen
    painting, around = read_pixels(fresh, x, y), read_pixels(fresh, x, y + 60)
    fresh.page.keyboard.press("v")
    assert fresh.until(lambda: np.any(read_pixels(fresh, x, y) != painting))
    assert np.array_equal(read_pixels(fresh, x, y + 60), around)


def read_pixels(editor: EditorPage, x_px: float, y_px: float) -> np.ndarray:
    """What a person sees of a few pixels around a place of the scene: uint8 (8, 8, 3)."""
    left, top = editor.spot(x_px, y_px)
    clip = {"x": left - 4, "y": top - 4, "width": 8, "height": 8}
    return np.asarray(Image.open(io.BytesIO(editor.page.screenshot(clip=clip))).convert("RGB"))


def test_escape_in_mid_stroke_leaves_everything_as_it_was(fresh: EditorPage):
    layer = fresh.layers()[-1]
    fresh.select(layer["id"])
    before, mouse = fresh.pixels(), fresh.page.mouse
    fresh.page.keyboard.press("e")
    x, y = layer["placement"]["centre_x_px"], layer["placement"]["centre_y_px"]
    mouse.move(*fresh.spot(x, y))
    mouse.down()
    mouse.move(*fresh.spot(x + 30, y), steps=4)
    fresh.page.keyboard.press("Escape")
    mouse.up()
    assert fresh.layer(layer["id"])["mask"] is None
    assert fresh.state()["undo"] == ""
    assert np.array_equal(fresh.pixels(), before)
