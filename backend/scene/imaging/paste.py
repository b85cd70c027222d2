"""Pixels of one picture put into another through weights (Collage Diffusion, section 4.5)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.mask import MASK_BLACK, is_painted


def paste_weights(alpha: Floats, feather_px: int) -> Floats:
    """The share of the new picture per pixel: 1 wherever the layer was painted, blended over a
    feather around it.

    A soft rim is drawn wholly anew, since the new picture holds the blend of the layer and what
    lies behind already; alpha would count twice. The feather falls as 1 - d/(feather+1) with the
    distance d to the nearest painted pixel, up to d = ``feather_px``.

    Args:
        alpha: float32 (h, w) in 0..1; haze under ``MASK_BLACK`` is not painted.
        feather_px: reach of the feather in pixels, 0 for none.

    Returns:
        float32 (h, w) in 0..1; exactly 0 beyond the feather.
    """
    distance = _distance(is_painted(alpha), feather_px)
    share = np.maximum(0.0, 1.0 - distance / (feather_px + 1))
    return np.where(distance <= feather_px, share, 0.0).astype(np.float32)


def may_change(alpha: Floats, feather_px: int) -> NDArray[np.bool_]:
    """Where a re-roll may change pixels: bool (h, w), what was painted and the feather around it.

    Taken from the mask alone and not from the blend, so that the count of changed pixels outside
    proves the blend.
    """
    return _distance(is_painted(alpha), feather_px) <= feather_px


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


def count_changes(source: Picture, picture: Picture, allowed: NDArray[np.bool_]) -> int:
    """How many pixels outside of ``allowed`` (h, w) differ from the source in any channel."""
    differs = (source != picture).any(axis=-1)
    return int(np.count_nonzero(differs & ~allowed))


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


def mix(base: Picture, other: Picture, mask: NDArray[np.uint8]) -> tuple[Picture, int]:
    """``other`` painted into ``base`` (both uint8 (h, w, 3)) through ``mask`` (uint8, 255 = other),
    and a count.

    The mask fills the pictures, whatever its size: it is brought to theirs, linearly between its
    pixels. Where it is black (``MASK_BLACK``) the base's own bytes stay, where it is 255 the
    other's are, and a blend lies between. The count is of pixels that changed where it is black:
    measured, so that the promise of 0 can be broken only in sight.
    """
    weights = mix_weights(mask, base.shape[1], base.shape[0])
    picture = paste(base, other, weights)
    return picture, count_changes(base, picture, weights > 0)


def mix_weights(mask: NDArray[np.uint8], width_px: int, height_px: int) -> Floats:
    """The share of the other picture in a mix per pixel: float32 (h, w) in 0..1, 0 where the mask
    is black.
    """
    if mask.shape != (height_px, width_px):
        image = Image.fromarray(mask).resize((width_px, height_px), Image.Resampling.BILINEAR)
        mask = np.asarray(image)
    weights: Floats = np.where(mask < MASK_BLACK * 255, 0, mask).astype(np.float32)
    return weights / np.float32(255)
