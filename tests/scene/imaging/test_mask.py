"""Masks: areas are kept, growing is a disc, feathering only goes outwards."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.scene.imaging.mask import Mask, resize_area

seeds, sizes = st.integers(0, 2**31), st.integers(1, 40)


def blot(seed: int, height: int, width: int) -> np.ndarray:
    return np.random.default_rng(seed).random((height, width), np.float32)


@given(seeds, sizes, sizes, sizes, sizes)
def test_shrinking_keeps_the_mean(
    seed: int, height: int, width: int, new_height: int, new_width: int
) -> None:
    values = blot(seed, height, width)
    new_height, new_width = min(height, new_height), min(width, new_width)
    resized = resize_area(values, new_width, new_height)
    assert resized.shape == (new_height, new_width)
    assert resized.mean() == pytest.approx(values.mean(), abs=1e-5)


def test_shrinking_is_the_mean_of_exact_areas() -> None:
    values = np.array([[0, 90, 30]], np.uint8)
    assert resize_area(values, 2, 1).tolist() == [pytest.approx([30.0, 50.0])]
    blocks = blot(1, 12, 20)
    assert resize_area(blocks, 5, 3) == pytest.approx(
        blocks.reshape(3, 4, 5, 4).mean(axis=(1, 3)), abs=1e-6
    )


def test_growing_is_linear_between_centres() -> None:
    assert resize_area(np.array([[0.0, 1.0]], np.float32), 4, 1).tolist() == [
        [0.0, 0.25, 0.75, 1.0]
    ]
    assert (resize_area(np.ones((1, 1), np.float32), 5, 3) == 1.0).all()


@given(seeds, sizes, sizes, sizes, sizes)
def test_resizing_never_leaves_the_range(
    seed: int, height: int, width: int, new_height: int, new_width: int
) -> None:
    mask = Mask(blot(seed, height, width) > 0.5, "canvas").with_size(
        new_width, new_height, "latent"
    )
    assert mask.space == "latent"
    assert mask.inside.shape == (new_height, new_width)
    assert 0.0 <= mask.inside.min() <= mask.inside.max() <= 1.0


def test_growing_reaches_as_far_as_a_disc() -> None:
    point = np.zeros((15, 15), np.float32)
    point[7, 7] = 0.75
    rows, columns = np.indices(point.shape)
    near = (rows - 7) ** 2 + (columns - 7) ** 2 <= 16
    assert (Mask(point, "canvas").grow(4).inside == np.where(near, np.float32(0.75), 0)).all()
    assert Mask(point, "canvas").grow(0).inside is not None


@given(seeds, st.integers(1, 6))
def test_feathering_keeps_the_inside_and_ends_at_its_radius(seed: int, radius: int) -> None:
    values = np.zeros((30, 30), np.float32)
    values[10:20, 12:18] = np.random.default_rng(seed).random((10, 6)) * 0.5 + 0.5
    soft = Mask(values, "generation").feather(radius)
    assert (soft.inside[10:20, 12:18] == values[10:20, 12:18]).all()
    assert (soft.inside >= values).all()
    assert soft.inside[15, 18] > 0
    assert soft.inside[15, 18 + radius - 1] > 0
    assert not soft.inside[15, 18 + radius :].any()
    assert (np.diff(soft.inside[15, 18 : 18 + radius + 1]) < 0).all()


def test_a_mask_is_read_only_and_checked() -> None:
    values = np.zeros((2, 3), np.float32)
    mask = Mask(values, "canvas")
    values[0, 0] = 1.0
    assert mask.area == 0.0
    with pytest.raises(ValueError, match="read-only"):
        mask.inside[0, 0] = 1.0
    for wrong in (
        np.full((2, 2), 1.5),
        np.full((2, 2), np.nan),
        np.zeros((2, 2, 1)),
        np.zeros((0, 3)),
    ):
        with pytest.raises(ValueError, match="a mask"):
            Mask(wrong, "canvas")
