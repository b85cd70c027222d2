"""A model's card whose tokenizer can be checked by eye: words, cut into pieces of a few letters."""

from __future__ import annotations

import re
from dataclasses import dataclass

from backend.plan.card import KnownEmbedding, TokenSpan


@dataclass(frozen=True)
class WordCard:
    """Tokens are runs of letters (cut every ``piece`` characters) and single other signs; blanks
    are none.
    """

    id: str = "words"
    native_px: int = 64
    cell_px: int = 8
    size_multiple_px: int = 16
    text_length: int = 77
    light_only: float = 0.0
    flat_strength: float = 0.6
    words_widths: tuple[int, ...] = (8,)
    embeddings: tuple[KnownEmbedding, ...] = ()
    piece: int = 100

    def token_spans(self, text: str) -> tuple[TokenSpan, ...]:
        spans = []
        for word in re.finditer(r"\w+|[^\w\s]", text):
            for start in range(word.start(), word.end(), self.piece):
                spans.append((start, min(start + self.piece, word.end())))
        return tuple(
            TokenSpan(start, end, position) for position, (start, end) in enumerate(spans, start=1)
        )
