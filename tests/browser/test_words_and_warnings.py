"""The prompt's words lead to their layers; a row says what the chosen method does not use; an empty
scene invites.
"""

from __future__ import annotations

from tests.browser.editor_page import EditorPage
from tests.browser.test_layer_journeys import empty

# A place on a phrase, which may go on in the next line.
FIRST_LINE = """mark => {
  const { x, y, width, height } = mark.getClientRects()[0];
  return [x + width / 2, y + height / 2];
}"""


def test_a_click_on_a_phrase_of_the_prompt_chooses_its_layer(fresh: EditorPage):
    for mark in fresh.part("prompt-spans").locator("mark").all():
        owner = mark.get_attribute("data-span")
        fresh.page.mouse.click(*mark.evaluate(FIRST_LINE))
        assert fresh.until(lambda owner=owner: fresh.state()["selected"] == owner)
        assert fresh.page.evaluate("document.activeElement.dataset.test") == "prompt"


def test_a_row_says_what_the_method_does_not_use(fresh: EditorPage):
    layer = fresh.layers()[-1]["id"]
    fresh.select(layer)
    fresh.part("layer-more").click()
    fresh.part("own-seed").click()
    assert fresh.row(layer).locator('[data-test="layer-warning"]:visible').count() == 0
    fresh.part("method").select_option("tcig")
    warning = fresh.row(layer).locator('[data-test="layer-warning"]:visible')
    assert fresh.until(lambda: warning.count() == 1 and warning.inner_text() == "partly ignored")
    assert "does not use its own seed" in str(warning.get_attribute("title"))
    fresh.part("method").select_option("collage")
    assert fresh.until(lambda: warning.count() == 0)


def test_layers_that_take_no_part_do_not_ask_for_the_prompt(fresh: EditorPage):
    """Layout-and-Retouch draws a whole picture from the prompt alone."""
    layer = fresh.layers()[-1]["id"]
    fresh.select(layer)
    fresh.part("phrase").fill("a purple walrus")
    warning = fresh.row(layer).locator('[data-test="layer-warning"]:visible')
    assert fresh.until(lambda: warning.count() == 1)
    assert fresh.part("append-phrase").is_visible()
    fresh.part("method").select_option("layout_retouch")
    assert fresh.until(lambda: warning.count() == 0)
    assert not fresh.part("append-phrase").is_visible()
    fresh.wait_saved()
    assert warning.count() == 0
    fresh.look("layers-take-no-part")
    fresh.part("method").select_option("collage")
    assert fresh.until(lambda: warning.count() == 1)


def test_minus_one_draws_a_seed(fresh: EditorPage):
    fresh.part("seed").fill("41")
    assert fresh.until(lambda: fresh.state()["settings"]["seed"] == 41)
    fresh.part("seed").fill("-1")
    fresh.part("seed").blur()
    drawn = fresh.state()["settings"]["seed"]
    assert drawn not in (-1, 0, 41)
    assert fresh.until(lambda: fresh.part("seed").input_value() == str(drawn))


def test_an_empty_scene_offers_ways_to_begin(fresh: EditorPage):
    empty(fresh)
    assert fresh.part("invite-add").is_visible()
    fresh.part("invite-paint").click()
    fresh.wait("state.scene.layers.length === 1 && state.tool === 'brush'")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+z")
    before = fresh.state()["project"]
    fresh.part("invite-02-harbour").click()
    fresh.wait(f"state.project !== {before!r} && state.scene.layers.length > 1")


def test_painting_freedom_from_the_keyboard_and_the_palette(fresh: EditorPage):
    layer = fresh.layers()[-1]["id"]
    fresh.select(layer)
    fresh.page.keyboard.press("\\")
    assert fresh.until(lambda: fresh.part("strength-chip").is_visible())
    assert fresh.state()["tool"] == "brush"
    fresh.part("mask-invert").click()
    assert fresh.state()["undo"].startswith("Invert the strength of")
    fresh.page.keyboard.press("Control+k")
    fresh.part("palette-field").fill("clear the painted")
    fresh.page.keyboard.press("Enter")
    assert fresh.until(lambda: fresh.layer(layer)["strength_map"] is None)
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("v")
    assert fresh.until(lambda: fresh.part("strength-veil").count() == 0)
