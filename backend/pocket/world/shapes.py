"""Outlines in the unit box: every function returns the corners of one closed line.

Coordinates run from -1 to 1, x to the right and y downwards; the result is a float64 array (n, 2).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Outline = NDArray[np.float64]
Point = tuple[float, float]


def ellipse(x: float, y: float, rx: float, ry: float | None = None, turn: float = 0.0) -> Outline:
    """An ellipse around (x, y); ``ry`` defaults to a circle; ``turn`` in degrees, clockwise on the
    screen.
    """
    angle = np.linspace(0, 2 * np.pi, 96, endpoint=False)
    points = np.stack([rx * np.cos(angle), (rx if ry is None else ry) * np.sin(angle)], axis=1)
    moved: Outline = turn_points(points, turn) + np.array([x, y])
    return moved


def turn_points(points: Outline, degrees: float) -> Outline:
    """The outline turned about the origin, clockwise on the screen."""
    a = np.deg2rad(degrees)
    turned: Outline = points @ np.array([[np.cos(a), np.sin(a)], [-np.sin(a), np.cos(a)]])
    return turned


def polygon(points: Sequence[Point]) -> Outline:
    """Straight lines between the corners."""
    return np.asarray(points, dtype=np.float64)


def round_corners(points: Sequence[Point] | Outline, radius: float) -> Outline:
    """A polygon whose corners are replaced by curves that start ``radius`` before the corner."""
    corners = np.asarray(points, dtype=np.float64)
    t = np.linspace(0, 1, 9)[:, None]
    pieces = []
    for k, corner in enumerate(corners):
        ends = []
        for other in (corners[k - 1], corners[(k + 1) % len(corners)]):
            edge: Outline = other - corner
            length = float(np.hypot(*edge))
            ends.append(corner + edge * (min(radius, length / 2) / max(length, 1e-9)))
        pieces.append((1 - t) ** 2 * ends[0] + 2 * t * (1 - t) * corner + t**2 * ends[1])
    return np.concatenate(pieces)


def box(x0: float, y0: float, x1: float, y1: float, radius: float = 0.06) -> Outline:
    """A rectangle with rounded corners."""
    return round_corners([(x0, y0), (x1, y0), (x1, y1), (x0, y1)], radius)


def smooth(points: Sequence[Point]) -> Outline:
    """A closed Catmull-Rom curve through the points."""
    p = np.asarray(points, dtype=np.float64)
    before, after, later = np.roll(p, 1, 0), np.roll(p, -1, 0), np.roll(p, -2, 0)
    t = np.linspace(0, 1, 12, endpoint=False)[None, :, None]
    a, b, c, d = (v[:, None, :] for v in (before, p, after, later))
    curve = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)))
    return curve.reshape(-1, 2)


def rays(count: int, outer: float, inner: float) -> Outline:
    """The corners of a star with ``count`` points, the first one up."""
    angle = np.arange(2 * count) * np.pi / count - np.pi / 2
    radius: NDArray[np.float64] = np.where(np.arange(2 * count) % 2 == 0, outer, inner)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1)


def heart(scale: float) -> Outline:
    """The classic heart curve, ``scale`` = half of its width."""
    a = np.linspace(0, 2 * np.pi, 160, endpoint=False)
    x = 16 * np.sin(a) ** 3
    y = 13 * np.cos(a) - 5 * np.cos(2 * a) - 2 * np.cos(3 * a) - np.cos(4 * a)
    return np.stack([x, -y - 2.5], axis=1) * (scale / 16)


def band(points: Sequence[Point], width: float) -> Outline:
    """An open curve through the points as a ribbon of the given width."""
    p = np.asarray(points, dtype=np.float64)
    t = np.linspace(0, len(p) - 1, 16 * len(p))
    if len(p) > 2:
        fit = [np.polyfit(np.arange(len(p)), p[:, axis], min(len(p) - 1, 3)) for axis in (0, 1)]
        line = np.stack([np.polyval(f, t) for f in fit], axis=1)
    else:
        line = np.stack([np.interp(t, np.arange(len(p)), p[:, axis]) for axis in (0, 1)], axis=1)
    along = np.gradient(line, axis=0)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    across *= (width / 2) / np.maximum(np.hypot(across[:, 0], across[:, 1])[:, None], 1e-9)
    return np.concatenate([line + across, (line - across)[::-1]])
