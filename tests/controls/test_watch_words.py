"""Watching words: it sees, and nothing else."""

from __future__ import annotations

import torch

from backend.controls.attention_swap import AttentionSwap
from backend.engine.attention_maps import MapMean, WatchWords
from backend.models.attention import self_sites
from backend.models.bundle import ModelBundle
from tests.controls.three_paths import Trio, hooks_in

STEPS = 3


def watch(trio: Trio, *tokens: int, first: int = 0) -> torch.Tensor:
    maps = MapMean(tokens, "target", first)
    trio.states([WatchWords(maps)])
    mean = maps.mean()
    assert mean is not None
    return mean


def test_identity_a_watched_run_is_the_run_it_would_be(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    seen = trio.states([WatchWords(MapMean((1, 2), "target", 0))])
    assert all(torch.equal(a, b) for a, b in zip(trio.states(), seen, strict=True))


def test_hooks_are_restored(tiny1: ModelBundle) -> None:
    before = hooks_in(tiny1)
    watch(Trio(tiny1, STEPS), 1)
    assert hooks_in(tiny1) == before


def test_equation_the_shares_of_all_tokens_add_up_to_one(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    parts = watch(trio, 1, 2), watch(trio, 0, *range(3, tiny1.card.text_length))
    assert torch.allclose(parts[0] + parts[1], torch.ones(1, 16, 12), atol=1e-5)
    assert not torch.equal(watch(trio, 1, 2, first=2), parts[0])


def test_composition_with_the_swap_both_do_their_work(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    swap = AttentionSwap(0, (), tuple(site.module for site in self_sites(tiny1.unet)))
    maps = MapMean((1, 2), "target", 0)
    assert torch.equal(trio.states([swap, WatchWords(maps)])[-1], trio.states([swap])[-1])
    assert not torch.equal(maps.mean(), watch(trio, 1, 2))
