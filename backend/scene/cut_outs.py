"""A picture of a whole scene cut apart along the scene's painted regions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backend.scene.composite import alpha_of, to_bytes
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import Layer
from backend.scene.scene import Pixels, Scene


@dataclass(frozen=True)
class CutOut:
    """What a painted layer shows of a picture: RGBA uint8 (h, w, 4), and its centre on the
    canvas.
    """

    layer_id: str
    picture: Picture = field(repr=False)
    centre_x_px: float
    centre_y_px: float


def cut_outs(scene: Scene, picture: Picture, pixels: Pixels) -> tuple[CutOut, ...]:
    """One for each visible painted layer that shows anything, from back to front.

    ``picture`` is uint8 (h, w, 3) of the canvas' size. Colours are the picture's own, alpha is the
    layer's visible part: what lies under another layer is not cut out.
    """
    found = [
        _cut(layer.id, picture, part)
        for layer, part in _parts(scene, pixels)
        if layer.picture is None and part.any()
    ]
    return tuple(reversed(found))


def _parts(scene: Scene, pixels: Pixels) -> Iterator[tuple[Layer, NDArray[np.uint8]]]:
    """The visible part of each layer, uint8 (h, w), from front to back."""
    size = (scene.width_px, scene.height_px)
    left = np.ones((scene.height_px, scene.width_px), np.float32)
    for layer in reversed(tuple(scene.visible_layers())):
        painted = pixels.picture(layer.picture) if layer.picture else None
        mask = pixels.mask(layer.mask) if layer.mask else None
        part = alpha_of(painted, mask, layer.placement, layer.opacity, size) * left
        left -= part
        yield layer, to_bytes(part)


def _cut(layer_id: str, picture: Picture, part: NDArray[np.uint8]) -> CutOut:
    """The picture within the box of a part, with that as its alpha."""
    rows, columns = (np.flatnonzero(part.any(axis=axis)) for axis in (1, 0))
    top, bottom = int(rows[0]), int(rows[-1]) + 1
    left, right = int(columns[0]), int(columns[-1]) + 1
    rgba = np.dstack([picture[top:bottom, left:right], part[top:bottom, left:right]])
    return CutOut(layer_id, rgba, (left + right) / 2, (top + bottom) / 2)
