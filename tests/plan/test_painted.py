"""What is said of painted masks before TCIG draws them."""

from __future__ import annotations

import numpy as np
import pytest

from backend.plan.painted import names_one, notes_on_painted, runs_of, with_painted
from backend.plan.plan import Note
from backend.plan.survey import survey
from backend.scene.blobs import MemoryPixels
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene
from tests.studio.scripted import ScriptedCard

SIDE = 128
CLASSES = ("bear", "cat", "traffic light")


def box(top: int, left: int, height: int, width: int) -> np.ndarray:
    mask = np.zeros((SIDE, SIDE), np.uint8)
    mask[top : top + height, left : left + width] = 255
    return mask


def note_codes(
    *layers: tuple[str, str, np.ndarray], classes: tuple[str, ...] | None = CLASSES
) -> list[tuple[str, str]]:
    """(layer, code) of painted layers (phrase, class, mask)."""
    pixels = MemoryPixels()
    place = Placement(centre_x_px=SIDE / 2, centre_y_px=SIDE / 2)
    made = tuple(
        Layer(
            id=f"m{number}",
            phrase=phrase,
            class_label=label,
            mask=pixels.add_mask(mask),
            placement=place,
        )
        for number, (phrase, label, mask) in enumerate(layers)
    )
    scene = Scene(width_px=SIDE, height_px=SIDE, layers=made)
    seen = survey(scene, ScriptedCard(), pixels).layers
    return [(note.layer_id, note.code) for note in notes_on_painted(seen, classes)]


BIG = box(8, 8, 60, 60)


def test_a_named_mask_of_some_size_needs_no_word() -> None:
    assert note_codes(("a brown bear", "", BIG), ("", "cat", box(70, 70, 50, 50))) == []


def test_a_mask_without_a_class_and_a_class_nobody_knows() -> None:
    assert note_codes(("", "", BIG)) == [("m0", "no_class")]
    assert note_codes(("a green walrus", "", BIG), ("", "", box(70, 70, 50, 50))) == [
        ("m0", "unknown_class"),
        ("m1", "no_class"),
    ]
    assert note_codes(("a green walrus", "", BIG), classes=None) == []


def test_a_class_without_a_mask() -> None:
    assert note_codes(("", "cat", np.zeros((SIDE, SIDE), np.uint8))) == [("m0", "no_mask")]


def test_masks_that_overlap_are_told_of_at_the_lower_one() -> None:
    assert note_codes(("bear", "", BIG), ("cat", "", box(8, 38, 60, 60))) == [("m0", "overlap")]
    assert note_codes(("bear", "", BIG), ("cat", "", box(8, 62, 60, 60))) == []
    assert note_codes(("bear", "", BIG), ("cat", "", BIG)) == []  # covered, which the survey says


def test_a_tiny_mask() -> None:
    assert note_codes(("bear", "", box(8, 8, 20, 20))) == [("m0", "tiny")]
    assert (
        note_codes(("bear", "", box(8, 8, 2, 2))) == []
    )  # too small to take part, which the survey says


def test_pictures_and_hidden_layers_are_no_masks() -> None:
    pixels = MemoryPixels()
    place = Placement(centre_x_px=20, centre_y_px=20)
    toy = pixels.add_picture(np.full((9, 9, 4), 255, np.uint8))
    picture = Layer(id="a", picture=toy, placement=place)
    hidden = Layer(id="b", mask=pixels.add_mask(BIG), placement=place, visible=False)
    scene = Scene(width_px=SIDE, height_px=SIDE, layers=(picture, hidden))
    assert notes_on_painted(survey(scene, ScriptedCard(), pixels).layers, CLASSES) == ()


def test_what_is_said_better_is_said_once() -> None:
    empty, other = (
        Note(code="empty", layer_id="a", text="."),
        Note(code="empty", layer_id="b", text="."),
    )
    mine = Note(code="no_mask", layer_id="a", text="!")
    assert with_painted((empty, other), (mine,)) == (mine, other)


@pytest.mark.parametrize(
    ("words", "known"),
    [
        ("a red Cat", True),
        ("two cats", True),
        ("traffic light", True),
        ("traffic jam", False),
        ("", False),
    ],
)
def test_a_phrase_names_a_class_by_any_of_its_words(words: str, known: bool) -> None:
    assert names_one(words, CLASSES) == known
    assert names_one(words, ("auto, automobile", "cats, cat", "traffic light")) == known


def test_the_longest_run_of_words_comes_first_and_then_the_last() -> None:
    assert list(runs_of("Red cat here")) == [
        "red cat here",
        "cat here",
        "red cat",
        "here",
        "cat",
        "red",
    ]
