"""Scenes as small pictures: the accepted picture, else the collage, else its painted regions."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from backend.errors import LaminaError
from backend.scene.drawn import draw_layer, lay_into, straight, thumbnail
from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.blending import blend_over
from backend.scene.imaging.mask import resize_area
from backend.scene.layer import Layer, Placement
from backend.scene.records import PictureDigest
from backend.scene.scene import Pixels, Scene

SIDE_PX = 360
QUALITY = 82
REGION_ALPHA = 0.75
TINTS = (
    (20, 120, 212),
    (216, 58, 47),
    (226, 170, 30),
    (138, 69, 214),
    (28, 138, 75),
    (201, 100, 0),
    (207, 58, 140),
    (11, 135, 131),
)
"""sRGB of painted regions, which have no pixels of their own; those of the page's light theme."""


def draw_thumbnail(scene: Scene, picked: PictureDigest | str, pixels: Pixels) -> Picture:
    """uint8 (h, w, 4), at most ``SIDE_PX`` a side. What cannot be read is left out."""
    if picked:
        try:
            return thumbnail(pixels.picture(PictureDigest(picked)), SIDE_PX)
        except LaminaError:
            pass
    scale = min(1.0, SIDE_PX / max(scene.width_px, scene.height_px))
    width, height = (max(1, round(side * scale)) for side in (scene.width_px, scene.height_px))
    canvas = np.zeros((height, width, 4), np.float32)
    for index, layer in enumerate(scene.layers):
        if layer.visible:
            _lay(canvas, layer, scale, TINTS[index % len(TINTS)], pixels)
    return straight(canvas)


def encode_webp(picture: Picture) -> bytes:
    """A WebP file of a picture (h, w, 4)."""
    buffer = io.BytesIO()
    Image.fromarray(picture, "RGBA").save(buffer, "WEBP", quality=QUALITY, method=2)
    return buffer.getvalue()


def _lay(
    canvas: Floats, layer: Layer, scale: float, tint: tuple[int, int, int], pixels: Pixels
) -> None:
    height, width = canvas.shape[:2]
    try:
        if layer.picture is None and layer.mask is not None:
            inside = resize_area(pixels.mask(layer.mask), width, height) * np.float32(1 / 255)
            colour = np.array([*tint, 255], np.float32) * np.float32(REGION_ALPHA / 255)
            canvas[...] = blend_over(canvas, inside[..., None] * colour, "normal")
            return
        small = layer.model_copy(update={"placement": _with_scale(layer.placement, scale)})
        lay_into(canvas, draw_layer(small, pixels, (width, height)), layer.opacity, layer.blend)
    except LaminaError:
        return


def _with_scale(placement: Placement, scale: float) -> Placement:
    return placement.model_copy(
        update={
            "centre_x_px": placement.centre_x_px * scale,
            "centre_y_px": placement.centre_y_px * scale,
            "scale_x": placement.scale_x * scale,
            "scale_y": placement.scale_y * scale,
        }
    )
