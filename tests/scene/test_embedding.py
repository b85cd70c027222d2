"""Learned looks as pixels."""

from __future__ import annotations

import numpy as np
import pytest

from backend.errors import SceneError
from backend.scene.embedding import Embedding, look_picture, read_look
from backend.scene.picture_file import encode_png
from backend.scene.pixels import MemoryPixels


def a_look(size: int = 32) -> Embedding:
    vector = np.random.default_rng(3).normal(0, 1e-2, size).astype(np.float32)
    return Embedding(vector, bytes(range(32)))


def test_a_look_survives_as_pixels_bit_for_bit() -> None:
    pixels, look = MemoryPixels(), a_look()
    back = read_look(pixels.picture(pixels.add_picture(look_picture(look))))
    assert np.array_equal(back.vector, look.vector)
    assert back.fingerprint == look.fingerprint


def test_a_look_can_be_a_png_file() -> None:
    assert encode_png(look_picture(a_look())).startswith(b"\x89PNG")


@pytest.mark.parametrize("shape", [(1, 32, 4), (3, 32, 4), (2, 4, 4), (2, 32)])
def test_other_pictures_are_no_looks(shape: tuple[int, ...]) -> None:
    with pytest.raises(SceneError, match="look"):
        read_look(np.zeros(shape, np.uint8))


def test_numbers_that_are_not_finite_are_refused() -> None:
    picture = look_picture(a_look())
    picture[1, 5] = np.array([np.nan], "<f4").view(np.uint8)
    with pytest.raises(SceneError):
        read_look(picture)
