"""Canvas detail: the canvas's bytes where nothing changed, none of it where all did."""

from __future__ import annotations

import numpy as np
import pytest

from backend.scene.imaging.detail import TOLERATED_CHANGE, measure_sameness, restore_detail

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
