"""The world's vocabulary: classes, colours, textures, backgrounds, and the sentences made of
them.
"""

from __future__ import annotations

from collections.abc import Sequence

from backend.models.judge_classes import CLASSES, COLOURS

TEXTURES: tuple[str, ...] = ("plain", "striped", "dotted", "checked")
PLACES: dict[str, str] = {
    "meadow": "on a meadow",
    "sea": "in the sea",
    "night": "at night",
    "beach": "on a beach",
    "room": "in a room",
    "snow": "in the snow",
}
BACKGROUNDS: tuple[str, ...] = tuple(PLACES)
SMALL_WORDS: tuple[str, ...] = ("a", "an", "and", "on", "in", "the", "at")

HELD_OUT_PERIOD = 16
"""One combination in 16 (6.25 %) is kept out of training; 32 of the 512."""


def is_held_out(class_: str, colour: str, texture: str) -> bool:
    """Whether a combination is never drawn for training.

    The three factors are odd, so that the kept-out combinations spread evenly over classes, colours
    and textures.
    """
    number = 5 * CLASSES.index(class_) + 3 * COLOURS.index(colour) + 7 * TEXTURES.index(texture)
    return number % HELD_OUT_PERIOD == 3


def build_phrase(class_: str, colour: str, texture: str) -> str:
    """What names one object, without an article: ``orange dotted cat``; ``orange cat`` where the
    texture is plain.
    """
    return f"{colour} {class_}" if texture == "plain" else f"{colour} {texture} {class_}"


def with_article(phrase: str) -> str:
    """The phrase with the indefinite article that its first letter asks for."""
    return f"{'an' if phrase[0] in 'aeiou' else 'a'} {phrase}"


def build_caption(phrases: Sequence[str], background: str) -> str:
    """One sentence for a scene: ``a blue car, a yellow striped cat and a red mushroom in a
    room``.
    """
    named = [with_article(phrase) for phrase in phrases]
    if len(named) > 1:
        named = [", ".join(named[:-1]) + " and " + named[-1]]
    return " ".join([*named, PLACES[background]])
