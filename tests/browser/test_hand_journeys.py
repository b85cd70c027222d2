"""What hands do all day: press harder, draw straight, zoom to the pointer, look things up, change
keys, step back.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.browser.editor_page import EditorPage
from tests.browser.test_painting import read_mask


def pen(editor: EditorPage, points: list[tuple[float, float]], force: float) -> None:
    """A stroke of a pen with a force, as the browser's own input."""
    session = editor.page.context.new_cdp_session(editor.page)
    shape = {"button": "left", "buttons": 1, "clickCount": 1, "pointerType": "pen", "force": force}
    for index, point in enumerate(points):
        x, y = editor.spot(*point)
        kind = "mousePressed" if index == 0 else "mouseMoved"
        session.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **shape})
    session.send(
        "Input.dispatchMouseEvent", {"type": "mouseReleased", "x": x, "y": y, **shape, "buttons": 0}
    )
    session.detach()


def new_region(editor: EditorPage) -> str:
    editor.part("add-painted").click()
    editor.part("canvas").focus()
    return editor.state()["selected"]


def test_a_pen_that_presses_harder_paints_wider(fresh: EditorPage):
    region = new_region(fresh)
    pen(fresh, [(60, 100), (120, 100), (200, 100)], 0.2)
    light = read_mask(fresh, region)[:, 120].astype(int).sum()
    pen(fresh, [(60, 300), (120, 300), (200, 300)], 0.9)
    hard = read_mask(fresh, region)[200:, 120].astype(int).sum()
    assert 0 < light < hard / 2


def test_shift_draws_the_straight_line_from_the_last_stroke(fresh: EditorPage):
    region = new_region(fresh)
    fresh.page.mouse.click(*fresh.spot(60, 60))
    fresh.page.keyboard.down("Shift")
    fresh.page.mouse.click(*fresh.spot(400, 400))
    fresh.page.keyboard.up("Shift")
    mask = read_mask(fresh, region)
    assert all(mask[at, at] > 128 for at in range(60, 400, 20))
    assert mask[100, 350] == 0


def test_a_reload_in_mid_stroke_keeps_every_finished_one(fresh: EditorPage):
    region = new_region(fresh)
    fresh.drag_scene((60, 60), (300, 60))
    done = read_mask(fresh, region)
    fresh.page.mouse.move(*fresh.spot(60, 300))
    fresh.page.mouse.down()
    fresh.page.mouse.move(*fresh.spot(300, 300), steps=5)
    assert fresh.until(lambda: read_mask(fresh, region)[300, 150] > 0)
    fresh.reload()
    fresh.page.mouse.up()
    assert fresh.until(lambda: np.array_equal(read_mask(fresh, region), done))
    fresh.wait_saved()


def test_a_locked_layer_is_neither_painted_nor_dragged(fresh: EditorPage):
    layer = fresh.layers()[-1]
    fresh.select(layer["id"])
    fresh.page.keyboard.press("Shift+l")
    place = layer["placement"]
    x, y = place["centre_x_px"], place["centre_y_px"]
    fresh.drag_scene((x, y), (x + 60, y))
    fresh.select(layer["id"])
    fresh.page.keyboard.press("e")
    fresh.drag_scene((x - 20, y), (x + 20, y))
    fresh.wait_for_text("is locked")
    now = fresh.layer(layer["id"])
    assert now["locked"]
    assert (now["placement"], now["mask"]) == (place, layer["mask"])


def test_the_wheel_zooms_at_the_pointer_and_0_shows_the_whole_page(fresh: EditorPage):
    fitted = fresh.state()["view"]
    at = fresh.spot(400, 120)
    fresh.page.mouse.move(*at)
    fresh.page.mouse.wheel(0, -400)
    fresh.wait(f"state.view.zoom > {fitted['zoom']}")
    after = fresh.spot(400, 120)
    assert abs(after[0] - at[0]) < 1
    assert abs(after[1] - at[1]) < 1
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("0")
    fresh.wait(f"Math.abs(state.view.zoom - {fitted['zoom']}) < 1e-9")


def test_a_key_of_ones_own_does_its_command_and_is_there_after_a_reload(fresh: EditorPage):
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("?")
    fresh.part("key-search").fill("eraser")
    fresh.page.locator('[data-test="key-of"][data-command="toolEraser"]').click()
    fresh.page.keyboard.press("w")
    fresh.page.keyboard.press("Escape")
    fresh.page.keyboard.press("Escape")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("w")
    fresh.wait("state.tool === 'eraser'")
    fresh.reload()
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("w")
    fresh.wait("state.tool === 'eraser'")


def test_a_command_is_found_by_its_words_and_run(fresh: EditorPage):
    layer = fresh.layers()[-1]["id"]
    fresh.select(layer)
    fresh.page.keyboard.press("Control+k")
    fresh.part("palette-field").fill("flip sideways")
    fresh.page.keyboard.press("Enter")
    fresh.wait("state.undo.startsWith('Flip')")
    assert fresh.layer(layer)["placement"]["flip_x"]


def test_a_click_in_the_list_of_steps_goes_there_and_the_next_step_forgets_what_came_after(
    fresh: EditorPage,
):
    for words in ("one", "two", "three"):
        fresh.part("project-name").fill(words)
        fresh.part("canvas").focus()
        fresh.select(fresh.layers()[0]["id"])
        fresh.page.keyboard.press("ArrowRight")
    fresh.part("history").click()
    steps = fresh.part("history-list").locator('[role="option"]')
    assert fresh.until(lambda: steps.count() == 7)
    steps.nth(1).click()
    fresh.wait("state.scene.name === 'one'")
    fresh.look("history")
    fresh.page.keyboard.press("Escape")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Shift+h")
    fresh.wait("state.redo === ''")


def test_a_slider_is_one_step_a_drag_and_a_double_click_brings_its_usual_value(fresh: EditorPage):
    layer = fresh.layers()[-1]["id"]
    fresh.select(layer)
    start = fresh.layer(layer)["opacity"]
    slider = fresh.part("opacity")
    slider.scroll_into_view_if_needed()
    box = slider.bounding_box()
    assert box is not None
    mouse = fresh.page.mouse
    mouse.move(box["x"] + box["width"] - 6, box["y"] + box["height"] / 2)
    mouse.down()
    for share in (0.8, 0.6, 0.4):
        mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
    mouse.up()
    fresh.settle()
    assert 0.3 < fresh.layer(layer)["opacity"] < 0.5
    slider.dblclick()
    fresh.wait(f"state.scene.layers.at(-1).opacity === {start}")
    for _ in range(6):
        if fresh.state()["undo"]:
            fresh.part("undo").click()
    assert fresh.layer(layer)["opacity"] == start


def test_candidates_are_put_away_and_brought_back_and_the_picked_one_is_exported(fresh: EditorPage):
    fresh.set_dials(3, 2)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 2")
    fresh.part("discard").click()
    assert fresh.until(lambda: fresh.part("candidate").count() == 0)
    fresh.part("notice-action").click()
    assert fresh.until(lambda: fresh.part("candidate").count() == 2)
    fresh.part("candidate").first.click()
    fresh.part("accept").click()
    fresh.wait("state.picked !== ''")
    picked = fresh.state()["picked"]
    fresh.page.keyboard.press("Control+Shift+e")
    fresh.part("dialog-size").select_option("drawn")
    with fresh.page.expect_download() as coming:
        fresh.part("dialog-run").click()
    reply = fresh.page.request.get(f"{fresh.url}/lamina/picture/{picked}.png")
    saved = np.asarray(Image.open(coming.value.path()).convert("RGBA"))
    assert np.array_equal(saved, np.asarray(Image.open(io.BytesIO(reply.body())).convert("RGBA")))
    fresh.page.keyboard.press("Control+z")
    fresh.wait("state.picked === ''")


def test_the_theme_and_the_brush_are_as_they_were_left(fresh: EditorPage):
    fresh.part("theme").click()
    fresh.page.wait_for_function("document.querySelector('.lamina-root').dataset.theme === 'light'")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("b")
    fresh.part("brush-size").fill("77")
    fresh.part("brush-size").press("Enter")
    fresh.reload()
    fresh.page.wait_for_function("document.querySelector('.lamina-root').dataset.theme === 'light'")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("b")
    assert fresh.until(lambda: fresh.part("brush-size").input_value().startswith("77"))
