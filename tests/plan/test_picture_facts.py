"""What is known of every pixel: kept, drawn, painted over; from the plan and the bytes alone."""

from __future__ import annotations

import numpy as np

from backend.plan.build import build_plan
from backend.plan.picture_facts import (
    RunSource,
    begin_unknown,
    build_facts,
    draw_layer,
    draw_mix,
    draw_whole,
)
from backend.plan.raster import raster
from backend.scene.formats.pixel_map import PixelOrigin
from tests.plan.scenes import CARD, compose, reroll, source, stage

GENERATED, PHOTOGRAPH = PixelOrigin.GENERATED, PixelOrigin.PHOTOGRAPH


def test_what_may_not_change_and_has_its_bytes_is_kept() -> None:
    on = stage().with_layer("meadow", strength=0.0)
    plan = build_plan(on.scene, compose(), CARD, on.pixels)
    flat = raster(plan, on.pixels)
    picture = flat.picture.copy()
    picture[flat.topmost != 1] += 9
    picture[40, 3] ^= 255  # the run did not keep its word here
    run = RunSource(plan, 7, "MIT")
    drawn = draw_whole(run, picture, on.pixels, lambda layer: PHOTOGRAPH)
    kept = flat.visibility[1] > 0.999
    kept[40, 3] = False
    assert kept.sum() > 1000
    np.testing.assert_array_equal(drawn.origins == PHOTOGRAPH, kept)
    np.testing.assert_array_equal(drawn.owners == 1, ~kept)
    facts = build_facts(drawn, {}, lambda layer: None)
    meadow, *others = facts.objects
    assert (meadow.id, meadow.origins["photograph"]) == ("meadow", int(kept.sum()))
    assert meadow.licence == others[0].licence == "MIT"
    assert {one.seed for one in others} == {7}
    assert facts.source_type == "compositeWithTrainedAlgorithmicMedia"
    assert facts.changed_outside is None


def test_a_reroll_draws_its_layer_and_is_counted_outside_of_it() -> None:
    on = stage()
    digest = source(on.pixels)
    plan = build_plan(on.scene, reroll("apple-1", digest), CARD, on.pixels)
    before = on.pixels.picture(digest)[..., :3]
    inside = raster(plan, on.pixels).alphas[0] > 0.5
    after = before.copy()
    after[inside] = (1, 2, 3)
    after[63, 60:63] ^= 255
    base = begin_unknown(before, PHOTOGRAPH)
    drawn = draw_layer(base, RunSource(plan, 4), before, after, on.pixels)
    assert (drawn.origins[inside] == GENERATED).all()
    assert (drawn.origins[63, 60:63] == GENERATED).all()
    assert drawn.origins[63, 50] == PHOTOGRAPH
    assert drawn.runs[0].changed_outside == 3
    facts = build_facts(drawn, {}, lambda layer: None)
    assert facts.changed_outside == 3
    assert facts.objects[0].pixels == int((drawn.objects == 1).sum()) >= inside.sum()


def test_a_mix_takes_over_what_the_mask_showed() -> None:
    picture = np.zeros((8, 8, 3), np.uint8)
    on = stage()
    plan = build_plan(on.scene, compose(), CARD, on.pixels)
    one = draw_whole(RunSource(plan, 1), on.pixels.picture(source(on.pixels))[..., :3], on.pixels,
                     lambda layer: PHOTOGRAPH)  # fmt: skip
    two = begin_unknown(picture.repeat(8, 0).repeat(8, 1), PHOTOGRAPH)
    weights = np.zeros((64, 64), np.float32)
    weights[:, 32:] = 0.5
    mixed = draw_mix(two, one, weights)
    assert (mixed.origins[:, :32] == PHOTOGRAPH).all()
    assert (mixed.owners[:, 32:] == one.owners[:, 32:]).all()
    assert [run.seed for run in mixed.runs] == [1]
    assert (mixed.objects[:, 32:] == one.objects[:, 32:]).all()
