"""Which tokens of the prompt speak of which layer: matching by characters (not by token ids).

A phrase is found at word boundaries, in any case, after normalisation to NFC. Longer phrases choose
first and nothing overlaps, so "apple" never takes the apple of "red apple". Layers with one phrase
take its occurrences in their order. What the phrases leave is said of the background.

The page follows the same rule (``ui/web/kernels/spans.js``); one table holds both to it
(``tests/tables/phrases.json``).
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from backend.plan.card import TextCard, TokenSpan
from backend.plan.plan import Plan, PlannedLayer

NEAREST_WORDS = (
    400  # words of the prompt that are searched for a nearest match: enough for 4,000 characters
)
BLANK = r"[\t-\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]"
ALIKE = {"ς": "σ", "ſ": "s"}
"""Letters that are small forms of one capital."""
UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u2e80-\u303f\u3041-\u4dbf"
    "\u4e00-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\uff66-\uff9f"
    "\U00016fe0-\U0001b2ff\U00020000-\U0003ffff]"
)
"""Scripts that put no blanks between words (ideographs, kana, Thai, Lao, Khmer, Burmese) or join
particles to them (hangul).
"""
NEAREST_RATIO = 0.7  # below it the suggestion is more often noise than a slip of the keyboard


class TextSpan(NamedTuple):
    """Characters start…end (excluded) of the normalised prompt."""

    start: int
    end: int


@dataclass(frozen=True)
class Match:
    """What a phrase found. ``span`` is None when it does not stand in the prompt (or is empty).

    ``tokens`` are positions in the token row; ``cut`` the words of the span that the row is too
    short for; ``shared`` tells that an earlier layer has the same occurrence; ``inside`` is the
    longer phrase that holds the only occurrences; ``nearest`` the most similar words of the prompt,
    or "".
    """

    span: TextSpan | None = None
    tokens: tuple[int, ...] = ()
    cut: str = ""
    shared: bool = False
    inside: str = ""
    nearest: str = ""


def normalise(text: str) -> str:
    """NFC, the form in which prompts are tokenised and phrases are sought."""
    return unicodedata.normalize("NFC", text)


def match_phrases(prompt: str, phrases: Sequence[str], card: TextCard) -> tuple[Match, ...]:
    """One Match for each phrase, in order. ``prompt`` must be normalised; phrases may be empty or
    equal.
    """
    spans = card.token_spans(prompt)
    wanted = [" ".join(normalise(phrase).split()) for phrase in phrases]
    found = _assign_spans(prompt, wanted)
    matches = []
    for phrase, (span, shared, inside) in zip(wanted, found, strict=True):
        if span is None:
            nearest = nearest_words(prompt, phrase) if phrase and not inside else ""
            matches.append(Match(inside=inside, nearest=nearest))
        else:
            tokens, cut = _tokens(prompt, span, spans, card.text_length)
            matches.append(Match(span, tokens, cut, shared))
    return tuple(matches)


def cut_words(prompt: str, card: TextCard) -> str:
    """The end of a text that the model's token row has no room for; "" when all of it fits."""
    late = [
        span.start for span in card.token_spans(prompt) if span.position >= card.text_length - 1
    ]
    return prompt[_word_start(prompt, min(late)) :].strip() if late else ""


def occurrences(prompt: str, phrase: str) -> tuple[TextSpan, ...]:
    """Where a phrase stands in the prompt as whole words, from left to right, without overlap."""
    if not phrase:
        return ()
    words = [re.escape(word) for word in re.split(BLANK + "+", fold_case(phrase)) if word]
    if not words:
        return ()
    found: list[TextSpan] = []
    position, folded = 0, fold_case(prompt)
    compiled = re.compile((BLANK + "+").join(words))
    while hit := compiled.search(folded, position):
        whole = not _is_inside_word(prompt, hit.start()) and not _is_inside_word(prompt, hit.end())
        if whole:
            found.append(TextSpan(hit.start(), hit.end()))
        position = hit.end() if whole else hit.start() + 1
    return tuple(found)


def fold_case(text: str) -> str:
    """A text in small letters, character by character, so that every place stays where it is."""
    small = ((letter.lower(), letter) for letter in text)
    kept = (low if len(low) == 1 else letter for low, letter in small)
    return "".join(ALIKE.get(letter, letter) for letter in kept)


def nearest_words(prompt: str, phrase: str) -> str:
    """The words of the prompt that are most like the phrase, or "" when none are similar."""
    words = re.findall(r"\S+", prompt)[:NEAREST_WORDS]
    length = max(1, len(phrase.split()))
    choices: dict[str, str] = {}
    for count in {max(1, length - 1), length, length + 1}:
        for start in range(len(words) - count + 1):
            piece = " ".join(words[start : start + count]).strip(".,;:!?()[]\"'")
            choices.setdefault(piece.lower(), piece)
    close = difflib.get_close_matches(phrase.lower(), list(choices), n=1, cutoff=NEAREST_RATIO)
    return choices[close[0]] if close else ""


def _assign_spans(prompt: str, phrases: Sequence[str]) -> list[tuple[TextSpan | None, bool, str]]:
    """Span, whether it is shared, and the phrase that holds it instead, for each phrase."""
    result: list[tuple[TextSpan | None, bool, str]] = [(None, False, "")] * len(phrases)
    groups: dict[str, list[int]] = {}
    for index, phrase in enumerate(phrases):
        if phrase:
            groups.setdefault(fold_case(phrase), []).append(index)
    taken: list[tuple[TextSpan, str]] = []
    for indices in sorted(groups.values(), key=lambda group: (-len(phrases[group[0]]), group[0])):
        phrase = phrases[indices[0]]
        everywhere = occurrences(prompt, phrase)
        free = [span for span in everywhere if not any(_overlap(span, other) for other, _ in taken)]
        if not free:
            holder = next(
                (words for span, words in taken for hit in everywhere if _overlap(hit, span)), ""
            )
            for index in indices:
                result[index] = (None, False, holder)
            continue
        for order, index in enumerate(indices):
            result[index] = (free[min(order, len(free) - 1)], order >= len(free), "")
        taken.extend((span, phrase) for span in free[: len(indices)])
    return result


def _tokens(
    prompt: str, span: TextSpan, spans: Sequence[TokenSpan], text_length: int
) -> tuple[tuple[int, ...], str]:
    """Positions of the tokens that touch a span and fit the row, and the words from the first that
    does not.
    """
    touching = [token for token in spans if token.start < span.end and span.start < token.end]
    fitting = tuple(token.position for token in touching if token.position < text_length - 1)
    late = [token.start for token in touching if token.position >= text_length - 1]
    return fitting, prompt[
        max(span.start, _word_start(prompt, min(late))) : span.end
    ] if late else ""


def _word_start(text: str, position: int) -> int:
    """Back from a position to the start of the word that it stands in; where nothing stands
    between words, to the start of the character.
    """
    while position > 0 and not text[position - 1].isspace():
        is_mark = position < len(text) and _is_mark(text[position])
        if not is_mark and any(map(_is_unspaced, text[position - 1 : position + 1])):
            return position
        position -= 1
    return position


def _overlap(one: TextSpan, other: TextSpan) -> bool:
    return one.start < other.end and other.start < one.end


def _is_inside_word(text: str, position: int) -> bool:
    """Whether the characters on both sides of a position belong to one word."""
    if not 0 < position < len(text):
        return False
    before, after = text[position - 1], text[position]
    if _is_mark(after):
        return True
    return (
        _in_word(before) and _in_word(after) and not (_is_unspaced(before) or _is_unspaced(after))
    )


def _in_word(character: str) -> bool:
    return character.isalnum() or character == "_" or _is_mark(character)


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


def _is_unspaced(character: str) -> bool:
    return UNSPACED.match(character) is not None


_ARTICLE = r"(?:\b(?:a|an|the)\s+)?"
_JOINTS = re.compile(r"^(?:[\s,;]|\band\b|\bwith\b)+", re.IGNORECASE)


def background_words(prompt: str, phrases: Sequence[str]) -> str:
    """The prompt without the phrases and what joined them: "a red cat and a blue house at night" →
    "at night".
    """
    left = prompt
    for phrase in sorted((p.strip() for p in phrases if p.strip()), key=len, reverse=True):
        left = re.sub(
            _ARTICLE + r"\b" + re.escape(phrase) + r"\b", " ", left, count=1, flags=re.IGNORECASE
        )
    left = re.sub(r"\s+", " ", left)
    left = re.sub(r"(?:\s*,\s*|\s+and\s+)+(?=,|\band\b|\s*$)", " ", left)
    return _JOINTS.sub("", left).strip(" ,")


def phrase_in(prompt: str, phrase: str) -> str:
    """A phrase with the article that it has in the prompt; as it is where the prompt does not have
    it.
    """
    found = re.search(_ARTICLE + r"\b" + re.escape(phrase.strip()) + r"\b", prompt, re.IGNORECASE)
    return found.group(0) if found and phrase.strip() else phrase


def list_texts(plan: Plan, painted: Sequence[PlannedLayer]) -> tuple[str, ...]:
    """The prompt, what it says of the background, and each painted layer's words or class."""
    phrases = [layer.phrase.strip() or layer.class_label for layer in painted]
    prompt = plan.prompt.strip() or ", ".join(phrases)
    background = background_words(prompt, [layer.phrase for layer in plan.layers]) or prompt
    return (prompt, background, *phrases)
