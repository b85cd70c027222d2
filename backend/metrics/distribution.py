"""Distances between sets of pictures, and how far the pictures of one set differ."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from backend.scene.geometry import PixelBox

Features = NDArray[np.float64]


def frechet_distance(one: Features, other: Features) -> float:
    """Fréchet distance of the Gaussians through two sets of features (n, d) and (m, d), each of two
    rows at least.

    ‖μ1 - μ2‖² + Tr(C1 + C2 - 2 (C1 C2)^½) (Heusel et al., 2017). It is biased upwards for few
    pictures: compare only sets of equal size.
    """
    mean = np.square(one.mean(0) - other.mean(0)).sum()
    first, second = np.cov(one, rowvar=False), np.cov(other, rowvar=False)
    values, vectors = np.linalg.eigh(np.atleast_2d(first))
    root = (vectors * np.sqrt(np.clip(values, 0, None))) @ vectors.T
    shared = np.sqrt(
        np.clip(np.linalg.eigvalsh(root @ np.atleast_2d(second) @ root), 0, None)
    ).sum()
    return float(
        mean + np.trace(np.atleast_2d(first)) + np.trace(np.atleast_2d(second)) - 2 * shared
    )


def mean_pairwise_distance(features: Features) -> float:
    """Mean Euclidean distance between the rows of (n, d), over all pairs; NaN for fewer than
    two.
    """
    pairs = np.triu_indices(len(features), k=1)
    distances: NDArray[np.float64] = np.linalg.norm(features[:, None] - features[None], axis=-1)
    return float(distances[pairs].mean()) if len(features) > 1 else float("nan")


def inception_score(shares: NDArray[np.float64]) -> float:
    """exp of the mean divergence of each picture's p(y|x) from their mean p(y): 1 when all are the
    same, at most c.

    ``shares`` (n, c) are not negative, and each row has a positive sum. Salimans et al., 2016; with
    another classifier than Inception v3 the numbers compare only with each other.
    """
    given: NDArray[np.float64] = shares / shares.sum(axis=1, keepdims=True)
    mean: NDArray[np.float64] = given.mean(axis=0, keepdims=True)
    logs: NDArray[np.float64] = np.log(
        np.divide(given, mean, out=np.ones_like(given), where=given > 0)
    )
    return float(np.exp((given * logs).sum(axis=1).mean()))


def centre_variance(boxes_px: Sequence[PixelBox[int]], size_px: tuple[int, int]) -> float:
    """Variance of box centres as shares of the picture's (width, height), mean of both axes; NaN
    without a box.

    Layout-and-Retouch, figure 1 (its detector is unknown; boxes are x0, y0, x1, y1).
    """
    if not boxes_px:
        return float("nan")
    corners = np.asarray(boxes_px, np.float64)
    centres = (corners[:, :2] + corners[:, 2:]) / 2 / np.asarray(size_px, np.float64)
    return float(centres.var(axis=0).mean())
