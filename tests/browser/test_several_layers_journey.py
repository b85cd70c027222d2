"""Several layers in a person's hands: chosen on the canvas, moved and aligned together, the menu at
the pointer, and the column with its list and its card.
"""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.editor_page import EditorPage

pytestmark = pytest.mark.slow


def places(editor: EditorPage) -> list[tuple[float, float]]:
    return [
        (one["placement"]["centre_x_px"], one["placement"]["centre_y_px"])
        for one in editor.layers()
    ]


def count_rows_seen(editor: EditorPage) -> int:
    """Rows of the list that are seen to their foot."""
    return editor.page.evaluate("""() => {
      const end = document.querySelector(".layer-scroll").getBoundingClientRect().bottom;
      return [...document.querySelectorAll('[data-test="layer-row"]')]
        .filter((row) => row.getBoundingClientRect().bottom <= end + 1).length;
    }""")


def test_layers_are_swept_moved_aligned_and_reached_by_the_menu_at_the_pointer(
    fresh: EditorPage,
) -> None:
    start = places(fresh)
    count = len(start)
    fresh.drag_scene((508, 4), (6, 508))
    expect(fresh.part("card-panel")).to_contain_text(f"and {count - 2} more")
    assert fresh.state()["undo"] == ""
    x, y = start[-1]
    fresh.page.keyboard.down("Control")
    fresh.drag_scene((x, y), (x - 30, y - 20))
    fresh.page.keyboard.up("Control")
    fresh.settle()
    moved = places(fresh)
    assert moved[0] == start[0]
    for (old_x, old_y), (new_x, new_y) in zip(start[1:], moved[1:], strict=True):
        assert (round(new_x - old_x), round(new_y - old_y)) == (-30, -20)
    fresh.part("alignMiddle").click()
    fresh.settle()
    heights = [y for _, y in places(fresh)[1:]]
    assert max(heights) - min(heights) < 0.01
    fresh.page.mouse.click(*fresh.spot(*places(fresh)[-1]), button="right")
    fresh.part("context-menu").wait_for()
    fresh.look("context-menu")
    fresh.page.locator('[data-command="group"][data-test="context-item"]').click()
    fresh.wait("state.scene.groups.length === 1")
    for _ in range(3):
        fresh.page.keyboard.press("Control+z")
    fresh.settle()
    assert places(fresh) == start
    fresh.part("canvas").focus()
    for _ in range(2):
        fresh.page.keyboard.press("Escape")
    fresh.wait("state.selected === ''")


def test_six_rows_are_seen_beside_the_card_which_folds_and_the_column_is_as_wide_as_wished(
    fresh: EditorPage,
) -> None:
    fresh.select(fresh.layers()[-1]["id"])
    for _ in range(4):
        fresh.page.keyboard.press("Control+d")
    fresh.part("layers").evaluate("node => node.parentElement.scrollTo(0, 0)")
    fresh.settle()
    assert count_rows_seen(fresh) >= 6
    fresh.look("six-rows")
    fresh.page.keyboard.press("i")
    expect(fresh.part("phrase")).to_have_count(0)
    assert count_rows_seen(fresh) >= 7
    grip = fresh.part("side-grip")
    grip.focus()
    before = fresh.page.locator(".side").bounding_box()
    assert before is not None
    for _ in range(4):
        fresh.page.keyboard.press("ArrowLeft")
    fresh.settle()
    after = fresh.page.locator(".side").bounding_box()
    assert after is not None
    assert round(after["width"] - before["width"]) == 64
    fresh.wait_saved()
    fresh.reload()
    fresh.select(fresh.layers()[-1]["id"])
    expect(fresh.part("phrase")).to_have_count(0)
    kept = fresh.page.locator(".side").bounding_box()
    assert kept is not None
    assert round(kept["width"]) == round(after["width"])
    fresh.part("card-fold").click()
    expect(fresh.part("phrase")).to_be_visible()
