"""The source's own bytes outside the feather, on random scenes."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.scene.imaging.paste import count_changes, may_change, paste, paste_weights


def slow_distance(inside: np.ndarray) -> np.ndarray:
    """Distance to the nearest inside pixel, by looking at all of them."""
    rows, columns = np.nonzero(inside)
    y, x = np.mgrid[0 : inside.shape[0], 0 : inside.shape[1]]
    if not len(rows):
        return np.full(inside.shape, np.inf)
    return np.sqrt(((y[..., None] - rows) ** 2 + (x[..., None] - columns) ** 2).min(axis=-1))


@given(st.integers(0, 10**6), st.integers(0, 30), st.integers(1, 20), st.integers(1, 24))
def test_weights_are_one_on_the_body_and_fall_with_distance(
    seed: int, feather_px: int, height: int, width: int
) -> None:
    rng = np.random.default_rng(seed)
    alpha = (rng.random((height, width)) < 0.08).astype(np.float32)
    distance = slow_distance(alpha > 0)
    wanted = np.where(
        distance <= feather_px, 1 - np.minimum(distance, feather_px + 1) / (feather_px + 1), 0
    )
    assert np.allclose(paste_weights(alpha, feather_px), wanted, atol=1e-6)


@given(st.integers(0, 10**6), st.integers(0, 8), st.integers(0, 15))
def test_outside_is_identical_under_any_haze_and_the_body_is_new(
    seed: int, feather_px: int, black: int
) -> None:
    rng = np.random.default_rng(seed)
    source, fresh = (rng.integers(0, 256, (24, 31, 3), np.uint8) for _ in range(2))
    painted = np.zeros((24, 31), np.bool_)
    y, x = rng.integers(0, 20), rng.integers(0, 25)
    painted[y : y + 5, x : x + 6] = True
    haze = rng.integers(0, black + 1, painted.shape)
    alpha = (np.where(painted, rng.integers(130, 256, painted.shape), haze) / 255).astype(
        np.float32
    )
    alpha[y, x] = 1
    whole = paste(source, fresh, paste_weights(alpha, feather_px))
    beyond = slow_distance(painted) > feather_px
    assert np.array_equal(whole[beyond], source[beyond])
    assert np.array_equal(whole[painted], fresh[painted])
    assert count_changes(source, whole, may_change(alpha, feather_px)) == 0
    assert np.array_equal(may_change(alpha, feather_px), ~beyond)


@pytest.mark.parametrize("black", range(1, 9))
def test_a_mask_whose_black_is_not_nought_changes_its_disc_and_feather_alone(black: int) -> None:
    rows, columns = np.mgrid[0:128, 0:128]
    distance = np.hypot(rows - 64, columns - 64)
    alpha = np.where(distance < 20, 1.0, black / 255).astype(np.float32)
    weights = paste_weights(alpha, 8)
    assert weights[distance < 20].min() == 1
    assert not weights[distance > 29].any()


def test_a_soft_rim_is_drawn_anew_down_to_the_haze_and_fades_over_the_feather() -> None:
    alpha = np.linspace(1, 0, 101, dtype=np.float32)[None]
    weights = paste_weights(alpha, 4)
    assert (weights[0, :94] == 1).all()
    assert (np.diff(weights[0]) <= 0).all()
    assert not weights[0, 98:].any()


def test_a_layer_of_glass_is_drawn_anew_as_an_opaque_one() -> None:
    solid = np.zeros((9, 9), np.float32)
    solid[3:6, 3:6] = 1
    assert np.array_equal(paste_weights(solid * np.float32(0.3), 2), paste_weights(solid, 2))


def test_haze_alone_is_no_layer() -> None:
    assert not paste_weights(np.full((9, 9), 8 / 255, np.float32), 3).any()
    assert not may_change(np.full((9, 9), 8 / 255, np.float32), 3).any()


def test_changed_pixels_are_counted() -> None:
    source = np.zeros((10, 10, 3), np.uint8)
    alpha = np.zeros((10, 10), np.float32)
    alpha[4:6, 4:6] = 1
    allowed = may_change(alpha, 1)
    other = source.copy()
    other[0, 0, 1] = 1
    other[9, :2] = 7
    other[4, 4] = 9
    assert count_changes(source, other, allowed) == 3


def test_without_feather_the_edge_is_hard() -> None:
    alpha = np.array([[0, 0.01, 0.5, 1, 0]], np.float32)
    assert paste_weights(alpha, 0).tolist() == [[0, 0, 1, 1, 0]]


def test_an_empty_layer_changes_nothing() -> None:
    assert not paste_weights(np.zeros((5, 5), np.float32), 9).any()


@pytest.mark.parametrize("feather_px", [0, 4])
def test_a_full_layer_changes_all(feather_px: int) -> None:
    assert (paste_weights(np.ones((5, 5), np.float32), feather_px) == 1).all()
