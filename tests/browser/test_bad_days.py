"""Days on which something is wrong: no storage, a full one, a server that goes away, huge files,
fifty at once.
"""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from tests.browser.drawings import png, star
from tests.browser.editor_page import LONG_COUNT, EditorPage
from tests.browser.test_painting import read_mask

DOORS = ("**/component_server/**", "**/gradio_api/upload*")
SILENCE = ("ERR_FAILED", "component server", "Failed to fetch", "upload")

DENIED = """() => {
  const deny = () => { throw new DOMException("denied", "SecurityError"); };
  for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
    Object.defineProperty(window, name, { get: deny, configurable: true });
  }
}"""
FULL = """() => {
  IDBObjectStore.prototype.put = () => { throw new DOMException("full", "QuotaExceededError"); };
  Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
}"""


def cut_off(editor: EditorPage) -> None:
    for door in DOORS:
        editor.page.route(door, lambda route: route.abort())


def let_through(editor: EditorPage) -> None:
    editor.page.unroute_all()


def paint_and_save(editor: EditorPage, project: str) -> tuple[str, np.ndarray]:
    """A stroke in a new region, saved without a word; the region's id, and its mask."""
    assert editor.state()["project"] == project
    editor.part("add-painted").click()
    region = editor.state()["selected"]
    editor.drag_scene((100, 100), (300, 300))
    kept = read_mask(editor, region)
    assert kept.any()
    editor.wait_saved()
    assert editor.all_notices() == ""
    return region, kept


@pytest.mark.parametrize("wrong", [DENIED, FULL], ids=["storage denied", "storage full"])
def test_without_the_browsers_storage_strokes_still_reach_the_server(
    fresh: EditorPage, context, wrong: str
):
    project = fresh.state()["project"]
    page = context.new_page()
    page.add_init_script(f"({wrong})()")
    try:
        region, kept = paint_and_save(EditorPage(page, fresh.url, fresh.screens).open(), project)
    finally:
        page.close()
    fresh.reload()
    assert fresh.until(lambda: np.array_equal(read_mask(fresh, region), kept))


def test_the_server_goes_away_in_mid_edit_and_comes_back_without_a_reload(fresh: EditorPage, watch):
    watch.forgiven = SILENCE
    fresh.part("add-painted").click()
    region = fresh.state()["selected"]
    fresh.wait_saved()
    cut_off(fresh)
    fresh.drag_scene((60, 60), (260, 60))
    fresh.part("banner-offline").wait_for()
    assert fresh.until(lambda: fresh.part("saved").get_attribute("data-state") == "offline")
    fresh.part("prompt").fill("typed while nobody listened")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("b")
    fresh.drag_scene((60, 200), (260, 200))
    fresh.look("server-gone-in-mid-edit")
    mask, scene = read_mask(fresh, region), fresh.state()["scene"]
    let_through(fresh)
    fresh.part("banner-offline").wait_for(state="hidden")
    fresh.wait_saved()
    fresh.reload()
    after = fresh.state()["scene"]
    assert after["prompt"] == scene["prompt"] == "typed while nobody listened"
    assert fresh.until(lambda: np.array_equal(read_mask(fresh, region), mask))


def test_a_stale_page_may_keep_its_own_version(fresh: EditorPage, context):
    other = EditorPage(context.new_page(), fresh.url, fresh.screens).open()
    fresh.part("project-name").fill("Mine")
    fresh.wait_saved()
    other.part("project-name").fill("Theirs")
    other.part("banner-stale").wait_for()
    other.part("keep-mine").click()
    other.part("banner-stale").wait_for(state="hidden")
    other.wait_saved()
    fresh.part("prompt").fill("now this page is the old one")
    fresh.part("banner-stale").wait_for()
    fresh.part("load-theirs").click()
    fresh.wait("state.scene.name === 'Theirs'")


def test_a_picture_as_wide_as_allowed_is_taken_and_shown_small(fresh: EditorPage):
    count = len(fresh.layers())
    fresh.drop(
        ("panorama.png", png(np.full((512, 8192, 3), (90, 140, 200), np.uint8))), at=(256, 256)
    )
    fresh.wait(f"state.scene.layers.length === {count + 1}")
    fresh.wait_drawn()
    layer = fresh.layers()[-1]
    width = fresh.state()["scene"]["width_px"]
    assert layer["placement"]["scale_x"] * 8192 <= 0.6 * width + 1
    assert fresh.until(
        lambda: np.abs(fresh.pixels()[256, 256, :3].astype(int) - (90, 140, 200)).max() <= 2
    )


def size_of(editor: EditorPage, digest: str) -> tuple[int, int]:
    """Width and height of stored pixels."""
    reply = editor.page.request.get(f"{editor.url}/lamina/picture/{digest}.png")
    return Image.open(io.BytesIO(reply.body())).size


def test_fifty_files_at_once_become_fifty_layers_each_a_step(fresh: EditorPage):
    """In the order of the files, which the sizes of their pictures tell: a number is no word of a
    phrase.
    """
    before = fresh.layers()
    fresh.drop(*((f"green star {index}.png", star(16 + index)) for index in range(50)), at=(60, 60))
    fresh.wait(f"state.scene.layers.length === {len(before) + 50}")
    added = fresh.layers()[len(before) :]
    assert fresh.layers()[: len(before)] == before
    assert {layer["phrase"] for layer in added} == {"green star"}
    assert [size_of(fresh, layer["picture"]) for layer in added] == [
        (16 + index,) * 2 for index in range(50)
    ]
    fresh.wait_saved()
    fresh.look("fifty-files")
    fresh.part("canvas").focus()
    for left in reversed(range(50)):
        assert fresh.state()["undo"] == "Add green star"
        fresh.page.keyboard.press("Control+z")
        assert fresh.layers() == [*before, *added[:left]]
    assert fresh.state()["undo"] == ""


def test_three_hundred_edits_during_a_run_are_neither_lost_nor_in_its_way(fresh: EditorPage):
    job = fresh.begin_long_run(LONG_COUNT)  # 300 keys take a busy machine half a minute
    fresh.part("show-collage").click()
    layer = fresh.layers()[-1]["id"]
    fresh.select(layer)
    before = fresh.layer(layer)["placement"]
    done = fresh.state()["job"]["done"]
    for _ in range(150):
        fresh.page.keyboard.press("ArrowRight")
        fresh.page.keyboard.press("ArrowDown")
    after = fresh.layer(layer)["placement"]
    assert (
        after["centre_x_px"] - before["centre_x_px"],
        after["centre_y_px"] - before["centre_y_px"],
    ) == (150, 150)
    fresh.wait_saved()
    fresh.wait(f"state.job && state.job.id === {job!r} && state.job.done > {done}")
    fresh.part("cancel").click()
    fresh.wait("state.job === null")
    assert fresh.layer(layer)["placement"] == after
    fresh.reload()
    assert fresh.layer(layer)["placement"] == after
