"""Forms: where an object stands, whatever its place and size, and what it is nearest to."""

from __future__ import annotations

import numpy as np
import pytest

from backend.metrics.silhouette import (
    SIDE,
    build_form,
    find_standing,
    form_distances,
    form_score,
)
from tests.metrics.rules import build_rule, draw_bar, draw_disc


def test_a_form_knows_neither_place_nor_size() -> None:
    first, second = build_form(draw_disc(0.3, 0.4, 0.2)), build_form(draw_disc(0.6, 0.5, 0.3))
    assert first is not None
    assert second is not None
    assert first.shape == (SIDE, SIDE)
    assert np.abs(first - second).mean() < 0.06
    assert first[SIDE // 2, SIDE // 2] > 0.9 > -0.9 > first[0, 0]


def test_next_to_nothing_has_no_form() -> None:
    assert build_form(np.zeros((64, 64), bool)) is None


@pytest.mark.parametrize(("drawn", "asked"), [(draw_disc(0.4, 0.6, 0.2), 0), (draw_bar(0.4), 1)])
def test_the_nearest_class_is_what_was_drawn(drawn: np.ndarray, asked: int) -> None:
    form = build_form(drawn)
    assert form is not None
    distances = form_distances(form, build_rule().forms)
    assert int(distances.argmin()) == asked
    assert form_score(distances, asked) > 0.8
    assert form_score(distances, 1 - asked) < 0.2


def test_equally_near_is_one_half() -> None:
    assert form_score(np.array([0.2, 0.2, 0.5], np.float32), 0) == pytest.approx(0.5)


def test_what_stands_is_the_piece_that_covers_the_place_without_its_neighbours() -> None:
    place, neighbour = draw_disc(0.3, 0.5, 0.2), draw_disc(0.75, 0.5, 0.2)
    crumb = draw_disc(0.12, 0.5, 0.02)
    standing = find_standing(place | neighbour | crumb, place, neighbour)
    assert np.array_equal(standing, place)
    assert not find_standing(neighbour, place, neighbour).any()
    assert not find_standing(place, np.zeros_like(place), neighbour).any()
