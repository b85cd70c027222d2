"""Placement maths against an independent formula (complex numbers instead of matrices)."""

from __future__ import annotations

import cmath
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.scene.geometry import (
    PixelBox,
    bounding_box,
    cells_of,
    source_to_canvas,
    turn,
    with_scale,
)
from backend.scene.layer import Placement

sides = st.integers(1, 300)
placements = st.builds(
    Placement,
    centre_x_px=st.floats(-500, 500),
    centre_y_px=st.floats(-500, 500),
    scale_x=st.floats(0.01, 20),
    scale_y=st.floats(0.01, 20),
    rotation_deg=st.one_of(
        st.floats(-360, 360), st.sampled_from([0.0, 90.0, -90.0, 180.0, 270.0, 360.0])
    ),
    flip_x=st.booleans(),
    flip_y=st.booleans(),
)


def landing(placement: Placement, x: float, y: float) -> complex:
    """Where the point (x, y), measured from the picture's centre, lands: x + iy on the canvas, y
    down.
    """
    mirrored = complex(-x if placement.flip_x else x, -y if placement.flip_y else y)
    sized = complex(mirrored.real * placement.scale_x, mirrored.imag * placement.scale_y)
    turned = sized * cmath.exp(1j * math.radians(placement.rotation_deg))
    return complex(placement.centre_x_px, placement.centre_y_px) + turned


@given(placements, sides, sides, st.floats(0, 1), st.floats(0, 1))
def test_a_source_point_lands_where_the_placement_says(
    placement: Placement, width: int, height: int, across: float, down: float
) -> None:
    x, y = across * width, down * height
    wanted = landing(placement, x - width / 2, y - height / 2)
    assert source_to_canvas(placement, width, height).apply(x, y) == pytest.approx(
        (wanted.real, wanted.imag), abs=1e-6
    )


@given(placements, sides, sides)
def test_the_box_holds_the_corners_and_touches_them(
    placement: Placement, width: int, height: int
) -> None:
    corners = [
        landing(placement, sx * width / 2, sy * height / 2) for sx in (-1, 1) for sy in (-1, 1)
    ]
    xs, ys = [corner.real for corner in corners], [corner.imag for corner in corners]
    wanted = (min(xs), min(ys), max(xs), max(ys))
    assert bounding_box(placement, width, height) == pytest.approx(wanted, abs=1e-6)


@given(placements, sides, sides, st.floats(0.1, 8))
def test_an_even_stretch_moves_every_corner_by_its_factor(
    placement: Placement, width: int, height: int, factor: float
) -> None:
    before, after = (
        source_to_canvas(placement, width, height),
        source_to_canvas(with_scale(placement, factor, factor), width, height),
    )
    for x, y in ((0, 0), (width, 0), (width, height)):
        moved = after.apply(x, y)
        assert moved == pytest.approx(tuple(factor * part for part in before.apply(x, y)), abs=1e-6)


@pytest.mark.parametrize("rotation", [0.0, 90.0, 180.0, -90.0])
def test_an_uneven_stretch_is_exact_for_quarter_turns(rotation: float) -> None:
    placement = Placement(
        centre_x_px=10, centre_y_px=20, scale_x=2, scale_y=3, rotation_deg=rotation, flip_x=True
    )
    before = source_to_canvas(placement, 5, 7)
    after = source_to_canvas(with_scale(placement, 1.5, 0.5), 5, 7)
    for x, y in ((0, 0), (5, 0), (0, 7)):
        there = before.apply(x, y)
        assert after.apply(x, y) == pytest.approx((1.5 * there[0], 0.5 * there[1]))


def test_an_uneven_stretch_of_a_turned_picture_keeps_its_x_axis() -> None:
    placement = Placement(centre_x_px=0, centre_y_px=0, rotation_deg=30)
    before, after = (
        source_to_canvas(placement, 0, 0),
        source_to_canvas(with_scale(placement, 1.05, 1.0), 0, 0),
    )
    there = before.apply(1, 0)
    assert after.apply(1, 0) == pytest.approx((1.05 * there[0], there[1]))


def test_quarter_turns_are_exact() -> None:
    assert [turn(degrees) for degrees in (0, 90, 180, 270, -90)] == [
        (1, 0),
        (0, 1),
        (-1, 0),
        (0, -1),
        (0, -1),
    ]
    assert turn(45) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)))


def test_cells_are_cut_to_the_canvas() -> None:
    assert cells_of(PixelBox(-3.5, 2.2, 5.1, 99.0), 10, 20) == (0, 2, 6, 20)
    x0, _, x1, _ = cells_of(PixelBox(12.0, 0.0, 15.0, 5.0), 10, 20)
    assert x1 <= x0
