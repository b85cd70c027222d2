"""A picture taken apart: what the event of such a job tells. The pixels are in the store by
digest.
"""

from __future__ import annotations

import numpy as np

from backend.plan.events import LayersFound
from backend.plan.plan import Plan
from backend.scene.scene import Picture
from backend.studio.pixel_files import PixelFiles
from backend.studio.records import FoundLayer, FoundLayers


def store_layers(pixels: PixelFiles, plan: Plan, found: LayersFound) -> FoundLayers:
    """What is told of the parts once their pixels are in the store."""
    order = [layer.id for layer in plan.layers if layer.id in found.objects]
    height_px, width_px = found.background.shape[:2]
    return FoundLayers(
        layers=tuple(_store_layer(pixels, name, found.objects[name]) for name in order),
        background=pixels.add_picture(found.background),
        missing=found.missing,
        width_px=width_px,
        height_px=height_px,
    )


def _store_layer(pixels: PixelFiles, layer_id: str, picture: Picture) -> FoundLayer:
    """The object without the transparent margin around it."""
    rows, columns = (np.flatnonzero(picture[..., 3].any(axis)) for axis in (1, 0))
    y, x, bottom, right = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    digest = pixels.add_picture(np.ascontiguousarray(picture[y:bottom, x:right]))
    return FoundLayer(
        layer_id=layer_id, picture=digest, x_px=x, y_px=y, width_px=right - x, height_px=bottom - y
    )
