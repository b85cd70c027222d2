"""A subject from three pictures to a collage: make, train, four layouts, retouch one, place it, re-roll only it."""

from __future__ import annotations

import base64

import pytest

from backend.evaluation.subjects import Case, drawn_subjects
from tests.browser.desk_page import DROP, DeskPage
from tests.browser.drawings import png
from tests.browser.test_journey import assert_same_outside

pytestmark = pytest.mark.slow

SIDE_PX = 128
STEPS = 3
LESSON = 3
"""Steps of a training: enough to see it go on, not enough to learn."""


@pytest.fixture(scope="module")
def case() -> Case:
    return drawn_subjects(1, 1, SIDE_PX, 7)[0]


def dropped(desk: DeskPage, *files: tuple[str, bytes]) -> None:
    """Drop files on the shelf."""
    records = [{"name": name, "type": "", "content": base64.b64encode(content).decode()} for name, content in files]
    desk.page.evaluate(DROP, ['[data-test="subjects-panel"]', records, [40, 200]])


def made(desk: DeskPage, case: Case, name: str, method: str = "textual_inversion") -> str:
    """Open the shelf, drop three pictures, say what it is, and begin the training; the subject's id."""
    desk.part("subjects").click()
    desk.part("subjects-panel").wait_for()
    dropped(desk, *((f"{index}.png", png(picture)) for index, picture in enumerate(case.references[:3])))
    desk.page.wait_for_function("document.querySelectorAll('[data-test=reference]').length === 3")
    assert desk.part("subject-make").is_disabled()
    desk.part("subject-word").fill(case.class_word)
    desk.part("subject-new-name").fill(name)
    desk.part("subject-steps").fill(str(LESSON))
    desk.part("subject-method").select_option(method)
    desk.look("subject-1-new")
    desk.part("subject-make").click()
    desk.page.wait_for_function("document.querySelector('[data-test=subject]')")
    found = desk.part("subject").first.get_attribute("data-subject")
    assert found
    return found


def state_of(desk: DeskPage, subject: str) -> str:
    return str(desk.page.locator(f'[data-subject="{subject}"][data-test="subject"]').get_attribute("data-state"))


def wait_for_state(desk: DeskPage, subject: str, *states: str) -> None:
    assert desk.until(lambda: state_of(desk, subject) in states, 170), state_of(desk, subject)


def test_from_three_pictures_to_a_re_roll_in_a_collage(fresh: DeskPage, case: Case):
    subject = made(fresh, case, "Tom")
    wait_for_state(fresh, subject, "training", "ready")
    fresh.look("subject-2-training")
    wait_for_state(fresh, subject, "ready")
    fresh.look("subject-3-ready")
    fresh.part("subject-draw").click()
    assert_set_up(fresh, subject, case)
    fresh.part("subjects-close").click()
    layouts = four_layouts(fresh)
    retouched = retouched_layout(fresh, layouts)
    fresh.part("accept").click()
    assert fresh.state()["picked"] == retouched["digest"]
    rerolled_in_a_collage(fresh, subject, case)


def assert_set_up(desk: DeskPage, subject: str, case: Case) -> None:
    """Layout-and-Retouch with layouts first, the subject's chip under a prompt that names it, in one step."""
    settings = desk.state()["settings"]
    assert (settings["method"], settings["sampler"], settings["options"]) == (
        "layout_retouch",
        "ddim",
        {"stage": "layouts"},
    )
    assert desk.part("subject-chip").first.get_attribute("data-subject") == subject
    assert case.class_word in desk.state()["scene"]["prompt"]
    assert desk.state()["undo"] == "Draw Tom"


def four_layouts(desk: DeskPage) -> list[dict]:
    """Pictures of the whole scene without a layout given, each waiting to be retouched."""
    desk.set_dials(STEPS, 4)
    desk.part("generate").click()
    desk.wait("state.job === null && state.candidates.length === 4")
    desk.look("subject-4-layouts")
    layouts = desk.state()["candidates"]
    assert all(one["layout"] for one in layouts)
    assert len({one["digest"] for one in layouts}) == 4
    return layouts


def retouched_layout(desk: DeskPage, layouts: list[dict]) -> dict:
    """The third layout, retouched by its own recipe; where the subject was found is shown if it was."""
    desk.part("candidate").nth(2).click()
    desk.part("retouch").click()
    desk.wait("state.job === null && state.candidates.length === 5")
    made = desk.state()["candidates"][-1]
    assert (made["seed"], made["layout"]) == (layouts[2]["seed"], False)
    assert made["digest"] != layouts[2]["digest"]
    if made["mask"]:
        desk.part("show-masks").click()
        assert desk.until(lambda: desk.part("found-mask").is_visible())
        desk.wait_drawn()
        desk.look("subject-5-retouched")
        desk.part("show-masks").click()
        assert desk.until(lambda: desk.part("found-mask").count() == 0)
    return made


def rerolled_in_a_collage(desk: DeskPage, subject: str, case: Case) -> None:
    """Put into the scene as a layer; a picture of all by Collage Diffusion; then the subject alone is drawn again."""
    desk.part("subjects").click()
    desk.part("subject-place").click()
    desk.wait("state.scene.layers.length === 5")
    desk.part("subjects-close").click()
    layer = desk.layers()[-1]
    assert (layer["subject"], layer["phrase"]) == (subject, case.class_word)
    assert desk.part("row-subject").inner_text() == "Tom"
    desk.part("method").select_option("collage")
    desk.set_dials(STEPS, 1)
    desk.part("generate").click()
    desk.wait("state.job === null && state.candidates.length === 6")
    desk.part("accept").click()
    picked = desk.state()["picked"]
    desk.select(layer["id"])
    desk.look("subject-6-collage")
    desk.part("reroll").click()
    desk.wait("state.job === null && state.candidates.length === 7")
    made = desk.state()["candidates"][-1]
    assert (made["layer_id"], made["source"], made["changed_outside"]) == (layer["id"], picked, 0)
    assert_same_outside(desk, picked, made["digest"], desk.layer(layer["id"]), (SIDE_PX, SIDE_PX))
    desk.look("subject-7-rerolled")
