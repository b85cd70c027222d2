"""How two sets of pictures compare as wholes, by the features that some network sees in them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

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
    apart = np.linalg.norm(features[:, None] - features[None], axis=-1)
    return float(apart[pairs].mean()) if len(features) > 1 else float("nan")
