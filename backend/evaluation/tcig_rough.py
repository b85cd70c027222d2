"""Painted masks as people paint them: the outline pushed about until a tenth to a third of the mask
is wrong.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from backend.evaluation.collage_suite import CollageCase
from backend.plan.request import OptionValue
from backend.scene.blobs import MemoryPixels

ROUGH: Mapping[str, tuple[str, dict[str, OptionValue]]] = {
    "rough masks at mask tolerance 0": ("tcig", {"mask_tolerance": 0.0}),
    "rough masks at mask tolerance 0.8": ("tcig", {"mask_tolerance": 0.8}),
}
"""Rows over roughened scenes: with the tolerance up the picture should be better, and the objects
where they were painted.
"""
SHARES = (0.1, 0.3)
"""How much of a mask is wrong: 1 - IoU with the true one."""
WAVES = 4
HALVINGS = 12


def roughen(case: CollageCase, seed: int) -> CollageCase:
    """The same scene with every mask deformed; pictures stay."""
    random, pixels, layers = np.random.default_rng((seed, 17)), MemoryPixels(), []
    for layer in case.scene.layers:
        if layer.picture is not None:
            pixels.add_picture(case.pixels.picture(layer.picture))
        if layer.mask is not None:
            mask = rough_mask(
                case.pixels.mask(layer.mask) > 127, float(random.uniform(*SHARES)), random
            )
            layer = layer.model_copy(
                update={"mask": pixels.add_mask((mask * 255).astype(np.uint8))}
            )
        layers.append(layer)
    return CollageCase(
        f"{case.name} rough", case.scene.model_copy(update={"layers": tuple(layers)}), pixels
    )


def rough_mask(
    mask: NDArray[np.bool_], share: float, random: np.random.Generator
) -> NDArray[np.bool_]:
    """A mask (h, w) whose outline a smooth random field has pushed until 1 - IoU is about
    ``share``.
    """
    rows, columns = np.mgrid[0 : mask.shape[0], 0 : mask.shape[1]].astype(np.float64)
    extent = max(1.0, float(np.sqrt(mask.sum())))
    field = [_waves(rows, columns, extent, random) for _ in range(2)]
    low, high, found = 0.0, extent, mask
    for _ in range(HALVINGS):
        middle = (low + high) / 2
        found = _push(mask, (rows + middle * field[0], columns + middle * field[1]))
        if wrong_share(mask, found) < share:
            low = middle
        else:
            high = middle
    return found


def wrong_share(mask: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    """1 - IoU."""
    return 1.0 - float((mask & other).sum()) / max(1.0, float((mask | other).sum()))


def _waves(
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    extent: float,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """A sum of waves, between a third of the object and all of it long."""
    total = np.zeros_like(rows)
    for _ in range(WAVES):
        turn, length = random.uniform(0, 2 * np.pi), extent * random.uniform(1 / 3, 1)
        along = (rows * np.sin(turn) + columns * np.cos(turn)) / length
        total += np.sin(2 * np.pi * (along + random.uniform()))
    return total / WAVES


def _push(
    mask: NDArray[np.bool_], places: tuple[NDArray[np.float64], NDArray[np.float64]]
) -> NDArray[np.bool_]:
    rows, columns = (
        np.clip(np.rint(place), 0, side - 1).astype(np.int64)
        for place, side in zip(places, mask.shape, strict=True)
    )
    pushed: NDArray[np.bool_] = mask[rows, columns]
    return pushed
