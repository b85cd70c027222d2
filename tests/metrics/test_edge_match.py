"""Edge F1: whole, shifted, missing and superfluous lines."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.metrics.outline import edge_f1
from backend.scene.imaging.edges import canny

ALL = np.ones((40, 40), bool)


def square(left: int, top: int = 10, side: int = 16) -> np.ndarray:
    picture = np.full((40, 40, 3), 30, np.uint8)
    picture[top : top + side, left : left + side] = 220
    return picture


def test_equal_and_neighbouring_lines_are_found() -> None:
    asked = canny(square(10))
    assert edge_f1(square(10), asked, ALL) == 1
    assert edge_f1(square(11), asked, ALL) == pytest.approx(1, abs=0.02)
    assert edge_f1(square(14), asked, ALL) < 0.75


def test_nothing_found_is_nought_and_nothing_asked_is_no_figure() -> None:
    assert edge_f1(np.zeros((40, 40, 3), np.uint8), canny(square(10)), ALL) == 0
    assert math.isnan(edge_f1(square(10), np.zeros((40, 40), bool), ALL))


def test_superfluous_lines_cost_precision_but_not_elsewhere() -> None:
    asked = canny(square(4, side=12))
    both = np.maximum(square(4, side=12), square(24, side=12))
    assert edge_f1(both, asked, ALL) == pytest.approx(2 / 3, abs=0.05)
    near = np.zeros((40, 40), bool)
    near[:, :20] = True
    assert edge_f1(both, asked, near) == pytest.approx(1, abs=0.05)
