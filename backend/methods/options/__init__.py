"""The check of a method's options; what they may be is the JSON Schema of their type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeVar

from backend.errors import RequestError
from backend.scene.records import Record, explain_refusal

Options = TypeVar("Options", bound=Record)


def parse_options(options: type[Options], values: Mapping[str, Any]) -> Options:
    """The options from a plan's values.

    Args:
        options: the type of the method's options.
        values: by name; those that are missing have their defaults.

    Raises:
        RequestError: one is unknown or out of range; the first one is named.
    """
    known = {name: one.title or name for name, one in options.model_fields.items()}
    titles = {name: known.get(name, name) for name in values}
    with explain_refusal(RequestError, "method's options", before="The option ", titles=titles):
        return options.model_validate(dict(values))
