"""A learned look as pixels: so it has a digest, is stored, sent and packed like every other picture
of a scene.

The first row holds the fingerprint of the model that it was learned with, the second the vector:
each of its single precision numbers is one RGBA pixel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from backend.errors import SceneError
from backend.scene.scene import Picture

FINGERPRINT_BYTES = 32


@dataclass(frozen=True, eq=False)
class Embedding:
    """An adjective without a word: float32 (d,) in a text encoder's space, and the sha256 of
    that encoder's table.
    """

    vector: NDArray[np.float32] = field(repr=False)
    fingerprint: bytes


def look_picture(look: Embedding) -> Picture:
    """The look as uint8 (2, d, 4)."""
    vector = np.ascontiguousarray(look.vector, "<f4")
    rows = np.zeros((2, vector.size, 4), np.uint8)
    rows[1] = vector.view(np.uint8).reshape(-1, 4)
    rows[0].reshape(-1)[:FINGERPRINT_BYTES] = np.frombuffer(look.fingerprint, np.uint8)
    return rows


def read_look(picture: Picture) -> Embedding:
    """The look that a picture holds; a SceneError when it holds none."""
    good = picture.ndim == 3 and picture.shape[0] == 2 and picture.shape[1] * 4 >= FINGERPRINT_BYTES
    rows = np.ascontiguousarray(picture)
    vector = (
        rows[1].reshape(-1).view("<f4").astype(np.float32)
        if good
        else np.array([np.nan], np.float32)
    )
    if not np.isfinite(vector).all():
        raise SceneError(
            "The learned look of a layer is not one.", remedy="Learn it again, or remove it."
        )
    return Embedding(vector, rows[0].tobytes()[:FINGERPRINT_BYTES])
