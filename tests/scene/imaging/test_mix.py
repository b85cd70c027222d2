"""Painting one picture into another: what the mask leaves out stays bit for bit, on random pictures
and masks.
"""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageFilter

from backend.scene.imaging.paste import mix


def soft_blob(
    random: np.random.Generator, height: int, width: int, feather_px: float
) -> np.ndarray:
    """A disc with a soft edge somewhere in the picture, uint8 (h, w)."""
    y, x = np.mgrid[:height, :width]
    far = np.hypot(y - random.uniform(0, height), x - random.uniform(0, width))
    disc = Image.fromarray(np.where(far < random.uniform(2, height / 2), 255, 0).astype(np.uint8))
    return np.asarray(disc.filter(ImageFilter.GaussianBlur(feather_px)))


@pytest.mark.parametrize("seed", range(100))
def test_pixels_outside_the_painted_mask_and_its_feather_are_the_base_bit_for_bit(
    seed: int,
) -> None:
    random = np.random.default_rng(seed)
    height, width = (int(side) for side in random.integers(24, 80, 2))
    base, other = random.integers(0, 256, (2, height, width, 3), np.uint8)
    mask = soft_blob(random, height, width, random.uniform(0, 4))
    picture, changed = mix(base, other, mask)
    assert changed == 0
    assert np.array_equal(picture[mask == 0], base[mask == 0])
    assert np.array_equal(picture[mask == 255], other[mask == 255])
    low, high = np.minimum(base, other), np.maximum(base, other)
    assert ((picture >= low) & (picture <= high)).all()


def test_the_edge_is_the_weighted_mean_rounded() -> None:
    base, other = np.full((1, 3, 3), 10, np.uint8), np.full((1, 3, 3), 110, np.uint8)
    picture, _ = mix(base, other, np.array([[0, 51, 255]], np.uint8))
    assert picture[0, :, 0].tolist() == [10, 30, 110]


def test_a_mask_of_the_canvas_size_is_brought_to_the_pictures() -> None:
    base, other = np.zeros((32, 32, 3), np.uint8), np.full((32, 32, 3), 200, np.uint8)
    mask = np.zeros((64, 64), np.uint8)
    mask[:, :32] = 255
    picture, changed = mix(base, other, mask)
    assert changed == 0
    assert (picture[:, :15] == 200).all()
    assert not picture[:, 17:].any()
