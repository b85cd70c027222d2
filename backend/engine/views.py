"""Random views of pictures: the cutouts that an objective looks through, drawn row by row from its
generators.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional


@dataclass(frozen=True)
class ViewRange:
    """How views vary.

    Attributes:
        scale: the view's side in units of the picture's, from smallest to largest.
        noise: the highest deviation of the white noise that is laid over a view (drawn anew in
            0..noise).
        flipped: whether about half of them are mirrored.
    """

    scale: tuple[float, float]
    noise: float
    flipped: bool = True


@dataclass(frozen=True)
class ViewSet:
    """Where views lie: ``theta`` (n·v, 2, 3) as for ``affine_grid``, ``noise`` levels (n·v) and a
    seed for each row.
    """

    theta: Tensor
    levels: Tensor
    per_row: int


WHOLE = torch.tensor([[0.0, 0.0, 1.0, 1.0]])
"""The frame of a whole picture."""


def draw_views(
    generators: Sequence[torch.Generator], per_row: int, allowed: ViewRange, frames: Tensor = WHOLE
) -> ViewSet:
    """Views of every frame for each row; those of row i come from generator i alone.

    Args:
        generators: one a row.
        per_row: views of each frame.
        allowed: how they vary.
        frames: parts of the picture to look at, (k, 4): the centre (x, y) and half the sides, where
            the picture reaches from -1 to 1. The whole picture by default.

    Returns:
        Row by row the views; all of the first frame come first.
    """
    count = per_row * len(frames)
    draws = torch.cat([torch.rand(count, 5, generator=one) for one in generators])
    low, high = allowed.scale
    scale = low + (high - low) * draws[:, 0]
    room = (1 - scale).abs()
    frame = frames.cpu().repeat_interleave(per_row, dim=0).repeat(len(generators), 1)
    theta = torch.zeros(len(draws), 2, 3)
    theta[:, 0, 0] = torch.where((draws[:, 1] < 0.5) & allowed.flipped, -scale, scale) * frame[:, 2]
    theta[:, 1, 1] = scale * frame[:, 3]
    theta[:, :, 2] = frame[:, :2] + frame[:, 2:] * room[:, None] * (2 * draws[:, 2:4] - 1)
    return ViewSet(theta, allowed.noise * draws[:, 4], count)


def see_through(pictures: Tensor, views: ViewSet, side_px: tuple[int, int]) -> Tensor:
    """Each picture through its views, bilinearly; beyond its edge the edge repeats.

    Args:
        pictures: (n, c, h, w).
        views: v for each picture.
        side_px: height and width of a view.

    Returns:
        (n·v, c, *side_px).
    """
    repeated = pictures.repeat_interleave(views.per_row, dim=0)
    size = [len(repeated), pictures.shape[1], *side_px]
    grid = functional.affine_grid(views.theta.to(pictures), size, align_corners=False)
    return functional.grid_sample(
        repeated, grid, mode="bilinear", padding_mode="border", align_corners=False
    )


def with_noise(seen: Tensor, views: ViewSet, generators: Sequence[torch.Generator]) -> Tensor:
    """White noise of each view's level over (n·v, c, h, w); row by row from the generators."""
    if not bool(views.levels.any()):
        return seen
    shape = (views.per_row, *seen.shape[1:])
    noise = torch.cat([torch.randn(shape, generator=one) for one in generators]).to(seen)
    return seen + noise * views.levels.to(seen)[:, None, None, None]
