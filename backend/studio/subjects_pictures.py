"""Reference pictures as a subject is learned from: whole ones as they are, cut-outs in the middle
of a square.
"""

from __future__ import annotations

import numpy as np

from backend.errors import PictureError
from backend.scene.scene import Picture
from backend.studio.cutting import BEHIND

MARGIN = 0.12
"""Free space around a cut-out, a share of its longer side: the subject about as large as in
somebody's photograph.
"""


def prepare_reference(picture: Picture) -> Picture:
    """A reference uint8 (h, w, 4): its alpha says where the subject is, its colours lie on grey
    where that is 0.

    A picture without transparent parts stays as it is. A PictureError for one that can nowhere be
    seen.
    """
    alpha = picture[:, :, 3]
    if (alpha == 255).all():
        return picture
    rows, columns = np.nonzero(alpha.any(axis=1))[0], np.nonzero(alpha.any(axis=0))[0]
    if not len(rows):
        raise PictureError(
            "A reference picture is wholly transparent.",
            limit="The subject must be seen in it.",
            remedy="Choose another picture.",
        )
    cut = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height_px, width_px = cut.shape[:2]
    side_px = round(max(height_px, width_px) * (1 + 2 * MARGIN))
    square = np.zeros((side_px, side_px, 4), np.uint8)
    top, left = (side_px - height_px) // 2, (side_px - width_px) // 2
    square[top : top + height_px, left : left + width_px] = cut
    share = square[:, :, 3:].astype(np.float32) / 255
    square[:, :, :3] = np.rint(square[:, :, :3] * share + BEHIND * (1 - share)).astype(np.uint8)
    return square


def with_alpha(picture: Picture, mask: Picture) -> Picture:
    """A picture uint8 (h, w, 4) cut out by a mask uint8 (h, w), 255 = inside."""
    alpha = np.minimum(picture[:, :, 3], mask)
    return np.dstack([picture[:, :, :3], alpha])
