"""A strength too small for the steps leaves a layer as it is; a note says so, and what helps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.errors import RequestError
from backend.plan.build import build_plan, scene_notes
from backend.plan.notes import explain_no_step, takes_no_step
from backend.plan.request import Compose, OptionValue, Reroll, RunSettings
from backend.plan.survey import survey
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.openraster import read_ora
from backend.scene.scene import Scene
from tests.plan.word_card import WordCard

CASE = Path(__file__).parents[1] / "fixtures" / "cases" / "lcm_low_freedom.ora"


def open_case() -> tuple[Scene, MemoryPixels]:
    found = read_ora(CASE.read_bytes(), CASE.name)
    return found.scene, found.pixels


def texts_of(
    scene: Scene, pixels: MemoryPixels, settings: RunSettings, code: str = "no_step"
) -> list[str]:
    plan = build_plan(scene, Compose(settings=settings), WordCard(), pixels)
    before = scene_notes(survey(scene, WordCard(), pixels), settings)
    found = [note.text for note in plan.notes if note.code == code]
    assert found == [note.text for note in before if note.code == code]
    return found


def test_four_steps_at_a_fifth_are_said_for_each_layer() -> None:
    scene, pixels = open_case()
    notes = texts_of(scene, pixels, RunSettings(sampler="lcm", steps=4))
    assert len(notes) == 3
    assert notes[1] == (
        "Layer “a red ball”: a strength of 0.2 is less than one of the 4 steps, so nothing of it "
        "changes. Raise it to 0.25 or more, or take 5 steps or more."
    )
    assert texts_of(scene, pixels, RunSettings(sampler="lcm", steps=5)) == []


@pytest.mark.parametrize(
    ("method", "options", "count"),
    [
        ("collage", {}, 3),
        ("collage", {"layer_noise": False}, 0),
        ("tcig", {}, 3),
        ("tcig", {"refine": False}, 0),
        ("layout_retouch", {}, 0),
    ],
)
def test_it_is_said_where_layers_have_strengths(
    method: str, options: dict[str, OptionValue], count: int
) -> None:
    scene, pixels = open_case()
    settings = RunSettings(method=method, steps=4, options=options)
    assert len(texts_of(scene, pixels, settings)) == count


def test_a_layer_at_zero_is_meant_to_stay() -> None:
    scene, pixels = open_case()
    layers = tuple(layer.model_copy(update={"strength": 0.0}) for layer in scene.layers)
    still = scene.model_copy(update={"layers": layers})
    assert texts_of(still, pixels, RunSettings(steps=4)) == []


def test_a_painted_strength_counts_by_its_greatest() -> None:
    scene, pixels = open_case()
    map_ = np.zeros((scene.height_px, scene.width_px), np.uint8)
    faint, strong = (pixels.add_mask(np.full_like(map_, value)) for value in (20, 200))
    for digest, count in ((faint, 1), (strong, 0)):
        own = scene.layers[1].model_copy(update={"strength": 0.9, "strength_map": digest})
        rest = [one.model_copy(update={"strength": 0.9}) for one in scene.layers]
        painted = scene.model_copy(update={"layers": (rest[0], own, rest[2])})
        assert len(texts_of(painted, pixels, RunSettings(steps=4))) == count


def test_a_re_roll_that_would_change_nothing_is_refused() -> None:
    scene, pixels = open_case()
    source = pixels.add_picture(np.full((64, 64, 4), 255, np.uint8))
    request = Reroll(layer_id="red", source=source, settings=RunSettings(steps=4))
    with pytest.raises(RequestError, match=r"a strength of 0\.2 is less than one.*take 5 steps"):
        build_plan(scene, request, WordCard(), pixels)
    enough = request.model_copy(update={"settings": RunSettings(steps=5)})
    assert build_plan(scene, enough, WordCard(), pixels).layers
    with pytest.raises(RequestError, match=r"a strength of 0\.2"):
        build_plan(scene, Compose(varied="red", settings=RunSettings(steps=4)), WordCard(), pixels)


def test_a_re_roll_that_changes_light_alone_says_so() -> None:
    scene, pixels = open_case()
    source = pixels.add_picture(np.full((64, 64, 4), 255, np.uint8))

    def codes(light_only: float, **options: OptionValue) -> list[str]:
        settings = RunSettings(steps=30, options=options)
        request = Reroll(layer_id="red", source=source, settings=settings)
        plan = build_plan(scene, request, WordCard(light_only=light_only), pixels)
        return [note.code for note in plan.notes if note.code == "light_only"]

    assert codes(0.45) == ["light_only"]
    assert codes(0.0) == codes(0.1) == codes(0.45, canvas_detail=0.0) == []


@pytest.mark.parametrize("steps", [1, 2, 3, 4, 7, 30, 49, 99, 199, 200])
def test_what_is_advised_is_enough(steps: int) -> None:
    for strength in (0.001, 0.0049, 0.01, 0.2, 1 / 3, 0.49, 0.9):
        if not takes_no_step(strength, steps):
            continue
        _, remedy = explain_no_step(strength, steps)
        words = remedy.rstrip(".").split()
        assert not takes_no_step(float(words[3]), steps), remedy
        if "take" in words:
            assert not takes_no_step(strength, int(words[words.index("take") + 1])), remedy
