"""What is inside: soft inside-ness of a region, tied to the space that it is measured in, and the
one rule of what of a layer counts as painted; and the Gaussian blur that softens masks, pictures,
strengths and light.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.scene.imaging.arrays import Floats

Space = Literal["canvas", "generation", "latent"]
Values = TypeVar("Values", np.float32, np.float64)
Edge = Literal["reflect", "nearest"]


@dataclass(frozen=True, eq=False)
class Mask:
    """float32 (h, w) in 0..1, 1 = inside, read-only. ``space`` says whose pixels these are."""

    inside: Floats
    space: Space

    def __post_init__(self) -> None:
        inside = np.array(self.inside, np.float32, order="C")
        if inside.ndim != 2 or inside.size == 0:
            raise ValueError(f"a mask is (h, w), not {inside.shape}")
        if not (np.isfinite(inside).all() and inside.min() >= 0.0 and inside.max() <= 1.0):
            raise ValueError("a mask holds numbers from 0 to 1")
        inside.setflags(write=False)
        object.__setattr__(self, "inside", inside)

    @property
    def area(self) -> float:
        """The sum of inside-ness, in pixels of the mask's space."""
        return float(self.inside.sum(dtype=np.float64))

    def with_size(self, width: int, height: int, space: Space) -> Mask:
        """The mask measured in another space; the share of inside-ness is kept."""
        return Mask(np.clip(resize_area(self.inside, width, height), 0.0, 1.0), space)

    def grow(self, radius: int) -> Mask:
        """Every pixel takes the highest value within ``radius`` pixels (a disc)."""
        if radius <= 0:
            return self
        reach = np.arange(-radius, radius + 1)
        disc = reach[:, None] ** 2 + reach[None, :] ** 2 <= radius**2
        return Mask(
            ndimage.grey_dilation(self.inside, footprint=disc, mode="constant", cval=0.0),
            self.space,
        )

    def feather(self, radius: int) -> Mask:
        """Softened outwards only: the inside keeps its values, and they fall to 0 ``radius`` pixels
        beyond it.
        """
        if radius <= 0:
            return self
        hard = self.inside >= 0.5
        if not hard.any():
            return self
        distance, nearest = ndimage.distance_transform_edt(~hard, return_indices=True)
        ramp = np.clip(1.0 - distance / (radius + 1), 0.0, 1.0) * self.inside[tuple(nearest)]
        ramp[distance > radius] = 0.0
        return Mask(np.maximum(self.inside, ramp), self.space)


def resize_area(values: NDArray[np.generic], width: int, height: int) -> Floats:
    """Resize (h, w): the mean over each new pixel's exact area where it shrinks, linear between
    pixels where it grows.

    ``values`` may be uint8 or float; the result is float32 in the same range.
    """
    narrow = _resize_rows(values, width)
    return np.ascontiguousarray(_resize_rows(narrow.T, height).T)


def _resize_rows(values: NDArray[np.generic], size: int) -> Floats:
    """Resize the last axis of (n, old) to ``size``."""
    old = values.shape[1]
    if size == old:
        return values.astype(np.float32)
    if size > old:
        return _interpolate(values.astype(np.float32), size)
    edges = np.arange(size + 1) * (old / size)
    whole = np.minimum(edges.astype(np.int64), old - 1)
    part = edges - whole
    resized = np.empty((values.shape[0], size), np.float32)
    for start in range(0, values.shape[0], 256):  # bounds the memory of the float64 sums
        rows = values[start : start + 256].astype(np.float64)
        sums = np.concatenate([np.zeros((len(rows), 1)), np.cumsum(rows, axis=1)], axis=1)
        integral = sums[:, whole] + rows[:, whole] * part
        resized[start : start + 256] = np.diff(integral, axis=1) * (size / old)
    return resized


def _interpolate(values: Floats, size: int) -> Floats:
    """Linear interpolation of the last axis between pixel centres; the ends go on flat."""
    old = values.shape[1]
    position = np.clip((np.arange(size) + 0.5) * (old / size) - 0.5, 0.0, old - 1)
    below = np.minimum(position.astype(np.int64), max(0, old - 2))
    share = (position - below).astype(np.float32)
    above = np.minimum(below + 1, old - 1)
    resized: Floats = values[:, below] * (1 - share) + values[:, above] * share
    return resized


MASK_BLACK = 16 / 255
"""Below this share of a layer's densest alpha a pixel is outside: scans, brushes and cut-outs leave
a haze of a few grey levels where a person sees nothing.
"""


def is_painted(alpha: Floats) -> NDArray[np.bool_]:
    """Where a person painted or cut a layer: the rule of what a layer's mask is, for all methods.

    Alpha counts relative to the layer's densest pixel, so that a layer of glass is drawn anew as
    wholly as an opaque one.

    Args:
        alpha: float32 (h, w) in 0..1, picture × mask × opacity.

    Returns:
        bool (h, w); all false where nothing is above ``MASK_BLACK``.
    """
    densest = float(alpha.max(initial=0.0))
    if densest < MASK_BLACK:
        return np.zeros(alpha.shape, np.bool_)
    painted: NDArray[np.bool_] = alpha / np.float32(densest) >= MASK_BLACK
    return painted


def is_blank(grey: NDArray[np.uint8]) -> bool:
    """Whether a mask or an alpha channel, uint8 of any shape, holds nothing but haze."""
    return int(grey.max(initial=0)) < MASK_BLACK * 255


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
