"""Objects cut out of a picture, by masks or by a job that decomposes it."""

from __future__ import annotations

import numpy as np
from PIL import Image

from backend.plan.events import LayersFound
from backend.plan.plan import DecomposeTask, Plan
from backend.scene.cut_outs import CutOut
from backend.scene.formats.source_marks import StoredMarks, dump_marks
from backend.scene.imaging.arrays import Picture
from backend.scene.records import PictureDigest
from backend.studio.storage.pixel_files import PixelFiles
from backend.studio.storage.records import CutLayer, FoundLayer, FoundLayers

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


def store_cut(pixels: PixelFiles, cut: CutOut, source: PictureDigest) -> CutLayer:
    """The record of a cut-out of the picture ``source`` whose pixels are now in the store."""
    height_px, width_px = cut.picture.shape[:2]
    return CutLayer(
        layer_id=cut.layer_id,
        digest=_add_cut(pixels, cut.picture, source),
        width_px=width_px,
        height_px=height_px,
        centre_x_px=cut.centre_x_px,
        centre_y_px=cut.centre_y_px,
    )


def store_layers(pixels: PixelFiles, plan: Plan, found: LayersFound) -> FoundLayers:
    """What is told of the parts once their pixels are in the store."""
    order = [layer.id for layer in plan.layers if layer.id in found.objects]
    height_px, width_px = found.background.shape[:2]
    source = plan.task.source if isinstance(plan.task, DecomposeTask) else PictureDigest("")
    return FoundLayers(
        layers=tuple(_store_layer(pixels, name, found.objects[name], source) for name in order),
        background=_add_cut(pixels, found.background, source),
        missing=found.missing,
        width_px=width_px,
        height_px=height_px,
    )


def _add_cut(pixels: PixelFiles, picture: Picture, source: PictureDigest) -> PictureDigest:
    """Store a picture and what it was cut from, so that its pixels are told of by that one's."""
    digest = pixels.add_picture(picture)
    if digest != source:
        pixels.put_marks(digest, dump_marks(StoredMarks(cut_from=source)))
    return digest


def _store_layer(
    pixels: PixelFiles, layer_id: str, picture: Picture, source: PictureDigest
) -> FoundLayer:
    """The object without the transparent margin around it."""
    rows, columns = (np.flatnonzero(picture[..., 3].any(axis)) for axis in (1, 0))
    y, x, bottom, right = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    digest = _add_cut(pixels, np.ascontiguousarray(picture[y:bottom, x:right]), source)
    return FoundLayer(
        layer_id=layer_id, picture=digest, x_px=x, y_px=y, width_px=right - x, height_px=bottom - y
    )
