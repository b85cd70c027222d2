"""What a judge saw against what was asked: presence of a class, its colour, and overlap with a
region.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backend.scene.imaging.arrays import Labels

PRESENT_FRAC = 0.01
"""A class counts as present from this share of the picture on: a disc of radius 7 px at 128 px."""


def mask_iou(found: NDArray[np.bool_], asked: NDArray[np.bool_]) -> float:
    """|A ∩ B| / |A ∪ B| of two (h, w) masks; symmetric, 1 on equality, NaN when both are empty."""
    union = np.logical_or(found, asked).sum()
    return float(np.logical_and(found, asked).sum() / union) if union else float("nan")


def class_present(class_map: Labels, label: int) -> bool:
    """Whether a label covers at least ``PRESENT_FRAC`` of an (h, w) map."""
    return bool((class_map == label).mean() >= PRESENT_FRAC)


def colour_right(class_map: Labels, colour_map: Labels, label: int, colour: int) -> bool:
    """Whether the class is present and most of its coloured pixels have the asked colour (labels
    from 1).
    """
    if not class_present(class_map, label):
        return False
    seen = colour_map[(class_map == label) & (colour_map > 0)]
    return bool(seen.size and np.bincount(seen).argmax() == colour)


def colour_mask(
    picture: NDArray[np.uint8],
    plate: NDArray[np.uint8],
    asked: str,
    palette: Mapping[str, tuple[int, int, int]],
) -> NDArray[np.bool_]:
    """Where a picture shows the asked colour and not its empty place: bool (h, w).

    A pixel counts when it is nearer to the asked colour of the palette than to any other one and to
    the plate's own pixel there. Needs no network, so no network can please it.
    """
    seen = picture.astype(np.float32)
    names = list(palette)
    distances = np.stack(
        [np.linalg.norm(seen - np.asarray(palette[name], np.float32), axis=-1) for name in names]
    )
    nearest = distances.argmin(axis=0) == names.index(asked)
    found: NDArray[np.bool_] = nearest & (
        distances.min(axis=0) < np.linalg.norm(seen - plate.astype(np.float32), axis=-1)
    )
    return found


def psnr(a: NDArray[np.uint8], b: NDArray[np.uint8]) -> float:
    """Peak signal-to-noise ratio of two uint8 pictures in dB; infinite for equal ones."""
    error = np.mean((a.astype(np.float64) - b.astype(np.float64)) ** 2)
    return float("inf") if error == 0 else float(10 * np.log10(255.0**2 / error))
