"""Editing on the desk: undo over everything, order, hiding, deleting, two pages at once, and text
that stays text.
"""

from __future__ import annotations

import io
import zipfile

import numpy as np

from tests.browser import drawings
from tests.browser.conftest import open_fresh
from tests.browser.drawings import star
from tests.browser.editor_page import EditorPage


def test_undo_and_redo_cover_strokes_of_every_kind(fresh: EditorPage):
    start = fresh.state()["scene"]
    last = start["layers"][-1]["id"]
    fresh.select(last)
    keys = fresh.page.keyboard
    keys.press("Shift+ArrowRight")
    fresh.part("prompt").fill("something else entirely")
    fresh.part("canvas").focus()
    keys.press("f")
    keys.press("Control+[")
    keys.press("Shift+h")
    keys.press("Control+d")
    keys.press("Delete")
    end = fresh.state()["scene"]
    assert end != start
    steps = 0
    while fresh.state()["undo"] and steps < 20:
        keys.press("Control+z")
        steps += 1
    assert steps >= 6
    assert fresh.state()["scene"] == start
    for _ in range(steps):
        keys.press("Control+Shift+z")
    assert fresh.state()["scene"] == end


def test_order_hiding_and_deleting_show_on_the_canvas(fresh: EditorPage):
    top = fresh.layers()[-1]["id"]
    whole = fresh.pixels()
    fresh.row(top).locator('[data-test="eye"]').click()
    hidden = fresh.pixels()
    assert np.any(whole != hidden)
    assert not fresh.layer(top)["visible"]
    fresh.row(top).locator('[data-test="eye"]').click()
    assert np.array_equal(fresh.pixels(), whole)
    fresh.select(top)
    fresh.page.keyboard.press("Delete")
    assert top not in [layer["id"] for layer in fresh.layers()]
    assert np.array_equal(fresh.pixels(), hidden)
    fresh.page.keyboard.press("Control+z")
    assert np.array_equal(fresh.pixels(), whole)


def test_a_row_is_dragged_to_another_place(fresh: EditorPage):
    before = [layer["id"] for layer in fresh.layers()]
    fresh.page.keyboard.press("Escape")
    fresh.settle()
    top = fresh.row(before[-1]).locator(".row-words").bounding_box()
    low = fresh.row(before[1]).locator(".row-words").bounding_box()
    assert top is not None
    assert low is not None
    mouse = fresh.page.mouse
    mouse.move(top["x"] + 5, top["y"] + 5)
    mouse.down()
    mouse.move(low["x"] + 5, low["y"] + low["height"] + 12, steps=8)
    fresh.look("row-dragged")
    mouse.up()
    fresh.wait("state.undo.startsWith('Reorder')")
    assert [layer["id"] for layer in fresh.layers()] == [before[0], before[-1], *before[1:-1]]
    fresh.page.keyboard.press("Control+z")
    assert [layer["id"] for layer in fresh.layers()] == before


def test_what_was_saved_is_there_after_a_reload(fresh: EditorPage):
    fresh.drop(("green star.png", star()), at=(100, 100))
    fresh.wait("state.scene.layers.at(-1).phrase === 'green star'")
    fresh.part("project-name").fill("Kept")
    fresh.wait_saved()
    fresh.wait_drawn()
    scene, pixels = fresh.state()["scene"], fresh.pixels()
    fresh.reload()
    assert fresh.state()["scene"] == scene
    fresh.wait_drawn()
    assert np.abs(fresh.pixels().astype(int) - pixels).max() <= 1


def test_a_reload_keeps_to_the_project_of_its_own_tab(fresh: EditorPage, context):
    mine = fresh.state()["project"]
    newer = open_fresh(EditorPage(context.new_page(), fresh.url, fresh.screens).open())
    assert newer.state()["project"] != mine
    fresh.reload()
    assert fresh.state()["project"] == mine


def test_an_export_opens_again_with_all_its_settings(fresh: EditorPage, tmp_path):
    fresh.set_dials(17, 3)
    fresh.part("project-name").fill("Round trip")
    fresh.wait_saved()
    scene = fresh.state()["scene"]
    with fresh.page.expect_download() as coming:
        fresh.page.keyboard.press("Control+e")
    file = tmp_path / "scene.ora"
    coming.value.save_as(file)
    assert coming.value.suggested_filename == "Round trip.ora"
    assert zipfile.ZipFile(io.BytesIO(file.read_bytes())).read("mimetype") == b"image/openraster"
    before = fresh.state()["project"]
    fresh.drop(("scene.ora", file.read_bytes()))
    fresh.wait(f"state.project !== {before!r}")
    state = fresh.state()
    assert (state["settings"]["steps"], state["settings"]["count"]) == (17, 3)
    assert state["scene"] == scene


def test_two_pages_never_overwrite_one_another_in_silence(fresh: EditorPage, context):
    other = EditorPage(context.new_page(), fresh.url, fresh.screens).open()
    assert other.state()["project"] == fresh.state()["project"]
    fresh.part("project-name").fill("Mine")
    fresh.wait_saved()
    other.part("project-name").fill("Theirs")
    other.part("banner-stale").wait_for()
    other.look("stale")
    other.part("load-theirs").click()
    other.wait("state.scene.name === 'Mine'")
    other.part("banner-stale").wait_for(state="hidden")


SCRIPT = (
    "<img src=x onerror='window.pwn=1'><script>window.pwn=1</script>${window.pwn=1}"
    "{{constructor.constructor('window.pwn=1')()}}"
)


def test_text_of_people_stays_text(fresh: EditorPage):
    layers = len(fresh.layers())
    fresh.drop((f"{SCRIPT[:60].replace('/', '')}.png", star()), at=(100, 100))
    fresh.wait(f"state.scene.layers.length === {layers + 1}")
    fresh.select(fresh.layers()[-1]["id"])
    for field in ("project-name", "prompt", "negative", "phrase", "layer-name"):
        fresh.part(field).fill(SCRIPT)
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+d")
    fresh.part("history").click()
    fresh.wait_saved()
    fresh.page.keyboard.press("Escape")
    fresh.reload()
    fresh.select(fresh.layers()[-1]["id"])
    fresh.part("open-menu").click()
    fresh.page.keyboard.press("Escape")
    fresh.part("export-menu").click()
    fresh.look("hostile-text")
    assert fresh.page.evaluate("window.pwn") is None
    assert fresh.state()["scene"]["prompt"] == SCRIPT


def test_the_light_desk_is_whole_too(fresh: EditorPage):
    fresh.select(fresh.layers()[-1]["id"])
    fresh.part("theme").click()
    fresh.page.wait_for_function("document.querySelector('.lamina-root').dataset.theme === 'light'")
    fresh.look("light")
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("?")
    fresh.part("key-sheet").wait_for()
    fresh.look("keys")


def test_a_photoshop_file_is_opened_by_a_drop(fresh: EditorPage):
    before = fresh.state()["project"]
    fresh.drop(("Sonne.psd", drawings.photoshop_file()))
    fresh.wait(f"state.project !== {before!r}")
    scene = fresh.state()["scene"]
    assert [layer["name"] for layer in scene["layers"]] == ["Ground", "Sonne ☀", "Rote Hälfte"]
    assert (scene["name"], scene["groups"][0]["name"]) == ("Sonne", "Gruppe ★")
    assert scene["layers"][2]["mask"] is not None
    assert scene["layers"][2]["blend"] == "screen"
    fresh.part("project-name").fill("Sun")
    fresh.wait_saved()
    note = "Not drawn: the invert layer 'Umkehr'"
    fresh.part("scene-note").filter(has_text=note).wait_for()  # a save takes nothing of it away
    fresh.wait_drawn()
    fresh.look("photoshop")
    red, green, blue = (int(value) for value in fresh.pixels()[200, 40][:3])
    assert (red, green, blue) == (120, 40, 200)
