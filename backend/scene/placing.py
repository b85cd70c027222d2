"""Put a picture where its placement says: antialiased affine resampling, free of aliasing when it shrinks.

Colours are sampled from the edge-clamped picture and cut by the exact outline of the placed rectangle, so a picture
that fills the canvas stays opaque up to the border, however far it is enlarged.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.scene.geometry import bounding_box, cells_of, source_to_canvas, turn
from backend.scene.layer import Placement

Picture = NDArray[np.uint8]
Floats = NDArray[np.float32]

_PAD_PX = 2  # bicubic sampling half a canvas pixel beyond the edge reads this far


def place(picture: Picture, placement: Placement, width_px: int, height_px: int) -> Floats:
    """The picture on an empty canvas: float32 (h, w, 4) in 0..1, premultiplied.

    ``picture`` is uint8 (h, w, 4), straight alpha. An unturned picture at scale 1 on whole pixels is copied as it is.
    """
    return _placed(Image.fromarray(picture, "RGBA").convert("RGBa"), placement, width_px, height_px)


def place_alpha(picture: Picture, placement: Placement, width_px: int, height_px: int) -> Floats:
    """The alpha of :func:`place` alone, at a quarter of the work: float32 (h, w) in 0..1."""
    alpha = Image.fromarray(np.ascontiguousarray(picture[..., 3]), "L")
    return _placed(alpha, placement, width_px, height_px)


def place_cells(
    picture: Picture, placement: Placement, width_px: int, height_px: int
) -> tuple[tuple[int, int, int, int], Floats]:
    """:func:`place`, but only the part of the canvas that is touched: its box, and float32 (h, w, 4) of that size.

    The box is empty when the picture misses the canvas.
    """
    box = cells_of(bounding_box(placement, picture.shape[1], picture.shape[0]), width_px, height_px)
    if box[2] <= box[0] or box[3] <= box[1]:
        return (0, 0, 0, 0), np.zeros((0, 0, 4), np.float32)
    return box, _cells(Image.fromarray(picture, "RGBA").convert("RGBa"), placement, box)


def _placed(source: Image.Image, placement: Placement, width_px: int, height_px: int) -> Floats:
    """Resample an image in mode RGBa or L into a float32 canvas (h, w, bands) or (h, w)."""
    shape = (height_px, width_px, 4) if source.mode == "RGBa" else (height_px, width_px)
    x0, y0, x1, y1 = cells_of(bounding_box(placement, *source.size), width_px, height_px)
    if x1 <= x0 or y1 <= y0:
        return np.zeros(shape, np.float32)
    cells = _cells(source, placement, (x0, y0, x1, y1))
    if cells.shape == shape:
        return cells
    canvas = np.zeros(shape, np.float32)
    canvas[y0:y1, x0:x1] = cells
    return canvas


def _cells(source: Image.Image, placement: Placement, box: tuple[int, int, int, int]) -> Floats:
    """The canvas pixels in ``box``: colours cut by the outline, float32 in 0..1."""
    outline = _outline(placement, source.size, box)
    sampled = _sampled(source, placement, box)
    if source.mode == "RGBa":
        outline = outline[..., None]
        np.minimum(sampled, sampled[..., 3:], out=sampled)  # bicubic overshoot must not make colours exceed alpha
    cells: Floats = sampled * (outline * np.float32(1 / 255))
    return cells


def _sampled(source: Image.Image, placement: Placement, box: tuple[int, int, int, int]) -> Picture:
    """Colours of the canvas pixels in ``box``, as if the picture's edge pixels went on for ever; uint8."""
    small = _shrunk(source, placement)
    stretch_x, stretch_y = source.width / small.width, source.height / small.height
    forward = source_to_canvas(placement, *source.size)
    a, b, d, e = forward.a * stretch_x, forward.b * stretch_y, forward.d * stretch_x, forward.e * stretch_y
    determinant = a * e - b * d
    ia, ib, id_, ie = e / determinant, -b / determinant, -d / determinant, a / determinant
    left, top = box[0] - forward.c, box[1] - forward.f
    inverse = (ia, ib, ia * left + ib * top + _PAD_PX, id_, ie, id_ * left + ie * top + _PAD_PX)
    size = (box[2] - box[0], box[3] - box[1])
    padded = _edge_padded(small)
    placed = padded.transform(size, Image.Transform.AFFINE, inverse, Image.Resampling.BICUBIC)
    return np.array(placed)


def _shrunk(source: Image.Image, placement: Placement) -> Image.Image:
    """The picture scaled down, in its own axes, to the size at which it is shown; never up."""
    width = min(source.width, max(1, math.ceil(source.width * placement.scale_x - 1e-6)))
    height = min(source.height, max(1, math.ceil(source.height * placement.scale_y - 1e-6)))
    if (width, height) == source.size:
        return source
    return source.resize((width, height), Image.Resampling.HAMMING)


def _edge_padded(image: Image.Image) -> Image.Image:
    """The image with its border pixels repeated outwards."""
    pixels = np.asarray(image)
    margins = ((_PAD_PX, _PAD_PX), (_PAD_PX, _PAD_PX), (0, 0))[: pixels.ndim]
    padded = np.pad(pixels, margins, mode="edge")
    return Image.frombytes(image.mode, (padded.shape[1], padded.shape[0]), padded.tobytes())


def _outline(placement: Placement, size: tuple[int, int], box: tuple[int, int, int, int]) -> Floats:
    """The share of each canvas pixel in ``box`` that the placed rectangle covers: float32 (h, w) in 0..1.

    Exact for quarter turns; for other angles the pixel is taken as a unit square along the rectangle's axes.
    """
    cosine, sine = turn(placement.rotation_deg)
    x = (np.arange(box[0], box[2]) + 0.5 - placement.centre_x_px)[None, :]
    y = (np.arange(box[1], box[3]) + 0.5 - placement.centre_y_px)[:, None]
    along = _overlap(cosine * x + sine * y, size[0] * placement.scale_x / 2)
    across = _overlap(cosine * y - sine * x, size[1] * placement.scale_y / 2)
    return (along * across).astype(np.float32)


def _overlap(position: NDArray[np.float64], half: float) -> NDArray[np.float64]:
    """The length that [position ± 1/2] shares with [-half, half]."""
    shared: NDArray[np.float64] = np.minimum(position + 0.5, half) - np.maximum(position - 0.5, -half)
    shared[np.abs(shared - 1.0) < 1e-9] = 1.0
    np.clip(shared, 0.0, 1.0, out=shared)
    return shared
