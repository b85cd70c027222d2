"""What a prompt says without its objects."""

from __future__ import annotations

import pytest

from backend.plan.background import background_words


@pytest.mark.parametrize(
    ("prompt", "phrases", "left"),
    [
        ("a red cat and a blue house at night", ("red cat", "blue house"), "at night"),
        (
            "a blue car, a yellow striped cat and a red mushroom in a room",
            ("red mushroom", "yellow striped cat", "blue car"),
            "in a room",
        ),
        ("a red cat", ("red cat",), ""),
        ("A Red Cat on a beach", ("red cat",), "on a beach"),
        ("a meadow with an orange ball", ("orange ball",), "a meadow with"),
        ("a cathedral and a cat", ("cat",), "a cathedral"),
        ("a quiet meadow", (), "a quiet meadow"),
        ("a red cat and a red cat in the snow", ("red cat", "red cat"), "in the snow"),
    ],
)
def test_the_place_is_left(prompt: str, phrases: tuple[str, ...], left: str) -> None:
    assert background_words(prompt, phrases) == left
