"""Diversity: its ends and an example by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from backend.metrics.distribution import centre_variance, inception_score


def test_equal_pictures_score_one_and_all_different_ones_their_number() -> None:
    assert inception_score(np.tile([0.2, 0.3, 0.5], (4, 1))) == pytest.approx(1.0)
    assert inception_score(np.eye(5)) == pytest.approx(5.0)
    assert 1.0 < inception_score(np.array([[3.0, 1.0], [1.0, 3.0]])) < 2.0


def test_centres_by_hand() -> None:
    assert centre_variance([(0, 0, 10, 10)] * 3, (100, 50)) == pytest.approx(0.0)
    assert centre_variance([(0, 0, 20, 20), (40, 0, 60, 20)], (100, 100)) == pytest.approx(
        0.2**2 / 2
    )
    assert math.isnan(centre_variance([], (100, 100)))
