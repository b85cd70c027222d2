"""A subject in a sentence: ``<*>`` in a prompt, or the subject's class word, is where its token
stands.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.engine.looks import Row, encode_rows, token_row
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.models.personal import Subject

MARK = "<*>"
VOWELS = tuple("aeiou")


@dataclass(frozen=True, eq=False)
class Sentence:
    """A prompt as a token row, and the positions in it that speak of the subject."""

    row: Row = field(repr=False)
    tokens: tuple[int, ...]


def marked(prompt: str, class_word: str) -> str:
    """The prompt with the mark, where need be in place of the first class word; a RequestError
    without both.
    """
    if MARK in prompt:
        return prompt
    found, count = re.subn(
        rf"\b{re.escape(class_word)}\b", MARK, prompt, count=1, flags=re.IGNORECASE
    )
    if not count:
        raise RequestError(
            f"The prompt does not say where the subject is: {prompt[:60]!r}.",
            limit=f"It needs {MARK} or the word {class_word!r}.",
            remedy=f"Write, say, 'a {class_word} on a beach'.",
        )
    return found


def plain_prompt(prompt: str, class_word: str) -> str:
    """y_p⁻ of Layout-and-Retouch: what a model that never saw the subject is told; "a <*>" becomes
    "an orange mug".
    """
    said = marked(prompt, class_word)
    if class_word[:1].lower() in VOWELS:
        said = re.sub(rf"\b([Aa]) {re.escape(MARK)}", rf"\1n {MARK}", said)
    return said.replace(MARK, class_word)


def read_sentence(bundle: ModelBundle, prompt: str, subject: Subject) -> Sentence:
    """The row of a prompt with places for the subject's vectors, before the class word or instead
    of it.
    """
    before, _, after = marked(prompt, subject.class_word).partition(MARK)
    after = after.replace(MARK, subject.class_word)
    word = "" if subject.replaces_class else subject.class_word
    text = (
        before + word + after
        if word
        else " ".join(part for part in (before.strip(), after.strip()) if part)
    )
    begin = len(before) if word else len(before.strip())
    spans = bundle.card.token_spans(text)
    place = next((span.position for span in spans if span.start >= begin), len(spans) + 1)
    count = len(subject.vectors)
    named = [span.position for span in spans if begin <= span.start < begin + len(word)]
    row = token_row(bundle, text, [place] * count)
    length = bundle.card.text_length
    tokens = (
        *row.places,
        *(position + count for position in named if position + count < length - 1),
    )
    if not row.places:
        raise RequestError(
            "The subject stands beyond the end of what the model reads.",
            limit=f"{bundle.card.title} reads {length - 2} tokens.",
            remedy="Shorten the prompt, or name the subject earlier.",
        )
    return Sentence(row, tokens)


@torch.no_grad()
def embed_subject(
    bundle: ModelBundle, prompt: str, subject: Subject
) -> tuple[Tensor, tuple[int, ...]]:
    """(1, tokens, width) of a prompt that speaks of the subject, and the positions that do."""
    sentence = read_sentence(bundle, prompt, subject)
    vectors = subject.vectors[: len(sentence.row.places)].to(bundle.device)
    return encode_rows(bundle, [sentence.row], vectors), sentence.tokens
