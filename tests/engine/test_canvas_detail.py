"""How much of their outline silhouettes keep, and which words name a colour.

What is then drawn: ``tests/scene/imaging/test_detail.py``, ``tests/methods/test_collage.py``.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from backend.engine.canvas_detail import (
    UNSAID_HUES,
    extend_ground,
    find_hues,
    find_outline_share,
)
from backend.models.card import ModelCard
from backend.pocket.examples import CLOTH_COLOURS

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


RED, WHITE = (205, 62, 62), (240, 239, 236)


@pytest.mark.parametrize(
    ("words", "own", "hues"),
    [
        ("a red ball", RED, 1.0),
        ("a blue ball", RED, None),
        ("Navy, striped boat", RED, None),
        ("cat", RED, UNSAID_HUES),
        ("", RED, UNSAID_HUES),
        ("a redwood tree", RED, UNSAID_HUES),
        ("a (teal) mug", WHITE, None),
        ("a white cloud", WHITE, 1.0),
        ("a white cloud", RED, None),
        ("a black cat", WHITE, None),
        ("a black cat", (20, 20, 22), 1.0),
        ("a red and white ball", RED, 1.0),
        ("a crimson heart", (220, 20, 60), 1.0),
    ],
)
def test_words_that_name_a_colour(
    words: str, own: tuple[int, int, int], hues: float | None
) -> None:
    assert find_hues(words, own) == hues


@pytest.mark.parametrize(("name", "own"), sorted(CLOTH_COLOURS.items()))
def test_the_colours_of_the_paper_are_those_that_their_names_say(
    name: str, own: tuple[int, int, int]
) -> None:
    assert find_hues(f"a {name} star", own) == 1.0


def test_the_ground_goes_on_where_an_object_stood() -> None:
    """Half sky, half sand: neither the old object nor its rim is left."""
    picture = np.zeros((80, 80, 3), np.uint8)
    picture[:40], picture[40:] = (150, 200, 240), (240, 220, 170)
    picture[28:52, 28:52] = (200, 30, 30)
    alpha = np.zeros((80, 80), np.float32)
    alpha[30:50, 30:50] = 1
    ground = extend_ground(picture, alpha)
    assert set(map(tuple, ground.reshape(-1, 3))) == {(150, 200, 240), (240, 220, 170)}
    assert np.array_equal(ground[:10], picture[:10])
    assert np.array_equal(extend_ground(picture, np.ones((80, 80), np.float32)), picture)
