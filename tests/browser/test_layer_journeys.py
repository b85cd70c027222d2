"""Layers as a person handles them: groups, pictures dropped, dragged and pasted, stars, fifty steps
there and back.
"""

from __future__ import annotations

import base64
import io

import numpy as np
from PIL import Image

from tests.browser.drawings import png, star
from tests.browser.editor_page import EditorPage
from tests.browser.test_painting import read_mask

PASTE = """async ([content, html]) => {
  const held = new DataTransfer();
  if (html) held.setData("text/html", html);
  if (content) {
    const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
    held.items.add(new File([bytes], "image.png", { type: "image/png" }));
  }
  document.activeElement.dispatchEvent(new ClipboardEvent("paste", { clipboardData: held,
    bubbles: true }));
}"""


def paste(editor: EditorPage, content: bytes = b"", html: str = "") -> None:
    editor.page.evaluate(PASTE, [base64.b64encode(content).decode(), html])


def photograph(width_px: int = 320, height_px: int = 240) -> bytes:
    """A JPEG without edges: sky over sand."""
    y = np.linspace(0, 1, height_px)[:, None, None]
    picture = (1 - y) * np.array([120, 170, 230]) + y * np.array([220, 190, 130])
    stream = io.BytesIO()
    Image.fromarray(np.broadcast_to(picture, (height_px, width_px, 3)).astype(np.uint8)).save(
        stream, "JPEG"
    )
    return stream.getvalue()


def order(editor: EditorPage) -> list[str]:
    return [layer["id"] for layer in editor.layers()]


def empty(editor: EditorPage) -> None:
    editor.part("canvas").focus()
    editor.page.keyboard.press("Control+a")
    editor.page.keyboard.press("Delete")
    editor.wait("state.scene.layers.length === 0")


def group_two(editor: EditorPage) -> list[str]:
    """Two stars of a person's own, grouped by Ctrl G; their ids, from back to front."""
    for index in range(2):
        count = len(editor.layers())
        editor.drop((f"green star {index}.png", star()), at=(70 + 110 * index, 70))
        editor.wait(f"state.scene.layers.length === {count + 1}")
    editor.wait_drawn()
    ids = order(editor)[-2:]
    editor.select(ids[1])
    editor.row(ids[0]).locator(".row-words").click(modifiers=["Control"])
    editor.part("canvas").focus()
    editor.page.keyboard.press("Control+g")
    editor.wait("state.scene.groups.length === 1")
    assert editor.state()["scene"]["groups"][0]["members"] == ids
    return ids


def test_a_group_is_made_named_hidden_folded_and_found_after_a_reload(fresh: EditorPage):
    ids = group_two(fresh)
    whole = fresh.pixels()
    fresh.part("group-name").fill("Two stars")
    fresh.part("group-eye").click()
    fresh.wait("state.undo === 'Hide Two stars'")
    assert np.any(fresh.pixels() != whole)
    assert not any(fresh.layer(one)["visible"] for one in ids)
    fresh.part("group-eye").click()
    fresh.wait("state.undo === 'Show Two stars'")
    assert np.array_equal(fresh.pixels(), whole)
    fresh.look("group")
    fresh.part("group-fold").click()
    assert fresh.until(lambda: not fresh.row(ids[0]).is_visible())
    fresh.wait_saved()
    scene = fresh.state()["scene"]
    fresh.reload()
    assert fresh.state()["scene"] == scene
    assert fresh.state()["scene"]["groups"][0]["collapsed"]
    fresh.part("group-row").wait_for()
    assert not fresh.row(ids[0]).is_visible()
    fresh.look("group-folded")


def test_a_group_is_dragged_and_moved_by_keys_as_one(fresh: EditorPage):
    before = order(fresh)
    ids = group_two(fresh)
    fresh.part("group-row").locator(".muted").click()
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+[")
    assert fresh.until(lambda: order(fresh) == [*before[:-1], *ids, before[-1]])
    places = [fresh.layer(one)["placement"]["centre_x_px"] for one in ids]
    fresh.drag_scene((70, 70), (130, 100))
    moved = [fresh.layer(one)["placement"]["centre_x_px"] for one in ids]
    assert abs((moved[0] - places[0]) - (moved[1] - places[1])) < 1e-6
    assert moved[0] - places[0] > 30
    front = fresh.row(before[-1]).locator(".row-words")
    fresh.part("group-row").locator(".muted").drag_to(front, target_position={"x": 5, "y": 1})
    assert fresh.until(lambda: order(fresh) == [*before, *ids])
    fresh.page.keyboard.press("Control+z")
    assert fresh.until(lambda: order(fresh) == [*before[:-1], *ids, before[-1]])


def test_at_768_pixels_everything_is_still_at_hand(fresh: EditorPage):
    fresh.page.set_viewport_size({"width": 768, "height": 900})
    try:
        fresh.select(fresh.layers()[-1]["id"])
        fresh.settle()
        wide = (
            "document.documentElement.scrollWidth - innerWidth, "
            "document.querySelector('.lamina-root').scrollWidth"
        )
        assert fresh.page.evaluate(f"[{wide}]") == [0, 768]
        for name in (
            "undo",
            "redo",
            "history",
            "open-menu",
            "export-menu",
            "keys",
            "generate",
            "prompt",
            "tool-brush",
        ):
            box = fresh.part(name).bounding_box()
            assert box is not None, name
            assert box["x"] >= 0, name
            assert box["x"] + box["width"] <= 768, name
        fresh.look("narrow")
    finally:
        fresh.page.set_viewport_size({"width": 1440, "height": 900})


def test_a_candidate_is_starred_and_dragged_onto_the_canvas(fresh: EditorPage):
    fresh.set_dials(3, 2)
    fresh.part("generate").click()
    fresh.wait("state.job === null && state.candidates.length === 2")
    fresh.part("candidate").nth(1).click()
    fresh.part("star").click()
    fresh.page.wait_for_selector('[data-test="candidate"][data-starred="true"]')
    fresh.part("candidate").first.drag_to(
        fresh.part("canvas"), target_position={"x": 400, "y": 300}
    )
    fresh.wait("state.undo.startsWith('Add Candidate 1')")
    made = fresh.state()["candidates"][0]
    assert fresh.layers()[-1]["picture"] == made["digest"]
    fresh.wait_saved()
    fresh.reload()
    assert fresh.state()["starred"] == [fresh.state()["candidates"][1]["digest"]]
    fresh.page.wait_for_selector('[data-test="candidate"][data-starred="true"]')
    fresh.look("starred")


def test_fifty_undos_and_fifty_redos_lead_to_the_same_pixels(fresh: EditorPage):
    keys = fresh.page.keyboard
    fresh.part("add-painted").click()
    region = fresh.state()["selected"]
    fresh.part("canvas").focus()
    start = fresh.pixels()
    marks = np.random.default_rng(7).uniform(40, 470, (50, 2))
    for x, y in marks:
        fresh.page.mouse.click(*fresh.spot(x, y))
    whole, mask = fresh.pixels(), read_mask(fresh, region)
    for _ in range(50):
        keys.press("Control+z")
    assert not read_mask(fresh, region).any()
    assert np.array_equal(fresh.pixels(), start)
    for _ in range(50):
        keys.press("Control+Shift+z")
    assert np.array_equal(read_mask(fresh, region), mask)
    assert np.array_equal(fresh.pixels(), whole)
    fresh.part("history").click()
    steps = fresh.part("history-list").locator('[role="option"]')
    assert fresh.until(lambda: steps.count() == 52)
    names = steps.all_inner_texts()
    assert all(name.strip() for name in names)


def test_html_pasted_into_the_prompt_is_plain_text(fresh: EditorPage):
    fresh.part("prompt").fill("")
    fresh.part("prompt").focus()
    before = fresh.state()["project"]
    paste(fresh, html="<img src=x onerror='window.pwn=1'>")
    fresh.page.keyboard.insert_text("<img src=x onerror='window.pwn=1'>")
    assert fresh.state()["scene"]["prompt"] == "<img src=x onerror='window.pwn=1'>"
    assert fresh.part("prompt-spans").locator("img").count() == 0
    assert fresh.page.evaluate("window.pwn") is None
    assert fresh.state()["project"] == before


def test_an_opaque_layer_is_merged_with_what_is_below_and_looks_the_same(fresh: EditorPage):
    count = len(fresh.layers())
    fresh.drop(
        ("square.png", png(np.full((80, 80, 4), (200, 40, 40, 255), np.uint8))), at=(200, 200)
    )
    fresh.wait(f"state.scene.layers.length === {count + 1}")
    fresh.wait_drawn()
    before = fresh.pixels().astype(int)
    fresh.select(fresh.layers()[-1]["id"])
    fresh.page.keyboard.press("Control+Shift+m")
    fresh.wait(f"state.scene.layers.length === {count}")
    fresh.wait_drawn()
    assert fresh.until(lambda: np.abs(fresh.pixels().astype(int) - before).max() <= 3)


def test_a_layer_is_dragged_into_a_group_and_ungrouped(fresh: EditorPage):
    other = order(fresh)[-1]
    ids = group_two(fresh)
    row, low = (fresh.row(one).locator(".row-words").bounding_box() for one in (other, ids[0]))
    assert row is not None
    assert low is not None
    mouse = fresh.page.mouse
    mouse.move(row["x"] + 5, row["y"] + 5)
    mouse.down()
    mouse.move(low["x"] + 5, low["y"] - 4, steps=8)
    mouse.up()
    fresh.wait("state.scene.groups[0].members.length === 3")
    assert other in fresh.state()["scene"]["groups"][0]["members"]
    fresh.part("group-row").locator(".muted").click()
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+Shift+g")
    fresh.wait("state.scene.groups.length === 0")


def test_a_photograph_dropped_on_an_empty_scene_is_its_background(fresh: EditorPage):
    empty(fresh)
    fresh.drop(("beach.jpg", photograph()), at=(30, 30))
    fresh.wait("state.undo === 'Add beach as the background'")
    fresh.wait_drawn()
    assert fresh.until(lambda: fresh.pixels()[..., 3].min() == 255)
    assert fresh.all_notices() == ""
    fresh.drop(("boat.jpg", photograph(60, 60)), at=(200, 200))
    fresh.wait("state.scene.layers.length === 2")
    fresh.part("notice-action").wait_for()
    assert "Cut out the object" in fresh.all_notices()
    fresh.look("opaque-drop")
    fresh.part("notice-action").click()
    fresh.wait("state.undo.startsWith('Cut out') || state.scene.layers[1].mask !== null")
    fresh.page.keyboard.press("Control+z")
    assert fresh.layers()[1]["mask"] is None


def test_a_picture_is_pasted_and_html_is_left_alone(fresh: EditorPage):
    count = len(fresh.layers())
    fresh.part("canvas").focus()
    paste(fresh, html="<b onclick='window.pwn=1'>bold</b><script>window.pwn=1</script>")
    paste(fresh, star())
    fresh.wait(f"state.scene.layers.length === {count + 1}")
    assert fresh.page.evaluate("window.pwn") is None
    fresh.page.keyboard.press("Control+z")
    assert len(fresh.layers()) == count
