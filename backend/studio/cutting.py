"""A stored picture on the canvas, as somebody looks for objects in it, and what is cut out of
it.
"""

from __future__ import annotations

import numpy as np
from PIL import Image

from backend.scene.cut_outs import CutOut
from backend.scene.scene import Picture
from backend.studio.pixel_files import PixelFiles
from backend.studio.records import CutLayer

BEHIND = 128
"""What shows through where a picture is transparent: a grey that is no object's outline by itself.
"""


def on_canvas(picture: Picture, width_px: int, height_px: int) -> Picture:
    """An RGBA picture, uint8 (h, w, 4), that fills the canvas: uint8 (height_px, width_px, 3) over
    grey.

    Brought to the canvas' size before it is cut, so that the outline of the mask is as fine as the
    canvas.
    """
    alpha = picture[:, :, 3:].astype(np.float32) / 255
    flat = picture[:, :, :3] * alpha + BEHIND * (1 - alpha)
    image = Image.fromarray(np.rint(flat).astype(np.uint8))
    if image.size != (width_px, height_px):
        image = image.resize((width_px, height_px), Image.Resampling.BICUBIC)
    return np.array(image)


def store_cut(pixels: PixelFiles, cut: CutOut) -> CutLayer:
    """The record of a cut-out whose pixels are now in the store."""
    height_px, width_px = cut.picture.shape[:2]
    return CutLayer(
        layer_id=cut.layer_id,
        digest=pixels.add_picture(cut.picture),
        width_px=width_px,
        height_px=height_px,
        centre_x_px=cut.centre_x_px,
        centre_y_px=cut.centre_y_px,
    )
