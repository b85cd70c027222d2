"""Edges: Canny's detector in numpy, and the edges of a layer that tell its own drawing from its
paste seams.

Collage Diffusion, section 4.3, takes Canny of the flat collage; its edges then hold every seam.
Here each layer is seen alone: its colours go on beyond its outline, so that the ground it is pasted
on leaves no line. The outline itself is a line where it is drawn in the picture (a cut-out's
silhouette), and none where it is only the picture's frame.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.scene.imaging.arrays import Floats
from backend.scene.imaging.mask import blur

Edges = NDArray[np.bool_]

LOW, HIGH = 100.0, 200.0
"""Thresholds of the released code of Collage Diffusion: of the gradient's |dx| + |dy| in Sobel
units of 0..255.
"""
SMOOTHING_PX = 0.8
"""A light blur before the gradient; the released code uses none, which doubles the lines of
antialiased outlines.
"""


def canny(picture: NDArray[np.generic], low: float = LOW, high: float = HIGH) -> Edges:
    """Edges bool (h, w) of (h, w) or (h, w, c) in 0..255: the strongest channel's gradient,
    thinned, with hysteresis.

    (J. Canny, 1986.) A pixel is an edge when its gradient is the largest across its direction and
    exceeds ``high``, or exceeds ``low`` and is joined (8 neighbours) to one that does.
    """
    planes = np.atleast_3d(picture).astype(np.float32)
    smooth = blur(planes, SMOOTHING_PX, edge="nearest")
    across, down = (_derivative(smooth, axis) for axis in (1, 0))
    strength = np.abs(across) + np.abs(down)
    best = strength.argmax(axis=2)[..., None]
    across, down, strength = (
        np.take_along_axis(part, best, axis=2)[..., 0] for part in (across, down, strength)
    )
    peaks = _thin(strength, across, down) & (strength > low)
    joined, _ = ndimage.label(peaks, np.ones((3, 3)))
    kept = np.unique(joined[peaks & (strength > high)])
    edges: Edges = np.isin(joined, kept[kept > 0])
    return edges


def soft_edges(picture: NDArray[np.generic]) -> Floats:
    """How strongly each pixel is an edge: float32 (h, w) in 0..1, of (h, w) or (h, w, c) in 0..255.

    The gradient's size after a Gaussian of 1/256 of the shorter side (1 px at least), of the
    strongest channel, in units of the peak that a step of half the range leaves: such a step is 1,
    a fainter one less. Learned detectors like HED differ in what they leave out; their ControlNets
    take this for a plain drawing of the same kind.
    """
    planes = np.atleast_3d(picture).astype(np.float32)
    sigma = max(1.0, min(planes.shape[:2]) / 256)
    channels = [
        ndimage.gaussian_gradient_magnitude(planes[..., c], sigma, mode="nearest")
        for c in range(planes.shape[2])
    ]
    peak = 127.5 / (sigma * np.sqrt(2 * np.pi))
    strength: Floats = np.clip(np.max(channels, axis=0) / peak, 0, 1).astype(np.float32)
    return strength


def layer_edges(colour: Floats, own_alpha: Floats, frame: Floats) -> Edges:
    """The edges of one layer on the canvas: bool (h, w), also where others hide it.

    ``colour`` float32 (h, w, 3) straight in 0..1, valid where ``own_alpha`` (h, w) is at least a
    half; ``frame`` (h, w) is 1 where the layer's picture lies, transparent pixels included.
    """
    inside = own_alpha >= 0.5
    if not inside.any():
        return np.zeros(inside.shape, np.bool_)
    return canny(_alone(colour, own_alpha, frame)) & ndimage.binary_dilation(inside)


def layer_soft_edges(colour: Floats, own_alpha: Floats, frame: Floats) -> Floats:
    """The soft edges of one layer on the canvas: float32 (h, w) in 0..1; arguments as for
    ``layer_edges``.
    """
    inside = own_alpha >= 0.5
    if not inside.any():
        return np.zeros(inside.shape, np.float32)
    return soft_edges(_alone(colour, own_alpha, frame)) * ndimage.binary_dilation(
        inside, iterations=2
    )


def _alone(colour: Floats, own_alpha: Floats, frame: Floats) -> Floats:
    """A layer's colours and its outline, going on beyond where they end: float32 (h, w, 4) in
    0..255.
    """
    channels = np.dstack(
        [
            continue_values(colour, own_alpha >= 0.5),
            continue_values(own_alpha[..., None], frame >= 0.5),
        ]
    )
    return channels * np.float32(255)


def continue_values(values: Floats, known: NDArray[np.bool_]) -> Floats:
    """Values (h, w, c) with every unknown pixel replaced by the nearest known one."""
    if known.all() or not known.any():
        return values
    nearest = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    found: Floats = values[tuple(nearest)]
    return found


def _derivative(planes: Floats, axis: int) -> Floats:
    """Sobel's derivative of each plane along axis 0 or 1."""
    steps = ndimage.correlate1d(planes, [-1.0, 0.0, 1.0], axis, mode="nearest")
    smoothed: Floats = ndimage.correlate1d(steps, [1.0, 2.0, 1.0], 1 - axis, mode="nearest")
    return smoothed


def _thin(strength: Floats, across: Floats, down: Floats) -> Edges:
    """Pixels whose gradient is the largest across the edge, by one of four directions; ties keep
    one side.
    """
    padded = np.pad(strength, 1)
    height, width = strength.shape

    def shift(row: int, column: int) -> Floats:
        return padded[1 + row : 1 + row + height, 1 + column : 1 + column + width]

    angle = np.rad2deg(np.arctan2(down, across)) % 180.0
    sector = np.floor((angle + 22.5) / 45.0).astype(np.int64) % 4
    peaks = np.zeros(strength.shape, np.bool_)
    for number, (row, column) in enumerate(((0, 1), (1, 1), (1, 0), (1, -1))):
        largest = (strength >= shift(row, column)) & (strength > shift(-row, -column))
        peaks |= (sector == number) & largest
    return peaks
