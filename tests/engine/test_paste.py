"""The source's own bytes outside the feather, on random scenes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.engine.paste import count_changes, paste, paste_weights


def slow_distance(inside: np.ndarray) -> np.ndarray:
    """Distance to the nearest inside pixel, by looking at all of them."""
    rows, columns = np.nonzero(inside)
    y, x = np.mgrid[0 : inside.shape[0], 0 : inside.shape[1]]
    if not len(rows):
        return np.full(inside.shape, np.inf)
    return np.sqrt(((y[..., None] - rows) ** 2 + (x[..., None] - columns) ** 2).min(axis=-1))


@given(st.integers(0, 10**6), st.integers(0, 30), st.integers(1, 20), st.integers(1, 24))
def test_weights_are_one_inside_and_fall_with_distance(
    seed: int, feather_px: int, height: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    alpha = np.where(rng.random((height, width)) < 0.08, rng.random((height, width)), 0).astype(
        np.float32
    )
    distance = slow_distance(alpha > 0)
    wanted = np.where(
        distance <= feather_px, 1 - np.minimum(distance, feather_px + 1) / (feather_px + 1), 0
    )
    assert np.allclose(paste_weights(alpha, feather_px), wanted, atol=1e-6)


@given(st.integers(0, 10**6), st.integers(0, 8))
def test_outside_is_identical_and_inside_is_new(seed: int, feather_px: int) -> None:
    rng = np.random.default_rng(seed)
    source, fresh = (rng.integers(0, 256, (24, 31, 3), np.uint8) for _ in range(2))
    alpha = np.zeros((24, 31), np.float32)
    y, x = rng.integers(0, 20), rng.integers(0, 25)
    alpha[y : y + 5, x : x + 6] = rng.random((len(alpha[y : y + 5]), len(alpha[0, x : x + 6])))
    weights = paste_weights(alpha, feather_px)
    whole = paste(source, fresh, weights)
    assert np.array_equal(
        whole[slow_distance(alpha > 0) > feather_px], source[slow_distance(alpha > 0) > feather_px]
    )
    assert np.array_equal(whole[alpha > 0], fresh[alpha > 0])
    assert count_changes(source, whole, weights) == 0


def test_changed_pixels_are_counted() -> None:
    source = np.zeros((10, 10, 3), np.uint8)
    alpha = np.zeros((10, 10), np.float32)
    alpha[4:6, 4:6] = 1
    weights = paste_weights(alpha, 1)
    other = source.copy()
    other[0, 0, 1] = 1
    other[9, :2] = 7
    other[4, 4] = 9
    assert count_changes(source, other, weights) == 3


def test_without_feather_the_edge_is_hard() -> None:
    alpha = np.array([[0, 0.01, 1, 0]], np.float32)
    assert paste_weights(alpha, 0).tolist() == [[0, 1, 1, 0]]


def test_an_empty_layer_changes_nothing() -> None:
    assert not paste_weights(np.zeros((5, 5), np.float32), 9).any()


@pytest.mark.parametrize("feather_px", [0, 4])
def test_a_full_layer_changes_all(feather_px: int) -> None:
    assert (paste_weights(np.ones((5, 5), np.float32), feather_px) == 1).all()
