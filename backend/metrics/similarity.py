"""How alike pictures and words, or pictures and pictures, are to a network that compares: cosines
in -1..1.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.models.clip import Clip
from backend.scene.geometry import PixelBox
from backend.scene.imaging.arrays import Picture

AROUND_BOX = 1.2
"""A crop's side over its box's longer side: the middle of what the pocket pair was trained on
(0.95..1.4).
"""
CHUNK = 32
"""Pictures of one size that are encoded together; bounds memory."""


class Encoder(Protocol):
    """What turns pictures float (n, 3, h, w) in 0..1 into unit vectors (n, d): a CLIP pair or an
    image encoder.
    """

    def encode_image(self, pictures: Tensor) -> Tensor:
        """See the class."""
        ...


def crop_around(picture: Picture, box_px: PixelBox[int]) -> Picture:
    """The square of a picture (h, w, 3) around a box (x0, y0, x1, y1; upper bounds excluded), kept
    inside the picture.

    Its side is ``AROUND_BOX`` times the box's longer one, at most the picture's shorter one and at
    least 1 px.
    """
    x0, y0, x1, y1 = box_px
    high, wide = picture.shape[:2]
    side = max(1, min(round(max(x1 - x0, y1 - y0) * AROUND_BOX), high, wide))
    left = min(max(round((x0 + x1 - side) / 2), 0), wide - side)
    top = min(max(round((y0 + y1 - side) / 2), 0), high - side)
    return picture[top : top + side, left : left + side]


def box_of(mask: NDArray[np.bool_]) -> PixelBox[int]:
    """The box (x0, y0, x1, y1; upper bounds excluded) of a mask (h, w) with at least one pixel."""
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    return PixelBox(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


@torch.no_grad()
def vectors(encoder: Encoder, pictures: Sequence[Picture]) -> Tensor:
    """Unit vectors float32 (n, d) on the CPU of uint8 pictures (h, w, 3) of any sizes (at least
    one).
    """
    found: list[Tensor] = [torch.empty(0)] * len(pictures)
    by_shape: dict[tuple[int, ...], list[int]] = {}
    for place, picture in enumerate(pictures):
        by_shape.setdefault(picture.shape, []).append(place)
    for places in by_shape.values():
        for start in range(0, len(places), CHUNK):
            part = places[start : start + CHUNK]
            batch = torch.from_numpy(np.stack([pictures[place] for place in part])).permute(
                0, 3, 1, 2
            )
            for place, vector in zip(
                part, encoder.encode_image(batch.float() / 255).cpu(), strict=True
            ):
                found[place] = vector
    return torch.stack(found)


def text_similarity(clip: Clip, pictures: Sequence[Picture], phrases: Sequence[str]) -> list[float]:
    """The cosine of each picture with the phrase in the same place."""
    encoded = clip.encode_text(phrases).cpu()
    return [float(value) for value in (vectors(clip, pictures) * encoded).sum(1)]


def image_similarity(
    encoder: Encoder, pictures: Sequence[Picture], others: Sequence[Picture]
) -> list[float]:
    """The cosine of each picture with the other one in the same place."""
    return [
        float(value) for value in (vectors(encoder, pictures) * vectors(encoder, others)).sum(1)
    ]


def subject_similarity(
    encoder: Encoder, made: Sequence[Picture], subject: Sequence[Picture]
) -> float:
    """Mean cosine over all pairs of a made picture and one of the subject (DreamBooth, Ruiz et al.
    2023, 4.1).

    I_CLIP with a CLIP pair, I_DINO with a self-supervised encoder.
    """
    return float((vectors(encoder, made) @ vectors(encoder, subject).T).mean())


def prompt_similarity(clip: Clip, made: Sequence[Picture], prompt: str) -> float:
    """T_CLIP: mean cosine of the made pictures with their prompt."""
    return float((vectors(clip, made) @ clip.encode_text([prompt]).cpu().T).mean())


def retrieve(first: Tensor, second: Tensor) -> list[float]:
    """1.0 for each row of ``first`` (n, d) whose nearest row of ``second`` (n, d) is its own, else
    0.0.
    """
    own = torch.arange(len(first))
    return [float(value) for value in (first @ second.T).argmax(1) == own]
