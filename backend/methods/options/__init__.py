"""A method's Options as a form sees them, and the check of what a form sends."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NamedTuple, TypeVar, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from backend.errors import RequestError
from backend.plan.request import OptionValue
from backend.scene.layer import Record, first_refusal

Options = TypeVar("Options", bound=Record)
Kind = Literal["bool", "int", "float", "choice"]
_STEPS: Mapping[str, float] = types.MappingProxyType(
    {"bool": 1.0, "int": 1.0, "float": 0.01, "choice": 1.0}
)


class SetFact(NamedTuple):
    """An option that another one sets: its value where the other is least, and where it is
    greatest.

    In between it follows in proportion.
    """

    name: str
    low: float
    high: float


class OptionFact(NamedTuple):
    """One option: its range, unit, help and the paper's section; the fields of the studio's
    OptionField.

    ``sets`` are the options that it stands for, ``unless`` the switch by which they are set on
    their own instead.
    """

    name: str
    title: str
    kind: Kind
    default: OptionValue
    minimum: float
    maximum: float
    step: float
    choices: tuple[str, ...]
    unit: str
    help: str
    section: str
    sets: tuple[SetFact, ...] = ()
    unless: str = ""


def facts_of(options: type[Record]) -> tuple[OptionFact, ...]:
    """The options of a type in the order of its fields."""
    return tuple(_fact(name, field) for name, field in options.model_fields.items())


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


def _fact(name: str, field: FieldInfo) -> OptionFact:
    kind, choices = _kind(field.annotation)
    extra: Mapping[str, Any] = (
        field.json_schema_extra if isinstance(field.json_schema_extra, Mapping) else {}
    )
    lower = [limit.ge for limit in field.metadata if hasattr(limit, "ge")]
    upper = [limit.le for limit in field.metadata if hasattr(limit, "le")]
    return OptionFact(
        name=name,
        title=field.title or name.replace("_", " ").capitalize(),
        kind=kind,
        default=field.default,
        minimum=float(lower[0]) if lower else 0.0,
        maximum=float(upper[0]) if upper else 1.0,
        step=float(extra.get("step", _STEPS[kind])),
        choices=choices,
        unit=str(extra.get("unit", "")),
        help=field.description or "",
        section=str(extra.get("section", "")),
        sets=tuple(SetFact(name, *ends) for name, ends in _ends(extra.get("sets"))),
        unless=str(extra.get("unless", "")),
    )


def _ends(sets: Any) -> Iterator[tuple[str, tuple[float, float]]]:
    """The options that an option sets, {name: [low, high]}."""
    if isinstance(sets, Mapping):
        yield from ((str(name), (float(low), float(high))) for name, (low, high) in sets.items())


def _kind(annotation: Any) -> tuple[Kind, tuple[str, ...]]:
    if get_origin(annotation) is Literal:
        return "choice", tuple(str(choice) for choice in get_args(annotation))
    kinds: Mapping[Any, Kind] = {bool: "bool", int: "int", float: "float"}
    return kinds[annotation], ()
