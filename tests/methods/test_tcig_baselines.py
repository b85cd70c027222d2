"""TCIG's baselines on whole plans."""

from __future__ import annotations

import numpy as np
import pytest

from backend.methods.baselines import BASELINES
from backend.methods.baselines.sdedit import flat_composite, plain_colour
from backend.methods.catalog import METHODS
from backend.models.bundle import ModelBundle
from backend.plan.plan import Plan
from tests.methods.painted import PaintedScene, cat_and_house


def pictures_of(painting: PaintedScene, plan: Plan) -> list[np.ndarray]:
    made = BASELINES[plan.method].run(plan, painting.bundle, painting.pixels)
    return [picture for event in made for picture in getattr(event, "pictures", ())]


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", sorted(set(BASELINES) - {"plug-and-play", "plug_ins"})
)  # no seed; needs a subject
def test_every_baseline_makes_repeatable_pictures(tiny1: ModelBundle, method: str) -> None:
    painting = cat_and_house(tiny1)
    plan = painting.plan(method=method, count=2)
    one, other = (
        pictures_of(painting, plan),
        pictures_of(painting, plan.model_copy(update={"batch": 1})),
    )
    assert [picture.shape for picture in one] == [(64, 64, 3)] * 2
    assert not np.array_equal(one[0], one[1])
    assert np.abs(one[0].astype(int) - other[0].astype(int)).max() <= 2
    assert np.array_equal(one[0], pictures_of(painting, plan)[0])


def test_they_are_not_offered_and_explain_their_options() -> None:
    assert not set(BASELINES) & set(METHODS)
    for method in BASELINES.values():
        options = method.Options.model_json_schema().get("properties", {})
        assert all(one["description"].endswith(".") and one["section"] for one in options.values())


def test_the_flat_composite_is_painted_in_the_named_colours(tiny1: ModelBundle) -> None:
    painting = cat_and_house(tiny1)
    flat = flat_composite(painting.plan(), painting.pixels)
    assert flat[32, 19].tolist() == [255, 0, 0]
    assert flat[32, 46].tolist() == [0, 0, 255]
    assert flat[2, 2].tolist() == [150, 150, 150]
    assert plain_colour("a cat", 0) != plain_colour("a cat", 1)


@pytest.mark.slow
def test_the_weight_of_painted_words_and_bootstrapping_matter(tiny1: ModelBundle) -> None:
    painting = cat_and_house(tiny1)
    for method, options in (
        ("painted-words", {"weight": 0.0}),
        ("multidiffusion", {"bootstrapping": 0.0}),
    ):
        usual, other = (
            pictures_of(painting, painting.plan(o, method=method))[0] for o in ({}, options)
        )
        assert not np.array_equal(usual, other)
