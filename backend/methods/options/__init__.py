"""The check of a method's options; what they may be is the JSON Schema of their type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from backend.errors import RequestError
from backend.scene.records import Record, first_refusal

Options = TypeVar("Options", bound=Record)


def parse_options(options: type[Options], values: Mapping[str, Any]) -> Options:
    """The options from a plan's values; a RequestError names the first that is unknown or out of
    range.
    """
    try:
        return options.model_validate(dict(values))
    except ValidationError as error:
        first = first_refusal(error, "method's options")
        raise RequestError(
            f"The option {first.what}", limit=first.limit, remedy=first.remedy
        ) from None
