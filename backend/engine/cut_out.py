"""What Segment Anything cuts out of a picture where a map of words says the subject is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from backend.engine.attention_maps import threshold_map
from backend.models.bundle import ModelBundle
from backend.models.sam import sam_of


def cut_out(
    bundle: ModelBundle, picture: NDArray[np.uint8], looked: Tensor, threshold: float
) -> NDArray[np.bool_]:
    """M_SAM of a picture uint8 (h, w, 3): bool (h, w), or (0, 0) where there is no SAM or the map
    says nothing.

    SAM is asked at the peak of the map (h, w), and with the box of what lies over the threshold
    (Layout-and-Retouch does not say how it asks). The cut with the highest expected overlap times
    overlap with the map is taken.
    """
    height_px, width_px = picture.shape[:2]
    words = threshold_map(looked, (height_px, width_px), threshold)
    if "sam" not in bundle.members or not words.any():
        return np.zeros((0, 0), np.bool_)
    sam = sam_of(bundle)
    sam.set_picture(picture)
    height_lat, width_lat = looked.shape
    row, column = divmod(int(looked.argmax()), width_lat)
    y, x = np.nonzero(words)
    cuts = (
        sam.at_point((column + 0.5) / width_lat * width_px, (row + 0.5) / height_lat * height_px),
        sam.in_box(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)),
    )
    overlaps = [(cut.mask & words).sum() / max(1, (cut.mask | words).sum()) for cut in cuts]
    best = max(range(len(cuts)), key=lambda index: cuts[index].expected_iou * overlaps[index])
    return cuts[best].mask
