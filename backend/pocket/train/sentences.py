"""Right sentences and sentences that are wrong in one thing, as token ids, for the CLIP pair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.train.captions import CaptionMaker
from backend.pocket.train.scenes import SceneWords
from backend.pocket.world.words import PLACES, TEXTURES, build_phrase

Look = tuple[str, str, str]
VALUES = (CLASSES, COLOURS, TEXTURES)
UNSAID, NO_PLACE, WITH_ARTICLE = 0.08, 0.12, 0.5
"""Chances: an object's colour or texture unsaid, a scene's place unsaid, an article before an
object's phrase.
"""
EXCHANGED, OTHER_PLACE = 0.35, 0.2
"""Chances of a wrong sentence: two objects exchange a feature; another place. Else one word of one
object.
"""
WRONG_SHARES = (0.4, 0.4, 0.2)
"""Which word is wrong: class, colour, texture."""


@dataclass(frozen=True)
class ScenePair:
    """Token ids int64 (n, t), cut behind the longest sentence: right and wrong ones; equal where
    none could be made.
    """

    right: Tensor
    wrong: Tensor


def other(values: tuple[str, ...], value: str, random: np.random.Generator) -> str:
    """Another value of the same kind."""
    return values[(values.index(value) + int(random.integers(1, len(values)))) % len(values)]


def wrong_look(look: Look, random: np.random.Generator) -> Look:
    """The look with one of its three features changed."""
    kind = int(random.choice(3, p=WRONG_SHARES))
    changed = list(look)
    changed[kind] = other(VALUES[kind], look[kind], random)
    return (changed[0], changed[1], changed[2])


def wrong_scene(words: SceneWords, random: np.random.Generator) -> SceneWords:
    """The scene with two objects' classes or colours exchanged, another place, or one object's look
    changed.
    """
    looks = list(words.looks)
    if len(looks) > 1 and random.random() < EXCHANGED:
        a, b = (int(k) for k in random.choice(len(looks), 2, replace=False))
        kind = int(random.integers(2))
        first, second = list(looks[a]), list(looks[b])
        first[kind], second[kind] = second[kind], first[kind]
        looks[a], looks[b] = (first[0], first[1], first[2]), (second[0], second[1], second[2])
        return SceneWords(words.background, tuple(looks))
    if random.random() < OTHER_PLACE:
        return SceneWords(other(tuple(PLACES), words.background, random), words.looks)
    k = int(random.integers(len(looks)))
    looks[k] = wrong_look(looks[k], random)
    return SceneWords(words.background, tuple(looks))


def phrase_of(look: Look, omitted: str) -> str:
    """The phrase of a look, whole or without its ``colour`` or ``texture``."""
    class_, colour, texture = look
    if omitted == "texture":
        return f"{colour} {class_}"
    phrase = build_phrase(class_, colour, texture)
    return phrase.split(" ", 1)[1] if omitted == "colour" else phrase


def _pick_absent(random: np.random.Generator) -> str:
    if random.random() >= UNSAID:
        return ""
    return "colour" if random.random() < 0.5 else "texture"


def scene_pair(
    scenes: list[SceneWords], maker: CaptionMaker, random: np.random.Generator
) -> ScenePair:
    """Captions with the objects in any order; the wrong one leaves the same things unsaid as the
    right one.
    """
    right: list[list[int]] = []
    wrong: list[list[int]] = []
    for words in scenes:
        order = [int(k) for k in random.permutation(len(words.looks))]
        unsaid = [_pick_absent(random) for _ in order]
        placeless = random.random() < NO_PLACE
        for made, wanted in ((right, words), (wrong, wrong_scene(words, random))):
            phrases = [
                (k, phrase_of(wanted.looks[k], lack)) for k, lack in zip(order, unsaid, strict=True)
            ]
            made.append(maker.say(phrases, "" if placeless else PLACES[wanted.background])[0])
    return _cut(right, wrong, maker.end)


def objects_pair(looks: list[Look], maker: CaptionMaker, random: np.random.Generator) -> ScenePair:
    """Phrases of single objects, with or without an article."""
    right: list[list[int]] = []
    wrong: list[list[int]] = []
    for look in looks:
        lack, article = _pick_absent(random), random.random() < WITH_ARTICLE
        for made, wanted in ((right, look), (wrong, wrong_look(look, random))):
            ids = maker.say([(0, phrase_of(wanted, lack))], "")[0]
            made.append(ids if article else [ids[0], *ids[2:], maker.end])
    return _cut(right, wrong, maker.end)


def _cut(right: list[list[int]], wrong: list[list[int]], end: int) -> ScenePair:
    ids = torch.tensor([*right, *wrong])
    length = int((ids != end).sum(1).max()) + 1
    a, b = ids[:, :length].chunk(2)
    return ScenePair(a, b)
