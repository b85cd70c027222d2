"""What a subject is learned from: its pictures and class word, and how long and how fast each kind
is taught.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from backend.errors import RequestError
from backend.models.personal import SubjectKind

MAX_REFERENCES = 20


@dataclass(frozen=True, eq=False)
class SubjectLesson:
    """One to twenty pictures uint8 (h, w, 3) of any sizes, the class word, and the kind of subject
    to make.

    ``masks`` float32 (h, w) in 0..1, one a picture or none at all, say where the subject is; the
    loss is weighed so.
    """

    pictures: tuple[NDArray[np.uint8], ...] = field(repr=False)
    class_word: str
    kind: SubjectKind
    masks: tuple[NDArray[np.float32], ...] = field(default=(), repr=False)

    @property
    def key(self) -> str:
        """A name for what is learned."""
        content = hashlib.sha256(f"{self.kind} {self.class_word}".encode())
        arrays: tuple[NDArray[Any], ...] = (*self.pictures, *self.masks)
        for array in arrays:
            content.update(str(array.shape).encode() + array.tobytes())
        return content.hexdigest()


@dataclass(frozen=True)
class SubjectRules:
    """How long and how fast to learn.

    Rates are shares of the spread of what is changed (the token table's, each weight's own), so
    that one number suits networks of any size. ``samples`` noisy states are seen a step, and as
    many of ``prior_count`` pictures of the class with ``prior_weight`` (1 in both papers).
    """

    steps: int
    vector_rate: float
    weight_rate: float
    prior_count: int
    prior_weight: float = 1.0
    samples: int = 2
    rank: int = 4
    vectors: int = 3
    seed: int = 0


RULES: Mapping[SubjectKind, SubjectRules] = MappingProxyType(
    {
        "textual_inversion": SubjectRules(
            steps=300, vector_rate=0.1, weight_rate=0.0, prior_count=0
        ),
        "custom_diffusion": SubjectRules(
            steps=160, vector_rate=0.1, weight_rate=0.004, prior_count=8
        ),
        "dreambooth": SubjectRules(steps=300, vector_rate=0.1, weight_rate=0.001, prior_count=8),
        "dreambooth_lora": SubjectRules(
            steps=160, vector_rate=0.1, weight_rate=0.02, prior_count=8
        ),
    }
)
"""Ours, found on the pocket family (a decision in ``backend/README.md`` says what was compared). In
the papers, by the spread of Stable Diffusion's weights: .35 for a vector (5e-3 over .0142), some
.0003 for whole weights (5e-6 to 1e-5), with three to ten times as many steps. Vectors learn in
every kind: the released DreamBooth trains its text encoder.
"""


def fitted(picture: NDArray[np.uint8], width_px: int, height_px: int) -> NDArray[np.uint8]:
    """The middle of a picture in the wanted proportions, brought to the size: uint8 (height, width,
    3).
    """
    own_height_px, own_width_px = picture.shape[:2]
    share = min(own_width_px / width_px, own_height_px / height_px)
    wide, high = max(1, round(width_px * share)), max(1, round(height_px * share))
    y, x = (own_height_px - high) // 2, (own_width_px - wide) // 2
    middle = picture[
        y : y + high, x : x + wide, :3
    ].copy()  # stored pictures are read-only, torch wants to write
    if middle.shape[:2] == (height_px, width_px):
        return middle
    unit = torch.from_numpy(middle).permute(2, 0, 1)[None].float()
    resized = functional.interpolate(
        unit, size=(height_px, width_px), mode="bicubic", antialias=True
    )
    return resized[0].clamp(0, 255).round().to(torch.uint8).permute(1, 2, 0).contiguous().numpy()


def check_lesson(lesson: SubjectLesson) -> None:
    """A RequestError when the lesson lacks pictures, has too many, or lacks words or masks."""
    count = len(lesson.pictures)
    if not 1 <= count <= MAX_REFERENCES:
        raise RequestError(
            f"{count} reference pictures were given.",
            limit=f"A subject is learned from 1 to {MAX_REFERENCES}.",
            remedy="Choose the clearest ones." if count else "Add a picture of the subject.",
        )
    if not lesson.class_word.strip() or (lesson.masks and len(lesson.masks) != count):
        raise RequestError(
            "The subject lacks a class word, or masks for some of its pictures.",
            remedy="Say what it is (cat, mug, …), and cut out all pictures or none.",
        )
