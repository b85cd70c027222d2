"""Collage Diffusion's relatives on whole plans: Differential Diffusion, paint-with-words,
Plug-and-Play.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from backend.controls.region_attention import (
    Bias,
    PromptRegion,
    attend_with_bias,
    column_weights,
    sigma_strength,
)
from backend.engine.loop_types import Step
from backend.methods.baselines import BASELINES
from backend.methods.baselines.differential import last_held
from backend.methods.baselines.plug_and_play import sites_of
from backend.models.bundle import ModelBundle
from backend.plan.events import Images
from backend.plan.plan import Plan
from tests.methods.collages import PLAIN, Collage


def ran(collage: Collage, plan: Plan, method: str) -> tuple[list[Step], list[Images]]:
    plan = plan.model_copy(update={"method": method, "options": {}})
    happened = list(BASELINES[method].run(plan, collage.bundle, collage.pixels))
    return [one for one in happened if isinstance(one, Step)], [
        one for one in happened if isinstance(one, Images)
    ]


@pytest.mark.slow
@pytest.mark.parametrize("method", ["differential", "plug-and-play", "painted-words"])
def test_they_make_repeatable_pictures(tiny1: ModelBundle, method: str) -> None:
    collage = Collage(tiny1, seed=1)
    (first,), (second,) = (ran(collage, collage.compose(count=2), method)[1] for _ in range(2))
    assert [picture.shape for picture in first.pictures] == [(64, 64, 3)] * 2
    assert all(np.array_equal(a, b) for a, b in zip(first.pictures, second.pictures, strict=True))


def test_differential_diffusion_is_image_to_image_where_all_may_change(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=1, noise=(1.0, 1.0, 1.0))
    found, _ = ran(collage, collage.compose(count=2), "differential")
    plain, _ = collage.run(collage.compose(count=2, options={**PLAIN, "strength": 1.0}))
    assert [step.k for step in found] == [step.k for step in plain]
    assert torch.equal(found[-1].latents, plain[-1].latents)


def test_differential_diffusion_on_four_by_four_cells() -> None:
    """The published loop, cell by cell: before the prediction of state i the source is put where
    1 - h > i / N.
    """
    steps, change = 10, np.linspace(0, 1, 16).reshape(4, 4)
    held = last_held(change, steps, 1)
    for i in range(1, steps):
        for y in range(4):
            for x in range(4):
                assert (held[y, x] >= i) == (1 - change[y, x] > i / steps)
    assert held[0, 0] == steps - 1
    assert held[3, 3] == -1


def test_differential_diffusion_brings_its_map_down_bilinearly() -> None:
    change = np.zeros((8, 8))
    change[:, 4:] = 0.5
    assert last_held(change, 10, 2).tolist() == [[9, 9, 4, 4]] * 4


def test_paint_with_words_on_four_pixels_and_four_tokens() -> None:
    """One maximum for the whole site: column 1 peaks at 4, column 3 below 0, and both are raised
    by a share of 4.
    """
    scores = torch.tensor(
        [[1.0, 2.0, 0.0, -1.0], [0.0, 4.0, 0.0, -2.0], [0.5, 1.0, 0.0, -3.0], [1.0, 0.0, 0.0, -1.0]]
    )
    mask = torch.tensor([[1.0, 0.5], [0.0, 0.0]])
    weights = column_weights(
        (PromptRegion((1,), 0.1, 0.0, mask), PromptRegion((3,), 0.1, 0.0, mask)), (2, 2), 4
    )
    eye = torch.eye(4)[None, None]
    y = sigma_strength(14.6, "ediff")
    assert y == pytest.approx(math.log(15.6))
    found = attend_with_bias(scores[None, None], eye, eye, weights, Bias(y, 1.0, "site"))[0, 0]
    raised = scores.clone()
    raised[:, [1, 3]] += 0.1 * y * 4.0 * mask.flatten()[:, None]
    assert torch.allclose(found, torch.softmax(raised, dim=1), atol=1e-6)


def test_paint_with_words_does_not_couple_pictures() -> None:
    query, key = torch.randn(2, 2, 16, 8), torch.randn(2, 2, 9, 8)
    query[1] *= 10
    weights = column_weights((PromptRegion((2,), 1.0, 0.0, torch.ones(4, 4)),), (4, 4), 9)
    both = attend_with_bias(query, key, key, weights, Bias(1.0, 0.3, "site"))
    alone = attend_with_bias(query[:1], key[:1], key[:1], weights, Bias(1.0, 0.3, "site"))
    assert torch.allclose(both[:1], alone, atol=1e-6)


def test_plug_and_play_walks_back_and_then_forward(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=1)
    steps, (made,) = ran(collage, collage.compose("euler_ancestral", 3), "plug-and-play")
    assert [step.k for step in steps] == list(range(12))
    assert all(np.array_equal(made.pictures[0], other) for other in made.pictures[1:])


def test_plug_and_play_reads_output_block_four(pocket: ModelBundle) -> None:
    places = sites_of(pocket.unet)
    assert places.blocks == ("up_blocks.1.resnets.1.conv2",)
    assert places.projections[0] == "up_blocks.1.attentions.1.transformer_blocks.0.attn1.to_q"
    assert not any(name.startswith("up_blocks.0") for name in places.projections)
