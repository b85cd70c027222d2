"""A layer as ordinary pixels at an offset, which is all that other programs know of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.blending import Blend, blend_over
from backend.scene.imaging.mask import resize_area
from backend.scene.layer import Layer
from backend.scene.placing import copy_corner, place_cells
from backend.scene.scene import Pixels


@dataclass(frozen=True, eq=False)
class Drawn:
    """``picture`` uint8 (h, w, 4), straight alpha, at canvas pixel (x, y); opacity is not in it.

    ``cells`` is the same in premultiplied float32, 0..1. A layer without visible pixels is one
    transparent pixel.
    """

    picture: Picture
    cells: Floats
    x: int
    y: int

    def fill_canvas(self, width_px: int, height_px: int) -> Drawn:
        """The same with transparent pixels around it, from the canvas' corner to its end; ``cells``
        stay as they are.
        """
        whole = np.zeros((height_px, width_px, 4), np.uint8)
        rows, columns = self.picture.shape[:2]
        whole[self.y : self.y + rows, self.x : self.x + columns] = self.picture
        return Drawn(whole, self.cells, 0, 0)


def draw_layer(layer: Layer, pixels: Pixels, size: tuple[int, int]) -> Drawn:
    """The part of a layer that lies on the canvas of ``size`` (width, height)."""
    if layer.picture is None:
        return _nothing()
    source = pixels.picture(layer.picture)
    box, cells = place_cells(source, layer.placement, *size)
    if not cells.size:
        return _nothing()
    x0, y0, x1, y1 = box
    corner = copy_corner(source, layer.placement)
    if layer.mask is not None:
        inside = resize_area(pixels.mask(layer.mask), *size)[y0:y1, x0:x1]
        cells = cells * (inside * np.float32(1 / 255))[..., None]
    elif corner is not None:
        exact = source[y0 - corner.y : y1 - corner.y, x0 - corner.x : x1 - corner.x]
        return Drawn(exact, cells, x0, y0)
    return Drawn(straight(cells), cells, x0, y0)


def lay_into(canvas: Floats, drawn: Drawn, opacity: float, blend: Blend = "normal") -> None:
    """Lay a drawn layer over a premultiplied canvas (h, w, 4), in place."""
    height, width = drawn.cells.shape[:2]
    region = canvas[drawn.y : drawn.y + height, drawn.x : drawn.x + width]
    colour = drawn.cells * np.float32(opacity)
    region[...] = blend_over(region, colour, blend)


def straight(cells: Floats) -> Picture:
    """Premultiplied 0..1 to uint8 (h, w, 4) with straight alpha."""
    result = np.empty(cells.shape, np.uint8)
    alpha = cells[..., 3:]
    colour = np.divide(cells[..., :3], alpha, out=np.zeros_like(cells[..., :3]), where=alpha > 0)
    result[..., :3] = np.clip(colour, 0.0, 1.0) * 255.0 + 0.5
    result[..., 3] = np.clip(cells[..., 3], 0.0, 1.0) * 255.0 + 0.5
    return result


def thumbnail(picture: Picture, side_px: int) -> Picture:
    """The picture (h, w, 4) within a square of that side; never enlarged."""
    image = Image.fromarray(picture, "RGBA")
    image.thumbnail((side_px, side_px), Image.Resampling.HAMMING)
    return np.array(image)


def _nothing() -> Drawn:
    return Drawn(np.zeros((1, 1, 4), np.uint8), np.zeros((1, 1, 4), np.float32), 0, 0)
