"""Where a subject was found travels with each retouched picture, in its layer's region alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.methods.layout_retouch import run
from backend.models.bundle import FeatureCache, ModelBundle
from backend.plan.events import Images
from backend.plan.plan import Plan
from tests.methods.subjects import Shoot
from tests.methods.test_layout_retouch import build_reroll


@pytest.fixture
def fresh(tiny1: ModelBundle) -> ModelBundle:
    """A bundle that remembers nothing."""
    return replace(tiny1, recorded=FeatureCache())


def masks_of(shoot: Shoot, plan: Plan) -> list[np.ndarray | None]:
    found = [one for one in run(plan, shoot.bundle, shoot.pixels) if isinstance(one, Images)]
    return [image.subject_mask for one in found for image in one.images]


def test_retouched_pictures_have_a_mask_and_layouts_have_none(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    plan = shoot.plan()
    (mask,) = masks_of(shoot, plan)
    assert mask is not None
    assert (mask.shape, mask.dtype) == ((plan.height_px, plan.width_px), np.uint8)
    assert mask.any()
    assert masks_of(shoot, shoot.plan(stage="layouts")) == [None]
    assert masks_of(shoot, shoot.plan(mask="none")) == [None]


@pytest.mark.slow
def test_the_mask_of_a_subject_layer_stays_in_its_region(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    plan, _, region = build_reroll(shoot)
    for mask in masks_of(shoot, plan):
        assert mask is not None
        assert not mask[region == 0].any()
