"""TCIG's drafts: each is told of once, pictures name theirs, and stage 2 alone goes on from one."""

from __future__ import annotations

import numpy as np
import pytest

from backend.engine.loop_types import FitProgress, Step
from backend.errors import RequestError
from backend.methods.catalog import METHODS
from backend.models.bundle import ModelBundle
from backend.plan.build import build_plan
from backend.plan.events import Images, Stage1Images
from backend.plan.plan import Plan
from backend.plan.request import Compose
from backend.scene.imaging.arrays import Picture
from tests.methods.painted import PaintedScene, cat_and_house, toy_bundle


@pytest.fixture
def painter(tiny1: ModelBundle) -> ModelBundle:
    return toy_bundle(tiny1)


def run_events(painting: PaintedScene, plan: Plan) -> list[object]:
    return list(METHODS["tcig"].run(plan, painting.bundle, painting.pixels))


def stage1_of(painting: PaintedScene, plan: Plan) -> list[tuple[int, Picture]]:
    reported = [one for one in run_events(painting, plan) if isinstance(one, Stage1Images)]
    return [
        pair for one in reported for pair in ((image.index, image.picture) for image in one.images)
    ]


def store_picture(painting: PaintedScene, picture: Picture) -> str:
    """The digest of a picture uint8 (h, w, 3) in the store."""
    return painting.pixels.add_picture(
        np.dstack([picture, np.full(picture.shape[:2], 255, np.uint8)])
    )


def refining(plan: Plan, painting: PaintedScene, stage1: Picture) -> Plan:
    return plan.model_copy(update={"stage1": store_picture(painting, stage1)})


def test_drafts_come_between_the_stages_and_pictures_name_them(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    events = run_events(painting, painting.plan({"per_stage1": 2}, count=3))
    kinds = [type(one) for one in events]
    at = kinds.index(Stage1Images)
    assert set(kinds[:at]) == {FitProgress}
    assert set(kinds[at + 1 : -1]) == {Step}
    reported, made = events[at], events[-1]
    assert isinstance(reported, Stage1Images)
    assert isinstance(made, Images)
    assert [image.index for image in reported.images] == [0, 2]
    assert [image.stage1_index for image in made.images] == [0, 0, 2]
    assert not np.array_equal(made.pictures[0], reported.pictures[0])


@pytest.mark.slow
def test_a_draft_that_two_batches_share_is_told_of_once(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    plan = painting.plan({"per_stage1": 2}, count=3)
    whole = stage1_of(painting, plan)
    parts = stage1_of(painting, plan.model_copy(update={"batch": 1}))
    assert [place for place, _ in whole] == [place for place, _ in parts] == [0, 2]
    made = [
        one
        for one in run_events(painting, plan.model_copy(update={"batch": 1}))
        if isinstance(one, Images)
    ]
    assert [[image.stage1_index for image in one.images] for one in made] == [[0], [0], [2]]


def test_without_stage_two_the_pictures_are_the_drafts(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    events = run_events(painting, painting.plan({"refine": False}, count=2))
    reported, made = events[-2:]
    assert isinstance(reported, Stage1Images)
    assert isinstance(made, Images)
    assert all(
        np.array_equal(one, other)
        for one, other in zip(reported.pictures, made.pictures, strict=True)
    )


def test_refining_a_draft_runs_stage_two_alone_and_gives_what_both_stages_give(
    painter: ModelBundle,
) -> None:
    painting = cat_and_house(painter)
    plan = painting.plan(count=2)
    (_, stage1), _ = stage1_of(painting, plan)
    _, (both,) = painting.run(plan)
    steps, (made,) = painting.run(refining(plan, painting, stage1))
    assert not any(isinstance(step, FitProgress) for step in steps)
    assert [step.k for step in steps] == list(range(steps[0].first, steps[0].total))
    assert [image.stage1_index for image in made.images] == [None, None]
    assert np.array_equal(made.pictures[0], both.pictures[0])
    assert not np.array_equal(made.pictures[0], made.pictures[1])


def test_refining_needs_no_segmenter_and_no_class(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    nameless = PaintedScene(
        painter, tuple(("", "", mask) for _, _, mask in painting.layers), pixels=painting.pixels
    )
    grey = np.full((64, 64, 3), 120, np.uint8)
    _, (made,) = nameless.run(refining(nameless.plan(), nameless, grey))
    assert made.pictures[0].shape == (64, 64, 3)


def test_the_draft_belongs_to_the_plans_name_and_must_fit(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    plan = painting.plan()
    stage1_images = [
        store_picture(painting, np.full((64, 64, 3), shade, np.uint8)) for shade in (10, 20)
    ]
    names = {
        plan.model_copy(update={"stage1": stage1}).digest() for stage1 in (None, *stage1_images)
    }
    assert len(names) == 3
    settings = Compose().settings.model_copy(update={"model": "tiny-1", "method": "tcig"})
    asked = Compose(settings=settings, stage1=stage1_images[0])
    assert (
        build_plan(painting.scene, asked, painter.card, painting.pixels).stage1 == stage1_images[0]
    )
    small = asked.model_copy(
        update={"stage1": store_picture(painting, np.zeros((32, 64, 3), np.uint8))}
    )
    with pytest.raises(RequestError, match="draft has 64 × 32"):
        build_plan(painting.scene, small, painter.card, painting.pixels)
