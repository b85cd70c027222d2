"""The words of a scene when one of its layers is a personal subject: a mark stands where the class
word did.
"""

from __future__ import annotations

import re

from backend.errors import RequestError
from backend.plan.phrases import normalise, occurrences
from backend.scene.layer import Layer
from backend.scene.scene import Scene

MARK = "<*>"
"""Where a subject stands in a prompt; ``engine/subject_words.py`` reads it."""


def personal_scene(scene: Scene, layer: Layer, class_word: str) -> Scene:
    """The scene in whose prompt, and in whose layer, the mark stands instead of the class word.

    The layer's phrase is found in the prompt; of layers with the same phrase each has its own
    occurrence, from back to front. A phrase without the class word is replaced as a whole. A
    RequestError when the prompt holds neither.
    """
    phrase = " ".join(normalise(layer.phrase).split())
    prompt = normalise(scene.prompt)
    marked = _mark(phrase, class_word) if phrase else MARK
    if not prompt.strip():
        return _write_phrase(scene, layer, "", marked)
    places = occurrences(prompt, phrase)
    if places:
        start, end = places[min(_order(scene, layer), len(places) - 1)]
        return _write_phrase(scene, layer, prompt[:start] + marked + prompt[end:], marked)
    if not phrase and occurrences(prompt, class_word):
        return _write_phrase(scene, layer, _mark(prompt, class_word), marked)
    raise RequestError(
        (
            f"“{phrase or class_word}” does not stand in the prompt, so the subject has no place "
            "in it."
        ),
        limit=f"A subject layer is drawn from the prompt's words; this subject is a {class_word}.",
        remedy="Add its phrase to the prompt.",
    )


def _mark(text: str, class_word: str) -> str:
    """The text with the mark in place of its first class word, or the mark alone."""
    found, count = re.subn(
        rf"\b{re.escape(class_word)}\b", MARK, text, count=1, flags=re.IGNORECASE
    )
    return found if count else MARK


def _order(scene: Scene, layer: Layer) -> int:
    """How many layers with the same phrase lie behind this one, hidden ones left out."""
    wanted = layer.phrase.strip().lower()
    shown = [
        each for each in scene.layers if each.visible and each.phrase.strip().lower() == wanted
    ]
    return next((index for index, each in enumerate(shown) if each.id == layer.id), 0)


def _write_phrase(scene: Scene, layer: Layer, prompt: str, phrase: str) -> Scene:
    layers = tuple(
        each.model_copy(update={"phrase": phrase}) if each.id == layer.id else each
        for each in scene.layers
    )
    return scene.model_copy(update={"prompt": prompt, "layers": layers})
