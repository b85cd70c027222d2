"""Where a placed picture lands: affine matrices and bounding boxes. Coordinates are continuous, y
points down.
"""

from __future__ import annotations

import math
from typing import Generic, NamedTuple, TypeVar

from backend.scene.layer import Placement

MAX_CENTRE_PX = 32768.0
MAX_SCALE = 1000.0
Coordinate = TypeVar("Coordinate", bound=float, covariant=True)


class PixelPoint(NamedTuple, Generic[Coordinate]):
    """A place in a picture, in its pixels."""

    x: Coordinate
    y: Coordinate


class PixelBox(NamedTuple, Generic[Coordinate]):
    """A box in a picture from its corner (x0, y0) to (x1, y1), in its pixels; whole pixels end
    before x1 and y1.
    """

    x0: Coordinate
    y0: Coordinate
    x1: Coordinate
    y1: Coordinate


PointOrBox = PixelPoint[float] | PixelBox[float]
"""Where to look for an object."""


class Affine(NamedTuple):
    """The map (x, y) → (a·x + b·y + c, d·x + e·y + f)."""

    a: float
    b: float
    c: float
    d: float
    e: float
    f: float

    def apply(self, x: float, y: float) -> PixelPoint[float]:
        """The image of a point."""
        return PixelPoint(self.a * x + self.b * y + self.c, self.d * x + self.e * y + self.f)


def turn(degrees: float) -> tuple[float, float]:
    """Cosine and sine of an angle; exact for quarter turns, so that these move pixels without
    blending them.
    """
    quarters, rest = divmod(degrees, 90.0)
    if rest == 0.0:
        return ((1.0, 0.0), (0.0, 1.0), (-1.0, 0.0), (0.0, -1.0))[int(quarters) % 4]
    radians = math.radians(degrees)
    return math.cos(radians), math.sin(radians)


def source_to_canvas(placement: Placement, width_px: int, height_px: int) -> Affine:
    """From pixels of a width × height picture (origin at its upper left corner) to canvas
    pixels.
    """
    cosine, sine = turn(placement.rotation_deg)
    scale_x = -placement.scale_x if placement.flip_x else placement.scale_x
    scale_y = -placement.scale_y if placement.flip_y else placement.scale_y
    a, b, d, e = cosine * scale_x, -sine * scale_y, sine * scale_x, cosine * scale_y
    half_x, half_y = width_px / 2, height_px / 2
    c = placement.centre_x_px - a * half_x - b * half_y
    f = placement.centre_y_px - d * half_x - e * half_y
    return Affine(a, b, c, d, e, f)


def bounding_box(placement: Placement, width_px: int, height_px: int) -> PixelBox[float]:
    """The box x0, y0, x1, y1 in canvas pixels around a placed width × height picture; it may
    overhang the canvas.
    """
    cosine, sine = (abs(part) for part in turn(placement.rotation_deg))
    half_x, half_y = width_px * placement.scale_x / 2, height_px * placement.scale_y / 2
    reach_x, reach_y = cosine * half_x + sine * half_y, sine * half_x + cosine * half_y
    x, y = placement.centre_x_px, placement.centre_y_px
    return PixelBox(x - reach_x, y - reach_y, x + reach_x, y + reach_y)


def cells_of(box: PixelBox[float], width_px: int, height_px: int) -> PixelBox[int]:
    """The whole canvas pixels that a box touches, cut to the canvas; empty when x1 <= x0 or y1 <=
    y0.
    """
    return PixelBox(
        max(0, math.floor(box.x0)),
        max(0, math.floor(box.y0)),
        min(width_px, math.ceil(box.x1)),
        min(height_px, math.ceil(box.y1)),
    )


def with_scale(placement: Placement, factor_x: float, factor_y: float) -> Placement:
    """The placement after the canvas is stretched by two factors.

    Exact for equal factors and for quarter turns. Otherwise the stretch of a turned picture
    contains a shear, which a placement cannot express: the picture's axes keep their stretched
    lengths, its x axis its direction.
    """
    cosine, sine = turn(placement.rotation_deg)
    along_x, along_y = (factor_x * cosine, factor_y * sine), (-factor_x * sine, factor_y * cosine)
    rotation = placement.rotation_deg
    if factor_x != factor_y and 0.0 not in (cosine, sine):
        rotation = math.degrees(math.atan2(along_x[1], along_x[0]))
    return placement.model_copy(
        update={
            "centre_x_px": _clamp(placement.centre_x_px * factor_x, MAX_CENTRE_PX),
            "centre_y_px": _clamp(placement.centre_y_px * factor_y, MAX_CENTRE_PX),
            "scale_x": _clamp(placement.scale_x * math.hypot(*along_x), MAX_SCALE),
            "scale_y": _clamp(placement.scale_y * math.hypot(*along_y), MAX_SCALE),
            "rotation_deg": rotation,
        }
    )


def _clamp(number: float, limit: float) -> float:
    return min(limit, max(-limit, number))
