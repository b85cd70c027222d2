"""How much of their outline silhouettes keep, and which words name a colour.

What is then drawn: ``tests/scene/imaging/test_detail.py``, ``tests/methods/test_collage.py``.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from backend.engine.canvas_detail import find_outline_share, says_colour
from backend.models.card import ModelCard

TRUSTED = cast(ModelCard, SimpleNamespace(light_only=0.45))


@pytest.mark.parametrize(
    ("strength", "share"),
    [(0.0, 0.0), (0.45, 0.0), (0.525, 0.5), (0.6, 1.0), (0.8, 1.0), (0.925, 0.5), (1.0, 0.0)],
)
def test_an_outline_is_kept_between_light_alone_and_all_is_free(
    strength: float, share: float
) -> None:
    assert float(find_outline_share(strength, TRUSTED)) == pytest.approx(share, abs=1e-6)


def test_a_painted_strength_keeps_the_outline_pixel_by_pixel() -> None:
    painted = np.array([[0.0, 0.6], [0.8, 1.0]])
    assert find_outline_share(painted, TRUSTED) == pytest.approx(
        np.array([[0.0, 1.0], [1.0, 0.0]]), abs=1e-6
    )


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("a red ball", True),
        ("Navy, striped boat", True),
        ("cat", False),
        ("", False),
        ("a redwood tree", False),
        ("a (teal) mug", True),
    ],
)
def test_words_that_name_a_colour(words: str, says: bool) -> None:
    assert says_colour(words) == says
