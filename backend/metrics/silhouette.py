"""Which class a silhouette is nearest to, as the product can tell at run time.

Not the outline ruler of the evaluations (``metrics/outline.py``): that lays what the *judge* calls
foreground over the true outlines in the box of their bounds and counts shared pixels. Here what the
family's *segmenter* calls foreground is brought to its own centre and spread, and its field of
distances to the rim is compared with examples of each class. The ruler can so tell whether the
verdict is right.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.scene.imaging.arrays import Floats, Mask

SIDE = 32
"""Cells of a field along a side."""
SPREADS = 2.2
"""Half of a field's side over the root of the mean squared distance from the centre: a long rocket
lies within.
"""
RIM_SPREADS = 0.25
"""Distances beyond this many spreads count as all the same: the rim is what tells forms apart."""
REACH_SHARE = 0.2
"""An object may reach over its place by this share of the place's larger side."""
NEIGHBOURS = 2
"""Examples of a class that its distance is the mean of."""
FEWEST_PX = 20
"""A silhouette of fewer pixels (of about 128 × 128) has no form."""


def find_standing(foreground: Mask, place: Mask, others: Mask) -> Mask:
    """The piece of a foreground (h, w) that stands in a place.

    Args:
        foreground: bool (h, w), what is no background.
        place: bool (h, w), where the object was asked for.
        others: bool (h, w), where other objects were asked for.

    Returns:
        bool (h, w): of the pieces within reach the one that covers most of the place; all false
        where none does.
    """
    if not place.any():
        return np.zeros_like(foreground)
    rows, columns = np.flatnonzero(place.any(1)), np.flatnonzero(place.any(0))
    reach = REACH_SHARE * max(rows[-1] - rows[0] + 1, columns[-1] - columns[0] + 1)
    near = ndimage.distance_transform_edt(~place) <= reach
    pieces, count = ndimage.label(foreground & near & ~(others & ~place))
    shared = np.bincount(pieces[place].ravel(), minlength=count + 1)
    shared[0] = 0
    if not shared.max():
        return np.zeros_like(foreground)
    standing: Mask = pieces == int(shared.argmax())
    return standing


def build_form(silhouette: Mask) -> Floats | None:
    """A silhouette (h, w) as a field of distances to its rim, whatever its place and size.

    Returns:
        float32 (SIDE, SIDE) in -1..1, positive inside; None where next to nothing stands.
    """
    if np.count_nonzero(silhouette) < FEWEST_PX:
        return None
    padded = np.pad(silhouette, 1)
    rows, columns = np.nonzero(padded)
    row, column = rows.mean(), columns.mean()
    spread = float(np.sqrt(((rows - row) ** 2 + (columns - column) ** 2).mean()))
    signed: NDArray[np.float64] = ndimage.distance_transform_edt(
        padded
    ) - ndimage.distance_transform_edt(~padded)
    steps = ((np.arange(SIDE) + 0.5) / SIDE * 2 - 1) * SPREADS * spread
    grid = np.meshgrid(row + steps, column + steps, indexing="ij")
    sampled = ndimage.map_coordinates(signed, grid, order=1, mode="nearest")
    return np.tanh(sampled / (spread * RIM_SPREADS)).astype(np.float32)


def form_distances(form: Floats, examples: Floats) -> Floats:
    """How far a form is from each class.

    Args:
        form: float32 (SIDE, SIDE).
        examples: float32 (classes, examples, SIDE, SIDE).

    Returns:
        float32 (classes,): the mean absolute difference to the nearest examples.
    """
    each = np.abs(examples - form).mean(axis=(2, 3))
    nearest: Floats = np.sort(each, axis=1)[:, :NEIGHBOURS].mean(axis=1)
    return nearest


def form_score(distances: Floats, asked: int) -> float:
    """How much nearer the asked class is than the nearest other one.

    Args:
        distances: float32 (classes,).
        asked: the place of the asked class.

    Returns:
        d_other / (d_other + d_asked) in 0..1; one half where both are equally near.
    """
    other = float(np.delete(distances, asked).min())
    return other / max(other + float(distances[asked]), 1e-9)
