"""A picture taken apart: what the event of such a job tells. The pixels are in the store by
digest.
"""

from __future__ import annotations

import numpy as np

from backend.plan.events import LayersFound
from backend.plan.plan import Plan
from backend.scene.layer import Record
from backend.scene.scene import Picture
from backend.studio.pixel_files import PixelFiles


class Part(Record):
    """One object as a picture, and the corner at which it lies in the whole (pixels of that)."""

    layer_id: str
    picture: str
    x_px: int
    y_px: int
    width_px: int
    height_px: int


class Apart(Record):
    """The objects from back to front, the place behind them, and the layers that were not found."""

    parts: tuple[Part, ...]
    plate: str
    missing: tuple[str, ...]
    width_px: int
    height_px: int


def store_parts(pixels: PixelFiles, plan: Plan, found: LayersFound) -> Apart:
    """What is told of the parts once their pixels are in the store."""
    order = [layer.id for layer in plan.layers if layer.id in found.objects]
    height_px, width_px = found.background.shape[:2]
    return Apart(
        parts=tuple(_part(pixels, name, found.objects[name]) for name in order),
        plate=pixels.add_picture(found.background),
        missing=found.missing,
        width_px=width_px,
        height_px=height_px,
    )


def _part(pixels: PixelFiles, layer_id: str, picture: Picture) -> Part:
    """The object without the transparent margin around it."""
    rows, columns = (np.flatnonzero(picture[..., 3].any(axis)) for axis in (1, 0))
    y, x, bottom, right = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    digest = pixels.add_picture(np.ascontiguousarray(picture[y:bottom, x:right]))
    return Part(
        layer_id=layer_id, picture=digest, x_px=x, y_px=y, width_px=right - x, height_px=bottom - y
    )
