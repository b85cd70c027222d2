"""A picture that is made in other proportions than the canvas has is said to be, with what fits."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from backend.plan.notes import size_notes
from backend.scene.scene import Scene
from tests.plan.word_card import WordCard

CARD = replace(WordCard(), native_px=512, size_multiple_px=128)


def list_notes(width_px: int, height_px: int) -> list[str]:
    """The notes on the proportions of a canvas."""
    scene = Scene(width_px=width_px, height_px=height_px)
    return [note.text for note in size_notes(scene, CARD) if note.code == "stretched"]


@pytest.mark.parametrize(
    ("size", "words"),
    [
        ((512, 768), "11 % wider"),
        ((768, 512), "11 % taller"),
        ((1920, 1080), "7 % wider"),
        ((1080, 1920), "7 % taller"),
        ((500, 520), "4 % taller"),
    ],
)
def test_other_proportions_are_said(size: tuple[int, int], words: str) -> None:
    (text,) = list_notes(*size)
    assert f"The picture is shown {words} than it is made" in text
    found = re.search(r"A canvas of (\d+) × (\d+) px", text)
    assert found is not None
    assert list_notes(int(found[1]), int(found[2])) == []


@pytest.mark.parametrize("size", [(512, 512), (1000, 1000), (640, 384), (1280, 768), (512, 515)])
def test_the_same_proportions_are_not(size: tuple[int, int]) -> None:
    assert list_notes(*size) == []
