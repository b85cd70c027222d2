"""Move and heal: the object stands at its new place, the old one is filled, and the rest is the
same to the byte.
"""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from backend.engine.loop_types import Step
from backend.errors import RequestError
from backend.methods import move
from backend.methods.catalog import check_options
from backend.models.bundle import ModelBundle
from backend.models.sam import Cut
from backend.plan.events import Images
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import raster
from backend.plan.request import OptionValue
from tests.methods.collages import Collage
from tests.methods.painted import with_members

STILL: dict[str, OptionValue] = {"healing": 0.0, "blending": 0.0}


def run_move(collage: Collage, plan: Plan) -> tuple[list[Step], list[Images]]:
    happened = list(move.run(plan, collage.bundle, collage.pixels))
    steps = [one for one in happened if isinstance(one, Step)]
    return steps, [one for one in happened if isinstance(one, Images)]


def build_move(
    collage: Collage,
    dx: int,
    dy: int,
    options: dict[str, OptionValue] | None = None,
    count: int = 1,
) -> Plan:
    """Move the first disc of a finished picture: the flat collage itself."""
    flat = raster(collage.compose(), collage.pixels).picture
    plan = collage.reroll("disc1", flat, {"dx_px": dx, "dy_px": dy, **(options or {})}, count=count)
    return plan.model_copy(update={"method": "move"})


def source_of(collage: Collage, plan: Plan) -> np.ndarray:
    assert isinstance(plan.target, OneLayer)
    return collage.pixels.picture(plan.target.source)[..., :3]


def far_from_both(collage: Collage, plan: Plan, dx: int, dy: int) -> np.ndarray:
    """What is farther from both places than shadow and feather can reach, counted apart from the
    method.

    A shadow is looked for up to a fifth of the object's longer side; its hole's margin (2 px here)
    reaches less far.
    """
    assert isinstance(plan.target, OneLayer)
    mask = raster(plan, collage.pixels).alphas[0] > 0.5
    both = mask | move.shift(mask, dx, dy)
    longest = max(int(np.ptp(lines)) + 1 for lines in np.nonzero(mask))
    return (
        ndimage.distance_transform_edt(~both)
        > max(2 * 1.42, 0.2 * longest + 1) + plan.target.feather_px + 1
    )


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
def test_beyond_the_two_feathers_nothing_changes(tiny1: ModelBundle, seed: int) -> None:
    collage = Collage(tiny1, seed=seed)
    dx, dy = (int(value) for value in np.random.default_rng(seed).integers(-14, 15, 2))
    plan = build_move(collage, dx or 5, dy)
    _, (made,) = run_move(collage, plan)
    source, outside = source_of(collage, plan), far_from_both(collage, plan, dx or 5, dy)
    assert outside.mean() > 0.2
    assert [image.changed_outside for image in made.images] == [0]
    assert np.array_equal(made.pictures[0][outside], source[outside])
    assert (made.pictures[0] != source).any()


def test_the_object_stands_at_its_new_place_and_the_old_one_is_filled(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3)
    plan = build_move(collage, 0, 22, STILL)
    source = source_of(collage, plan)
    mask = raster(plan, collage.pixels).alphas[0] > 0.5
    steps, (made,) = run_move(collage, plan)
    assert steps == []
    inner = ndimage.binary_erosion(mask, iterations=3)
    there = move.shift(inner, 0, 22)
    old = inner & ~ndimage.binary_dilation(move.shift(mask, 0, 22), iterations=3)
    assert np.array_equal(made.pictures[0][there], move.shift(source, 0, 22)[there])
    assert old.any()
    object_colour = source[inner].mean(0)
    assert np.abs(made.pictures[0][old] - object_colour).max(1).min() > 20


def test_steps_count_both_runs_and_seeds_differ_where_it_is_drawn(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3)
    plan = build_move(collage, 12, 8, {"healing": 0.5, "blending": 0.5}, count=2)
    steps, (made,) = run_move(collage, plan)
    assert [(step.k, step.total, step.first) for step in steps] == [(k, 6, 0) for k in range(6)]
    assert not np.array_equal(made.pictures[0], made.pictures[1])


def test_a_click_is_cut_out_by_sam(tiny1: ModelBundle) -> None:
    class OneCut:
        def set_picture(self, picture: np.ndarray) -> None:
            self.shape = picture.shape[:2]

        def at_point(self, x: float, y: float) -> Cut:
            mask = np.zeros(self.shape, bool)
            mask[int(y) - 4 : int(y) + 4, int(x) - 4 : int(x) + 4] = True
            return Cut(mask, 1.0)

    collage = Collage(with_members(tiny1, sam=OneCut()), seed=3)
    plan = build_move(collage, 20, 0, {**STILL, "x_px": 20, "y_px": 30})
    _, (made,) = run_move(collage, plan)
    source = source_of(collage, plan)
    assert np.array_equal(made.pictures[0][28:32, 38:42], source[28:32, 18:22])
    assert [image.changed_outside for image in made.images] == [0]


def test_a_slope_is_filled_as_it_would_go_on() -> None:
    slope = np.broadcast_to(np.arange(64, dtype=np.uint8)[None, :, None] * 3, (64, 64, 3)).copy()
    hole = np.hypot(*(np.mgrid[0:64, 0:64] - 32)) < 10
    broken = np.where(hole[..., None], np.uint8(255), slope)
    whole = move.fill(broken, hole)
    assert np.array_equal(whole[~hole], slope[~hole])
    assert np.abs(whole.astype(int) - slope)[hole].mean() < 6


def test_what_cannot_be_moved_is_said(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3)
    with pytest.raises(RequestError, match="stay where it is"):
        run_move(collage, build_move(collage, 0, 0))
    with pytest.raises(RequestError, match="nothing of the object would be seen"):
        run_move(collage, build_move(collage, 500, 0))
    with pytest.raises(RequestError, match="finished picture"):
        run_move(
            collage, collage.compose(options={"dx_px": 4}).model_copy(update={"method": "move"})
        )
    with pytest.raises(RequestError, match="no object"):
        move.cut(np.zeros((8, 8, 3), np.uint8), np.zeros((8, 8), bool), 1, 0)
    check_options("move", {"dx_px": 3})
    with pytest.raises(RequestError, match="far_px"):
        check_options("move", {"far_px": 3})


def test_the_hole_is_drawn_with_the_places_words(tiny1: ModelBundle) -> None:
    plan = build_move(Collage(tiny1, seed=3), 4, 4)
    assert isinstance(plan.target, OneLayer)
    assert "cat" in plan.prompt
    assert "cat" not in plan.target.background
