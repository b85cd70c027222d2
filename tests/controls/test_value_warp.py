"""DreamMatcher's warping: identity warps, what matches what, and what is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import nullcontext

import torch
from torch import Tensor

from backend.controls.value_warp import (
    FeatureMatching,
    FixedMatching,
    Flow,
    Matching,
    ValueWarp,
    feature_modules,
    find_flow,
    warp_values,
)
from backend.engine.attention_maps import MapMean, WatchWords
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control, Network
from backend.engine.reference_branch import FeatureSpan, ReferenceBranch, ReferencePath
from backend.models.attention import Hook, detail_sites, install_hooks
from backend.models.bundle import FeatureCache, ModelBundle
from backend.models.schedule import Schedule
from tests.controls.three_paths import Trio, hooks_in

STEPS = 3


def sides_of(trio: Trio, schedule: Schedule) -> ReferenceBranch:
    """The reference, replayed."""
    unet = trio.bundle.unet
    modules = (*feature_modules(unet), *(f"{site.module}.to_v" for site in detail_sites(unet)))
    path = ReferencePath(
        "reference", Trajectory(tuple(trio.states_alone("reference"))), trio.alone("reference"),
        (FeatureSpan(0, STEPS, modules),),
    )  # fmt: skip
    return ReferenceBranch(unet, schedule, {"reference": path}, FeatureCache(), nullcontext)


def run_end(
    trio: Trio, matching: Matching | None, begin: int = 0, others: Sequence[Control] = ()
) -> Tensor:
    def controls(schedule: Schedule) -> list[Control]:
        sides = sides_of(trio, schedule)
        found = matching or FeatureMatching(sides, torch.ones(4, 4), 0)
        return [ValueWarp(begin, detail_sites(trio.bundle.unet), found, sides), *others]

    return trio.states_alone("target", controls)[-1]


def test_identity_no_mask_or_not_yet_is_the_run_itself(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    plain = trio.states_alone("target")[-1]
    assert torch.equal(run_end(trio, FixedMatching(0.0)), plain)
    assert torch.equal(run_end(trio, FixedMatching(1.0), STEPS), plain)
    assert not torch.equal(run_end(trio, FixedMatching(1.0), 1), plain)
    assert not torch.equal(run_end(trio, None), plain)


def test_identity_an_identity_warp_is_the_naive_swap_of_values(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    swapped = trio.states_alone("target", lambda schedule: [Swap(sides_of(trio, schedule))])[-1]
    assert torch.equal(run_end(trio, FixedMatching(1.0)), swapped)


def test_the_same_picture_matches_itself(tiny1: ModelBundle) -> None:
    """Reference and target are one run: every flow leads home, so nothing changes."""
    trio = Trio(tiny1, STEPS, same_start=True)
    assert torch.equal(run_end(trio, None), trio.states_alone("target")[-1])


class Swap(Control):
    """The reference's values instead of the target's, written out."""

    def __init__(self, sides: ReferenceBranch) -> None:
        self.sides = sides

    def patch(self, network: Network):
        def hook(name: str) -> Hook:
            return lambda _, __, output: (
                None
                if self.sides.recording
                else self.sides.feature("reference", name).flatten(0, 1)
            )

        names = [f"{site.module}.to_v" for site in detail_sites(network.unet)]
        return install_hooks(network.unet, {name: hook(name) for name in names})

    def wrap(self, predict):
        def others(latents: Tensor, k: int) -> Tensor:
            self.sides.advance(k)
            return predict(latents, k)

        return others


def test_equation_a_moved_picture_is_found_where_it_went() -> None:
    features = torch.randn(1, 6, 4, 4, generator=torch.Generator().manual_seed(3))
    moved = features.roll(1, dims=3)
    flow = find_flow(((moved, features),), torch.ones(4, 4), (4, 4))
    home = torch.arange(16).view(4, 4).roll(1, dims=1).flatten()
    assert torch.equal(flow.source, home)
    assert torch.equal(flow.mask, torch.ones(16, 1))
    shown = torch.zeros(4, 4)
    shown[:2] = 1.0
    assert (
        find_flow(((moved, features),), shown, (4, 4)).mask.flatten().tolist()
        == [1.0] * 8 + [0.0] * 8
    )


def test_equation_values_follow_the_flow_inside_the_mask() -> None:
    target, reference = torch.zeros(2, 1, 4, 1), torch.arange(4.0).view(4, 1).expand(2, 1, 4, 1)
    flow = Flow(torch.tensor([3, 2, 1, 0]), torch.tensor([[1.0], [1.0], [0.5], [0.0]]))
    assert warp_values(target, reference, flow)[1, 0].flatten().tolist() == [3.0, 2.0, 0.5, 0.0]


def test_wide_features_are_reduced_to_their_main_directions() -> None:
    features = torch.randn(1, 300, 5, 5, generator=torch.Generator().manual_seed(4))
    flow = find_flow(((features.flip(2), features),), torch.ones(2, 2), (5, 5))
    assert torch.equal(flow.source, torch.arange(25).view(5, 5).flip(0).flatten())


def test_hooks_are_restored_and_composition_words_are_watched(tiny1: ModelBundle) -> None:
    trio, before = Trio(tiny1, STEPS), hooks_in(tiny1)
    maps = MapMean((1,), "target", 0)
    alone = run_end(trio, FixedMatching(1.0))
    assert torch.equal(run_end(trio, FixedMatching(1.0), 0, [WatchWords(maps)]), alone)
    assert maps.mean() is not None
    assert hooks_in(tiny1) == before
