"""Blended latents: the source around a mask, at every level."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from backend.controls.blended_latents import BlendedLatents
from backend.engine.noise import FreshNoise, SharedNoise
from backend.models.bundle import ModelBundle
from tests.controls.runs import Setting, attention_in, end_of, steps_of


def half_free(setting: Setting) -> Tensor:
    mask = torch.zeros(setting.side_lat, setting.side_lat)
    mask[:, : setting.side_lat // 2] = 1
    return mask


def run_blend(setting: Setting, mask: Tensor) -> BlendedLatents:
    stream = (
        FreshNoise(setting.seeds)
        if setting.schedule.kind.stochastic
        else SharedNoise(setting.noise)
    )
    return BlendedLatents(setting.source, mask, setting.schedule, stream)


def test_identity_where_everything_is_free(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1)
    control = run_blend(setting, torch.ones(16, 16))
    state = torch.randn(1, 4, 16, 16)
    assert control.edit(state, 2) is state


def test_processors_are_restored_for_they_were_never_touched(tiny1: ModelBundle) -> None:
    before = dict(tiny1.unet.attn_processors)
    steps_of(Setting(tiny1), lambda s: [run_blend(s, half_free(s))])
    assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)


def test_the_equation_on_four_by_four_cells(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1)
    mask = torch.arange(16.0).reshape(4, 4) / 15
    source, noise, state = torch.randn(3, 1, 4, 4, 4)
    control = BlendedLatents(source, mask, setting.schedule, SharedNoise(noise))
    for k in (2, 6):
        known = setting.schedule.noise_to(k, source, noise)
        found = control.edit(state, k)
        for y in range(4):
            for x in range(4):
                wanted = state[..., y, x] * mask[y, x] + known[..., y, x] * (1 - mask[y, x])
                assert torch.allclose(found[..., y, x], wanted)
    assert torch.equal(control.edit(state, 6)[..., 0, 0], source[..., 0, 0])


@pytest.mark.parametrize("sampler", ["ddim", "euler_ancestral", "unipc"])
def test_composition_with_attention_keeps_the_source(tiny1: ModelBundle, sampler: str) -> None:
    setting = Setting(tiny1, sampler)
    end = end_of(setting, lambda s: [attention_in(s), run_blend(s, half_free(s))])
    assert torch.equal(end[..., 8:], setting.source[..., 8:])
    assert not torch.allclose(end[..., :8], setting.source[..., :8], atol=1e-2)
