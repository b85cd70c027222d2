"""Verdicts of the family that ships: drawings of the world, whose truth is known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backend.metrics.scores import Scorer
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.layer_score import LayerScore, passes
from backend.plan.request import Compose, RunSettings
from backend.pocket.world.world import ObjectPlacement, draw_layout
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

SIDE_PX = 512
CAT = ObjectPlacement("cat", "orange", "plain", (0.3, 0.55), 0.24)
CAR = ObjectPlacement("car", "blue", "plain", (0.76, 0.6), 0.2)
SEED = 10_900_001


def score_drawing(
    pocket: ModelBundle, shown: tuple[ObjectPlacement, ...], phrase: str = ""
) -> tuple[LayerScore, ...]:
    """The scores of a drawing of ``shown`` where an orange cat and a blue car were asked for."""
    asked = draw_layout("meadow", (CAT, CAR), SIDE_PX, SEED)
    pixels = MemoryPixels()
    middle = Placement(centre_x_px=SIDE_PX / 2, centre_y_px=SIDE_PX / 2)
    layers = tuple(
        Layer(
            id=placement.class_,
            mask=pixels.add_mask(mask.astype(np.uint8) * 255),
            placement=middle,
            phrase=phrase or placement.phrase,
        )
        for placement, mask in zip((CAT, CAR), asked.whole, strict=True)
    )
    scene = Scene(width_px=SIDE_PX, height_px=SIDE_PX, prompt=asked.caption, layers=layers)
    plan = build_plan(scene, Compose(settings=RunSettings(count=1)), pocket.card, pixels)
    picture: Picture = draw_layout("meadow", shown, SIDE_PX, SEED).picture
    (scores,) = Scorer(pocket, plan, pixels).score([picture])
    return scores


@pytest.mark.slow
def test_a_true_drawing_passes(pocket: ModelBundle) -> None:
    scores = score_drawing(pocket, (CAT, CAR))
    assert passes(scores)
    assert all(score.unjudged == "" for score in scores)
    for score in scores:
        assert score.form is not None
        assert score.form > 0.55
        assert score.place is not None
        assert score.place > 0.8


@pytest.mark.slow
@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"class_": "house"}, "looks more like a house than a cat"),
        ({"colour": "blue"}, "is more blue than orange"),
        ({"centre": (0.3, 2.0)}, "no cat stands in its place"),
    ],
)
def test_a_wrong_drawing_fails_and_says_what_it_is(
    pocket: ModelBundle, changed: dict[str, Any], reason: str
) -> None:
    cat, car = score_drawing(pocket, (replace(CAT, **changed), CAR))
    assert cat.failed == reason
    assert car.failed == ""


@pytest.mark.slow
def test_words_that_the_family_does_not_know_are_left_unjudged(pocket: ModelBundle) -> None:
    scores = score_drawing(pocket, (CAT, CAR), "old violin")
    assert passes(scores)
    assert {score.unjudged for score in scores} == {"the model’s judge does not know “old violin”"}
