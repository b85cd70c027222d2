"""Training captions as token ids, with the object that owns each token."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from transformers import CLIPTokenizer

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.train.scenes import SceneWords
from backend.pocket.world.words import PLACES, build_phrase, with_article

OPEN, SHARED = -2, -1
"""Owners that are no object: the start token, seen from everywhere, and all words that belong to no
object.
"""
CAPTION_DROP, NOUN_ALONE, WORD_DROP, PLACE_DROP = 0.10, 0.10, 0.08, 0.08
"""Chances: an empty caption (for guidance), an object's class alone ("a cat"), one object's colour
or texture left unsaid, the place left unsaid.
"""


@dataclass(frozen=True)
class Captions:
    """ids int64 (b, tokens); owners int64 (b, tokens): ``OPEN``, ``SHARED`` or the number of an
    object in its scene.
    """

    ids: Tensor
    owners: Tensor


class CaptionMaker:
    """Builds captions token by token; equal to the tokenizer's own result for the same sentence."""

    def __init__(self, tokenizer: CLIPTokenizer) -> None:
        self.length = int(tokenizer.model_max_length)
        self.start, self.end = int(tokenizer.bos_token_id), int(tokenizer.eos_token_id)
        self._known: dict[str, list[int]] = {}
        self._tokenizer = tokenizer

    def _tokens(self, text: str) -> list[int]:
        if text not in self._known:
            self._known[text] = self._tokenizer(text, add_special_tokens=False)["input_ids"]
        return self._known[text]

    def say(self, phrases: list[tuple[int, str]], place: str) -> tuple[list[int], list[int]]:
        """Ids and owners of one caption from (object, phrase) pairs, in the order of the pairs."""
        ids, owners = [self.start], [OPEN]

        def add(text: str, owner: int) -> None:
            ids.extend(self._tokens(text))
            owners.extend([owner] * len(self._tokens(text)))

        for k, (owner, phrase) in enumerate(phrases):
            if k:
                add("and" if k == len(phrases) - 1 else ",", SHARED)
            article, phrase = with_article(phrase).split(" ", 1)
            add(article, SHARED)
            add(phrase, owner)
        add(place, SHARED)
        ids, owners = ids[: self.length - 1], owners[: self.length - 1]
        rest = self.length - len(ids)
        return ids + [self.end] * rest, owners + [SHARED] * rest

    def build(self, scenes: list[SceneWords], random: np.random.Generator | None) -> Captions:
        """Captions of a batch; with a generator: shuffled, with words and whole captions dropped;
        without: exact.
        """
        made = [self._caption(words, random) for words in scenes]
        return Captions(torch.tensor([m[0] for m in made]), torch.tensor([m[1] for m in made]))

    def _caption(
        self, words: SceneWords, random: np.random.Generator | None
    ) -> tuple[list[int], list[int]]:
        place = PLACES[words.background]
        if random is None:
            return self.say([(k, build_phrase(*look)) for k, look in enumerate(words.looks)], place)
        if random.random() < CAPTION_DROP:
            return self.say([], "")
        order = random.permutation(len(words.looks))
        phrases = [(int(k), _shorten(random, *words.looks[k])) for k in order]
        return self.say(phrases, "" if random.random() < PLACE_DROP else place)


def _shorten(random: np.random.Generator, class_: str, colour: str, texture: str) -> str:
    """The phrase, now and then without its colour or its texture."""
    if random.random() < NOUN_ALONE:
        return class_
    if random.random() < WORD_DROP:
        return class_ if texture == "plain" else f"{texture} {class_}"
    if random.random() < WORD_DROP:
        return f"{colour} {class_}"
    return build_phrase(class_, colour, texture)


def swap_classes(words: SceneWords) -> SceneWords:
    """The same scene described with other classes (each moved on by five)."""
    return SceneWords(
        words.background,
        tuple((CLASSES[(CLASSES.index(c) + 5) % len(CLASSES)], o, t) for c, o, t in words.looks),
    )


def swap_colours(words: SceneWords) -> SceneWords:
    """The same scene described with other colours (each moved on by three)."""
    return SceneWords(
        words.background,
        tuple((c, COLOURS[(COLOURS.index(o) + 3) % len(COLOURS)], t) for c, o, t in words.looks),
    )
