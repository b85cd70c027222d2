"""Rows as handles: a group by the whole of its head, a row by all but its controls; a class that
nobody knows.
"""

from __future__ import annotations

from playwright.sync_api import Locator

from tests.browser.editor_page import EditorPage
from tests.browser.test_layer_journeys import group_two, order
from tests.browser.test_tcig_journey import empty, paint, paint_and_name, quick, set_option

__all__ = ["empty"]


def middle(part: Locator) -> tuple[float, float]:
    part.scroll_into_view_if_needed()
    box = part.bounding_box()
    assert box is not None
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def drag(editor: EditorPage, part: Locator, target: Locator, below: bool) -> None:
    """From the middle of a part to just inside the lower or upper edge of another one."""
    x, y = middle(part)
    box = target.bounding_box()
    assert box is not None
    mouse = editor.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, box["y"] + (box["height"] - 2 if below else 2), steps=8)
    mouse.up()


def test_a_group_is_dragged_by_its_name_and_a_click_there_still_types(fresh: EditorPage):
    before = order(fresh)
    ids = group_two(fresh)
    for handle in (fresh.part("group-name"), fresh.part("group-row").locator(".muted")):
        drag(fresh, handle, fresh.row(before[0]).locator(".row-head"), below=True)
        assert order(fresh) == [*ids, *before]
        fresh.part("canvas").focus()
        fresh.page.keyboard.press("Control+z")
        assert order(fresh) == [*before, *ids]
    fresh.part("group-name").click()
    fresh.page.keyboard.press("Control+a")
    fresh.page.keyboard.type("Stars")
    fresh.page.keyboard.press("Enter")
    assert fresh.state()["scene"]["groups"][0]["name"] == "Stars"
    fresh.part("group-name").click()
    x, y = middle(fresh.part("group-name"))
    fresh.page.mouse.move(x, y)
    fresh.page.mouse.down()
    fresh.page.mouse.move(x, y + 120, steps=6)
    fresh.page.mouse.up()
    assert order(fresh) == [*before, *ids], "a drag inside a name that is being typed marks text"


def test_a_row_is_dragged_by_its_picture_and_its_words_but_not_by_a_dial(
    fresh: EditorPage,
):
    before = order(fresh)
    top = before[-1]
    fresh.select(top)
    row = fresh.row(top)
    last = fresh.row(before[0]).locator(".row-head")
    for name in (".thumb-box", ".row-words"):
        drag(fresh, row.locator(name).first, last, below=True)
        assert order(fresh) == [top, *before[:-1]], name
        fresh.part("canvas").focus()
        fresh.page.keyboard.press("Control+z")
        assert order(fresh) == before
        fresh.select(top)
    drag(fresh, row.locator('[data-test="row-strength"]'), last, below=True)
    assert order(fresh) == before


def test_escape_and_a_button_let_go_elsewhere_leave_the_order(fresh: EditorPage):
    before = order(fresh)
    x, y = middle(fresh.row(before[-1]).locator(".row-words"))
    mouse = fresh.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y + 150, steps=6)
    fresh.page.keyboard.press("Escape")
    mouse.up()
    assert order(fresh) == before
    mouse.move(x, y)
    mouse.down()
    mouse.move(x, y + 2)
    mouse.up()
    mouse.move(x, y + 150, steps=6)
    assert order(fresh) == before


def test_a_class_that_nobody_knows_is_answered_with_those_that_are_known(empty: EditorPage):
    star = paint(empty, "star")
    field = empty.part("class-label")
    field.click()
    every = empty.part("class-option").count()
    assert every >= 10
    field.fill("walrus")
    assert "know these" in empty.part("class-hint").inner_text()
    assert empty.part("class-option").count() == every
    empty.look("class-unknown")
    empty.part("class-option").filter(has_text="rocket").click()
    empty.wait("state.scene.layers[0].class_label === 'rocket'")
    empty.part("canvas").focus()
    empty.page.keyboard.press("Control+z")
    assert empty.layer(star)["class_label"] == ""


def test_all_drafts_are_seen_while_they_converge(empty: EditorPage):
    paint_and_name(empty)
    quick(empty, 3)
    set_option(empty, "iterations", 60)
    empty.part("generate").click()
    tiles = empty.part("stage1-preview")
    assert empty.until(lambda: tiles.count() == 3, 90)
    drawn = "tiles => new Set(tiles.map(tile => tile.querySelector('canvas').toDataURL())).size"
    assert empty.until(lambda: tiles.evaluate_all(drawn) == 3)
    tiles.nth(2).click()
    assert empty.until(lambda: tiles.nth(2).get_attribute("aria-pressed") == "true")
    empty.look("drafts-converging")
    empty.wait("state.job === null && state.candidates.length === 3", 180)
    assert tiles.count() == 0
    assert empty.part("stage1").count() == 3
