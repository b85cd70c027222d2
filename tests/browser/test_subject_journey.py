"""A subject from three pictures to a re-roll in a collage: make, train, four layouts, retouch one, place, re-roll it."""

from __future__ import annotations

import base64

import numpy as np
import pytest

from backend.evaluation.subjects import Case, drawn_subjects
from tests.browser.desk_page import DROP, DeskPage
from tests.browser.drawings import png
from tests.browser.test_journey import assert_same_outside

pytestmark = pytest.mark.slow

SIDE_PX = 128
STEPS = 6
LESSON = 6
"""Steps of a training: enough to see it go on, not enough to learn."""


@pytest.fixture(scope="module")
def case() -> Case:
    return drawn_subjects(1, 1, SIDE_PX, 7)[0]


def dropped(desk: DeskPage, *files: tuple[str, bytes]) -> None:
    """Drop files on the shelf."""
    records = [{"name": name, "type": "", "content": base64.b64encode(content).decode()} for name, content in files]
    desk.page.evaluate(DROP, ['[data-test="subjects-panel"]', records, [40, 200]])


def made(desk: DeskPage, case: Case, name: str) -> str:
    """Open the shelf, drop three pictures, say what it is, and begin the training; the subject's id."""
    desk.part("subjects").click()
    desk.part("subjects-panel").wait_for()
    dropped(desk, *((f"{index}.png", png(picture)) for index, picture in enumerate(case.references[:3])))
    desk.page.wait_for_function("document.querySelectorAll('[data-test=reference]').length === 3")
    assert desk.part("subject-make").is_disabled()
    desk.part("subject-word").fill(case.class_word)
    desk.part("subject-new-name").fill(name)
    desk.part("subject-steps").fill(str(LESSON))
    desk.part("subject-method").select_option("custom_diffusion")
    desk.look("subject-1-new")
    desk.part("subject-make").click()
    desk.page.wait_for_function("document.querySelector('[data-test=subject]')")
    found = desk.part("subject").first.get_attribute("data-subject")
    assert found
    return found


def state_of(desk: DeskPage, subject: str) -> str:
    return str(desk.page.locator(f'[data-subject="{subject}"][data-test="subject"]').get_attribute("data-state"))


def wait_for_state(desk: DeskPage, subject: str, *states: str) -> None:
    assert desk.until(lambda: state_of(desk, subject) in states, 90), state_of(desk, subject)


def test_from_three_pictures_to_a_re_roll_in_a_collage(fresh: DeskPage, case: Case):
    subject = made(fresh, case, "Tom")
    wait_for_state(fresh, subject, "training")
    fresh.look("subject-2-training")
    wait_for_state(fresh, subject, "ready")
    fresh.look("subject-3-ready")
