"""Mask blending: the mask's properties, and its limits (algorithms 3.6, points 4 and 5)."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import Tensor, nn

from backend.controls.attention_swap import AttentionSwap
from backend.controls.mask_blend import (
    AdaptiveMask,
    FixedMask,
    MaskBlend,
    MaskRules,
    adaptive_mask,
    without_small,
)
from backend.engine.attention_maps import MapMean, map_sites, threshold_map, token_shares
from backend.engine.invert import Trajectory
from backend.engine.loop_types import BatchRows, Moment, Network
from backend.models.attention import Site, self_sites
from backend.models.bundle import ModelBundle
from tests.controls.three_paths import PATHS, Trio, hooks_in

STEPS = 4
NONE = np.zeros((0, 0), np.bool_)


def box(side: int, x0: int, y0: int, x1: int, y1: int) -> NDArray[np.bool_]:
    inside = np.zeros((side, side), np.bool_)
    inside[y0:y1, x0:x1] = True
    return inside


def blend(bundle: ModelBundle, value: float, begin: int = 0) -> MaskBlend:
    return MaskBlend(begin, self_sites(bundle.unet), FixedMask(torch.full((1, 64, 48), value)))


def test_identity_a_full_mask_is_no_blend_bit_for_bit(bundle: ModelBundle) -> None:
    trio = Trio(bundle, STEPS)
    for plain, blended in zip(trio.states(), trio.states([blend(bundle, 1.0)]), strict=True):
        assert torch.equal(plain, blended)


def test_before_its_step_nothing_happens(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    plain, late = trio.states(), trio.states([blend(tiny1, 0.0, begin=2)])
    assert [torch.equal(a, b) for a, b in zip(plain, late, strict=True)] == [
        True,
        True,
        True,
        False,
        False,
    ]
    assert torch.equal(plain[-1][:2], late[-1][:2])


class _Self(nn.Module):
    """A self-attention that gives back what it gets."""

    def __init__(self) -> None:
        super().__init__()
        self.attn1 = nn.Identity()

    def forward(self, tokens: Tensor) -> Tensor:
        """The output of the site."""
        return self.attn1(tokens)


@pytest.mark.parametrize("value", [0.0, 0.25, 1.0])
def test_equation_an_example_by_hand(value: float) -> None:
    """4 x 4 pixels on a 2 x 2 site: the mask is reduced by area; M = 0 gives the layout's features
    exactly.
    """
    network, moment = _Self(), Moment(BatchRows(3, True, PATHS))
    mask = torch.zeros(1, 4, 4)
    mask[0, :2, :2] = value
    control = MaskBlend(0, (Site("attn1.processor", 1),), FixedMask(mask))
    tokens = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(2))
    with control.patch(Network(network, moment, 4, 4)):
        blended = network(tokens)
    for half in (0, 3):
        assert torch.equal(blended[half + 2, 1:], tokens[half + 1, 1:])
        wanted = value * tokens[half + 2, 0] + (1 - value) * tokens[half + 1, 0]
        assert torch.allclose(blended[half + 2, 0], wanted)
        assert torch.equal(blended[half : half + 2], tokens[half : half + 2])


def test_held_the_rest_is_the_layout_itself(tiny1: ModelBundle) -> None:
    """The states of the target: its own inside, the layout's outside, in proportion where M is
    between.
    """
    trio = Trio(tiny1, STEPS)
    free = trio.states([blend(tiny1, 1.0)])
    layout = Trajectory(tuple(state[1:2] for state in free))
    mask = torch.zeros(1, 64, 48)
    mask[:, :32] = 1.0
    mask[:, 32:48] = 0.5

    def states(fixed: Tensor, begin: int = 0) -> list[Tensor]:
        return trio.states([MaskBlend(begin, (), FixedMask(fixed), held=layout)])

    assert all(torch.equal(a, b) for a, b in zip(free, states(torch.ones(1, 64, 48)), strict=True))
    held = states(mask)
    for known, state in zip(layout.states[1:], held[1:], strict=True):
        assert torch.equal(state[2, :, 12:], known[0, :, 12:])
        assert not torch.equal(state[2, :, :8], known[0, :, :8])
    alone = trio.states([MaskBlend(0, (), FixedMask(mask))])
    wanted = 0.5 * alone[1][2, :, 8:12] + 0.5 * layout.states[1][0, :, 8:12]
    assert torch.allclose(held[1][2, :, 8:12], wanted)
    late = states(mask, begin=2)
    assert [torch.equal(a, b) for a, b in zip(free, late, strict=True)] == [
        True,
        True,
        True,
        False,
        False,
    ]


def test_composition_beside_the_swap_and_hooks_restored(tiny1: ModelBundle) -> None:
    before = hooks_in(tiny1)
    swap = AttentionSwap(0, (), tuple(site.module for site in self_sites(tiny1.unet)))
    trio = Trio(tiny1, STEPS)
    ends = [
        trio.states(controls)[-1][2]
        for controls in ([swap], [swap, blend(tiny1, 1.0)], [swap, blend(tiny1, 0.5)])
    ]
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[1], ends[2])
    assert hooks_in(tiny1) == before


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_values_are_nothing_or_at_least_a_half(seed: int) -> None:
    rng = np.random.default_rng(seed)
    words, solid = (rng.random((24, 24)) < share for share in rng.random(2))
    mask = adaptive_mask(words, solid)
    assert ((mask == 0) | ((mask >= 0.5) & (mask <= 1))).all()
    assert (mask[without_small(words, 0.005)] == 1).all()
    assert mask.dtype == np.float32


def test_the_mask_grows_towards_the_middle() -> None:
    mask = adaptive_mask(np.zeros((32, 32), np.bool_), box(32, 4, 4, 28, 28))
    line = mask[16, 4:17]
    assert (np.diff(line) >= 0).all()
    assert line[-1] == mask.max() == 1.0
    assert 0.5 < line[0] < 0.6
    assert mask[0].max() == 0.0


def test_noise_that_touches_no_cut_out_is_dropped_and_what_touches_it_stays() -> None:
    solid = box(64, 20, 20, 40, 40)
    touching, separate = box(64, 38, 25, 48, 30), box(64, 2, 2, 4, 4)
    mask = adaptive_mask(touching | separate, solid)
    assert (mask[touching] > 0).all()
    assert mask[separate].max() == 0.0
    literal = adaptive_mask(touching | separate, solid, MaskRules(joining="or"))
    assert (literal[separate] >= 0.5).all()
    both = adaptive_mask(touching | separate, solid, MaskRules(joining="and", least_share=1.0))
    assert (both[touching & ~solid] == 0).all()


def test_small_components_are_not_confident() -> None:
    large, small = box(64, 10, 10, 30, 30), box(64, 50, 50, 53, 53)
    assert np.array_equal(without_small(large | small, 0.005), large)
    mask = adaptive_mask(large | small, large)
    assert (mask[large] == 1).all()
    assert mask[small].max() == 0.0


def test_nothing_found_means_no_blending_and_everything_found_too() -> None:
    empty, full = np.zeros((16, 16), np.bool_), np.ones((16, 16), np.bool_)
    assert (adaptive_mask(empty, empty) == 1).all()
    assert (adaptive_mask(empty, None) == 1).all()
    assert (adaptive_mask(full, full) == 1).all()


def test_the_literal_floor_lets_the_reference_into_the_background() -> None:
    mask = adaptive_mask(box(16, 4, 4, 12, 12), None, MaskRules(background_floor=0.5))
    assert mask[0, 0] == 0.5


def test_words_are_found_where_the_map_is_high() -> None:
    mean = torch.zeros(4, 4)
    mean[1, 2] = 0.4
    found = threshold_map(mean, (16, 16), 0.1)
    assert np.array_equal(found, box(16, 8, 4, 12, 8))
    assert not threshold_map(torch.full((4, 4), 0.3), (16, 16), 0.1).any()


def test_a_flat_share_of_attention(tiny1: ModelBundle) -> None:
    """All columns together are the whole; one share per pixel."""
    name = map_sites(tiny1.unet, 16, 12)[0].module
    attention = tiny1.unet.get_submodule(name)
    pixels = torch.randn(2, 16 * 12, attention.to_q.in_features)
    words = torch.randn(2, 9, attention.to_k.in_features)
    shares = token_shares(attention, pixels, words)
    assert shares.shape == (2, 192, 9)
    assert torch.allclose(shares.sum(-1), torch.ones(2, 192), atol=1e-5)


def test_the_adaptive_mask_reads_the_targets_words(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    maps = MapMean((2, 3), "target", first=1)
    within = np.ones((64, 48), np.float32)
    within[:, 40:] = 0
    masks = AdaptiveMask(maps, NONE, within)
    assert (
        masks.at(0).numpy() == within[None]
    ).all()  # nothing seen yet: no blending inside its region
    end = trio.states([MaskBlend(2, self_sites(tiny1.unet), masks)])[-1]
    seen = maps.mean()
    assert seen is not None
    assert seen.shape == (1, 16, 12)
    assert ((seen > 0) & (seen < 1)).all()
    made = masks.at(STEPS).numpy()
    assert made.shape == (1, 64, 48)
    assert made[..., 40:].max() == 0
    assert torch.equal(end[:2], trio.states()[-1][:2])
