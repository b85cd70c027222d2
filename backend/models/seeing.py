"""How a network wants to see pictures: resized, cut and normalised as tensors, so that gradients
reach the picture.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from backend.errors import ModelError

Triple = tuple[float, float, float]
IMAGENET_MEAN: Triple = (0.485, 0.456, 0.406)
IMAGENET_STD: Triple = (0.229, 0.224, 0.225)
"""The usual normalisation of vision networks; torchvision's and transformers' default numbers."""


@dataclass(frozen=True)
class Seeing:
    """``side_px``: what the network takes, a square. ``shorter_px``: length that the shorter side
    is resized to before the middle square is cut out; 0 squeezes the whole picture into the square.
    ``mean`` and ``std`` of 0..1 values.
    """

    side_px: int
    shorter_px: int
    mean: Triple
    std: Triple
    mode: Literal["bilinear", "bicubic"] = "bicubic"

    def prepare(self, pictures: Tensor) -> Tensor:
        """float (n, 3, h, w) in 0..1 to normalised float32 (n, 3, side, side); a ModelError on
        another shape.
        """
        if pictures.ndim != 4 or pictures.shape[1] != 3 or not pictures.is_floating_point():
            raise ModelError(
                (
                    f"Pictures of shape {tuple(pictures.shape)} and type {pictures.dtype} cannot "
                    "be compared."
                ),
                limit="A batch (n, 3, h, w) of floating-point numbers in 0..1 is expected.",
                remedy="Hand over pictures in that form.",
            )
        seen = self._square(self._resize(pictures.float()))
        mean, std = (seen.new_tensor(v).view(1, 3, 1, 1) for v in (self.mean, self.std))
        return (seen - mean) / std

    def _resize(self, pictures: Tensor) -> Tensor:
        high, wide = pictures.shape[-2:]
        target = (self.side_px, self.side_px)
        if self.shorter_px:
            scale = self.shorter_px / min(high, wide)
            target = (
                max(self.side_px, round(high * scale)),
                max(self.side_px, round(wide * scale)),
            )
        if target == (high, wide):
            return pictures
        return F.interpolate(
            pictures, size=target, mode=self.mode, align_corners=False, antialias=True
        )

    def _square(self, pictures: Tensor) -> Tensor:
        top, left = ((side - self.side_px) // 2 for side in pictures.shape[-2:])
        return pictures[:, :, top : top + self.side_px, left : left + self.side_px]


def fit_area(sides: Sequence[int], side_px: int) -> tuple[int, int]:
    """The sides (h, w) of a picture reduced to the area of a square, aspect kept; those of a
    smaller picture as they are.

    Args:
        sides: (h, w), in pixels.
        side_px: of the square.
    """
    high, wide = sides
    share = min(1.0, side_px / math.sqrt(high * wide))
    return max(1, round(high * share)), max(1, round(wide * share))


def triple(values: object, default: Triple) -> Triple:
    """Three numbers of a description; the default where it has none; a ModelError for anything
    else.
    """
    if values is None:
        return default
    if not isinstance(values, list | tuple) or len(values) != 3:
        raise ModelError(
            f"{values!r} is no mean or deviation of three colours.",
            remedy="Copy the model folder again.",
        )
    red, green, blue = (float(value) for value in values)
    return red, green, blue


def unit(features: Tensor) -> Tensor:
    """Vectors (n, d) in single precision with length 1."""
    return torch.nn.functional.normalize(features.float(), dim=-1)
