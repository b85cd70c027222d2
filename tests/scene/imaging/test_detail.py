"""Canvas detail: the canvas's bytes where nothing changed, none of it where all did; its own forms
in another light; silhouettes.
"""

from __future__ import annotations

import numpy as np
import pytest

from backend.scene.imaging.detail import (
    TOLERATED_CHANGE,
    is_plain,
    measure_sameness,
    restore_detail,
    take_light,
)

CELL_PX = 4


def random_pictures(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """A canvas of 16 × 16 px, and what an autoencoder might make of it."""
    random = np.random.default_rng(seed)
    canvas = random.integers(0, 256, (16, 16, 3)).astype(np.uint8)
    passed = np.clip(canvas + random.integers(-40, 41, canvas.shape), 0, 255).astype(np.uint8)
    return canvas, passed


@pytest.mark.parametrize("seed", range(4))
def test_where_nothing_changed_the_canvas_comes_back_to_the_byte(seed: int) -> None:
    canvas, passed = random_pictures(seed)
    assert np.array_equal(restore_detail(passed, canvas, passed, 1.0, CELL_PX), canvas)


def test_an_amount_of_zero_changes_nothing() -> None:
    canvas, passed = random_pictures(5)
    made = np.random.default_rng(6).integers(0, 256, canvas.shape).astype(np.uint8)
    assert np.array_equal(restore_detail(made, canvas, passed, 0.0, CELL_PX), made)


def test_where_something_else_was_drawn_nothing_of_the_canvas_shines_through() -> None:
    canvas, passed = random_pictures(7)
    made = passed.copy()
    made[:, 8:] = 255 - made[:, 8:] // 4
    restored = restore_detail(made, canvas, passed, 1.0, CELL_PX)
    assert np.array_equal(restored[:, 10:], made[:, 10:])
    assert np.array_equal(restored[:, :2], canvas[:, :2])


def test_the_share_is_the_stated_function_of_the_largest_change_around() -> None:
    """Cells of 1 px, 4 × 4: one differs by τ in all colours, its neighbours see it too."""
    passed = np.zeros((4, 4, 3), np.uint8)
    made = passed.copy()
    made[0, 0] = round(255 * TOLERATED_CHANGE)
    asked = np.ones((4, 4))
    asked[:2, :2] = np.exp(-((round(255 * TOLERATED_CHANGE) / 255 / TOLERATED_CHANGE) ** 2))
    assert measure_sameness(made, passed, 1) == pytest.approx(asked, abs=1e-6)


def test_half_the_amount_gives_half_of_what_was_lost() -> None:
    canvas = np.full((8, 8, 3), 100, np.uint8)
    passed = np.full((8, 8, 3), 80, np.uint8)
    assert (restore_detail(passed, canvas, passed, 0.5, CELL_PX) == 90).all()


def halves() -> np.ndarray:
    """A partition of 16 × 16 px into a left and a right layer: float32 (2, 16, 16)."""
    left = np.zeros((16, 16), np.float32)
    left[:, :8] = 1
    return np.stack([left, 1 - left])


@pytest.mark.parametrize("seed", range(4))
def test_light_that_did_not_change_leaves_the_canvas(seed: int) -> None:
    canvas, passed = random_pictures(seed)
    assert np.array_equal(take_light(passed, canvas, passed, halves(), 3.0), canvas)


def test_a_layer_that_is_darker_as_a_whole_is_darker_by_as_much_and_its_neighbour_stays() -> None:
    canvas, _ = random_pictures(3)
    passed = np.full_like(canvas, 120)
    made = passed.copy()
    made[:, :8] = 90
    lit = take_light(made, canvas, passed, halves(), 3.0)
    assert lit[:, :8] == pytest.approx(canvas[:, :8] - 30.0, abs=1e-3)
    assert lit[:, 8:] == pytest.approx(canvas[:, 8:].astype(float), abs=1e-3)


def test_fine_changes_are_no_light() -> None:
    """A chequered change averages to nothing; a coarse one of the same size comes through."""
    canvas, _ = random_pictures(4)
    passed = np.full_like(canvas, 120)
    chequered = passed.copy()
    chequered[::2, ::2] += 20
    chequered[1::2, 1::2] += 20
    chequered[::2, 1::2] -= 20
    chequered[1::2, ::2] -= 20
    whole = np.ones((1, 16, 16), np.float32)
    lit = take_light(chequered, canvas, passed, whole, 3.0)
    assert np.abs(lit - canvas).max() < 2
    assert take_light(passed + 20, canvas, passed, whole, 3.0) == pytest.approx(canvas + 20.0)


def test_the_4_by_4_example_of_the_light() -> None:
    """Two layers, a blur of 0: each pixel's own change, in its own layer alone."""
    canvas = np.full((4, 4, 3), 100, np.uint8)
    passed = np.full((4, 4, 3), 80, np.uint8)
    made = passed.copy()
    made[0, 0] = 84
    seen = np.zeros((2, 4, 4), np.float32)
    seen[0, :2], seen[1, 2:] = 1, 1
    asked = canvas.astype(float)
    asked[0, 0] = 104
    assert take_light(made, canvas, passed, seen, 0.0) == pytest.approx(asked)


@pytest.mark.parametrize(("spread", "plain"), [(0, True), (3, True), (60, False)])
def test_a_silhouette_has_one_colour(spread: int, plain: bool) -> None:
    random = np.random.default_rng(8)
    picture = np.zeros((32, 32, 4), np.uint8)
    picture[4:28, 4:28, :3] = 120 + random.integers(-spread, spread + 1, (24, 24, 3))
    picture[4:28, 4:28, 3] = 255
    picture[:4] = 200  # a faint haze has any colour
    picture[:4, :, 3] = 9
    assert is_plain(picture) == plain


def test_a_picture_without_a_solid_pixel_is_no_silhouette() -> None:
    assert not is_plain(np.zeros((8, 8, 4), np.uint8))
