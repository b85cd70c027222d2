"""Placing pictures: exact where nothing needs blending, sound where it does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.scene.layer import Placement
from backend.scene.placing import copy_corner, place, place_alpha, place_cells
from tests.scene.drawings import at, noise, plain


def premultiply(picture: np.ndarray) -> np.ndarray:
    """What an exact copy must look like: float, 0..1; the colour is rounded to 8 bits once."""
    alpha = picture[..., 3:].astype(np.float64)
    colour = np.floor(picture[..., :3] * alpha / 255 + 0.5)
    return np.concatenate([colour, alpha], axis=2) / 255


def test_a_picture_in_its_place_is_copied() -> None:
    picture = noise(1, 10, 14)
    canvas = place(picture, at(9, 8), 20, 20)
    assert np.abs(canvas[3:13, 2:16] - premultiply(picture)).max() < 1e-6
    canvas[3:13, 2:16] = 0
    assert not canvas.any()


@pytest.mark.parametrize(
    ("degrees", "flip_x", "flip_y", "moved"),
    [
        (90.0, False, False, lambda a: np.rot90(a, -1)),
        (180.0, False, False, lambda a: np.rot90(a, 2)),
        (-90.0, False, False, lambda a: np.rot90(a, 1)),
        (0.0, True, False, lambda a: a[:, ::-1]),
        (0.0, False, True, lambda a: a[::-1]),
        (90.0, True, False, lambda a: np.rot90(a[:, ::-1], -1)),
    ],
)
def test_quarter_turns_and_flips_move_pixels_without_blending(
    degrees, flip_x, flip_y, moved
) -> None:  # type: ignore[no-untyped-def]
    picture = noise(2, 12, 12)
    canvas = place(picture, at(10, 10, rotation_deg=degrees, flip_x=flip_x, flip_y=flip_y), 20, 20)
    assert np.abs(canvas[4:16, 4:16] - premultiply(moved(picture))).max() < 1e-6


def test_a_turn_is_clockwise_on_the_screen() -> None:
    picture = plain(0, 0, 0, 255, 11)
    picture[:, 8:] = (255, 0, 0, 255)  # red on the right
    canvas = place(picture, at(16, 16, rotation_deg=90), 32, 32)
    assert canvas[20, 16, 0] == 1.0  # now below
    assert canvas[12, 16, 0] == 0.0


@pytest.mark.parametrize("scale", [0.11, 0.5, 1.0, 3.7, 40.0])
@pytest.mark.parametrize("degrees", [0.0, 90.0])
def test_a_picture_that_fills_the_canvas_is_opaque_to_the_border(
    scale: float, degrees: float
) -> None:
    picture = plain(200, 100, 50, 255, 12)
    side = round(12 * scale)
    canvas = place(
        picture,
        at(side / 2, side / 2, scale_x=side / 12, scale_y=side / 12, rotation_deg=degrees),
        side,
        side,
    )
    assert canvas[..., 3].min() == 1.0
    assert np.abs(canvas[..., :3] * 255 - (200, 100, 50)).max() < 1e-3


@given(
    st.floats(20, 44),
    st.floats(20, 44),
    st.floats(0.3, 1.2),
    st.floats(0.3, 1.2),
    st.floats(-180, 180),
    st.booleans(),
)
def test_the_area_of_a_placed_rectangle_is_right(
    x: float, y: float, scale_x: float, scale_y: float, degrees: float, flip: bool
) -> None:
    placement = at(x, y, scale_x=scale_x, scale_y=scale_y, rotation_deg=degrees, flip_x=flip)
    alpha = place_alpha(plain(9, 9, 9, 255, 20), placement, 64, 64)
    assert alpha.sum() == pytest.approx(400 * scale_x * scale_y, rel=0.02)


@given(
    st.floats(-20, 84),
    st.floats(-20, 84),
    st.floats(0.02, 6),
    st.floats(0.02, 6),
    st.floats(-360, 360),
)
def test_values_stay_in_range_and_alpha_bounds_colour(
    x: float, y: float, scale_x: float, scale_y: float, degrees: float
) -> None:
    picture = noise(3, 17, 23)
    placement = Placement(
        centre_x_px=x, centre_y_px=y, scale_x=scale_x, scale_y=scale_y, rotation_deg=degrees
    )
    canvas = place(picture, placement, 64, 50)
    assert canvas.shape == (50, 64, 4)
    assert canvas.dtype == np.float32
    assert canvas.min() >= 0.0
    assert canvas.max() <= 1.0
    assert (canvas[..., :3] <= canvas[..., 3:]).all()
    assert np.array_equal(canvas[..., 3], place_alpha(picture, placement, 64, 50))
    box, cells = place_cells(picture, placement, 64, 50)
    assert np.array_equal(canvas[box[1] : box[3], box[0] : box[2]], cells)


def test_shrinking_averages_instead_of_picking() -> None:
    rows, columns = np.indices((240, 240))
    picture = plain(0, 0, 0, 255, 240)
    picture[(rows + columns) % 2 == 0, :3] = 255
    for degrees in (0.0, 27.0):
        canvas = place(picture, at(20, 20, scale_x=0.1, scale_y=0.1, rotation_deg=degrees), 40, 40)
        inner = canvas[14:26, 14:26, :3]
        assert abs(inner.mean() - 0.5) < 0.02
        assert inner.std() < 0.03


def test_a_smooth_ramp_turns_as_the_formula_says() -> None:
    x = np.arange(60) + 0.5
    picture = plain(0, 0, 0, 255, 60)
    picture[..., 0] = np.round(4 * x)[None, :]
    canvas = place(picture, at(40, 40, rotation_deg=30), 80, 80)
    column, row = 47, 33
    along = np.cos(np.radians(30)) * (column + 0.5 - 40) + np.sin(np.radians(30)) * (row + 0.5 - 40)
    assert canvas[row, column, 0] * 255 == pytest.approx(4 * (30 + along), abs=2.0)


def test_placing_twice_gives_the_same_bits() -> None:
    picture, placement = noise(4, 50, 40), at(30.3, 22.2, scale_x=0.7, scale_y=1.3, rotation_deg=12)
    assert (
        place(picture, placement, 64, 64).tobytes() == place(picture, placement, 64, 64).tobytes()
    )


def test_off_the_canvas_is_nothing() -> None:
    assert not place(plain(1, 2, 3), at(500, 500), 64, 64).any()
    assert place_cells(plain(1, 2, 3), at(-500, 5), 64, 64)[1].size == 0


def test_copied_tells_whole_pixel_places_only() -> None:
    picture = plain(1, 2, 3, 255, 10)
    assert copy_corner(picture, at(7, 9)) == (2, 4)
    assert copy_corner(picture, at(7.5, 9)) is None
    assert copy_corner(picture, at(7, 9, rotation_deg=90)) is None
    assert copy_corner(picture, at(7, 9, flip_x=True)) is None
    assert copy_corner(picture, at(7, 9, scale_x=2)) is None


@given(
    st.floats(-32768, 32768) | st.floats(-1, 17),
    st.floats(-32768, 32768) | st.floats(-1, 17),
    st.floats(0, 1000, exclude_min=True),
    st.floats(0, 1000, exclude_min=True),
    st.sampled_from([0.0, 90.0, -180.0, 33.0]),
)
def test_no_placement_is_too_extreme(
    x: float, y: float, scale_x: float, scale_y: float, degrees: float
) -> None:
    picture = plain(255, 255, 255, 255, 3)
    canvas = place(
        picture, at(x, y, scale_x=scale_x, scale_y=scale_y, rotation_deg=degrees), 16, 16
    )
    assert np.isfinite(canvas).all()
    assert np.abs(canvas[..., 0] - canvas[..., 3]).max() < 1e-6
