"""FreeU: factors of one are nothing; what it scales, and where."""

from __future__ import annotations

import torch
from diffusers import UNet2DConditionModel

from backend.controls.free_u import FreeU, joins, scale_low, strengthen
from backend.engine.attention_maps import MapMean, WatchWords
from backend.models.bundle import ModelBundle
from backend.pocket.networks.configs import UNET
from tests.controls.three_paths import Trio, hooks_in

STEPS = 3
NOTHING = FreeU((1.0, 1.0), (1.0, 1.0))


def test_identity_factors_of_one_are_the_run_itself_bit_for_bit(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    assert all(
        torch.equal(a, b) for a, b in zip(trio.states(), trio.states([NOTHING]), strict=True)
    )
    assert not torch.equal(trio.states()[-1], trio.states([FreeU()])[-1])


def test_hooks_are_restored(tiny1: ModelBundle) -> None:
    before = hooks_in(tiny1)
    Trio(tiny1, STEPS).states([FreeU()])
    assert hooks_in(tiny1) == before


def test_equation_half_of_the_channels_grow_with_the_mean() -> None:
    backbone = torch.zeros(1, 4, 4, 4)
    backbone[..., :2] = 2.0
    made = strengthen(backbone, 1.5)
    assert torch.equal(made[:, :2], backbone[:, :2] * 1.5)
    assert torch.equal(made[:, 2:], backbone[:, 2:])
    flat = torch.full((1, 4, 4, 4), 3.0)
    assert torch.equal(strengthen(flat, 1.5), flat)


def test_equation_low_frequencies_shrink_and_high_ones_stay() -> None:
    flat = torch.full((1, 1, 4, 4), 3.0)
    checks = torch.ones(4, 4)
    checks[::2, ::2] = checks[1::2, 1::2] = -1.0
    made = scale_low(flat + checks, 0.2)
    assert torch.allclose(made, flat * 0.2 + checks, atol=1e-5)
    assert torch.allclose(scale_low(flat + checks, 1.0), flat + checks, atol=1e-5)


def test_the_stages_are_the_two_widths_of_the_paper() -> None:
    with torch.device("meta"):
        stable = UNet2DConditionModel(cross_attention_dim=768)
    assert [(name[10], width, stage) for name, width, stage in joins(stable)] == [
        *(("0", 1280, 0),) * 3,
        *(("1", 1280, 0),) * 3,
        ("2", 1280, 0),
        *(("2", 640, 1),) * 2,
        ("3", 640, 1),
    ]
    pocket = UNet2DConditionModel(**UNET)
    for name, width, _ in joins(pocket):
        assert pocket.get_submodule(name).in_channels > width


def test_composition_words_are_watched_in_the_changed_run(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    plain, changed = MapMean((1,), "target", 0), MapMean((1,), "target", 0)
    trio.states([WatchWords(plain)])
    watched = trio.states([FreeU(), WatchWords(changed)])
    assert torch.equal(watched[-1], trio.states([FreeU()])[-1])
    assert not torch.equal(plain.mean(), changed.mean())
