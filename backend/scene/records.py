"""Frozen, strict records: their base, the types of their fields, and why one is refused."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated, NamedTuple, NewType

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from backend.errors import LaminaError
from backend.scene.wording import describe_limit, display_value, name_field

PictureDigest = NewType("PictureDigest", str)
"""The SHA-256 of pixels: of a picture, or of a mask."""
BlobDigest = NewType("BlobDigest", str)
"""The SHA-256 of bytes: of an embedding, an adapter or a checkpoint."""
_HEXADECIMAL = Field(pattern=r"^[0-9a-f]{64}$")
Digest = Annotated[PictureDigest, _HEXADECIMAL]
FileDigest = Annotated[BlobDigest, _HEXADECIMAL]
Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,64}$")]
Fraction = Annotated[float, Field(ge=0.0, le=1.0)]
Weight = Annotated[float, Field(ge=0.0, le=5.0)]
Name = Annotated[str, Field(max_length=200)]
Words = Annotated[str, Field(max_length=4000)]
Seed = Annotated[int, Field(ge=0, le=2**53 - 1)]
ANY_SEED = -1
"""A seed that is new each time, as other programs write it."""
DRAWN_SEEDS = 2**31
_MEMBER = re.compile(r"<\w+\.\w+: ('[^']*')>")
"""How pydantic shows a member of an enumeration: only its value says something to a person."""


class Record(BaseModel):
    """A frozen, strict record: unknown fields, NaN and infinities are refused."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        allow_inf_nan=False,
        json_schema_serialization_defaults_required=True,
    )


class Refusal(NamedTuple):
    """Why a record was refused: the three parts of a LaminaError."""

    what: str
    limit: str
    remedy: str


def draw_seed() -> int:
    """A seed that nobody chose."""
    return secrets.randbelow(DRAWN_SEEDS)


def is_any_seed(value: object) -> bool:
    """Whether a value of a seed asks for a new one each time."""
    return value == ANY_SEED and isinstance(value, int) and not isinstance(value, bool)


def first_refusal(
    error: ValidationError,
    whole: str,
    outer: tuple[str, ...] = (),
    titles: Mapping[str, str] | None = None,
) -> Refusal:
    """The first complaint of a failed validation, in words for a person.

    ``whole`` names the record where no single field is at fault ("scene"); ``outer`` are parts of a
    field's path that say nothing to a person (the kinds of a union); ``titles`` are what the page
    calls the fields, where they have names of their own.
    """
    first = error.errors(include_url=False)[0]
    path = [part for part in first["loc"] if part not in outer]
    field = (titles or {}).get(str(path[0]) if path else "") or name_field(path)
    message = _MEMBER.sub(r"\1", first["msg"])
    limit = describe_limit(first) or message.removeprefix("Value error, ").rstrip(".") + "."
    remedy = f"Correct {field or f'the {whole}'} and try again."
    if first["type"] == "missing":
        return Refusal(f"{field} is missing.", f"The {whole} needs it.", remedy)
    if not field:
        return Refusal(f"The {whole} cannot be used.", limit[:1].upper() + limit[1:], remedy)
    return Refusal(f"{field} = {display_value(first.get('input'))} cannot be used.", limit, remedy)


@contextmanager
def explain_refusal(
    kind: type[LaminaError],
    whole: str,
    outer: tuple[str, ...] = (),
    *,
    before: str = "",
    remedy: str = "",
    titles: Mapping[str, str] | None = None,
) -> Iterator[None]:
    """What pydantic raises at an untrusted record, as an error of ours about its first field.

    Args:
        kind: the error to raise.
        whole, outer, titles: see ``first_refusal``.
        before: words in front of the sentence.
        remedy: another remedy than to correct the field.
    """
    try:
        yield
    except ValidationError as error:
        what, limit, usual = first_refusal(error, whole, outer, titles)
        sentence = before + what if before else what[:1].upper() + what[1:]
        raise kind(sentence, limit=limit, remedy=remedy or usual) from None
