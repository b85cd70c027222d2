"""Both controls in one run: neither spoils what the other promises."""

from __future__ import annotations

import torch

from backend.controls.layer_noise import LayerNoise
from backend.controls.region_attention import RegionAttention
from backend.engine.loop_types import Control
from backend.engine.noise import SharedNoise
from backend.models.bundle import ModelBundle
from tests.controls.runs import Setting, end_of
from tests.controls.test_region_attention import control


def noise(setting: Setting, left: int) -> LayerNoise:
    release = torch.full((setting.side_lat, setting.side_lat), setting.first)
    release[:, : setting.side_lat // 2] = left
    return LayerNoise(setting.source, release, setting.schedule, SharedNoise(setting.noise))


def test_order_does_not_matter(bundle: ModelBundle) -> None:
    """One acts inside the network, the other after the step."""

    def both(setting: Setting) -> list[Control]:
        return [control(setting), noise(setting, 4)]

    forwards = end_of(Setting(bundle), both)
    assert torch.equal(end_of(Setting(bundle), lambda setting: both(setting)[::-1]), forwards)


def test_held_cells_stay_the_source_under_attention(bundle: ModelBundle) -> None:
    setting = Setting(bundle)
    end = end_of(setting, lambda s: [control(s), noise(s, s.steps)])
    half = setting.side_lat // 2
    assert torch.equal(end[..., :half], setting.source[..., :half])


def test_each_matters_beside_the_other(bundle: ModelBundle) -> None:
    def run(*kinds: type[Control]) -> torch.Tensor:
        def make(setting: Setting) -> list[Control]:
            return [one for one in (control(setting), noise(setting, 4)) if isinstance(one, kinds)]

        return end_of(Setting(bundle), make)

    both = run(RegionAttention, LayerNoise)
    assert not torch.equal(both, run(RegionAttention))
    assert not torch.equal(both, run(LayerNoise))
