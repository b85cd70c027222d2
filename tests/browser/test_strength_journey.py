"""How free a layer is, painted; when its words are heard; candidates in which one layer alone
differs.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from tests.browser.editor_page import ROOT_ELEMENT, EditorPage

LAYER = "toy-2"
PAPER = "toy-3"
"""The silhouette of the first example; what is drawn already is held, and cannot vary."""


def read_strength(editor: EditorPage, layer_id: str = LAYER) -> np.ndarray:
    """The painted freedom of a layer: uint8 (h, w)."""
    script = f"""(id) => {{
      const mask = {ROOT_ELEMENT}.maskPixels(id, "strength_map");
      if (!mask) return null;
      let text = "";
      for (let at = 0; at < mask.grey.length; at += 32768)
        text += String.fromCharCode(...mask.grey.subarray(at, at + 32768));
      return [mask.width_px, mask.height_px, btoa(text)];
    }}"""
    assert editor.until(lambda: editor.page.evaluate(script, layer_id) is not None)
    width, height, content = editor.page.evaluate(script, layer_id)
    return np.frombuffer(base64.b64decode(content), np.uint8).reshape(height, width)


def read_candidate(editor: EditorPage, digest: str) -> np.ndarray:
    """A candidate's picture: int (h, w, 3)."""
    reply = editor.page.request.get(f"{editor.url}/lamina/picture/{digest}.png")
    return np.asarray(Image.open(io.BytesIO(reply.body())).convert("RGB")).astype(int)


def begin_painting(editor: EditorPage) -> None:
    """The example's cat, its freedom under the brush."""
    editor.open_example("01-cat-and-mushroom")
    editor.wait_drawn()
    editor.select(LAYER)
    editor.part("paint-map").click()
    assert editor.state()["tool"] == "brush"
    editor.part("brush-size").fill("80")
    editor.part("brush-size").press("Enter")
    editor.part("strength-veil").wait_for()


def test_freedom_is_painted_erased_undone_cleared_and_found_after_a_reload(fresh: EditorPage):
    begin_painting(fresh)
    mask = fresh.layer(LAYER)["mask"]
    grey = int(fresh.layer(LAYER)["strength"] * 255 + 0.5)
    fresh.drag_scene((100, 300), (200, 300))
    assert fresh.state()["undo"].startswith("Paint the strength of")
    fresh.part("tool-eraser").click()
    fresh.drag_scene((100, 400), (200, 400))
    painted = read_strength(fresh)
    assert painted[300, 150] == 255
    assert painted[400, 150] == 0
    assert painted[40, 460] == grey
    assert fresh.layer(LAYER)["mask"] == mask
    fresh.look("strength")
    assert fresh.part("strength-painted").inner_text().startswith("painted, .")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+z")
    assert read_strength(fresh)[400, 150] == grey
    fresh.page.keyboard.press("Control+Shift+z")
    assert np.array_equal(read_strength(fresh), painted)
    fresh.wait_saved()
    stored = fresh.layer(LAYER)["strength_map"]
    fresh.reload()
    fresh.wait_drawn()
    assert fresh.layer(LAYER)["strength_map"] == stored
    assert np.array_equal(read_strength(fresh), painted)
    fresh.select(LAYER)
    fresh.part("clear-map").click()
    assert fresh.layer(LAYER)["strength_map"] is None
    assert fresh.part("strength").is_visible()
    fresh.page.keyboard.press("Control+z")
    assert np.array_equal(read_strength(fresh), painted)


def test_painted_freedom_goes_along_with_its_layer_and_a_region_tool_paints_it(fresh: EditorPage):
    begin_painting(fresh)
    fresh.part("tool-rectangle").click()
    fresh.part("region-subtract").click()
    fresh.drag_scene((120, 260), (180, 320))
    before = read_strength(fresh)
    assert (before[261:319, 121:179] == 0).all()
    fresh.part("region-add").click()
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Shift+ArrowRight")
    moved = read_strength(fresh)
    assert np.array_equal(moved[:, 10:], before[:, :-10])
    fresh.page.keyboard.press("\\")
    assert fresh.until(lambda: fresh.part("strength-veil").count() == 0)
    assert fresh.part("paint-mask").get_attribute("aria-checked") == "true"
    fresh.page.keyboard.press("Control+z")
    assert np.array_equal(read_strength(fresh), before)


def test_words_are_heard_in_a_range_of_the_steps_whose_ends_push_one_another(fresh: EditorPage):
    fresh.open_example("01-cat-and-mushroom")
    fresh.select(LAYER)
    fresh.part("layer-more").click()
    fresh.part("prompt-end").fill("0.5")
    assert (fresh.layer(LAYER)["prompt_start"], fresh.layer(LAYER)["prompt_end"]) == (0, 0.5)
    fresh.part("prompt-start").fill("0.7")
    assert (fresh.layer(LAYER)["prompt_start"], fresh.layer(LAYER)["prompt_end"]) == (0.7, 0.75)
    fresh.look("prompt-range")
    fresh.wait_saved()
    fresh.reload()
    assert (fresh.layer(LAYER)["prompt_start"], fresh.layer(LAYER)["prompt_end"]) == (0.7, 0.75)
    fresh.part("layer-more").click()
    assert (
        "active .70 – .75" in fresh.part("layer-more").inner_text()
        or fresh.part("prompt-start").is_visible()
    )


def test_a_thumb_of_the_range_is_dragged_and_undone_as_one_step(fresh: EditorPage):
    fresh.open_example("01-cat-and-mushroom")
    fresh.select(LAYER)
    fresh.part("layer-more").click()
    fresh.part("prompt-start").scroll_into_view_if_needed()
    box = fresh.part("prompt-start").bounding_box()
    assert box is not None
    mouse, y = fresh.page.mouse, box["y"] + box["height"] / 2
    mouse.move(box["x"] + 6, y)
    mouse.down()
    mouse.move(box["x"] + box["width"] * 0.4, y, steps=6)
    mouse.up()
    assert 0.3 <= fresh.layer(LAYER)["prompt_start"] <= 0.5
    assert fresh.layer(LAYER)["prompt_end"] == 1
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+z")
    assert fresh.layer(LAYER)["prompt_start"] == 0


def test_only_the_selected_layer_varies(fresh: EditorPage):
    fresh.open_example("01-cat-and-mushroom")
    fresh.wait_drawn()
    fresh.set_dials(4, 1)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 1")
    fresh.select(PAPER)
    fresh.part("vary").click()
    fresh.wait("state.job === null && state.candidates.length === 3")
    first, one, other = fresh.state()["candidates"]
    pictures = [read_candidate(fresh, made["digest"]) for made in (first, one, other)]
    # A batch of two rounds differently from a batch of one.
    assert abs(pictures[1] - pictures[0]).max() <= 2
    assert abs(pictures[2] - pictures[1]).max() > 30
    assert "it alone varies" in fresh.page.locator(".strip-pictures .strip-head").inner_text()
    assert fresh.part("layer-candidate").count() == 2
    fresh.part("layer-candidate").last.click()
    fresh.wait(f"state.shown === {other['digest']!r}")
    fresh.look("varied")
