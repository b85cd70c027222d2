"""What a plan must know of a model, facts only, no weights; and the sizes that follow from them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from backend.errors import RequestError
from backend.scene.records import FileDigest


class TokenSpan(NamedTuple):
    """Where a token stands in the text: characters start…end (excluded) and its position in the
    token row.
    """

    start: int
    end: int
    position: int


class KnownEmbedding(Protocol):
    """An embedding of words that others trained and that a prompt may name.

    ``vectors`` is how many columns it takes, ``widths`` how many numbers a vector has, for each
    text encoder. ``digest`` is the SHA-256 of its file; asking for it reads the file.
    """

    @property
    def name(self) -> str: ...

    @property
    def vectors(self) -> int: ...

    @property
    def widths(self) -> tuple[int, ...]: ...

    @property
    def digest(self) -> FileDigest: ...


class TextCard(Protocol):
    """How a model reads words: ``text_length`` is its token row, with begin and end."""

    @property
    def text_length(self) -> int: ...

    def token_spans(self, text: str) -> tuple[TokenSpan, ...]:
        """Spans of every token of the text, *untruncated*; the caller drops positions >=
        text_length - 1.
        """
        ...


class Card(TextCard, Protocol):
    """The facts of a model that decide a plan.

    ``native_px`` is the side of the square it was trained on, ``cell_px`` the pixels per latent
    cell, ``size_multiple_px`` what picture sides must be divisible by, ``text_length`` the token
    row with begin and end. Up to the strength ``light_only`` layers keep their forms, and a
    silhouette of one colour begins with ``flat_strength``. ``words_widths`` is how many numbers a
    token has in each text encoder, and ``embeddings`` are those that prompts may name.
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
    def light_only(self) -> float: ...

    @property
    def flat_strength(self) -> float: ...

    @property
    def words_widths(self) -> tuple[int, ...]: ...

    @property
    def embeddings(self) -> Sequence[KnownEmbedding]: ...


LONGEST_FRACTION = 4
"""The longest side in units of the native side: beyond it even a strip of one cell's width would be
slow.
"""


PAPER_SIDE_PX = 512
"""The papers' lengths in pixels are those of pictures of this side."""


class Size(NamedTuple):
    """A picture's sides in pixels."""

    width_px: int
    height_px: int


def paper_px(length_px: float, card: Card) -> float:
    """A length in pixels of the papers' pictures, in pixels of a model's."""
    return length_px * card.native_px / PAPER_SIDE_PX


def generation_size(width_px: int, height_px: int, card: Card) -> Size:
    """About the area the model was trained on, in the canvas' aspect, with sides that the model
    accepts.

    Among the sizes around the ideal one, the aspect counts twice as much as the area. A canvas so
    long that its ideal side would exceed four native sides is generated smaller.
    """
    multiple = card.size_multiple_px
    factor = card.native_px / math.sqrt(width_px * height_px)
    factor = min(factor, LONGEST_FRACTION * card.native_px / max(width_px, height_px))
    choices = itertools.product(
        _around(width_px * factor, multiple), _around(height_px * factor, multiple)
    )

    def cost(size: tuple[int, int]) -> tuple[float, int, int]:
        stretch_x, stretch_y = (
            math.log(size[0] / (width_px * factor)),
            math.log(size[1] / (height_px * factor)),
        )
        return abs(stretch_x - stretch_y) + 0.5 * abs(stretch_x + stretch_y), -size[0], -size[1]

    return Size(*min(choices, key=cost))


def _around(ideal: float, multiple: int) -> tuple[int, ...]:
    """The multiples next to a number (itself, when it is one), at least one multiple."""
    steps = ideal / multiple
    return tuple(
        sorted(
            {
                max(1, math.floor(steps + 1e-9)) * multiple,
                max(1, math.ceil(steps - 1e-9)) * multiple,
            }
        )
    )


def check_picture_size(shape: Sequence[int], size: Size, called: str) -> None:
    """A picture that a run goes on from must have the size of those it makes.

    Args:
        shape: of the picture, (height, width, ...).
        called: what the picture is, for the sentence.

    Raises:
        RequestError: it has another size.
    """
    height_px, width_px = shape[:2]
    if (width_px, height_px) != size:
        raise RequestError(
            f"The {called} has {width_px} × {height_px} px.",
            limit=f"This run makes pictures of {size.width_px} × {size.height_px} px.",
            remedy="Generate it again at this size, then go on from the new one.",
        )
