"""What is inside of a layer: one rule, from the count of changed pixels to the crop of a lesson."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from backend.scene.imaging.arrays import Floats

MASK_BLACK = 16 / 255
"""Below this share of a layer's densest alpha a pixel is outside: scans, brushes and cut-outs leave
a haze of a few grey levels where a person sees nothing.
"""


def is_painted(alpha: Floats) -> NDArray[np.bool_]:
    """Where a person painted or cut a layer: the rule of what a layer's mask is, for all methods.

    Alpha counts relative to the layer's densest pixel, so that a layer of glass is drawn anew as
    wholly as an opaque one.

    Args:
        alpha: float32 (h, w) in 0..1, picture × mask × opacity.

    Returns:
        bool (h, w); all false where nothing is above ``MASK_BLACK``.
    """
    densest = float(alpha.max(initial=0.0))
    if densest < MASK_BLACK:
        return np.zeros(alpha.shape, np.bool_)
    painted: NDArray[np.bool_] = alpha / np.float32(densest) >= MASK_BLACK
    return painted


def is_blank(grey: NDArray[np.uint8]) -> bool:
    """Whether a mask or an alpha channel, uint8 of any shape, holds nothing but haze."""
    return int(grey.max(initial=0)) < MASK_BLACK * 255
