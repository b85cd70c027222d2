"""MasaCtrl: nothing before its start, the naive swap without masks, front to front with them."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from backend.controls.attention_swap import AttentionSwap
from backend.controls.free_u import FreeU
from backend.controls.mutual_attention import MutualAttention, MutualMasks, attend_by_masks, mutual
from backend.engine.attention_maps import MapMean
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control
from backend.engine.reference_branch import FeatureSpan, ReferenceBranch, ReferencePath
from backend.models.attention import detail_sites
from backend.models.bundle import FeatureCache, ModelBundle
from backend.models.schedule import Schedule
from tests.controls.runs import farthest
from tests.controls.three_paths import Trio, hooks_in

STEPS = 3


def sides_of(trio: Trio, schedule: Schedule) -> ReferenceBranch:
    modules = tuple(
        f"{site.module}.{part}"
        for site in detail_sites(trio.bundle.unet)
        for part in ("to_k", "to_v")
    )
    states = Trajectory(tuple(trio.states_alone("reference")))
    path = ReferencePath(
        "reference", states, trio.alone("reference"), (FeatureSpan(0, STEPS, modules),)
    )
    return ReferenceBranch(
        trio.bundle.unet, schedule, {"reference": path}, FeatureCache(), nullcontext
    )


def run_end(
    trio: Trio, begin: int, reference: Tensor | None = None, more_controls: Sequence[Control] = ()
) -> Tensor:
    def controls(schedule: Schedule) -> list[Control]:
        masks = None if reference is None else MutualMasks(MapMean((1, 2), "target", 0), reference)
        sites = detail_sites(trio.bundle.unet)
        return [MutualAttention(begin, sites, sides_of(trio, schedule), masks), *more_controls]

    return trio.states_alone("target", controls)[-1]


def test_identity_before_its_start_step_bit_for_bit(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    plain = trio.states_alone("target")[-1]
    assert torch.equal(run_end(trio, STEPS), plain)
    assert not torch.equal(run_end(trio, STEPS - 1), plain)


def test_processors_and_hooks_are_restored(tiny1: ModelBundle) -> None:
    before, hooks = dict(tiny1.unet.attn_processors), hooks_in(tiny1)
    run_end(Trio(tiny1, STEPS), 0, torch.eye(4))
    after = tiny1.unet.attn_processors
    assert all(after[name] is before[name] for name in before)
    assert hooks_in(tiny1) == hooks


def test_without_masks_it_is_the_swap_of_keys_and_values(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    modules = tuple(site.module for site in detail_sites(tiny1.unet))
    swapped = trio.states_alone(
        "target", lambda one: [AttentionSwap(1, (), modules, sides_of(trio, one))]
    )[-1]
    assert farthest(run_end(trio, 1), swapped) < 1e-5
    half = torch.zeros(4, 4)
    half[:2] = 1.0
    assert farthest(run_end(trio, 1, half), swapped) > 1e-3
    assert torch.equal(
        run_end(trio, 1, torch.ones(4, 4)), run_end(trio, 1)
    )  # all is foreground: no mask


def test_equation_front_looks_at_front_and_rest_at_rest() -> None:
    generator = torch.Generator().manual_seed(5)
    query, key = (
        torch.randn(2, 1, 4, 4, generator=generator),
        torch.randn(2, 1, 4, 4, generator=generator),
    )
    value = torch.tensor([1.0, 1.0, 3.0, 3.0]).view(1, 1, 4, 1).expand(2, 1, 4, 4)
    inside, shown = (
        torch.tensor([True, False, False, True]),
        torch.tensor([True, True, False, False]),
    )
    made = attend_by_masks(query, key, value, 0.5, (inside, shown))
    assert torch.allclose(made[0, 0, :, 0], torch.tensor([1.0, 3.0, 3.0, 1.0]))
    wanted = torch.softmax(query @ key.transpose(-1, -2) * 0.5, dim=-1) @ value
    assert torch.allclose(mutual(query, key, value, 0.5), wanted, atol=1e-6)


def test_composition_other_controls_act_too(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    assert not torch.equal(run_end(trio, 1, more_controls=[FreeU()]), run_end(trio, 1))
