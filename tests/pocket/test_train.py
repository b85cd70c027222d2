"""Parts of the training that are easy to get wrong in silence."""

from __future__ import annotations

import numpy as np
import torch

from backend.pocket.networks import build_unet
from backend.pocket.train.attention import HIDDEN, RegionView, watch_regions
from backend.pocket.train.captions import OPEN, SHARED
from backend.pocket.train.moving import MovingAverage
from backend.pocket.train.pace import Pace, late_decay
from backend.pocket.train.unet import rough_regions


def test_words_are_seen_in_their_own_region_only() -> None:
    regions = torch.zeros(1, 4, 8, 8)
    regions[0, 0, :, :4] = 1
    owners = torch.tensor([[OPEN, SHARED, 0, 1, SHARED]])
    bias = RegionView(regions, owners, torch.tensor([True])).bias(64)
    assert bias is not None
    left, right = bias[0, 0].view(8, 8, 5)[0, 0].tolist(), bias[0, 0].view(8, 8, 5)[0, 7].tolist()
    assert left == [0, HIDDEN, 0, HIDDEN, HIDDEN]
    assert right == [0, 0, HIDDEN, HIDDEN, 0]


def test_unmasked_rows_see_everything() -> None:
    view = RegionView(torch.ones(2, 4, 4, 4), torch.zeros(2, 3, dtype=torch.int64), torch.tensor([False, True]))
    bias = view.bias(16)
    assert bias is not None
    assert not bias[0].any()


def test_explicit_attention_is_the_stock_attention() -> None:
    torch.manual_seed(0)
    unet = build_unet().eval()
    given = (torch.randn(1, 4, 16, 16), torch.tensor([500]), torch.randn(1, 6, 128))
    with torch.no_grad():
        stock = unet(*given).sample
        watch_regions(unet)
        assert torch.allclose(unet(*given).sample, stock, atol=1e-5)


def test_rough_regions_cover_the_objects() -> None:
    regions = torch.zeros(1, 4, 32, 32)
    regions[0, 0, 8:20, 6:18] = 1
    for seed in range(12):
        rough = rough_regions(regions, np.random.default_rng(seed))
        assert rough.shape == regions.shape
        assert (rough * regions).sum() > 0.7 * regions.sum()
        assert not rough[0, 1:].any()


def test_the_pace_follows_the_clock_over_stops() -> None:
    assert Pace(100.0, spent_s=50.0).progress >= 0.5
    assert Pace(1.0, spent_s=2.0).progress == 1.0
    assert late_decay(0.5) == 1.0
    assert late_decay(1.0) < 0.05 < late_decay(0.9) < 1.0


def test_the_average_moves_towards_the_network() -> None:
    network = torch.nn.Linear(2, 2)
    average = MovingAverage(network, 0.9)
    with torch.no_grad():
        network.weight.add_(1.0)
    before = (average.network.weight - network.weight).abs().mean()
    for _ in range(50):
        average.update(network)
    assert (average.network.weight - network.weight).abs().mean() < 0.1 * before
