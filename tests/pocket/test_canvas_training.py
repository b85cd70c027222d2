"""The error that asks for as much edge as in the drawing."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from backend.pocket.train.canvas import edge_energy_loss

SIDE_PX = 48


def draw_edge(at_px: int) -> Tensor:
    """A picture that is dark up to a column and light from there."""
    picture = torch.full((1, 3, SIDE_PX, SIDE_PX), -1.0)
    picture[..., at_px:] = 1.0
    return picture


def whole() -> Tensor:
    return torch.ones(1, 1, SIDE_PX, SIDE_PX)


def test_a_picture_has_the_energy_of_itself() -> None:
    truth = torch.rand(2, 3, SIDE_PX, SIDE_PX, generator=torch.Generator().manual_seed(1))
    weight = torch.ones(2, 1, SIDE_PX, SIDE_PX)
    assert float(edge_energy_loss(truth, truth, weight)) == 0


def test_fine_detail_that_was_softened_costs_more_than_an_edge_a_pixel_off() -> None:
    """An average error has it the other way round, and so leaves detail soft."""
    truth = draw_edge(20)
    truth[..., 8:40:4, 26:40] = 0.0
    softened = F.avg_pool2d(F.pad(truth, (3, 3, 3, 3), mode="replicate"), 7, 1)
    moved = truth.roll(1, dims=3)
    moved[..., 0] = truth[..., 0]
    soft, off = (float(edge_energy_loss(one, truth, whole())) for one in (softened, moved))
    assert soft > 2 * off


def test_the_weight_says_where_edges_count() -> None:
    truth, flat = draw_edge(8), torch.zeros(1, 3, SIDE_PX, SIDE_PX)
    left, right = torch.zeros_like(whole()), torch.zeros_like(whole())
    left[..., :24], right[..., 32:] = 1.0, 1.0
    assert float(edge_energy_loss(flat, truth, left)) > 0
    assert float(edge_energy_loss(flat, truth, right)) == pytest.approx(0)
