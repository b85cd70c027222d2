"""The Gaussian blur of the house: masks, pictures, strengths and light are all softened by it."""

from __future__ import annotations

from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

Values = TypeVar("Values", np.float32, np.float64)
Edge = Literal["reflect", "nearest"]


def blur(
    values: NDArray[Values], sigma_px: float, *, edge: Edge = "reflect", reach: float = 4.0
) -> NDArray[Values]:
    """Soften rows and columns by a Gaussian; channels do not mix.

    Args:
        values: (h, w) or (h, w, c), of any range.
        sigma_px: the standard deviation, in pixels; 0 leaves the values as they are.
        edge: what lies beyond the border: the values mirrored, or the last one repeated.
        reach: where the kernel is cut off, in standard deviations, rounded up to a whole pixel
            where it is not the usual 4.

    Returns:
        An array of the same shape and type, between the least and the greatest value.
    """
    sigmas = (sigma_px, sigma_px, *(0.0 for _ in values.shape[2:]))
    radius = None if reach == 4.0 else int(np.ceil(reach * sigma_px))
    soft: NDArray[Values] = ndimage.gaussian_filter(
        values, sigmas, mode=edge, truncate=reach, radius=radius
    )
    return soft
