"""What a plan must know of a model: facts only, no weights."""

from __future__ import annotations

from typing import NamedTuple, Protocol


class TokenSpan(NamedTuple):
    """Where a token stands in the text: characters start…end (excluded) and its position in the
    token row.
    """

    start: int
    end: int
    position: int


class Card(Protocol):
    """The facts of a model that decide a plan.

    ``native_px`` is the side of the square it was trained on, ``cell_px`` the pixels per latent
    cell, ``size_multiple_px`` what picture sides must be divisible by, ``text_length`` the token
    row with begin and end.
    """

    @property
    def id(self) -> str: ...

    @property
    def native_px(self) -> int: ...

    @property
    def cell_px(self) -> int: ...

    @property
    def size_multiple_px(self) -> int: ...

    @property
    def text_length(self) -> int: ...

    def token_spans(self, text: str) -> tuple[TokenSpan, ...]:
        """Spans of every token of the text, *untruncated*; the caller drops positions >=
        text_length - 1.
        """
        ...
