"""Similarities with an encoder that can be checked by hand: it sees only a picture's mean
colour.
"""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.evaluation.likeness import over_plate
from backend.metrics.similarity import (
    box_of,
    crop_around,
    image_similarity,
    prompt_similarity,
    retrieve,
    subject_similarity,
    text_similarity,
    vectors,
)
from backend.scene.geometry import PixelBox

WORDS = {"red": (1.0, 0.0, 0.0), "green": (0.0, 1.0, 0.0), "yellow": (0.5**0.5, 0.5**0.5, 0.0)}


class MeanColour:
    """Unit vectors of mean colours; three words are the colours of the same names."""

    def encode_image(self, pictures: Tensor) -> Tensor:
        return torch.nn.functional.normalize(pictures.mean((2, 3)), dim=-1)

    def encode_text(self, texts: list[str]) -> Tensor:
        return torch.tensor([WORDS[text] for text in texts])


def flat(colour: tuple[int, int, int], high: int = 4, wide: int = 4) -> np.ndarray:
    return np.full((high, wide, 3), colour, np.uint8)


RED, GREEN = flat((200, 0, 0)), flat((0, 90, 0), 3, 7)


def test_each_picture_meets_its_own_phrase() -> None:
    assert text_similarity(
        MeanColour(), [RED, GREEN, RED], ["red", "green", "green"]
    ) == pytest.approx([1, 1, 0])  # type: ignore[arg-type]
    assert text_similarity(MeanColour(), [RED], ["yellow"]) == pytest.approx([0.5**0.5])  # type: ignore[arg-type]


def test_pictures_of_many_sizes_keep_their_places() -> None:
    found = vectors(MeanColour(), [RED, GREEN, flat((9, 0, 0), 5, 5), GREEN])
    assert found.tolist() == [[1, 0, 0], [0, 1, 0], [1, 0, 0], [0, 1, 0]]
    assert image_similarity(MeanColour(), [RED, GREEN], [GREEN, GREEN]) == pytest.approx([0, 1])


def test_the_subject_is_compared_in_all_pairs() -> None:
    assert subject_similarity(MeanColour(), [RED, GREEN], [RED, RED, RED, GREEN]) == pytest.approx(
        0.5
    )
    assert prompt_similarity(MeanColour(), [RED, GREEN, GREEN, GREEN], "green") == pytest.approx(
        0.75
    )  # type: ignore[arg-type]


def test_retrieval_counts_own_rows() -> None:
    eye = torch.eye(3)
    assert retrieve(eye, eye) == [1, 1, 1]
    assert retrieve(eye, eye[[1, 0, 2]]) == [0, 0, 1]


def test_crops_are_square_and_stay_inside() -> None:
    picture = np.arange(100 * 80, dtype=np.int64).reshape(100, 80, 1).repeat(3, 2).astype(np.uint8)
    assert crop_around(picture, PixelBox(30, 40, 50, 50)).shape == (24, 24, 3)
    assert np.array_equal(crop_around(picture, PixelBox(30, 40, 50, 50)), picture[33:57, 28:52])
    assert np.array_equal(crop_around(picture, PixelBox(0, 0, 20, 20)), picture[:24, :24])
    assert np.array_equal(crop_around(picture, PixelBox(70, 90, 80, 100)), picture[88:, 68:])
    assert crop_around(picture, PixelBox(0, 0, 80, 100)).shape == (80, 80, 3)


def test_the_box_of_a_mask_excludes_its_upper_bounds() -> None:
    mask = np.zeros((9, 9), bool)
    mask[2:5, 3], mask[4, 3:8] = True, True
    assert box_of(mask) == (3, 2, 8, 5)


def test_a_layer_lies_over_its_plate_by_its_alpha() -> None:
    alpha = np.array([[0.0, 0.25], [0.5, 1.0]], np.float32)
    mixed = over_plate(flat((100, 0, 0), 2, 2), alpha, flat((0, 200, 0), 2, 2))
    assert mixed[..., 0].tolist() == [[0, 25], [50, 100]]
    assert mixed[..., 1].tolist() == [[200, 150], [100, 0]]
    assert np.array_equal(over_plate(RED, alpha, np.zeros((0, 0, 3), np.uint8)), RED)
