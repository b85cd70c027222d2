"""Candidates that differ in one layer share every step above that layer's level (exactness E2)."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.engine.loop_types import Step
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.models.schedule import SAMPLERS
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.plan.request import Compose, Sampler
from tests.methods.collages import Collage, first_name

LEVELS = (1.0, 0.8, 0.34)
"""Of 6 steps disc1 is held for two, disc2 for four; the ground is free from the first."""


def vary(
    collage: Collage, layer_id: str | None, count: int, sampler: Sampler = "ddim", batch: int = 8
) -> Plan:
    request = Compose(settings=collage.settings(sampler, count, {"blur_px": 0.0}), varied=layer_id)
    plan = build_plan(collage.scene, request, collage.bundle.card, collage.pixels)
    return plan.model_copy(update={"batch": batch})


def ends(steps: list[Step]) -> list[torch.Tensor]:
    """The last state of every chunk."""
    return [step.latents for step in steps if step.k == step.total - 1]


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("layer_id", ["ground", "disc1", "disc2"])
def test_the_first_candidate_is_that_of_an_ordinary_run(
    tiny1: ModelBundle, sampler: Sampler, layer_id: str
) -> None:
    collage = Collage(tiny1, seed=3, noise=LEVELS)
    usual, _ = collage.run(vary(collage, None, 1, sampler))
    branched, _ = collage.run(vary(collage, layer_id, 1, sampler))
    assert [step.k for step in branched] == [step.k for step in usual]
    assert torch.equal(branched[-1].latents, usual[-1].latents)


@pytest.mark.parametrize("sampler", ["ddim", "euler_ancestral", "dpmpp_2m"])
def test_what_is_above_the_layers_level_is_run_once(tiny1: ModelBundle, sampler: Sampler) -> None:
    collage = Collage(tiny1, seed=3, noise=LEVELS)
    steps, made = collage.run(vary(collage, "disc2", 5, sampler, batch=3))
    assert [(step.k, len(step.latents)) for step in steps] == [
        *((k, 1) for k in range(4)), (4, 3), (5, 3), (4, 2), (5, 2)
    ]  # fmt: skip
    assert [len(one.pictures) for one in made] == [3, 2]
    together = torch.cat(ends(steps))
    amplitude = max(1.0, float(together.abs().max()))
    seeds = vary(collage, "disc2", 5, sampler).seeds
    for number in (1, 4):  # each is what it would be alone with the first
        pair = vary(collage, "disc2", 2, sampler, 1).model_copy(
            update={"seeds": (seeds[0], seeds[number])}
        )
        alone = ends(collage.run(pair)[0])
        assert float((alone[0] - together[0]).abs().max()) <= 1e-5 * amplitude
        assert float((alone[1] - together[number]).abs().max()) <= 1e-5 * amplitude


def test_candidates_part_in_the_layers_cells_only(tiny1: ModelBundle) -> None:
    """With the rest held to the end as well, what differs is the layer."""
    collage = Collage(tiny1, seed=3, noise=(0.0, 0.5, 0.0))
    steps, _ = collage.run(vary(collage, "disc1", 3))
    end, cell = steps[-1].latents, tiny1.card.cell_px
    topmost = raster(vary(collage, "disc1", 1), collage.pixels).topmost
    own = (topmost == 2).reshape(topmost.shape[0] // cell, cell, -1, cell)[
        :, cell // 2, :, cell // 2
    ]
    differs = (end[0] != end[1:]).any(dim=1).any(dim=0).numpy()
    assert differs.any()
    assert not (differs & ~own).any()


def test_a_freer_neighbours_blur_does_not_shorten_what_is_shared(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3, noise=LEVELS)
    request = Compose(settings=collage.settings("ddim", 3, {"blur_px": 10.0}), varied="disc2")
    plan = build_plan(collage.scene, request, tiny1.card, collage.pixels)
    steps, _ = collage.run(plan)
    assert [(step.k, len(step.latents)) for step in steps] == [
        *((k, 1) for k in range(4)),
        (4, 3),
        (5, 3),
    ]
    assert not torch.equal(steps[-1].latents[0], steps[-1].latents[1])
    alone, _ = collage.run(plan.model_copy(update={"seeds": plan.seeds[:1]}))
    usual = plan.model_copy(
        update={"seeds": plan.seeds[:1], "target": plan.target.model_copy(update={"varied": None})}
    )
    assert torch.equal(alone[-1].latents, collage.run(usual)[0][-1].latents)


def test_it_is_a_scene_with_a_layer_that_may_change(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3, noise=(1.0, 0.8, 0.0))
    for layer_id, words in (("disc9", "no layer 'disc9'"), ("disc2", "strength of 0")):
        with pytest.raises(RequestError, match=words):
            vary(collage, layer_id, 2)


def test_a_layers_own_seed_has_no_say_while_it_is_varied(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3, noise=LEVELS)
    plain, _ = collage.run(vary(collage, "disc2", 2))
    layers = tuple(
        one.model_copy(update={"seed": 5}) if one.id == "disc2" else one
        for one in collage.scene.layers
    )
    collage.scene = collage.scene.model_copy(update={"layers": layers})
    own, _ = collage.run(vary(collage, "disc2", 2))
    assert torch.equal(own[-1].latents, plain[-1].latents)
    assert not np.array_equal(own[-1].latents[0], own[-1].latents[1])


def test_a_plan_without_a_varied_layer_keeps_its_name(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3, noise=LEVELS)
    plan = vary(collage, None, 2)
    assert plan.digest() == first_name(plan)
    assert plan.digest() != vary(collage, "disc1", 2).digest()
