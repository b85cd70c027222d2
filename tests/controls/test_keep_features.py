"""Keeping features: the run is not disturbed, and what is kept is what a replay finds."""

from __future__ import annotations

from contextlib import nullcontext

import torch
from torch import Tensor

from backend.controls.free_u import FreeU
from backend.controls.keep_features import KeepFeatures
from backend.engine.invert import Trajectory
from backend.engine.loop_types import BatchRows, Moment, Network
from backend.engine.reference_branch import FeatureSpan, ReferenceBranch, ReferencePath
from backend.models.attention import self_sites
from backend.models.bundle import FeatureCache, ModelBundle
from tests.controls.three_paths import Trio, hooks_in

STEPS = 4


def read_features(trio: Trio, states: tuple[Tensor, ...] = ()) -> ReferencePath:
    modules = tuple(site.module for site in self_sites(trio.bundle.unet))
    return ReferencePath(
        "path", Trajectory(states), trio.alone("target"), (FeatureSpan(1, 3, modules),)
    )


def test_identity_the_run_stays_and_hooks_are_restored(tiny1: ModelBundle) -> None:
    trio, before = Trio(tiny1, STEPS), hooks_in(tiny1)
    plain = trio.states_alone("target")
    kept = trio.states_alone(
        "target", lambda _: [KeepFeatures(read_features(trio), FeatureCache(), 0)]
    )
    assert all(torch.equal(a, b) for a, b in zip(plain, kept, strict=True))
    assert hooks_in(tiny1) == before


def test_what_is_kept_is_what_a_replay_finds_bit_for_bit(tiny1: ModelBundle) -> None:
    trio, memory, again = Trio(tiny1, STEPS), FeatureCache(), FeatureCache()
    states = trio.states_alone("target", lambda _: [KeepFeatures(read_features(trio), memory, 0)])
    path = read_features(trio, tuple(states))
    for k in (1, 2):
        ReferenceBranch(tiny1.unet, trio.schedule, {"path": path}, again, nullcontext).advance(k)
        kept, replayed = memory.find("path", k), again.find("path", k)
        assert kept is not None
        assert replayed is not None
        assert all(torch.equal(a, b) for a, b in zip(kept, replayed, strict=True))
    assert memory.find("path", 0) is memory.find("path", 3) is None


def test_equation_the_last_call_of_a_step_counts_from_the_first_step_on() -> None:
    class Block(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.part = torch.nn.Identity()

    unet, memory, moment = Block(), FeatureCache(), Moment(BatchRows(1, guided=True))
    path = ReferencePath(
        "path", Trajectory(()), Trio.__new__(Trio), (FeatureSpan(0, 3, ("part",)),)
    )  # words are not looked at
    keep = KeepFeatures(path, memory, 1)
    with keep.patch(Network(unet, moment, 4, 4)):
        for k in range(3):
            moment.k = k
            unet.part(torch.full((2, 4, 4), 9.0))
            unet.part(torch.full((2, 4, 4), float(k)))
            assert keep.edit(torch.zeros(1), k + 1).shape == (1,)
    assert memory.find("path", 0) is None
    assert [float(memory.find("path", k)[0].mean()) for k in (1, 2)] == [1.0, 2.0]
    assert memory.find("path", 2)[0].shape == (2, 1, 4, 4)


def test_composition_it_keeps_what_other_controls_made(tiny1: ModelBundle) -> None:
    trio, plain, changed = Trio(tiny1, STEPS), FeatureCache(), FeatureCache()
    trio.states_alone("target", lambda _: [KeepFeatures(read_features(trio), plain, 0)])
    trio.states_alone("target", lambda _: [FreeU(), KeepFeatures(read_features(trio), changed, 0)])
    assert not torch.equal(plain.find("path", 2)[-1], changed.find("path", 2)[-1])
