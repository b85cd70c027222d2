"""Where the mark of a subject comes to stand in the words of a scene."""

from __future__ import annotations

import pytest

from backend.errors import RequestError
from backend.plan.subjects import personal_scene
from backend.scene.scene import Scene, build_scene


def scene(prompt: str, *phrases: str, hidden: tuple[int, ...] = ()) -> Scene:
    layers = [
        {
            "id": f"l{index}",
            "picture": "a" * 64,
            "phrase": phrase,
            "visible": index not in hidden,
            "placement": {"centre_x_px": 64, "centre_y_px": 64},
        }
        for index, phrase in enumerate(phrases)
    ]
    return build_scene({"width_px": 128, "height_px": 128, "prompt": prompt, "layers": layers})


def mark(made: Scene, layer: int, word: str = "cat") -> tuple[str, str]:
    found = personal_scene(made, made.layers[layer], word)
    assert [one.phrase for at, one in enumerate(found.layers) if at != layer] == [
        one.phrase for at, one in enumerate(made.layers) if at != layer
    ]
    return found.prompt, found.layers[layer].phrase


def test_the_mark_takes_the_class_words_place_in_the_layers_own_phrase() -> None:
    two = scene("a grey cat and a red Cat on a mat", "grey cat", "red cat")
    assert mark(two, 0) == ("a grey <*> and a red Cat on a mat", "grey <*>")
    assert mark(two, 1) == ("a grey cat and a red <*> on a mat", "red <*>")


def test_layers_with_one_phrase_have_an_occurrence_each() -> None:
    twins = scene("a cat, a house and a cat", "cat", "house", "cat")
    assert mark(twins, 0)[0] == "a <*>, a house and a cat"
    assert mark(twins, 2)[0] == "a cat, a house and a <*>"
    assert mark(scene("a cat and a cat", "cat", "cat", hidden=(0,)), 1)[0] == "a <*> and a cat"


def test_a_phrase_without_the_class_word_is_replaced_and_one_that_is_missing_refused() -> None:
    assert mark(scene("Tom in the snow", "Tom"), 0) == ("<*> in the snow", "<*>")
    assert mark(scene("a catfish and a cat", ""), 0) == ("a catfish and a <*>", "<*>")
    assert mark(scene("", "black cat"), 0) == ("", "black <*>")
    with pytest.raises(RequestError, match="“cat” does not stand in the prompt"):
        mark(scene("a house", "cat"), 0)
    with pytest.raises(RequestError, match="“cat” does not stand"):
        mark(scene("a house", ""), 0)
