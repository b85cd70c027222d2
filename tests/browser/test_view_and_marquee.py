"""The canvas beyond strokes: painting between two candidates, turned and mirrored views, the
marquee.
"""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from tests.browser.editor_page import EditorPage
from tests.browser.test_painting import read_mask


def fetch(editor: EditorPage, digest: str) -> np.ndarray:
    """Stored pixels, as the server gives them: uint8 (h, w, 3)."""
    reply = editor.page.request.get(f"{editor.url}/lamina/picture/{digest}.png")
    assert reply.ok
    return np.asarray(Image.open(io.BytesIO(reply.body())).convert("RGB"))


def assert_painted_in(editor: EditorPage, base: str, other: str, mixed: str) -> None:
    """Two strokes of ``other`` lie in ``base``; beyond their reach every pixel is the base's."""
    old, new, both = (fetch(editor, digest) for digest in (base, other, mixed))
    scale = old.shape[1] / editor.state()["scene"]["width_px"]
    strokes = np.zeros(old.shape[:2], bool)
    for top in (60, 260):
        strokes[int(top * scale) : int((top + 104) * scale), int(60 * scale) : int(440 * scale)] = (
            True
        )
    assert np.array_equal(both[~strokes], old[~strokes])
    row, columns = int(110 * scale), slice(int(150 * scale), int(350 * scale))
    assert np.array_equal(both[row, columns], new[row, columns])
    assert (both != old).any()


def test_one_candidate_is_painted_into_another_undone_kept_and_found_after_a_reload(
    fresh: EditorPage,
):
    keys = fresh.page.keyboard
    fresh.set_dials(8, 2)
    fresh.part("generate").click()
    fresh.wait("state.candidates.length === 2 && !state.job")
    fresh.part("accept").click()
    base, other = (each["digest"] for each in fresh.state()["candidates"])
    assert fresh.state()["picked"] == base
    fresh.part("canvas").focus()
    keys.press("p")
    fresh.wait("state.mix !== null && state.tool === 'brush'")
    assert fresh.until(fresh.part("mix-keep").is_visible)
    fresh.wait_drawn()
    plain = fresh.pixels()
    fresh.drag_scene((100, 100), (400, 120))
    fresh.drag_scene((100, 300), (400, 320))
    assert fresh.until(lambda: (fresh.pixels() != plain).any())
    shown = fresh.pixels()
    fresh.look("mixing")
    keys.press("Control+z")
    fresh.wait("state.redo.startsWith('Paint')")
    keys.press("Control+Shift+z")
    fresh.wait_saved()
    fresh.reload()
    fresh.wait("state.mix !== null")
    assert fresh.until(lambda: np.array_equal(fresh.pixels(), shown))
    fresh.part("canvas").focus()
    keys.press("Enter")
    fresh.wait("state.candidates.length === 3 && state.mix === null")
    mixed = fresh.state()["candidates"][-1]
    assert fresh.state()["picked"] == mixed["digest"]
    assert (mixed["source"], mixed["changed_outside"]) == (base, 0)
    assert_painted_in(fresh, base, other, mixed["digest"])
    keys.press("Control+z")
    fresh.wait(f"state.mix !== null && state.picked === {base!r}")


def test_under_a_turned_and_mirrored_view_strokes_and_drags_land_where_the_scene_says(
    fresh: EditorPage,
):
    keys = fresh.page.keyboard
    plain = fresh.pixels()
    fresh.part("add-painted").click()
    region = fresh.state()["selected"]
    fresh.part("canvas").focus()
    for key in ("6", "6", "m", "0"):
        keys.press(key)
    fresh.wait("state.view.turn === -30 && state.view.mirror")
    assert np.array_equal(fresh.pixels(), plain)
    fresh.drag_scene((100, 200), (300, 200))
    mask = read_mask(fresh, region)
    rows, columns = np.nonzero(mask > 127)
    assert abs(rows.mean() - 199.5) < 1
    assert abs(columns.mean() - 199.5) < 2
    assert 40 < np.ptp(rows) < 50
    assert 235 < np.ptp(columns) < 250
    fresh.look("turned")
    keys.press("v")
    keys.down("Control")  # it comes to rest on nothing else
    fresh.drag_scene((200, 200), (250, 230))
    keys.up("Control")
    moved = read_mask(fresh, region)
    rows, columns = np.nonzero(moved > 127)
    assert abs(rows.mean() - 229.5) < 2
    assert abs(columns.mean() - 249.5) < 2
    keys.press("5")
    keys.press("m")
    fresh.wait("state.view.turn === 0 && !state.view.mirror")
    assert np.array_equal(read_mask(fresh, region), moved)
    keys.press("Control+k")
    fresh.part("palette-field").fill("mirror")
    fresh.page.locator('[data-test="palette-item"][data-command="mirror"]').wait_for()


def test_a_part_of_a_region_and_of_a_picture_is_moved_and_copied_as_one_step_each(
    fresh: EditorPage,
):
    keys = fresh.page.keyboard
    fresh.part("add-painted").click()
    region = fresh.state()["selected"]
    fresh.part("canvas").focus()
    fresh.drag_scene((60, 60), (200, 60))
    before = read_mask(fresh, region)
    keys.press("a")
    fresh.drag_scene((20, 20), (130, 110))
    fresh.drag_scene((80, 60), (80, 260))
    moved = read_mask(fresh, region)
    assert np.array_equal(moved[220:310, 20:130], before[20:110, 20:130])
    assert not moved[20:110, 20:130].any()
    assert fresh.state()["undo"].startswith("Move part of")
    keys.press("Control+z")
    assert np.array_equal(read_mask(fresh, region), before)
    keys.press("Escape")
    cat = next(layer["id"] for layer in fresh.layers() if "cat" in layer["phrase"])
    fresh.select(cat)
    x, y = (
        fresh.layer(cat)["placement"]["centre_x_px"],
        fresh.layer(cat)["placement"]["centre_y_px"],
    )
    count = len(fresh.layers())
    fresh.drag_scene((x - 60, y - 60), (x + 60, y))
    keys.down("Alt")
    fresh.drag_scene((x, y - 30), (x - 150, y - 130))
    keys.up("Alt")
    piece = fresh.state()["selected"]
    assert len(fresh.layers()) == count + 1
    assert piece != cat
    assert fresh.layer(cat)["mask"] is None
    assert abs(fresh.layer(piece)["placement"]["centre_x_px"] - (x - 150)) < 1
    fresh.look("marquee")
    keys.press("Control+z")
    assert len(fresh.layers()) == count


def test_a_turned_layer_that_was_dragged_about_looks_as_when_drawn_afresh(fresh: EditorPage):
    cat = next(layer["id"] for layer in fresh.layers() if "cat" in layer["phrase"])
    fresh.select(cat)
    fresh.part("field-rotate").fill("35")
    fresh.part("field-rotate").press("Enter")
    place = fresh.layer(cat)["placement"]
    start = (place["centre_x_px"], place["centre_y_px"])
    fresh.drag_scene(start, (start[0] - 90, start[1] - 130))
    dragged = fresh.pixels()
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+z")
    fresh.page.keyboard.press("Control+Shift+z")
    fresh.wait_saved()
    fresh.reload()
    fresh.wait_drawn()
    assert fresh.until(lambda: np.array_equal(fresh.pixels(), dragged))
