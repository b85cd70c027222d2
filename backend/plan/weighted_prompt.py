"""Prompts in the habit of other programs: ``(word:1.2)``, ``((word))``, ``[word]``, ``BREAK``,
``<lora:name:0.8>``, the names of embeddings, and texts of any length in rows of 75 tokens.

A prompt becomes pieces of one weight each, and those become tokens with their places. The plan and
the text encoders ask the same functions, so that a phrase's tokens are where its words are encoded.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import NamedTuple

from backend.plan.card import Card, KnownEmbedding, TokenSpan

ROUND, SQUARE = 1.1, 1 / 1.1
"""What a pair of brackets without a number multiplies a weight by."""
MAX_WEIGHT = 10.0
MAX_NESTED = 32
"""Brackets in brackets; more are letters."""
LONGEST_WORD = 10
"""Tokens of a word that are kept in one row; a longer run of letters is cut anywhere."""
TAG = re.compile(r"<(lora|lyco|hypernet):([^<>:]+)(?::([^<>]*))?>")
_SIGNS = re.compile(
    rf"(?P<escape>\\[()\[\]\\])|(?P<tag>{TAG.pattern})|(?P<break>\bBREAK\b)"
    r"|(?P<open>[(\[])|(?P<number>:\s*(?P<weight>[+-]?(?:\d+\.?\d*|\.\d+))\s*\))|(?P<close>[)\]])"
)
_OPENED_BY = {")": "(", "]": "["}
_MARKS = (
    re.compile(r"\([^()]+:\s*[+-]?(?:\d+\.?\d*|\.\d+)\s*\)"),
    re.compile(r"\(\([^()]+\)\)|\[\[[^\[\]]+\]\]"),
    TAG,
    re.compile(r"\bBREAK\b"),
)
_UNKNOWN = (
    re.compile(r"\[[^\[\]|:]*(?:\|[^\[\]|]*)+\]"),
    re.compile(r"\[[^\[\]:]*:[^\[\]:]*(?::[^\[\]:]*)?\]"),
    re.compile(r"\w{2,}(?:\+{2,}|-{2,})(?!\w)"),
    re.compile(r"\{[^{}]+\}"),
    re.compile(r"\bAND\b"),
)


class LoraTag(NamedTuple):
    """``<lora:name:weight>`` in a text."""

    name: str
    weight: float


@dataclass(frozen=True)
class PromptPiece:
    """Characters of a prompt that are read at one weight.

    Attributes:
        text: without brackets and other signs.
        places: where each character stands in the prompt.
        weight: 1 as it is.
        embedding: the name of the embedding that the text is, in small letters, or "".
        is_break: nothing is read; what follows begins a row.
    """

    text: str
    places: tuple[int, ...] = field(repr=False)
    weight: float = 1.0
    embedding: str = ""
    is_break: bool = False


class PlacedToken(NamedTuple):
    """A token of a prompt: its characters start…end (excluded), its column in all rows together,
    and which token (or vector) of which piece it is.
    """

    start: int
    end: int
    position: int
    weight: float
    piece: int
    number: int


@dataclass(frozen=True)
class PromptLayout:
    """A prompt in rows.

    Attributes:
        prompt: as it was written.
        pieces: what is read of it.
        tokens: their tokens, in order.
        rows: how many the prompt needs, at least one.
    """

    prompt: str
    pieces: tuple[PromptPiece, ...]
    tokens: tuple[PlacedToken, ...]
    rows: int

    @property
    def is_plain(self) -> bool:
        """Whether an encoder that knows none of this reads the very same."""
        usual = all(one.weight == 1.0 and not one.embedding for one in self.pieces)
        read = "".join(one.text for one in self.pieces)
        return usual and self.rows == 1 and read == self.prompt


def split_pieces(prompt: str, names: Sequence[str] = ()) -> tuple[PromptPiece, ...]:
    """A prompt by weights, embeddings and breaks; neighbours differ.

    Args:
        prompt: brackets that are never closed reach to its end, those that were never opened are
            letters, and a backslash before a bracket makes it one.
        names: of embeddings, in any case; the longest is sought first.
    """
    marked = _WeightReader(prompt).read
    pieces: list[PromptPiece] = []
    for weight, run in groupby(marked, key=lambda one: one[1]):
        places = tuple(place for place, _ in run)
        if weight is None:
            pieces.append(PromptPiece("", places, is_break=True))
            continue
        text = "".join(prompt[place] for place in places)
        pieces.extend(_split_names(PromptPiece(text, places, weight), names))
    return tuple(pieces)


class _WeightReader:
    """Reads a prompt from left to right: each character that is read, with its weight; None for a
    break.
    """

    def __init__(self, prompt: str) -> None:
        self.read: list[tuple[int, float | None]] = []
        self._opened: list[tuple[str, int]] = []
        at = 0
        for sign in _SIGNS.finditer(prompt):
            self._take_letters(at, sign.start())
            self._take(sign)
            at = sign.end()
        self._take_letters(at, len(prompt))
        for bracket, since in self._opened:
            self._scale(since, ROUND if bracket == "(" else SQUARE)

    def _take(self, sign: re.Match[str]) -> None:
        if sign["escape"]:
            self._take_letters(sign.start() + 1, sign.end())
        elif sign["break"]:
            self.read.append((sign.start(), None))
        elif sign["open"] and len(self._opened) < MAX_NESTED:
            self._opened.append((sign["open"], len(self.read)))
        elif not sign["tag"] and not self._close(sign):
            self._take_letters(sign.start(), sign.end())

    def _close(self, sign: re.Match[str]) -> bool:
        """Whether a sign closes what was opened last; it is weighed then."""
        closes = ")" if sign["number"] else sign["close"]
        if not closes or not self._opened or self._opened[-1][0] != _OPENED_BY[closes]:
            return False
        usual = ROUND if closes == ")" else SQUARE
        self._scale(self._opened.pop()[1], float(sign["weight"]) if sign["number"] else usual)
        return True

    def _take_letters(self, start: int, end: int) -> None:
        self.read.extend((place, 1.0) for place in range(start, end))

    def _scale(self, since: int, factor: float) -> None:
        for index in range(since, len(self.read)):
            place, weight = self.read[index]
            if weight is not None:
                self.read[index] = (place, max(-MAX_WEIGHT, min(MAX_WEIGHT, weight * factor)))


def _split_names(piece: PromptPiece, names: Sequence[str]) -> list[PromptPiece]:
    """A piece cut where names of embeddings stand as whole words, with "embedding:" or without."""
    if not names:
        return [piece]
    known = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    pattern = rf"(?<![\w-])(?:embedding:)?({known})(?:\.pt|\.safetensors)?(?![\w-])"
    cut: list[PromptPiece] = []
    at = 0
    for found in re.finditer(pattern, piece.text, re.IGNORECASE):
        cut.append(_part(piece, at, found.start()))
        cut.append(_part(piece, found.start(), found.end(), found[1].lower()))
        at = found.end()
    cut.append(_part(piece, at, len(piece.text)))
    return [one for one in cut if one.text]


def _part(piece: PromptPiece, start: int, end: int, embedding: str = "") -> PromptPiece:
    return PromptPiece(piece.text[start:end], piece.places[start:end], piece.weight, embedding)


Tokenise = Callable[[str], Sequence[TokenSpan]]


def lay_out(
    prompt: str, tokenise: Tokenise, length: int, vectors: Mapping[str, int]
) -> PromptLayout:
    """Where every token of a prompt stands.

    Args:
        prompt: any length.
        tokenise: the tokens of a text, in order.
        length: columns of a row, with begin and end.
        vectors: how many columns each embedding takes, by its name in small letters.
    """
    pieces = split_pieces(prompt, tuple(vectors))
    filler = _RowFiller(length)
    for index, piece in enumerate(pieces):
        if piece.is_break:
            filler.begin_row()
            continue
        spans = _spans(piece, tokenise, vectors)
        for word in _words(piece, spans):
            filler.keep_together(len(word))
            for number in word:
                filler.add(spans[number], piece.weight, index, number)
    return PromptLayout(prompt, pieces, tuple(filler.tokens), filler.rows)


class _RowFiller:
    """Puts tokens into rows of a length, with begin and end."""

    def __init__(self, length: int) -> None:
        self.tokens: list[PlacedToken] = []
        self._length, self._room = length, length - 2
        self._row = self._column = 0

    @property
    def rows(self) -> int:
        """How many are needed."""
        return self.tokens[-1].position // self._length + 1 if self.tokens else 1

    def begin_row(self) -> None:
        """Go to the next row, unless nothing stands in this one."""
        self._row, self._column = self._row + (self._column > 0), 0

    def keep_together(self, count: int) -> None:
        """Go to the next row where so many tokens do not fit into this one, and could."""
        if self._column + count > self._room and count <= min(LONGEST_WORD, self._room):
            self.begin_row()

    def add(self, span: tuple[int, int], weight: float, piece: int, number: int) -> None:
        """Put a token after the last."""
        if self._column == self._room:
            self.begin_row()
        place = self._row * self._length + 1 + self._column
        self.tokens.append(PlacedToken(*span, place, weight, piece, number))
        self._column += 1


def _spans(
    piece: PromptPiece, tokenise: Tokenise, vectors: Mapping[str, int]
) -> list[tuple[int, int]]:
    """The characters of the prompt that each token of a piece stands for."""
    if piece.embedding:
        return [(piece.places[0], piece.places[-1] + 1)] * vectors[piece.embedding]
    return [
        (piece.places[one.start], piece.places[one.end - 1] + 1) for one in tokenise(piece.text)
    ]


def _words(piece: PromptPiece, spans: Sequence[tuple[int, int]]) -> list[list[int]]:
    """The numbers of the tokens that belong together: of an embedding, or without a blank."""
    if piece.embedding:
        return [list(range(len(spans)))]
    words: list[list[int]] = []
    for number, (start, _) in enumerate(spans):
        if words and spans[number - 1][1] == start:
            words[-1].append(number)
        else:
            words.append([number])
    return words


@dataclass(frozen=True)
class WeightedCard:
    """How a model reads weighted prompts: every token at its place in all rows, none cut off.

    Attributes:
        card: of the model.
        vectors: columns of each embedding that may be named, by its name in small letters.
    """

    card: Card
    vectors: Mapping[str, int] = field(default_factory=dict)

    @property
    def text_length(self) -> int:
        return sys.maxsize

    def token_spans(self, text: str) -> tuple[TokenSpan, ...]:
        """Spans of every token of the text, at its place in all rows together."""
        placed = self.lay_out(text).tokens
        return tuple(TokenSpan(one.start, one.end, one.position) for one in placed)

    def lay_out(self, text: str) -> PromptLayout:
        """The text in rows of the model."""
        card = self.card
        return lay_out(text, card.token_spans, card.text_length, self.vectors)


def strip_marks(text: str) -> str:
    """A text as it is read, without weights, breaks and tags."""
    pieces = split_pieces(text)
    read = "".join(" " if piece.is_break else piece.text for piece in pieces)
    return re.sub(r"\s+", " ", read).strip()


def list_tags(text: str) -> tuple[LoraTag, ...]:
    """The LoRAs that a text asks for, in order; a weight that is no number is 1."""
    return tuple(
        LoraTag(tag[2].strip(), _read_weight(tag[3]))
        for tag in TAG.finditer(text)
        if tag[1] != "hypernet"
    )


def _read_weight(text: str | None) -> float:
    """The first number of ":0.8" or ":0.8:0.5"; 1 where there is none."""
    found = re.search(r"[+-]?(?:\d+\.?\d*|\.\d+)", text or "")
    return float(found[0]) if found else 1.0


def find_marks(text: str) -> str:
    """The first mark of a weighted prompt that a text has, or ""."""
    return _first(text, _MARKS)


def find_unknown_marks(text: str) -> str:
    """The first mark that other programs read and Lamina does not, or ""."""
    return _first(text, _UNKNOWN)


def _first(text: str, marks: Sequence[re.Pattern[str]]) -> str:
    found = [hit for mark in marks if (hit := mark.search(text))]
    return min(found, key=lambda hit: hit.start())[0] if found else ""


def choose_embeddings(
    card: Card, texts: Sequence[str]
) -> tuple[dict[str, KnownEmbedding], dict[str, KnownEmbedding]]:
    """The embeddings that texts name, by name in small letters.

    Args:
        card: of the model; it knows all that were found.
        texts: prompts.

    Returns:
        Those of its widths, and those that were made for other models alone.
    """
    named: dict[str, list[KnownEmbedding]] = {}
    for one in card.embeddings:
        named.setdefault(one.name.lower(), []).append(one)
    found = {
        piece.embedding
        for text in texts
        for piece in split_pieces(text, tuple(named))
        if piece.embedding
    }
    fitting: dict[str, KnownEmbedding] = {}
    others: dict[str, KnownEmbedding] = {}
    for name in sorted(found):
        same = [one for one in named[name] if one.widths == card.words_widths]
        (fitting if same else others)[name] = (same or named[name])[0]
    return fitting, others


@dataclass(frozen=True)
class ReadMarks:
    """What is written into the prompts of a scene beside words.

    Attributes:
        texts: the prompts and the layers' phrases.
        manner: in which they are read: "plain", "weighted" or "stripped".
        embeddings: that are named, by name in small letters.
        misfits: those among them that were made for other models alone.
        widths: of the model's words.
    """

    texts: tuple[str, ...]
    manner: str
    embeddings: Mapping[str, KnownEmbedding]
    misfits: Mapping[str, KnownEmbedding]
    widths: tuple[int, ...]
