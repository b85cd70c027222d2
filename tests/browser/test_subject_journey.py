"""A subject from three pictures to a collage: make, train, four layouts, retouch one, place it,
re-roll only it.
"""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Locator

from backend.evaluation.subjects import Case, drawn_subjects
from tests.browser.desk_page import DROP, DeskPage
from tests.browser.drawings import png
from tests.browser.test_journey import assert_same_outside

pytestmark = pytest.mark.slow

SIDE_PX = 128
STEPS = 3
LESSON = 3
"""Steps of a training: enough to see it go on, not enough to learn."""
LONG_LESSON = 120
"""Steps of a training that does not end before somebody stops it; one takes a tenth of a second."""

SUBJECTS = """() => [...document.querySelectorAll('[data-test="subject"]')].map(({ dataset }) =>
  dataset.subject)"""

# Every step that a subject is told to be at, from now on.
ATTEND = """(id) => {
  const told = document.querySelector(`[data-subject="${id}"] [data-test="subject-state"]`);
  window.steps = [];
  const note = () => window.steps.push(...(/^step (\\d+)/.exec(told.textContent) ?? []).slice(1)
    .map(Number));
  new MutationObserver(note).observe(told, { subtree: true, childList: true, characterData: true });
}"""


@pytest.fixture(scope="module")
def case() -> Case:
    return drawn_subjects(1, 1, SIDE_PX, 7)[0]


def dropped(desk: DeskPage, *files: tuple[str, bytes]) -> None:
    """Drop files on the shelf."""
    records = [
        {"name": name, "type": "", "content": base64.b64encode(content).decode()}
        for name, content in files
    ]
    desk.page.evaluate(DROP, ['[data-test="subjects-panel"]', records, [40, 200]])


def made(desk: DeskPage, case: Case, name: str, steps: int) -> str:
    """Open the shelf, drop three pictures, say what it is, and begin the training; the subject's
    id.
    """
    desk.part("subjects").click()
    desk.part("subjects-panel").wait_for()
    desk.settle()
    known = desk.page.evaluate(SUBJECTS)
    dropped(
        desk, *((f"{index}.png", png(picture)) for index, picture in enumerate(case.references[:3]))
    )
    desk.page.wait_for_function("document.querySelectorAll('[data-test=reference]').length === 3")
    assert desk.until(desk.part("subject-make").is_disabled)
    desk.part("subject-word").fill(case.class_word)
    desk.part("subject-new-name").fill(name)
    desk.part("subject-steps").fill(str(steps))
    desk.part("subject-method").select_option("textual_inversion")
    desk.look("subject-1-new")
    desk.part("subject-make").click()
    fresh = f"(known) => ({SUBJECTS})().find((id) => !known.includes(id))"
    return str(desk.page.wait_for_function(fresh, arg=known).json_value())


def row_of(desk: DeskPage, subject: str) -> Locator:
    """A subject on the shelf, which may hold others of earlier journeys."""
    return desk.page.locator(f'[data-subject="{subject}"][data-test="subject"]')


def state_of(desk: DeskPage, subject: str) -> str:
    return str(row_of(desk, subject).get_attribute("data-state"))


def wait_for_state(desk: DeskPage, subject: str, *states: str) -> None:
    assert desk.until(lambda: state_of(desk, subject) in states, 170), state_of(desk, subject)


def test_from_three_pictures_to_a_re_roll_in_a_collage(fresh: DeskPage, case: Case):
    subject = made(fresh, case, "Tom", LESSON)
    wait_for_state(fresh, subject, "training", "ready")
    fresh.look("subject-2-training")
    wait_for_state(fresh, subject, "ready")
    fresh.look("subject-3-ready")
    row_of(fresh, subject).locator('[data-test="subject-draw"]').click()
    assert_set_up(fresh, subject, case)
    fresh.part("subjects-close").click()
    layouts = four_layouts(fresh)
    retouched = retouched_layout(fresh, layouts)
    fresh.part("accept").click()
    assert fresh.state()["picked"] == retouched["digest"]
    rerolled_in_a_collage(fresh, subject, case)


def assert_set_up(desk: DeskPage, subject: str, case: Case) -> None:
    """Layout-and-Retouch with layouts first, the subject's chip under a prompt that names it, in
    one step.
    """
    settings = desk.state()["settings"]
    assert (settings["method"], settings["sampler"], settings["options"]) == (
        "layout_retouch",
        "ddim",
        {"stage": "layouts"},
    )
    assert desk.until(
        lambda: desk.part("subject-chip").first.get_attribute("data-subject") == subject
    )
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
    """The third layout, retouched by its own recipe; where the subject was found is shown if it
    was.
    """
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
    """Put into the scene as a layer; a picture of all by Collage Diffusion; then the subject alone
    is drawn again.
    """
    desk.part("subjects").click()
    row_of(desk, subject).locator('[data-test="subject-place"]').click()
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


def test_a_training_is_stopped_gone_on_with_renamed_and_deleted_by_keys(
    fresh: DeskPage, case: Case
):
    keys = fresh.page.keyboard
    subject = made(fresh, case, "Kate", LONG_LESSON)
    own = row_of(fresh, subject)
    told = own.locator('[data-test="subject-state"]')
    told.filter(has_text=re.compile(rf"^step ([2-9]|\d\d+) of {LONG_LESSON}$")).wait_for()
    own.locator('[data-test="subject-stop"]').focus()
    keys.press("Enter")
    told.filter(has_text=re.compile(rf"^stopped at \d+ of {LONG_LESSON}$")).wait_for()
    stopped_at = int(told.inner_text().split()[2])
    assert 2 <= stopped_at < LONG_LESSON
    own.locator('[data-test="subject-name"]').fill("Katharina")
    keys.press("Enter")
    fresh.page.evaluate(ATTEND, subject)
    train = own.locator('[data-test="subject-train"]')
    assert train.inner_text() == "Go on"
    train.focus()
    keys.press("Enter")
    wait_for_state(fresh, subject, "ready")
    steps = fresh.page.evaluate("window.steps")
    assert steps == sorted(steps)
    assert stopped_at < steps[-1] <= LONG_LESSON
    assert all(step == 0 or step > stopped_at for step in steps)
    fresh.reload()
    fresh.part("canvas").focus()
    keys.press("Shift+P")
    fresh.part("subjects-panel").wait_for()
    wait_for_state(fresh, subject, "ready")
    assert own.locator('[data-test="subject-name"]').input_value() == "Katharina"
    own.locator('[data-test="subject-delete"]').focus()
    keys.press("Enter")
    own.locator('[data-test="subject-delete"][data-sure="true"]').wait_for()
    keys.press("Enter")
    own.wait_for(state="detached")
    keys.press("Escape")
    fresh.part("subjects-panel").wait_for(state="hidden")
