"""TCIG as a person uses it: paint masks, name them, see drafts come, refine one, re-roll an object,
cut one apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator

from tests.browser.editor_page import EditorPage

CLASSES = ("star", "house", "ball")
FIRST_PREVIEW = """() => {
  if (document.querySelector('[data-test="canvas"]').dataset.showing !== "preview") return false;
  const { stage1Images, job } = document.querySelector(".lamina-root").lamina.state();
  return { stage1Images: stage1Images.length, done: job?.done ?? 0 };
}"""
REGIONS = {"star": (60, 60, 220, 220), "house": (280, 80, 470, 300), "ball": (90, 300, 260, 470)}


@pytest.fixture
def empty(fresh: EditorPage) -> EditorPage:
    """A fresh canvas with nothing on it, and TCIG as the method."""
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+a")
    fresh.page.keyboard.press("Delete")
    fresh.wait("state.scene.layers.length === 0")
    fresh.part("prompt").fill("")
    fresh.part("method").select_option("tcig")
    fresh.wait("state.settings.method === 'tcig'")
    return fresh


def paint(editor: EditorPage, name: str) -> str:
    """A new region that fills the box of that name; its layer's id."""
    left, top, right, bottom = REGIONS[name]
    editor.part("canvas").focus()
    editor.page.keyboard.press("Escape")
    editor.part("add-painted").click()
    layer = editor.state()["selected"]
    editor.part("tool-rectangle").click()
    editor.drag_scene((left, top), (right, bottom))
    return layer


def name_by_search(editor: EditorPage, name: str) -> None:
    """Choose the class of the selected layer by a few letters and the keys."""
    field = editor.part("class-label")
    field.click()
    field.fill(name[:3])
    editor.page.keyboard.press("ArrowDown")
    editor.page.keyboard.press("Enter")


def set_option(editor: EditorPage, name: str, value: object) -> None:
    if not editor.part(f"option-{name}").count():
        editor.part("advanced").locator("summary").click()
    editor.part(f"option-{name}").fill(str(value))
    editor.part(f"option-{name}").press("Enter")
    assert editor.state()["settings"]["options"][name] == value


def quick(editor: EditorPage, count: int) -> None:
    """As few steps as show every stage."""
    editor.set_dials(4, count)
    set_option(editor, "iterations", 20)
    set_option(editor, "cutouts", 2)
    editor.part("advanced").locator("summary").click()


def warnings(editor: EditorPage, layer: str) -> str:
    return editor.row(layer).locator('[data-test="layer-warning"]').inner_text()


def wait_for_candidates(editor: EditorPage, count: int) -> list[dict[str, Any]]:
    """The candidates once there are that many and the run is over; what went wrong otherwise."""
    problem = 'document.querySelector(\'[data-test="notice"][data-tone="problem"]\')'
    editor.wait(f"state.candidates.length === {count} && state.job === null || {problem}")
    candidates = editor.state()["candidates"]
    assert len(candidates) == count, editor.all_notices()
    return candidates


def locate_stage1(editor: EditorPage, digest: str) -> Locator:
    return editor.page.locator(f'[data-test="stage1"][data-digest="{digest}"]')


def paint_and_name(editor: EditorPage) -> dict[str, str]:
    """The layers of all three regions by their class."""
    painted = {}
    for name in CLASSES:
        painted[name] = paint(editor, name)
        name_by_search(editor, name)
        editor.wait(f"state.scene.layers.at(-1).class_label === {name!r}")
    editor.look("tcig-painted")
    assert [layer["phrase"] for layer in editor.layers()] == list(CLASSES)
    return painted


def watch_stage1_images_come(editor: EditorPage) -> list[dict[str, Any]]:
    """Generate, and see stage 1 on the canvas while it converges; the drafts."""
    editor.part("generate").click()
    first = editor.page.wait_for_function(FIRST_PREVIEW).json_value()
    early = editor.pixels()
    assert first["stage1Images"] == 0
    editor.wait(f"state.job === null || state.job.done > {first['done'] + 4}")
    assert not np.array_equal(editor.pixels(), early)
    editor.look("tcig-converging")
    candidates, stage1_images = wait_for_candidates(editor, 2), editor.state()["stage1Images"]
    assert [candidate["stage1"] for candidate in candidates] == [
        each["digest"] for each in stage1_images
    ]
    assert editor.until(lambda: editor.part("stage1").count() == 2)
    editor.look("tcig-drafts")
    return stage1_images


def refine(editor: EditorPage, digest: str) -> None:
    """Refine a draft: two more pictures of it."""
    locate_stage1(editor, digest).click()
    editor.wait(f"state.shown === {digest!r}")
    editor.look("tcig-draft-shown")
    editor.part("refine").click()
    assert {candidate["stage1"] for candidate in wait_for_candidates(editor, 4)[2:]} == {digest}
    assert editor.until(
        lambda: locate_stage1(editor, digest).get_attribute("data-source") == "true"
    )
    assert editor.until(
        lambda: (
            locate_stage1(editor, digest).locator('[data-test="stage1-count"]').inner_text() == "×3"
        )
    )
    editor.look("tcig-refined")
    editor.part("accept").click()


def test_rows_warn_before_a_run_and_freedom_shows_what_it_sets(empty: EditorPage):
    editor = empty
    star = paint(editor, "star")
    assert editor.until(lambda: warnings(editor, star) == "no class")
    editor.part("class-label").fill("walrus")
    editor.part("card-panel").get_by_text("No class by that name").wait_for()
    editor.page.keyboard.press("Enter")
    assert editor.until(lambda: warnings(editor, star) == "unknown class")
    editor.part("class-label").fill("")
    editor.page.keyboard.press("Escape")
    assert editor.layer(star)["class_label"] == "walrus"
    name_by_search(editor, "star")
    editor.wait("state.scene.layers[0].class_label === 'star'")
    assert editor.until(
        lambda: editor.row(star).locator('[data-test="layer-warning"]:visible').count() == 0
    )
    editor.look("tcig-named")
    editor.part("canvas").focus()
    editor.page.keyboard.press("Escape")
    editor.part("add-painted").click()
    bare = editor.state()["selected"]
    name_by_search(editor, "ball")
    assert editor.until(lambda: warnings(editor, bare) == "nothing painted")
    editor.part("tool-rectangle").click()
    editor.drag_scene((150, 40), (320, 240))
    assert editor.until(lambda: warnings(editor, star) == "partly covered")
    editor.look("tcig-warnings")

    assert editor.until(
        lambda: editor.part("sets-strength").inner_text() in ("strength 0.52", "strength 0.53")
    )
    editor.part("setter").focus()
    editor.page.keyboard.press("End")
    editor.wait("state.settings.options.mask_tolerance === 1")
    assert editor.until(lambda: editor.part("sets-feather_px").inner_text() == "feather 24 px")
    editor.page.keyboard.press("Control+z")
    editor.wait("state.settings.options.mask_tolerance === undefined")


def assert_run_shown(editor: EditorPage, run: list[dict[str, Any]], oldest: bool) -> None:
    """The strip has the pictures of this run alone, the first of them is on the canvas."""
    editor.wait(f"state.shown === {run[0]['digest']!r}")
    digests = [one["digest"] for one in run]
    candidates = editor.part("candidate")
    assert editor.until(
        lambda: [one.get_attribute("data-digest") for one in candidates.all()] == digests
    )
    assert editor.until(lambda: editor.part("older-run").is_disabled() == oldest)


def walk_through_the_runs(editor: EditorPage) -> None:
    """From the newest run, which has the picked picture, to the oldest and back."""
    state = editor.state()
    first, second = state["candidates"][:2], state["candidates"][2:4]
    editor.part("older-run").click()
    assert_run_shown(editor, second, oldest=False)
    editor.part("older-run").click()
    assert_run_shown(editor, first, oldest=True)
    editor.part("newer-run").click()
    assert_run_shown(editor, second, oldest=False)
    editor.part("newer-run").click()
    editor.wait(f"state.viewed === '' && state.shown === {state['picked']!r}")
    assert editor.until(editor.part("newer-run").is_disabled)


@pytest.mark.slow
def test_paint_name_draft_refine_reroll_save_and_reload(empty: EditorPage):
    editor = empty
    painted = paint_and_name(editor)
    quick(editor, 2)
    stage1_images = watch_stage1_images_come(editor)
    refine(editor, stage1_images[1]["digest"])
    editor.select(painted["ball"])
    editor.part("reroll").click()
    again = wait_for_candidates(editor, 6)[4:]
    assert [(one["layer_id"], one["changed_outside"]) for one in again] == [
        (painted["ball"], 0)
    ] * 2
    assert editor.state()["settings"]["method"] == "tcig"
    editor.part("accept").click()
    editor.wait_saved()
    kept = editor.state()
    editor.reload()
    now = editor.state()
    for name in ("scene", "picked", "candidates", "stage1Images"):
        assert now[name] == kept[name]
    editor.wait_drawn()
    editor.look("tcig-reloaded")
    walk_through_the_runs(editor)
    editor.part("theme").click()
    editor.wait_drawn()
    editor.look("tcig-light")
    editor.part("theme").click()


@pytest.mark.slow
def test_a_draft_becomes_layers_in_one_step(empty: EditorPage):
    editor = empty
    for name in CLASSES[:2]:
        paint(editor, name)
        name_by_search(editor, name)
    quick(editor, 1)
    editor.part("generate").click()
    wait_for_candidates(editor, 1)
    before = editor.state()
    editor.part("stage1").click()
    editor.part("stage1-layers").click()
    editor.wait("state.undo === 'Turn the draft into layers'")
    editor.wait_drawn()
    after = editor.state()
    assert after["settings"]["method"] == "collage"
    assert [layer["class_label"] for layer in after["scene"]["layers"]] == list(CLASSES[:2])
    assert all(layer["picture"] and not layer["mask"] for layer in after["scene"]["layers"])
    left, top, right, bottom = REGIONS["house"]
    place = after["scene"]["layers"][1]["placement"]
    assert abs(place["centre_x_px"] - (left + right) / 2) <= 1
    assert abs(place["centre_y_px"] - (top + bottom) / 2) <= 1
    editor.look("tcig-layers")
    editor.part("canvas").focus()
    editor.page.keyboard.press("Control+z")
    undone = editor.state()
    assert undone["scene"] == before["scene"]
    assert undone["settings"] == before["settings"]
