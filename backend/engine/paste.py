"""Putting a source's pixels back around a part that was made anew (Collage Diffusion, section
4.5).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]


def paste_weights(alpha: Floats, feather_px: int) -> Floats:
    """The share of the new picture per pixel: float32 (h, w), 1 wherever ``alpha`` > 0, exactly 0
    beyond the feather.

    The feather reaches outwards only: at distance d from the nearest inside pixel the share is 1 -
    d/(feather+1) up to d = ``feather_px``.
    """
    distance = _distance(alpha > 0, feather_px)
    share = np.maximum(0.0, 1.0 - distance / (feather_px + 1))
    return np.where(distance <= feather_px, share, 0.0).astype(np.float32)


def paste(source: Picture, fresh: Picture, weights: Floats) -> Picture:
    """The fresh picture where the weight is 1, the source's own bytes where it is 0, a blend
    between: (h, w, 3).
    """
    old = source.astype(np.float32)
    blend = old + weights[..., None] * (fresh.astype(np.float32) - old)
    mixed = np.clip(np.rint(blend), 0, 255).astype(np.uint8)
    return np.where(
        weights[..., None] == 0, source, np.where(weights[..., None] == 1, fresh, mixed)
    )


def count_changes(source: Picture, picture: Picture, weights: Floats) -> int:
    """How many pixels of weight 0 differ from the source in any channel."""
    differs = (source != picture).any(axis=-1)
    return int(np.count_nonzero(differs & (weights == 0)))


def _distance(inside: NDArray[np.bool_], reach_px: int) -> NDArray[np.float64]:
    """Euclidean distance to the nearest inside pixel, exact up to ``reach_px`` and infinite or too
    large beyond.
    """
    along = _row_distance(inside)
    squared = along**2
    for shift in range(1, min(reach_px, len(inside) - 1) + 1):
        squared[shift:] = np.minimum(squared[shift:], along[:-shift] ** 2 + shift**2)
        squared[:-shift] = np.minimum(squared[:-shift], along[shift:] ** 2 + shift**2)
    return np.sqrt(squared)


def _row_distance(inside: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Distance within its own row to the nearest inside pixel; infinite in rows without one."""
    columns = np.arange(inside.shape[1], dtype=np.float64)[None, :]
    left = np.maximum.accumulate(np.where(inside, columns, -np.inf), axis=1)
    right = np.minimum.accumulate(np.where(inside, columns, np.inf)[:, ::-1], axis=1)[:, ::-1]
    return np.minimum(columns - left, right - columns)
