"""Painting one finished picture into another one through a mask (Collage Diffusion, section 4.5, by
hand).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from backend.engine.paste import Picture, count_changes, paste
from backend.scene.inside import MASK_BLACK


def mix(base: Picture, other: Picture, mask: NDArray[np.uint8]) -> tuple[Picture, int]:
    """``other`` painted into ``base`` (both uint8 (h, w, 3)) through ``mask`` (uint8, 255 = other),
    and a count.

    The mask fills the pictures, whatever its size: it is brought to theirs, linearly between its
    pixels. Where it is black (``MASK_BLACK``) the base's own bytes stay, where it is 255 the
    other's are, and a blend lies between. The count is of pixels that changed where it is black:
    measured, so that the promise of 0 can be broken only in sight.
    """
    height, width = base.shape[:2]
    if mask.shape != (height, width):
        mask = np.asarray(Image.fromarray(mask).resize((width, height), Image.Resampling.BILINEAR))
    weights = np.where(mask < MASK_BLACK * 255, 0, mask).astype(np.float32) / np.float32(255)
    picture = paste(base, other, weights)
    return picture, count_changes(base, picture, weights > 0)
