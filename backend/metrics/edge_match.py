"""How well a picture's edges lie on asked ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.scene.imaging.edges import canny

Edges = NDArray[np.bool_]
TOLERANCE_PX = 1.5
"""A line drawn beside the asked one, diagonal neighbours included, counts as hit."""


def edge_f1(picture: NDArray[np.uint8], asked: Edges, within: Edges) -> float:
    """F1 in 0..1 of the edges of a picture (h, w, 3) against ``asked`` (h, w), both only where
    ``within`` is true.

    Precision is the share of found edges near an asked one, recall the share of asked ones near a
    found one; NaN when nothing was asked there.
    """
    found, wanted = canny(picture), asked & within
    if not wanted.any():
        return float("nan")
    recall = float(_near(found)[wanted].mean())
    seen = found & within
    precision = float(_near(asked)[seen].mean()) if seen.any() else 0.0
    return 0.0 if precision + recall == 0 else 2 * precision * recall / (precision + recall)


def _near(edges: Edges) -> Edges:
    if not edges.any():
        return np.zeros_like(edges)
    near: Edges = ndimage.distance_transform_edt(~edges) <= TOLERANCE_PX
    return near
