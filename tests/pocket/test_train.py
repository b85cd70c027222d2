"""Parts of the training that are easy to get wrong in silence."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from backend.pocket.networks.networks import build_unet
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train import precision
from backend.pocket.train.attention import HIDDEN, RegionView, object_shares, watch_regions
from backend.pocket.train.captions import OPEN, SHARED, CaptionMaker
from backend.pocket.train.scenes import SceneWords
from backend.pocket.train.schedule import MovingAverage, Pace, late_decay
from backend.pocket.train.unet import (
    HEAD_SIZES,
    naming_loss,
    outline_cells,
    reduce_looks,
    rough_regions,
)


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
    view = RegionView(
        torch.ones(2, 4, 4, 4), torch.zeros(2, 3, dtype=torch.int64), torch.tensor([False, True])
    )
    bias = view.bias(16)
    assert bias is not None
    assert not bias[0].any()


def test_the_share_of_attention_inside_an_object() -> None:
    """A 4 x 4 map: two words of one object, each seen in and out of its half; the third word is
    nobody's.
    """
    regions = torch.zeros(1, 4, 4, 4)
    regions[0, 0, :, :2] = 1
    looked = torch.zeros(1, 4, 4, 3)
    looked[0, 0, :, 0] = 0.3
    looked[0, 1, :2, 1] = 0.4
    looked[0, :, :, 2] = 0.2
    shares = object_shares(looked.flatten(1, 2), regions, torch.tensor([[0, 0, SHARED]]))
    assert torch.allclose(shares[0, 0], torch.tensor((0.6 + 0.8) / (1.2 + 0.8)))


def test_strayed_words_cost_free_samples_only() -> None:
    regions = torch.zeros(2, 4, 4, 4)
    regions[:, 0, :, :2] = 1
    view = RegionView(regions, torch.tensor([[0], [0]]), torch.tensor([True, False]))
    maps = torch.zeros(2, 1, 16, 1)
    maps[0, 0, :, 0] = 1
    maps[1, 0, :4, 0] = 1  # the first row: half of it inside
    view.watch(maps.requires_grad_())
    assert torch.allclose(view.stray_loss(), torch.tensor(0.25))
    assert not view.inside


def test_the_head_is_scored_on_all_three_words_of_a_look() -> None:
    looks = torch.tensor([4, 2, 1])[None, :, None, None].expand(1, 3, 2, 2)
    sure = torch.zeros(1, sum(HEAD_SIZES), 2, 2)
    for first, number in zip((0, HEAD_SIZES[0], sum(HEAD_SIZES[:2])), (4, 2, 1), strict=True):
        sure[:, first + number] = 30.0
    assert naming_loss(sure, looks).max() < 1e-6
    sure[:, HEAD_SIZES[0] + 2] = 0.0
    assert naming_loss(sure, looks).min() > 0.5


def test_fewer_cells_show_the_looks_at_their_centres() -> None:
    looks = torch.arange(16).view(1, 1, 4, 4).expand(1, 3, 4, 4)
    assert reduce_looks(looks, 2)[0, 2].tolist() == [[5, 7], [13, 15]]


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


def test_outline_cells_lie_on_both_sides_of_an_object_and_between_neighbours() -> None:
    regions = torch.zeros(1, 2, 6, 8)
    regions[0, 0, 1:5, 1:4] = 1
    regions[0, 1, 1:5, 4:7] = 1
    cells = outline_cells(regions)[0]
    assert cells[2, 2] == 0
    assert cells[2, 5] == 0
    assert cells[2, 3] == 1
    assert cells[2, 4] == 1
    assert cells[0, 2] == 1
    assert not outline_cells(torch.zeros(1, 2, 6, 8)).any()


def test_bfloat16_is_taken_only_where_the_processor_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for fast, expected in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(precision, "has_fast_bfloat16", lambda fast=fast: fast)
        with precision.use_mixed_precision():
            assert (torch.ones(2, 2) @ torch.ones(2, 2)).dtype == expected


def test_an_object_is_now_and_then_called_by_its_noun_alone() -> None:
    maker = CaptionMaker(build_tokenizer())
    words = [SceneWords("meadow", (("cat", "red", "striped"),))] * 2000
    ids = maker.build(words, np.random.default_rng(0)).ids
    red, striped, cat = (maker._tokens(word)[0] for word in ("red", "striped", "cat"))
    named = (ids == cat).any(1)
    alone = named & ~(ids == red).any(1) & ~(ids == striped).any(1)
    assert 0.07 < alone.float().mean() / named.float().mean() < 0.13


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
