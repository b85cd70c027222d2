"""Compositing against the textbook formula, and the partition that visibility is."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.scene.blobs import MemoryPixels
from backend.scene.composite import GREY, flatten, flatten_scene, sheet_of, topmost, visibility
from backend.scene.layer import Layer
from tests.scene.drawings import at, noise, plain, scene_of


def random_stack(seed: int, count: int) -> np.ndarray:
    """Alphas with many exact zeros and ones among them."""
    alphas = np.random.default_rng(seed).random((count, 7, 9), np.float32) * 1.6 - 0.3
    return np.clip(alphas, 0, 1)


@given(st.integers(0, 2**31), st.integers(0, 12))
def test_visibility_is_a_partition(seed: int, count: int) -> None:
    parts = visibility(random_stack(seed, count))
    assert parts.shape == (count + 1, 7, 9)
    assert parts.min() >= 0.0
    assert np.abs(parts.sum(axis=0) - 1).max() < 1e-5


@given(st.integers(0, 2**31), st.integers(1, 6))
def test_visibility_is_what_the_layers_above_leave(seed: int, count: int) -> None:
    alphas = random_stack(seed, count)
    parts = visibility(alphas)
    for index in range(count):
        wanted = alphas[index] * np.prod(1 - alphas[index + 1 :], axis=0)
        assert parts[index + 1] == pytest.approx(wanted, abs=1e-5)
    assert parts[0] == pytest.approx(np.prod(1 - alphas, axis=0), abs=1e-5)


def test_the_topmost_layer_is_the_one_seen_most() -> None:
    alphas = np.array([[[1.0, 1.0, 0.0, 0.4, 0.5]], [[0.0, 0.6, 0.0, 0.3, 0.0]]], np.float32)
    assert topmost(alphas).tolist() == [[1, 2, 0, 0, 1]]  # the last one is a tie, which goes up
    assert topmost(np.empty((0, 2, 3), np.float32)).tolist() == [[0, 0, 0], [0, 0, 0]]


@given(st.integers(0, 2**31))
def test_flat_pictures_follow_the_over_formula(seed: int) -> None:
    pictures = [noise(seed + index, 16, 16) for index in range(3)]
    opacities = (1.0, 0.5, 0.8)
    sheets = [
        sheet_of(picture, None, at(8, 8), opacity, (16, 16))
        for picture, opacity in zip(pictures, opacities, strict=True)
    ]
    flat = flatten(sheets, (16, 16))
    wanted = np.full((16, 16, 3), GREY, np.float64)
    for picture, opacity in zip(pictures, opacities, strict=True):
        alpha = picture[..., 3:] / 255 * opacity
        wanted = picture[..., :3] * alpha + wanted * (1 - alpha)
    assert (
        np.abs(flat - wanted).max() <= 1.6
    )  # premultiplied colours are rounded once for each layer


def test_nothing_is_grey_and_a_background_shows_through() -> None:
    assert (flatten([], (3, 2)) == GREY).all()
    background = noise(5, 2, 3, 3)
    assert (flatten([], (3, 2), background) == background).all()


def test_a_mask_alone_claims_its_region_and_paints_nothing() -> None:
    mask = np.zeros((16, 16), np.uint8)
    mask[4:8] = 255
    sheet = sheet_of(None, mask, at(0, 0), 0.5, (16, 16))
    assert not sheet.colour.any()
    assert sheet.alpha[5].tolist() == [0.5] * 16
    assert sheet.alpha.sum() == 4 * 16 * 0.5


def test_a_painted_mask_cuts_a_picture_in_canvas_space() -> None:
    mask = np.zeros((32, 32), np.uint8)
    mask[:, 16:] = 255
    sheet = sheet_of(plain(255, 0, 0, 255, 16), mask, at(8, 8), 1.0, (16, 16))
    assert (sheet.alpha[:, :8] == 0).all()
    assert (sheet.alpha[:, 8:] == 1).all()
    assert np.array_equal(sheet.colour[..., 3], sheet.alpha)


def test_a_scene_looks_like_its_visible_layers() -> None:
    pixels = MemoryPixels()
    red, blue = pixels.add_picture(plain(255, 0, 0)), pixels.add_picture(plain(0, 0, 255))
    layers = [
        Layer(id="back", picture=red, placement=at(20, 20)),
        Layer(id="hidden", picture=blue, placement=at(20, 20), visible=False),
        Layer(id="front", picture=blue, placement=at(24, 24)),
    ]
    flat = flatten_scene(scene_of(layers, 40), pixels)
    assert flat[17, 17].tolist() == [255, 0, 0]
    assert flat[22, 22].tolist() == [0, 0, 255]
    assert flat[0, 0].tolist() == list(GREY)
