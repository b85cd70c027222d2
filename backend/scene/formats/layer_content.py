"""What a layer shows, apart from where it lies: by it a layer is known again after another program
cropped it, padded it, moved it, or rounded its colours.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from backend.scene.imaging.arrays import Picture

FAINT = 4
"""An alpha below this is nothing: programs that compute in premultiplied colours round it away."""
SAME_LEVELS = 4
"""What rounding to 15 bits, and back from premultiplied colours, changes at most."""
RIM_PX = 2


@dataclass(frozen=True, eq=False)
class LayerContent:
    """The seen part of a layer: uint8 (h, w, 4), nothing where it is faint, whose upper left corner
    is canvas pixel (x, y). ``digest`` names its pixels and their size.
    """

    picture: Picture
    x: int
    y: int
    digest: str

    @property
    def is_empty(self) -> bool:
        """Whether nothing is seen of the layer."""
        return self.picture.size == 0


def trim(picture: Picture, x: int, y: int) -> LayerContent:
    """What is seen of a picture (h, w, 4) at canvas pixel (x, y)."""
    seen = picture[..., 3] >= FAINT
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    if not rows.size:
        return LayerContent(np.zeros((0, 0, 4), np.uint8), x, y, "")
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    part = np.array(picture[top:bottom, left:right], order="C")
    part[~seen[top:bottom, left:right]] = 0
    name = hashlib.sha256(repr(part.shape).encode() + part.tobytes()).hexdigest()
    return LayerContent(part, x + int(left), y + int(top), name)


def find_shift(one: LayerContent, other: LayerContent) -> tuple[int, int] | None:
    """How far right and down ``other`` lies from ``one`` where both show the same, else None.

    A soft rim may have lost or won up to ``RIM_PX`` pixels on each side to rounding.
    """
    if one.is_empty or other.is_empty:
        return (0, 0) if one.is_empty and other.is_empty else None
    corner = (other.x - one.x, other.y - one.y)
    if one.digest == other.digest:
        return corner
    gaps = [a - b for a, b in zip(one.picture.shape, other.picture.shape, strict=True)]
    if max(map(abs, gaps)) > 2 * RIM_PX:
        return None
    rim = range(-RIM_PX, RIM_PX + 1) if any(gaps) else (0,)
    shifts = [(corner[0] + across, corner[1] + down) for down in rim for across in rim]
    near = sorted(shifts, key=lambda at: (at != (0, 0), abs(at[0]) + abs(at[1])))
    return next((at for at in near if _is_same_at(one, other, at)), None)


def is_same(one: LayerContent, other: LayerContent) -> bool:
    """Whether two contents are the same to the eye, wherever they lie."""
    return find_shift(one, other) is not None


def _is_same_at(one: LayerContent, other: LayerContent, shift: tuple[int, int]) -> bool:
    """Whether ``other``, moved back by a shift, is within ``SAME_LEVELS`` of ``one``."""
    x, y = other.x - shift[0], other.y - shift[1]
    left, top = min(one.x, x), min(one.y, y)
    right = max(one.x + one.picture.shape[1], x + other.picture.shape[1])
    bottom = max(one.y + one.picture.shape[0], y + other.picture.shape[0])
    sheets = np.zeros((2, bottom - top, right - left, 4), np.uint8)
    for sheet, part, at_x, at_y in (
        (sheets[0], one.picture, one.x - left, one.y - top),
        (sheets[1], other.picture, x - left, y - top),
    ):
        sheet[at_y : at_y + part.shape[0], at_x : at_x + part.shape[1]] = part
    gap = np.abs(_premultiply(sheets[0]) - _premultiply(sheets[1]))
    return int(gap.max(initial=0)) <= SAME_LEVELS


def overlap(one: LayerContent, other: LayerContent) -> float:
    """The share of their boxes' union that two contents have in common, 0..1."""
    if one.is_empty or other.is_empty:
        return 0.0
    (high, wide), (high_other, wide_other) = one.picture.shape[:2], other.picture.shape[:2]
    across = min(one.x + wide, other.x + wide_other) - max(one.x, other.x)
    down = min(one.y + high, other.y + high_other) - max(one.y, other.y)
    common = max(0, across) * max(0, down)
    return float(common / (high * wide + high_other * wide_other - common))


def cut_by_offset(picture: Picture, x: int, y: int) -> Picture:
    """What GIMP 3.0 stores of a layer at canvas pixel (x, y): the layer put there once more, within
    a picture of its own size.
    """
    height_px, width_px = picture.shape[:2]
    cut = np.zeros_like(picture)
    top, left = max(0, y), max(0, x)
    part = picture[max(0, -y) : max(0, height_px - top), max(0, -x) : max(0, width_px - left)]
    cut[top : top + part.shape[0], left : left + part.shape[1]] = part
    return cut


def lift_mask(picture: Picture, x: int, y: int, mask: Picture) -> Picture | None:
    """A picture at canvas pixel (x, y) as it was before a mask of the canvas cut it; None where
    something is seen that the mask does not let through.
    """
    height_px, width_px = picture.shape[:2]
    inside = np.zeros((height_px, width_px), np.float32)
    top, left = max(0, y), max(0, x)
    bottom, right = min(mask.shape[0], y + height_px), min(mask.shape[1], x + width_px)
    if top < bottom and left < right:
        inside[top - y : bottom - y, left - x : right - x] = mask[top:bottom, left:right]
    alpha = picture[..., 3].astype(np.float32)
    if (alpha > inside + SAME_LEVELS).any():
        return None
    lifted = picture.copy()
    share = np.divide(alpha * 255, inside, out=np.zeros_like(alpha), where=inside > 0)
    lifted[..., 3] = np.clip(np.rint(share), 0, 255)
    return lifted


def shift_mask(mask: Picture, across: int, down: int) -> Picture:
    """A mask of the canvas, moved by whole pixels; what comes in from outside is black."""
    height_px, width_px = mask.shape
    moved = np.zeros_like(mask)
    part = mask[
        max(0, -down) : max(0, height_px - max(0, down)),
        max(0, -across) : max(0, width_px - max(0, across)),
    ]
    top, left = max(0, down), max(0, across)
    moved[top : top + part.shape[0], left : left + part.shape[1]] = part
    return moved


def _premultiply(picture: Picture) -> NDArray[np.int32]:
    """Colours times alpha, 0..255, as whole numbers that can be subtracted."""
    cells = picture.astype(np.int32)
    cells[..., :3] = cells[..., :3] * cells[..., 3:] // 255
    return cells
