"""What an autoencoder loses of a picture, given back where little has changed (ours).

With x the canvas, p what the autoencoder makes of it, and y what was drawn: y + a·m·(x - p), where
m = exp(-(c/τ)²) and c is how far y differs from p around the place. Where nothing has changed, y
is p, m is 1, and at a = 1 the canvas's own bytes come back; where something else was drawn, m is 0
and nothing of the canvas shines through.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from scipy import ndimage

from backend.scene.imaging.arrays import Floats, Picture

TOLERATED_CHANGE = 0.06
"""τ: the mean difference of colours (of 1) at which the share has fallen to 1/e. Twice that lets
the outline of an object that has moved show as a ghost.
"""


def restore_detail(
    made: Picture, canvas: Picture, passed: Picture, amount: float, cell_px: int
) -> Picture:
    """The picture with the canvas's own detail where it stayed what it was.

    Args:
        made: what was drawn, uint8 (h, w, 3).
        canvas: what it was drawn from, uint8 (h, w, 3).
        passed: the canvas after the autoencoder alone, uint8 (h, w, 3).
        amount: 0 (nothing) to 1.
        cell_px: side of a latent cell; both sides of the pictures are multiples of it.

    Returns:
        uint8 (h, w, 3).
    """
    share = amount * measure_sameness(made, passed, cell_px)
    lost = canvas.astype(np.float32) - passed.astype(np.float32)
    restored = np.rint(made.astype(np.float32) + share[..., None] * lost)
    return np.clip(restored, 0, 255).astype(np.uint8)


def measure_sameness(made: Picture, passed: Picture, cell_px: int) -> Floats:
    """How much a picture is still the other one, by cells: float32 (h, w) in 0..1.

    The largest difference of a cell and its eight neighbours counts, so that detail does not end
    in the middle of what has changed; between cells the share is bilinear.
    """
    differs = np.abs(made.astype(np.float32) - passed.astype(np.float32)).mean(axis=-1) / 255
    rows, columns = differs.shape[0] // cell_px, differs.shape[1] // cell_px
    cells = differs.reshape(rows, cell_px, columns, cell_px).mean(axis=(1, 3))
    largest: NDArray[np.float32] = ndimage.maximum_filter(cells, 3, mode="nearest")
    share = np.exp(-np.square(largest / TOLERATED_CHANGE)).astype(np.float32)
    wide = Image.fromarray(share).resize(differs.shape[::-1], Image.Resampling.BILINEAR)
    return np.asarray(wide, dtype=np.float32)
