"""Put a picture where its placement says: antialiased affine resampling, free of aliasing when it
shrinks.

Colours are sampled from the edge-clamped picture and cut by the exact outline of the placed
rectangle, so a picture that fills the canvas stays opaque up to the border, however far it is
enlarged.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.scene.geometry import PixelBox, PixelPoint, bounding_box, cells_of, turn
from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.layer import Placement

_ROUNDING = 1e-9  # what float64 leaves of a share that is exactly 1
_TINY = 1e-6  # a smaller scale shows nothing, but would be divided by
_PAD_PX = 2  # bicubic sampling half a canvas pixel beyond the edge reads this far


def place(picture: Picture, placement: Placement, width_px: int, height_px: int) -> Floats:
    """The picture on an empty canvas: float32 (h, w, 4) in 0..1, premultiplied.

    ``picture`` is uint8 (h, w, 4), straight alpha. An unturned picture at scale 1 on whole pixels
    is copied as it is.
    """
    return _place(Image.fromarray(picture, "RGBA").convert("RGBa"), placement, width_px, height_px)


def place_alpha(picture: Picture, placement: Placement, width_px: int, height_px: int) -> Floats:
    """The alpha of :func:`place` alone, at a quarter of the work: float32 (h, w) in 0..1."""
    alpha = Image.fromarray(np.ascontiguousarray(picture[..., 3]), "L")
    return _place(alpha, placement, width_px, height_px)


def place_cells(
    picture: Picture, placement: Placement, width_px: int, height_px: int
) -> tuple[PixelBox[int], Floats]:
    """:func:`place`, but only the part of the canvas that is touched: its box, and float32 (h, w,
    4) of that size.

    The box is empty when the picture misses the canvas.
    """
    box = cells_of(bounding_box(placement, picture.shape[1], picture.shape[0]), width_px, height_px)
    if box.x1 <= box.x0 or box.y1 <= box.y0:
        return PixelBox(0, 0, 0, 0), np.zeros((0, 0, 4), np.float32)
    return box, _cells(Image.fromarray(picture, "RGBA").convert("RGBa"), placement, box)


def copy_corner(picture: Picture, placement: Placement) -> PixelPoint[int] | None:
    """The canvas pixel of the upper left corner when the picture lies there pixel for pixel, else
    None.
    """
    turned = placement.rotation_deg % 360.0 != 0.0 or placement.flip_x or placement.flip_y
    if turned or (placement.scale_x, placement.scale_y) != (1.0, 1.0):
        return None
    x, y = (
        placement.centre_x_px - picture.shape[1] / 2,
        placement.centre_y_px - picture.shape[0] / 2,
    )
    return PixelPoint(int(x), int(y)) if x == int(x) and y == int(y) else None


def _place(source: Image.Image, placement: Placement, width_px: int, height_px: int) -> Floats:
    """Resample an image in mode RGBa or L into a float32 canvas (h, w, bands) or (h, w)."""
    shape = (height_px, width_px, 4) if source.mode == "RGBa" else (height_px, width_px)
    box = cells_of(bounding_box(placement, *source.size), width_px, height_px)
    if box.x1 <= box.x0 or box.y1 <= box.y0:
        return np.zeros(shape, np.float32)
    cells = _cells(source, placement, box)
    if cells.shape == shape:
        return cells
    canvas = np.zeros(shape, np.float32)
    canvas[box.y0 : box.y1, box.x0 : box.x1] = cells
    return canvas


def _cells(source: Image.Image, placement: Placement, box: PixelBox[int]) -> Floats:
    """The canvas pixels in ``box``: colours cut by the outline, float32 in 0..1."""
    outline = _outline(placement, source.size, box)
    sampled = _sample(source, placement, box)
    if source.mode == "RGBa":
        outline = outline[..., None]
        np.minimum(
            sampled, sampled[..., 3:], out=sampled
        )  # bicubic overshoot must not make colours exceed alpha
    cells: Floats = sampled * (outline * np.float32(1 / 255))
    return cells


def _sample(source: Image.Image, placement: Placement, box: PixelBox[int]) -> Picture:
    """Colours of the canvas pixels in ``box``, as if the picture's edge pixels went on for ever;
    uint8.
    """
    small = _shrunk(source, placement)
    cosine, sine = turn(placement.rotation_deg)
    scale_x = max(_TINY, placement.scale_x * source.width / small.width) * (
        -1 if placement.flip_x else 1
    )
    scale_y = max(_TINY, placement.scale_y * source.height / small.height) * (
        -1 if placement.flip_y else 1
    )
    ia, ib, id_, ie = cosine / scale_x, sine / scale_x, -sine / scale_y, cosine / scale_y
    left, top = box.x0 - placement.centre_x_px, box.y0 - placement.centre_y_px
    start_x = ia * left + ib * top + small.width / 2 + _PAD_PX
    start_y = id_ * left + ie * top + small.height / 2 + _PAD_PX
    size = (box.x1 - box.x0, box.y1 - box.y0)
    padded = _pad_edges(small)
    if ib == id_ == 0.0 and ia > 0.0 and ie > 0.0:  # upright: separable, three times as fast
        region = (start_x, start_y, start_x + ia * size[0], start_y + ie * size[1])
        inner = (
            max(0.0, region[0]),
            max(0.0, region[1]),
            min(padded.width, region[2]),
            min(padded.height, region[3]),
        )
        return np.array(padded.resize(size, Image.Resampling.BICUBIC, box=inner))
    inverse = (ia, ib, start_x, id_, ie, start_y)
    return np.array(
        padded.transform(size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)
    )


def _shrunk(source: Image.Image, placement: Placement) -> Image.Image:
    """The picture scaled down, in its own axes, to the size at which it is shown; never up."""
    width = min(source.width, max(1, math.ceil(source.width * placement.scale_x - 1e-6)))
    height = min(source.height, max(1, math.ceil(source.height * placement.scale_y - 1e-6)))
    if (width, height) == source.size:
        return source
    return source.resize((width, height), Image.Resampling.HAMMING, reducing_gap=3.0)


def _pad_edges(image: Image.Image) -> Image.Image:
    """The image with its border pixels repeated outwards."""
    pixels = np.asarray(image)
    margins = ((_PAD_PX, _PAD_PX), (_PAD_PX, _PAD_PX), (0, 0))[: pixels.ndim]
    padded = np.pad(pixels, margins, mode="edge")
    return Image.frombytes(image.mode, (padded.shape[1], padded.shape[0]), padded.tobytes())


def _outline(placement: Placement, size: tuple[int, int], box: PixelBox[int]) -> Floats:
    """The share of each canvas pixel in ``box`` that the placed rectangle covers: float32 (h, w) in
    0..1.

    Exact for quarter turns; for other angles the pixel is taken as a unit square along the
    rectangle's axes.
    """
    cosine, sine = turn(placement.rotation_deg)
    half_x, half_y = size[0] * placement.scale_x / 2, size[1] * placement.scale_y / 2
    x = (np.arange(box.x0, box.x1) + 0.5 - placement.centre_x_px)[None, :]
    y = (np.arange(box.y0, box.y1) + 0.5 - placement.centre_y_px)[:, None]
    if sine == 0.0:
        return _overlap(x, half_x) * _overlap(y, half_y)
    if cosine == 0.0:
        return _overlap(y, half_x) * _overlap(x, half_y)
    fine_x, fine_y = x.astype(np.float32), y.astype(np.float32)
    along = np.float32(cosine) * fine_x + np.float32(sine) * fine_y
    across = np.float32(cosine) * fine_y - np.float32(sine) * fine_x
    return _overlap(along, half_x) * _overlap(across, half_y)


def _overlap(position: NDArray[Any], half: float) -> Floats:
    """The length that [position ± 1/2] shares with [-half, half]; float32."""
    if half >= 0.5:
        shared = half + 0.5 - np.abs(position)
    else:
        shared = np.minimum(position + 0.5, half) - np.maximum(position - 0.5, -half)
    shared[np.abs(shared - 1.0) < _ROUNDING] = 1.0
    np.clip(shared, 0.0, 1.0, out=shared)
    exact: Floats = shared.astype(np.float32)
    return exact
