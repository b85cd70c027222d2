"""Canvas detail: the canvas's bytes where nothing changed, none of it where all did; its own forms
in another light; silhouettes.
"""

from __future__ import annotations

import numpy as np
import pytest

from backend.scene.imaging.detail import (
    DARKEST,
    TOLERATED_CHANGE,
    fill_outline,
    is_plain,
    luminance,
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


def test_a_layer_that_is_darker_as_a_whole_is_so_by_the_same_share_and_its_neighbour_stays() -> (
    None
):
    canvas, _ = random_pictures(3)
    passed = np.full_like(canvas, 120)
    made = passed.copy()
    made[:, :8] = 90
    lit = take_light(made, canvas, passed, halves(), 3.0)
    darker = (90.0 + DARKEST) / (120.0 + DARKEST)
    assert lit[:, :8] == pytest.approx(canvas[:, :8] * darker, abs=1e-2)
    assert lit[:, 8:] == pytest.approx(canvas[:, 8:].astype(float), abs=1e-2)


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
    assert np.abs(lit - canvas).max() < 4
    brighter = (140.0 + DARKEST) / (120.0 + DARKEST)
    lit = take_light(passed + 20, canvas, passed, whole, 3.0)
    assert lit == pytest.approx(canvas * brighter, abs=1e-2)


def test_light_keeps_every_hue() -> None:
    """A model that paints a red roof green of the same brightness changes nothing."""
    canvas = np.full((16, 16, 3), (200, 40, 40), np.uint8)
    grey = int(luminance(canvas)[0, 0])
    passed = np.full((16, 16, 3), grey, np.uint8)
    green = np.full((16, 16, 3), (0, 118, 80), np.uint8)
    assert luminance(green)[0, 0] == pytest.approx(78.4, abs=0.5)
    whole = np.ones((1, 16, 16), np.float32)
    lit = take_light(green, canvas, passed, whole, 3.0)
    shares = lit / canvas
    assert shares.std() < 1e-3
    assert take_light(passed, canvas, passed, whole, 3.0) == pytest.approx(canvas.astype(float))


def test_the_4_by_4_example_of_the_light() -> None:
    """Two layers, a blur of 0: each pixel's own change, in its own layer alone."""
    canvas = np.full((4, 4, 3), 100, np.uint8)
    passed = np.full((4, 4, 3), 80, np.uint8)
    made = passed.copy()
    made[0, 0] = 84
    seen = np.zeros((2, 4, 4), np.float32)
    seen[0, :2], seen[1, 2:] = 1, 1
    asked = canvas.astype(float)
    asked[0, 0] = 100 * (84 + DARKEST) / (80 + DARKEST)
    assert take_light(made, canvas, passed, seen, 0.0) == pytest.approx(asked)


def disk() -> np.ndarray:
    """A silhouette of 20 px radius in 64 × 64 px, its border half seen: float32."""
    rows, columns = np.mgrid[:64, :64] - 31.5
    return np.clip(20.5 - np.hypot(rows, columns), 0, 1).astype(np.float32)


def test_what_was_made_of_a_silhouette_fills_its_outline_and_takes_its_colour() -> None:
    """The model drew it smaller, in another colour: none of the ground stays inside of it."""
    seen = disk()
    ground = np.full((64, 64, 3), 30, np.uint8)
    canvas = np.where(seen[..., None] > 0.5, np.uint8((200, 60, 60)), ground).astype(np.uint8)
    rows, columns = np.mgrid[:64, :64] - 31.5
    made = ground.copy()
    made[np.hypot(rows, columns) < 14] = (60, 160, 60)
    made[26:30, 26:30] = (120, 220, 120)  # a highlight
    own = fill_outline(made, canvas, ground, seen, 2.0, hues=0.45)
    assert own is not None
    owned = seen > 0.5
    assert own[owned].mean(axis=0) == pytest.approx((200, 60, 60), abs=2)
    assert own[27, 27].sum() > own[40, 40].sum() + 100
    other = fill_outline(made, canvas, ground, seen, 2.0, hues=None)
    assert other is not None
    assert other[owned & (other[..., 1] < 200)] == pytest.approx(
        np.broadcast_to((60, 160, 60), (np.count_nonzero(owned & (other[..., 1] < 200)), 3)), abs=24
    )


def test_a_silhouette_of_which_nothing_was_made_is_not_filled() -> None:
    seen = disk()
    ground = np.full((64, 64, 3), 30, np.uint8)
    canvas = np.where(seen[..., None] > 0.5, np.uint8((200, 60, 60)), ground).astype(np.uint8)
    assert fill_outline(ground, canvas, ground, seen, 2.0, hues=0.45) is None
    assert fill_outline(canvas, canvas, ground, seen * 0, 2.0, hues=0.45) is None


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
