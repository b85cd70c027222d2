"""A subject from three pictures to a collage: make, train, four layouts, retouch one, place it,
re-roll only it.
"""

from __future__ import annotations

import base64
import re

import pytest
from playwright.sync_api import Locator

from backend.evaluation.subjects import SubjectCase, draw_subjects
from tests.browser.drawings import png
from tests.browser.editor_page import DROP, EditorPage
from tests.browser.test_journey import assert_same_outside

pytestmark = pytest.mark.slow

SIDE_PX, MADE_PX = 128, 512
"""Sides of the subject's pictures, and of those that the family makes."""
STEPS = 3
TRAINING = 3
"""Steps of a training: enough to see it go on, not enough to learn."""
LONG_TRAINING = 120
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
def case() -> SubjectCase:
    return draw_subjects(1, 1, SIDE_PX, 7)[0]


def drop(editor: EditorPage, *files: tuple[str, bytes]) -> None:
    """Drop files on the shelf."""
    records = [
        {"name": name, "type": "", "content": base64.b64encode(content).decode()}
        for name, content in files
    ]
    editor.page.evaluate(DROP, ['[data-test="subjects-panel"]', records, [40, 200]])


def train_by_hand(editor: EditorPage, case: SubjectCase, name: str, steps: int) -> str:
    """Open the shelf, drop three pictures, say what it is, and begin the training; the subject's
    id.
    """
    editor.part("subjects").click()
    editor.part("subjects-panel").wait_for()
    editor.settle()
    known = editor.page.evaluate(SUBJECTS)
    drop(
        editor,
        *((f"{index}.png", png(picture)) for index, picture in enumerate(case.references[:3])),
    )
    editor.page.wait_for_function("document.querySelectorAll('[data-test=reference]').length === 3")
    assert editor.until(editor.part("subject-make").is_disabled)
    editor.part("subject-word").fill(case.class_word)
    editor.part("subject-new-name").fill(name)
    editor.part("subject-steps").fill(str(steps))
    editor.part("subject-method").select_option("textual_inversion")
    editor.look("subject-1-new")
    editor.part("subject-make").click()
    fresh = f"(known) => ({SUBJECTS})().find((id) => !known.includes(id))"
    return str(editor.page.wait_for_function(fresh, arg=known).json_value())


def row_of(editor: EditorPage, subject: str) -> Locator:
    """A subject on the shelf, which may hold others of earlier journeys."""
    return editor.page.locator(f'[data-subject="{subject}"][data-test="subject"]')


def state_of(editor: EditorPage, subject: str) -> str:
    return str(row_of(editor, subject).get_attribute("data-state"))


def wait_for_state(editor: EditorPage, subject: str, *states: str) -> None:
    assert editor.until(lambda: state_of(editor, subject) in states, 170), state_of(editor, subject)


def test_from_three_pictures_to_a_re_roll_in_a_collage(fresh: EditorPage, case: SubjectCase):
    subject = train_by_hand(fresh, case, "Tom", TRAINING)
    wait_for_state(fresh, subject, "training", "ready")
    fresh.look("subject-2-training")
    wait_for_state(fresh, subject, "ready")
    fresh.look("subject-3-ready")
    row_of(fresh, subject).locator('[data-test="subject-draw"]').click()
    assert_set_up(fresh, subject, case)
    fresh.part("subjects-close").click()
    layouts = four_layouts(fresh)
    retouched = retouch_third_layout(fresh, layouts)
    fresh.part("accept").click()
    assert fresh.state()["picked"] == retouched["digest"]
    reroll_in_a_collage(fresh, subject, case)


def assert_set_up(editor: EditorPage, subject: str, case: SubjectCase) -> None:
    """Layout-and-Retouch with layouts first, the subject's chip under a prompt that names it, in
    one step.
    """
    settings = editor.state()["settings"]
    assert (settings["method"], settings["sampler"], settings["options"]) == (
        "layout_retouch",
        "ddim",
        {"stage": "layouts"},
    )
    assert editor.until(
        lambda: editor.part("subject-chip").first.get_attribute("data-subject") == subject
    )
    assert case.class_word in editor.state()["scene"]["prompt"]
    assert editor.state()["undo"] == "Draw Tom"


def four_layouts(editor: EditorPage) -> list[dict]:
    """Pictures of the whole scene without a layout given, each waiting to be retouched."""
    editor.set_dials(STEPS, 4)
    editor.part("generate").click()
    editor.wait("state.job === null && state.candidates.length === 4")
    editor.look("subject-4-layouts")
    layouts = editor.state()["candidates"]
    assert all(one["layout"] for one in layouts)
    assert len({one["digest"] for one in layouts}) == 4
    return layouts


def retouch_third_layout(editor: EditorPage, layouts: list[dict]) -> dict:
    """The third layout, retouched by its own recipe; where the subject was found is shown if it
    was.
    """
    editor.part("candidate").nth(2).click()
    editor.part("retouch").click()
    editor.wait("state.job === null && state.candidates.length === 5")
    made = editor.state()["candidates"][-1]
    assert (made["seed"], made["layout"]) == (layouts[2]["seed"], False)
    assert made["digest"] != layouts[2]["digest"]
    if made["mask"]:
        editor.part("show-masks").click()
        assert editor.until(lambda: editor.part("found-mask").is_visible())
        editor.wait_drawn()
        editor.look("subject-5-retouched")
        editor.part("show-masks").click()
        assert editor.until(lambda: editor.part("found-mask").count() == 0)
    return made


def reroll_in_a_collage(editor: EditorPage, subject: str, case: SubjectCase) -> None:
    """Put into the scene as a layer; a picture of all by Collage Diffusion; then the subject alone
    is drawn again.
    """
    editor.part("subjects").click()
    row_of(editor, subject).locator('[data-test="subject-place"]').click()
    editor.wait("state.scene.layers.length === 5")
    editor.part("subjects-close").click()
    layer = editor.layers()[-1]
    assert (layer["subject"], layer["phrase"]) == (subject, case.class_word)
    assert editor.part("row-subject").inner_text() == "Tom"
    editor.part("method").select_option("collage")
    editor.set_dials(STEPS, 1)
    editor.part("generate").click()
    editor.wait("state.job === null && state.candidates.length === 6")
    editor.part("accept").click()
    picked = editor.state()["picked"]
    editor.select(layer["id"])
    editor.look("subject-6-collage")
    editor.part("reroll").click()
    editor.wait("state.job === null && state.candidates.length === 7")
    made = editor.state()["candidates"][-1]
    assert (made["layer_id"], made["source"], made["changed_outside"]) == (layer["id"], picked, 0)
    assert_same_outside(
        editor, picked, made["digest"], editor.layer(layer["id"]), (MADE_PX, MADE_PX)
    )
    editor.look("subject-7-rerolled")


def test_a_training_is_stopped_gone_on_with_renamed_and_deleted_by_keys(
    fresh: EditorPage, case: SubjectCase
):
    keys = fresh.page.keyboard
    subject = train_by_hand(fresh, case, "Kate", LONG_TRAINING)
    own = row_of(fresh, subject)
    reported = own.locator('[data-test="subject-state"]')
    reported.filter(has_text=re.compile(rf"^step ([2-9]|\d\d+) of {LONG_TRAINING}$")).wait_for()
    own.locator('[data-test="subject-stop"]').focus()
    keys.press("Enter")
    reported.filter(has_text=re.compile(rf"^stopped at \d+ of {LONG_TRAINING}$")).wait_for()
    stopped_at = int(reported.inner_text().split()[2])
    assert 2 <= stopped_at < LONG_TRAINING
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
    assert stopped_at < steps[-1] <= LONG_TRAINING
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
