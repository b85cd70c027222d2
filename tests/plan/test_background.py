"""What a prompt says without its objects."""

from __future__ import annotations

import pytest

from backend.plan.phrases import background_words, phrase_in


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


def test_a_phrase_takes_its_article_from_the_prompt() -> None:
    prompt = "an orange ball, the red cat and snow on a beach"
    assert phrase_in(prompt, "orange ball") == "an orange ball"
    assert phrase_in(prompt, "Red cat") == "the red cat"
    assert phrase_in(prompt, "snow") == "snow"
    assert phrase_in(prompt, "blue house") == "blue house"
    assert phrase_in(prompt, "") == ""
