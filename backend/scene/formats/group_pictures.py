"""Groups of an OpenRaster stack as the pictures they are, and a whole stack against the picture
of it that its file has. All is laid in strips, so that a large canvas takes little memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

import numpy as np

from backend.scene.drawn import straight
from backend.scene.formats.stack import NORMAL, StackPicture
from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.blending import (
    COVERS,
    OPENRASTER_NAMES,
    Blend,
    blend_over,
    cover_over,
)

STRIP_PX = 128
BLENDS: Mapping[str, Blend] = {name: blend for blend, name in OPENRASTER_NAMES.items()}


class PlacedSheet(NamedTuple):
    """A shown layer: uint8 (h, w, 4) with straight alpha at canvas pixel (x, y), its opacity 0..1,
    and its mode as OpenRaster calls it.
    """

    picture: Picture
    x: int
    y: int
    opacity: float = 1.0
    blend: str = NORMAL


class Difference(NamedTuple):
    """The 8-bit levels between two pictures, over black or over white: at most and on average."""

    most: int
    mean: float


def compose_group(
    sheets: Mapping[int, PlacedSheet],
    pictures: Sequence[StackPicture],
    whole: StackPicture,
    size: tuple[int, int],
) -> PlacedSheet | None:
    """The layers of ``whole`` as one picture, cut to the canvas of ``size`` (width, height).

    Args:
        sheets: The shown layers by their place in the stack.
        pictures: The pictures of the stack that may lie in ``whole``, inner before outer.
        whole: The picture; its own opacity and mode are not in the result's pixels.

    Returns:
        None where nothing of it is seen.
    """
    inside = [sheet for at, sheet in sheets.items() if whole.first <= at <= whole.last]
    box = _box_of(inside, size)
    if box is None:
        return None
    x0, y0, x1, y1 = box
    picture = np.zeros((y1 - y0, x1 - x0, 4), np.uint8)
    for top, bottom in _strips(y0, y1):
        strip = (x0, top, x1, bottom)
        picture[top - y0 : bottom - y0] = straight(_lay_range(sheets, pictures, whole, strip))
    return PlacedSheet(picture, x0, y0, whole.opacity, whole.blend)


def compare_stack(sheets: Sequence[PlacedSheet], merged: Picture) -> Difference:
    """Layers from back to front against a picture uint8 (h, w, 4), straight alpha, of the whole
    canvas.
    """
    height_px, width_px = merged.shape[:2]
    whole = StackPicture("", 0, len(sheets) - 1)
    most, total = 0.0, 0.0
    for top, bottom in _strips(0, height_px):
        seen = _lay_range(dict(enumerate(sheets)), (), whole, (0, top, width_px, bottom))
        wanted = _premultiply(merged[top:bottom])
        over_black = np.abs(seen[..., :3] - wanted[..., :3])
        on_white = (1 - seen[..., 3:]) - (1 - wanted[..., 3:]) + seen[..., :3] - wanted[..., :3]
        gap = np.maximum(over_black, np.abs(on_white))
        most = max(most, float(gap.max(initial=0)))
        total += float(gap.sum(dtype=np.float64))
    return Difference(round(most * 255), total * 255 / max(1, 3 * width_px * height_px))


def _lay_range(
    sheets: Mapping[int, PlacedSheet],
    pictures: Sequence[StackPicture],
    whole: StackPicture,
    strip: tuple[int, int, int, int],
) -> Floats:
    """What the layers of ``whole`` look like over nothing in a strip (x0, y0, x1, y1) of the
    canvas: float32 (h, w, 4), premultiplied.
    """
    x0, y0, x1, y1 = strip
    below = np.zeros((y1 - y0, x1 - x0, 4), np.float32)
    at = whole.first
    while at <= whole.last:
        inner = next(
            (one for one in reversed(pictures) if one.first == at and one.last <= whole.last), None
        )
        if inner is not None:
            deeper = pictures[: list(pictures).index(inner)]
            above = _lay_range(sheets, deeper, inner, strip) * np.float32(inner.opacity)
            below = _lay(below, above, inner.blend)
            at = inner.last + 1
            continue
        if at in sheets:
            below = _lay(below, _cells(sheets[at], strip), sheets[at].blend)
        at += 1
    return below


def _lay(below: Floats, above: Floats, blend: str) -> Floats:
    if blend in COVERS:
        return cover_over(below, above, COVERS[blend])
    return blend_over(below, above, BLENDS.get(blend, "normal"))


def _cells(sheet: PlacedSheet, strip: tuple[int, int, int, int]) -> Floats:
    """A layer in a strip of the canvas: float32, premultiplied, times its opacity."""
    x0, y0, x1, y1 = strip
    cells = np.zeros((y1 - y0, x1 - x0, 4), np.float32)
    height_px, width_px = sheet.picture.shape[:2]
    left, right = max(x0, sheet.x), min(x1, sheet.x + width_px)
    top, bottom = max(y0, sheet.y), min(y1, sheet.y + height_px)
    if left < right and top < bottom:
        part = sheet.picture[top - sheet.y : bottom - sheet.y, left - sheet.x : right - sheet.x]
        region = cells[top - y0 : bottom - y0, left - x0 : right - x0]
        region[...] = _premultiply(part) * np.float32(sheet.opacity)
    return cells


def _premultiply(picture: Picture) -> Floats:
    cells = picture.astype(np.float32) / np.float32(255)
    cells[..., :3] *= cells[..., 3:]
    return cells


def _box_of(
    sheets: Sequence[PlacedSheet], size: tuple[int, int]
) -> tuple[int, int, int, int] | None:
    """What of the canvas the layers reach: (x0, y0, x1, y1), or None."""
    if not sheets:
        return None
    x0 = max(0, min(one.x for one in sheets))
    y0 = max(0, min(one.y for one in sheets))
    x1 = min(size[0], max(one.x + one.picture.shape[1] for one in sheets))
    y1 = min(size[1], max(one.y + one.picture.shape[0] for one in sheets))
    return (x0, y0, x1, y1) if x0 < x1 and y0 < y1 else None


def _strips(top: int, bottom: int) -> Iterator[tuple[int, int]]:
    return ((at, min(bottom, at + STRIP_PX)) for at in range(top, bottom, STRIP_PX))
