"""Equation 1 (algorithms 2.4, 4)."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from backend.engine.optimise import FitStep
from backend.objectives.segment_match import SegmentMatch, Targets, segment_loss
from tests.engine.toy_codes import ToySegmenter, half_masks

LOOK = FitStep(0, (1,))


@dataclass(frozen=True)
class Answers:
    """A segmenter that always says the same."""

    scores: Tensor

    def logits(self, pictures: Tensor) -> Tensor:
        return self.scores


def three_masks() -> Tensor:
    masks = half_masks(12)
    return torch.cat([masks, 1 - masks.sum(0, keepdim=True)])


@pytest.mark.parametrize("balanced", [True, False])
def test_a_perfect_answer_costs_nothing(balanced: bool) -> None:
    masks = three_masks()
    targets = Targets((0, 1, 2), masks, torch.ones_like(masks))
    term = SegmentMatch(Answers(masks[None] * 200), targets, 0, balanced)
    assert float(term.losses(torch.rand(1, 3, 12, 12), LOOK)) < 1e-12
    wrong = SegmentMatch(Answers(masks[None].flip(1) * 200), targets, 0, balanced)
    assert float(wrong.losses(torch.rand(1, 3, 12, 12), LOOK)) > 0.2


@pytest.mark.parametrize("balanced", [True, False])
def test_permuting_classes_and_targets_changes_nothing(balanced: bool) -> None:
    scores, masks = torch.randn(1, 3, 12, 12), three_masks()
    counted = (torch.rand_like(masks) > 0.3).float()
    order = [2, 0, 1]
    usual = SegmentMatch(Answers(scores), Targets((0, 1, 2), masks, counted), 0, balanced)
    other = SegmentMatch(
        Answers(scores[:, order]), Targets((0, 1, 2), masks[order], counted[order]), 0, balanced
    )
    picture = torch.rand(1, 3, 12, 12)
    assert torch.allclose(usual.losses(picture, LOOK), other.losses(picture, LOOK))


def test_it_is_the_mean_squared_error_of_the_paper() -> None:
    found, masks = torch.rand(2, 3, 5, 5), torch.rand(2, 3, 5, 5).round()
    loss = segment_loss(found, masks, torch.ones_like(masks), balanced=False)
    assert torch.allclose(loss, (found - masks).square().mean((1, 2, 3)))


def test_balanced_weighs_small_masks_like_large_ones() -> None:
    found = torch.zeros(1, 2, 10, 10)
    masks = torch.zeros(1, 2, 10, 10)
    masks[0, 0, :1, :1] = 1
    masks[0, 1, :9] = 1
    assert float(
        segment_loss(found, masks, torch.ones_like(masks), balanced=True)
    ) == pytest.approx(0.5)


def test_what_does_not_count_has_no_say() -> None:
    found, masks, counted = torch.rand(1, 1, 6, 6), torch.zeros(1, 1, 6, 6), torch.ones(1, 1, 6, 6)
    counted[..., 3:] = 0
    other = found.clone()
    other[..., 3:] = torch.rand(1, 1, 6, 3)
    for balanced in (True, False):
        assert torch.equal(
            segment_loss(found, masks, counted, balanced),
            segment_loss(other, masks, counted, balanced),
        )


def test_the_gradient_reaches_every_pixel() -> None:
    masks = three_masks()
    order = torch.stack([masks[2], masks[0], masks[1]])
    term = SegmentMatch(ToySegmenter(), Targets((0, 1, 2), order, torch.ones_like(order)), 0)
    picture = torch.rand(1, 3, 12, 12, requires_grad=True)
    (gradient,) = torch.autograd.grad(term.losses(picture, LOOK).sum(), picture)
    assert bool((gradient.abs().sum(1) > 0).all())


def test_views_move_masks_and_picture_alike() -> None:
    """A picture that is right stays right in any view."""
    masks = three_masks()
    colours = torch.tensor([[1.0, 0.0, 0.0], [0.0, 0.0, 1.0], [0.5, 0.5, 0.5]])
    picture = torch.einsum("chw,cr->rhw", masks, colours)[None]
    targets = Targets((1, 2, 0), masks, torch.ones_like(masks))
    segmenter = ToySegmenter(sharpness=40.0)
    plain = float(SegmentMatch(segmenter, targets, 0).losses(picture, LOOK))
    moved = [
        float(SegmentMatch(segmenter, targets, 2).losses(picture, FitStep(k, (1,))))
        for k in range(6)
    ]
    assert len(set(moved)) == 6
    assert max(moved) < plain + 0.15
