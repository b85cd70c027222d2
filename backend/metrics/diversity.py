"""How different the pictures of one question are: from each other, and in where they put their
subject.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Box = tuple[int, int, int, int]


def inception_score(shares: NDArray[np.float64]) -> float:
    """exp of the mean divergence of each picture's p(y|x) from their mean p(y): 1 when all are the
    same, at most c.

    ``shares`` (n, c) are not negative, and each row has a positive sum. Salimans et al., 2016; with
    another classifier than Inception v3 the numbers compare only with each other.
    """
    given = shares / shares.sum(axis=1, keepdims=True)
    mean = given.mean(axis=0, keepdims=True)
    logs = np.log(np.divide(given, mean, out=np.ones_like(given), where=given > 0))
    return float(np.exp((given * logs).sum(axis=1).mean()))


def centre_variance(boxes_px: Sequence[Box], size_px: tuple[int, int]) -> float:
    """Variance of box centres as shares of the picture's (width, height), mean of both axes; NaN
    without a box.

    Layout-and-Retouch, figure 1 (its detector is unknown; boxes are x0, y0, x1, y1).
    """
    if not boxes_px:
        return float("nan")
    corners = np.asarray(boxes_px, np.float64)
    centres = (corners[:, :2] + corners[:, 2:]) / 2 / np.asarray(size_px, np.float64)
    return float(centres.var(axis=0).mean())
