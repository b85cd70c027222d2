"""The pixels and masks of a plan."""

from __future__ import annotations

import numpy as np
import pytest

from backend.plan.build import build_plan
from backend.plan.raster import raster
from backend.plan.survey import survey
from backend.scene.composite import GREY, flatten_scene
from tests.plan.scenes import CARD, compose, reroll, source, stage
from tests.scene.drawings import at


def test_a_whole_picture_is_the_scene_over_grey() -> None:
    on = stage().with_layer("apple-2", opacity=0.5)
    plan = build_plan(on.scene, compose(), CARD, on.pixels)
    rastered = raster(plan, on.pixels)
    assert np.array_equal(rastered.picture, flatten_scene(on.scene, on.pixels))
    assert rastered.alphas.shape == (4, 64, 64)
    assert rastered.alphas[2, 12, 52] == 0.5
    assert rastered.topmost[12, 12] == 2
    assert rastered.topmost[50, 5] == 1
    assert rastered.topmost[44, 32] == 4
    assert np.abs(rastered.visibility.sum(axis=0) - 1).max() < 1e-6
    shares = {one.layer.id: one.visible_frac for one in survey(on.scene, CARD, on.pixels).layers}
    for index, layer in enumerate(plan.layers):
        assert rastered.visibility[index + 1].mean() == pytest.approx(shares[layer.id], abs=1e-6)


def test_no_layers_are_grey_and_uncovered() -> None:
    on = stage().with_scene(layers=())
    rastered = raster(build_plan(on.scene, compose(), CARD, on.pixels), on.pixels)
    assert (rastered.picture == GREY).all()
    assert rastered.alphas.shape == (0, 64, 64)
    assert (rastered.visibility == 1).all()
    assert (rastered.topmost == 0).all()


def test_masks_follow_the_canvas_to_generation_size() -> None:
    on = stage().with_scene(width_px=128, height_px=128)
    mask = np.zeros((128, 128), np.uint8)
    mask[:, 31:] = 255
    on = on.with_layer("meadow", mask=on.pixels.add_mask(mask), picture=None)
    rastered = raster(build_plan(on.scene, compose(), CARD, on.pixels), on.pixels)
    assert rastered.alphas[0, 40, 14:17].tolist() == [0.0, 0.5, 1.0]
    assert (rastered.picture[60, 60] == GREY).all()


def test_a_reroll_lies_over_its_source_and_yields_to_what_is_above() -> None:
    on = stage().with_layer("fox", placement=at(16, 16), opacity=0.25)
    digest = source(on.pixels)
    rastered = raster(build_plan(on.scene, reroll("apple-1", digest), CARD, on.pixels), on.pixels)
    behind = on.pixels.picture(digest)[..., :3]
    assert np.array_equal(rastered.picture[30:], behind[30:])
    assert rastered.picture[5, 5].tolist() == [200, 30, 30]
    assert rastered.alphas.shape == (1, 64, 64)
    assert rastered.alphas[0, 5, 5] == 1.0
    assert rastered.alphas[0, 15, 15] == 0.75
    assert rastered.alphas[0, 30:].max() == 0.0
    expected = 0.75 * np.array([200, 30, 30]) + 0.25 * behind[15, 15]
    assert np.abs(rastered.picture[15, 15] - expected).max() <= 1
    hidden = on.with_layer("fox", visible=False)
    assert (
        raster(
            build_plan(hidden.scene, reroll("apple-1", digest), CARD, on.pixels), on.pixels
        ).alphas[0, 15, 15]
        == 1.0
    )


def test_the_same_plan_has_the_same_raster() -> None:
    on = stage().with_layer("fox", placement=at(30.3, 40.7, rotation_deg=17, scale_x=1.7))
    plan = build_plan(on.scene, compose(), CARD, on.pixels)
    one, other = raster(plan, on.pixels), raster(plan, on.pixels)
    assert one.picture.tobytes() == other.picture.tobytes()
    assert one.visibility.tobytes() == other.visibility.tobytes()
