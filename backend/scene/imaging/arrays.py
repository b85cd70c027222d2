"""Arrays by what they hold; shapes are said where they are used."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""Pixels: (h, w, 4) with straight alpha, (h, w, 3), or a grey mask (h, w)."""
Floats = NDArray[np.float32]
Mask = NDArray[np.bool_]
"""True inside."""
Labels = NDArray[np.int64]
"""The number of a class per pixel; 0 is background."""
