"""TCIG as a person uses it: paint masks, name them, see drafts come, refine one, re-roll an object,
cut one apart.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from playwright.sync_api import Locator

from tests.browser.desk_page import DeskPage

CLASSES = ("star", "house", "ball")
FIRST_PREVIEW = """() => {
  if (document.querySelector('[data-test="canvas"]').dataset.showing !== "preview") return false;
  const { drafts, job } = document.querySelector(".lamina-root").lamina.state();
  return { drafts: drafts.length, done: job?.done ?? 0 };
}"""
REGIONS = {"star": (60, 60, 220, 220), "house": (280, 80, 470, 300), "ball": (90, 300, 260, 470)}


@pytest.fixture
def empty(fresh: DeskPage) -> DeskPage:
    """A fresh canvas with nothing on it, and TCIG as the method."""
    fresh.part("canvas").focus()
    fresh.page.keyboard.press("Control+a")
    fresh.page.keyboard.press("Delete")
    fresh.wait("state.scene.layers.length === 0")
    fresh.part("prompt").fill("")
    fresh.part("method").select_option("tcig")
    fresh.wait("state.settings.method === 'tcig'")
    return fresh


def paint(desk: DeskPage, name: str) -> str:
    """A new region that fills the box of that name; its layer's id."""
    left, top, right, bottom = REGIONS[name]
    desk.part("canvas").focus()
    desk.page.keyboard.press("Escape")
    desk.part("add-painted").click()
    layer = desk.state()["selected"]
    desk.part("tool-rectangle").click()
    desk.drag_scene((left, top), (right, bottom))
    return layer


def name_by_search(desk: DeskPage, name: str) -> None:
    """Choose the class of the selected layer by a few letters and the keys."""
    field = desk.part("class-label")
    field.click()
    field.fill(name[:3])
    desk.page.keyboard.press("ArrowDown")
    desk.page.keyboard.press("Enter")


def set_option(desk: DeskPage, name: str, value: object) -> None:
    if not desk.part(f"option-{name}").count():
        desk.part("advanced").locator("summary").click()
    desk.part(f"option-{name}").fill(str(value))
    desk.part(f"option-{name}").press("Enter")
    assert desk.state()["settings"]["options"][name] == value


def quick(desk: DeskPage, count: int) -> None:
    """As few steps as show every stage."""
    desk.set_dials(4, count)
    set_option(desk, "iterations", 20)
    set_option(desk, "cutouts", 2)
    desk.part("advanced").locator("summary").click()


def warnings(desk: DeskPage, layer: str) -> str:
    return desk.row(layer).locator('[data-test="layer-warning"]').inner_text()


def made(desk: DeskPage, count: int) -> list[dict[str, Any]]:
    """The candidates once there are that many and the run is over; what went wrong otherwise."""
    problem = 'document.querySelector(\'[data-test="notice"][data-tone="problem"]\')'
    desk.wait(f"state.candidates.length === {count} && state.job === null || {problem}")
    candidates = desk.state()["candidates"]
    assert len(candidates) == count, desk.all_notices()
    return candidates


def draft(desk: DeskPage, digest: str) -> Locator:
    return desk.page.locator(f'[data-test="draft"][data-digest="{digest}"]')


def paint_and_name(desk: DeskPage) -> dict[str, str]:
    """The layers of all three regions by their class."""
    painted = {}
    for name in CLASSES:
        painted[name] = paint(desk, name)
        name_by_search(desk, name)
        desk.wait(f"state.scene.layers.at(-1).class_label === {name!r}")
    desk.look("tcig-painted")
    assert [layer["phrase"] for layer in desk.layers()] == list(CLASSES)
    return painted


def watch_drafts_come(desk: DeskPage) -> list[dict[str, Any]]:
    """Generate, and see stage 1 on the canvas while it converges; the drafts."""
    desk.part("generate").click()
    first = desk.page.wait_for_function(FIRST_PREVIEW).json_value()
    early = desk.pixels()
    assert first["drafts"] == 0
    desk.wait(f"state.job === null || state.job.done > {first['done'] + 4}")
    assert not np.array_equal(desk.pixels(), early)
    desk.look("tcig-converging")
    candidates, drafts = made(desk, 2), desk.state()["drafts"]
    assert [candidate["draft"] for candidate in candidates] == [each["digest"] for each in drafts]
    assert desk.until(lambda: desk.part("draft").count() == 2)
    desk.look("tcig-drafts")
    return drafts


def refine(desk: DeskPage, digest: str) -> None:
    """Refine a draft: two more pictures of it."""
    draft(desk, digest).click()
    desk.wait(f"state.shown === {digest!r}")
    desk.look("tcig-draft-shown")
    desk.part("refine").click()
    assert {candidate["draft"] for candidate in made(desk, 4)[2:]} == {digest}
    assert desk.until(lambda: draft(desk, digest).get_attribute("data-source") == "true")
    assert desk.until(
        lambda: draft(desk, digest).locator('[data-test="draft-made"]').inner_text() == "×3"
    )
    desk.look("tcig-refined")
    desk.part("accept").click()


def test_rows_warn_before_a_run_and_freedom_shows_what_it_sets(empty: DeskPage):
    desk = empty
    star = paint(desk, "star")
    assert desk.until(lambda: warnings(desk, star) == "no class")
    desk.part("class-label").fill("walrus")
    desk.row(star).get_by_text("No class by that name").wait_for()
    desk.page.keyboard.press("Enter")
    assert desk.until(lambda: warnings(desk, star) == "unknown class")
    desk.part("class-label").fill("")
    desk.page.keyboard.press("Escape")
    assert desk.layer(star)["class_label"] == "walrus"
    name_by_search(desk, "star")
    desk.wait("state.scene.layers[0].class_label === 'star'")
    assert desk.until(
        lambda: desk.row(star).locator('[data-test="layer-warning"]:visible').count() == 0
    )
    desk.look("tcig-named")
    desk.part("canvas").focus()
    desk.page.keyboard.press("Escape")
    desk.part("add-painted").click()
    bare = desk.state()["selected"]
    name_by_search(desk, "ball")
    assert desk.until(lambda: warnings(desk, bare) == "nothing painted")
    desk.part("tool-rectangle").click()
    desk.drag_scene((150, 40), (320, 240))
    assert desk.until(lambda: warnings(desk, star) == "partly covered")
    desk.look("tcig-warnings")

    assert desk.until(
        lambda: desk.part("sets-strength").inner_text() in ("strength 0.52", "strength 0.53")
    )
    desk.part("setter").focus()
    desk.page.keyboard.press("End")
    desk.wait("state.settings.options.freedom === 1")
    assert desk.until(lambda: desk.part("sets-feather_px").inner_text() == "feather 24 px")
    desk.page.keyboard.press("Control+z")
    desk.wait("state.settings.options.freedom === undefined")


def assert_run_shown(desk: DeskPage, run: list[dict[str, Any]], oldest: bool) -> None:
    """The strip has the pictures of this run alone, the first of them is on the canvas."""
    desk.wait(f"state.shown === {run[0]['digest']!r}")
    digests = [one["digest"] for one in run]
    candidates = desk.part("candidate")
    assert desk.until(
        lambda: [one.get_attribute("data-digest") for one in candidates.all()] == digests
    )
    assert desk.until(lambda: desk.part("older-run").is_disabled() == oldest)


def walk_through_the_runs(desk: DeskPage) -> None:
    """From the newest run, which has the picked picture, to the oldest and back."""
    state = desk.state()
    first, second = state["candidates"][:2], state["candidates"][2:4]
    desk.part("older-run").click()
    assert_run_shown(desk, second, oldest=False)
    desk.part("older-run").click()
    assert_run_shown(desk, first, oldest=True)
    desk.part("newer-run").click()
    assert_run_shown(desk, second, oldest=False)
    desk.part("newer-run").click()
    desk.wait(f"state.viewed === '' && state.shown === {state['picked']!r}")
    assert desk.until(desk.part("newer-run").is_disabled)


@pytest.mark.slow
def test_paint_name_draft_refine_reroll_save_and_reload(empty: DeskPage):
    desk = empty
    painted = paint_and_name(desk)
    quick(desk, 2)
    drafts = watch_drafts_come(desk)
    refine(desk, drafts[1]["digest"])
    desk.select(painted["ball"])
    desk.part("reroll").click()
    again = made(desk, 6)[4:]
    assert [(one["layer_id"], one["changed_outside"]) for one in again] == [
        (painted["ball"], 0)
    ] * 2
    assert desk.state()["settings"]["method"] == "tcig"
    desk.part("accept").click()
    desk.wait_saved()
    kept = desk.state()
    desk.reload()
    now = desk.state()
    for name in ("scene", "picked", "candidates", "drafts"):
        assert now[name] == kept[name]
    desk.wait_drawn()
    desk.look("tcig-reloaded")
    walk_through_the_runs(desk)
    desk.part("theme").click()
    desk.wait_drawn()
    desk.look("tcig-light")
    desk.part("theme").click()


@pytest.mark.slow
def test_a_draft_becomes_layers_in_one_step(empty: DeskPage):
    desk = empty
    for name in CLASSES[:2]:
        paint(desk, name)
        name_by_search(desk, name)
    quick(desk, 1)
    desk.part("generate").click()
    made(desk, 1)
    before = desk.state()
    desk.part("draft").click()
    desk.part("draft-layers").click()
    desk.wait("state.undo === 'Turn the draft into layers'")
    desk.wait_drawn()
    after = desk.state()
    assert after["settings"]["method"] == "collage"
    assert [layer["class_label"] for layer in after["scene"]["layers"]] == list(CLASSES[:2])
    assert all(layer["picture"] and not layer["mask"] for layer in after["scene"]["layers"])
    left, top, right, bottom = REGIONS["house"]
    place = after["scene"]["layers"][1]["placement"]
    assert abs(place["centre_x_px"] - (left + right) / 2) <= 1
    assert abs(place["centre_y_px"] - (top + bottom) / 2) <= 1
    desk.look("tcig-layers")
    desk.part("canvas").focus()
    desk.page.keyboard.press("Control+z")
    undone = desk.state()
    assert undone["scene"] == before["scene"]
    assert undone["settings"] == before["settings"]
