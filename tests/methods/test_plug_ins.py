"""Plug-ins of a personalised model: each changes the picture, none the network, and without one
it is the backbone.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from backend.engine.loop_types import Step
from backend.errors import RequestError
from backend.methods.baselines import BASELINES
from backend.methods.baselines.plug_ins import run
from backend.models.bundle import FeatureCache, ModelBundle
from backend.plan.events import Images
from tests.controls.three_paths import hooks_in
from tests.methods.subjects import Shoot

PLUG_INS = ("none", "free_u", "magic_fusion", "masa_ctrl", "dream_matcher")


@pytest.fixture
def fresh(tiny1: ModelBundle) -> ModelBundle:
    """A bundle that remembers nothing."""
    return replace(tiny1, recorded=FeatureCache())


def make(shoot: Shoot, plug_in: str, count: int = 1) -> list[np.ndarray]:
    plan = shoot.plan(count).model_copy(update={"options": {"plug_in": plug_in}})
    events = list(run(plan, shoot.bundle, shoot.pixels))
    assert [step.k for step in events if isinstance(step, Step)] == list(
        range(sum(isinstance(one, Step) for one in events))
    )
    return [picture for one in events if isinstance(one, Images) for picture in one.pictures]


def test_without_a_plug_in_it_is_the_backbone_alone(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    alone, _ = shoot.make(shoot.plan(2, stage="layouts", plain_share=0.0, around_share=0.0))
    assert all(np.array_equal(a, b) for a, b in zip(make(shoot, "none", 2), alone, strict=True))


@pytest.mark.slow
def test_each_plug_in_does_something_else_and_leaves_the_network(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    before, hooks = (
        {name: value.data_ptr() for name, value in fresh.unet.named_parameters()},
        hooks_in(fresh),
    )
    processors = dict(fresh.unet.attn_processors)
    pictures = {make(shoot, plug_in)[0].tobytes() for plug_in in PLUG_INS}
    assert len(pictures) == len(PLUG_INS)
    assert {name: value.data_ptr() for name, value in fresh.unet.named_parameters()} == before
    assert hooks_in(fresh) == hooks
    assert all(fresh.unet.attn_processors[name] is processors[name] for name in processors)


def test_what_it_cannot_do_is_refused(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    plan = shoot.plan().model_copy(update={"options": {"plug_in": "none"}})
    with pytest.raises(RequestError, match="only DDIM"):
        next(run(plan.model_copy(update={"sampler": "euler"}), fresh, shoot.pixels))
    with pytest.raises(RequestError, match="Plug-in = 'magic'"):
        next(run(plan.model_copy(update={"options": {"plug_in": "magic"}}), fresh, shoot.pixels))
    assert BASELINES["plug_ins"].run is run
