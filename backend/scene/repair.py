"""Records from outside of which a part is unknown or out of range: that part is left out or brought
into range and named, and all the rest is kept.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from backend.scene.wording import describe_limit, display_value, name_field

MAX_ROUNDS = 64
"""Each round mends every fault that pydantic names at once; faults hide others only a few deep."""
BOUNDS: Mapping[str, str] = {"greater_than_equal": "ge", "less_than_equal": "le"}
FIXED = frozenset({"format", "version", "width_px", "height_px", "x", "y"})
"""Fields that say what everything else means: near them nothing is right."""
LEFT_OUT = object()


class Repaired(NamedTuple):
    """What was kept of a record as JSON, and a sentence for each part that was not kept as it
    stood.
    """

    record: dict[str, Any]
    notes: tuple[str, ...] = ()


def repair_record(
    record: Mapping[str, Any], check: Callable[[dict[str, Any]], object], whole: str
) -> Repaired:
    """The record without what ``check`` refuses.

    Args:
        record: A JSON object; it is not changed.
        check: Validates a record, and raises pydantic's ValidationError where one is refused.
        whole: What sentences call the record ("file").

    Returns:
        A copy that ``check`` takes. Numbers beyond a bound are the bound, texts that are too long
        are cut, and whatever else is refused is left out, so that its usual value is taken.

    Raises:
        ValidationError: What is left cannot be used either; a field that has no usual value, say.
    """
    kept = copy.deepcopy(dict(record))
    mended: list[_Mended] = []
    for _ in range(MAX_ROUNDS):
        try:
            checked = check(kept)
        except ValidationError as error:
            own = [_mend(kept, *one) for one in _find_faults(kept, error).items()]
            if not any(own):
                raise
            mended += [one for one in own if one is not None]
        else:
            notes = (_describe(one, whole, checked) for one in mended)
            return Repaired(kept, tuple(dict.fromkeys(notes)))
    check(kept)
    return Repaired(kept)


class _Mended(NamedTuple):
    """One part of a record that was not kept: where it stood, its words, its value, and the fault
    that pydantic found.
    """

    path: tuple[str | int, ...]
    named: str
    value: object
    fault: Mapping[str, Any]


def _find_faults(
    kept: dict[str, Any], error: ValidationError
) -> dict[tuple[str | int, ...], Mapping[str, Any]]:
    """The first fault at each place of a record; a union has one for each of its kinds."""
    found: dict[tuple[str | int, ...], Mapping[str, Any]] = {}
    for fault in error.errors(include_url=False):
        found.setdefault(_find_path(kept, fault["loc"]), cast("Mapping[str, Any]", fault))
    return found


def _mend(
    kept: dict[str, Any], path: tuple[str | int, ...], fault: Mapping[str, Any]
) -> _Mended | None:
    """Mend one fault in place; None when nothing can be mended there."""
    if not path or not isinstance(path[-1], str) or path[-1] in FIXED:
        return None
    if fault["type"] == "missing":
        return None
    holder, name = _at(kept, path[:-1]), path[-1]
    mended = _Mended(path, name_field(path) + _owner(kept, path), holder[name], fault)
    instead = _nearest(mended.value, fault)
    if instead is LEFT_OUT:
        del holder[name]
    else:
        holder[name] = instead
    return mended


def _describe(one: _Mended, whole: str, checked: object) -> str:
    """The sentence about one part: what it was, what is allowed, what is taken instead."""
    limit, shown = describe_limit(one.fault), display_value(one.value)
    match one.fault["type"]:
        case "extra_forbidden":
            return (
                f"The {whole} says {one.named} = {shown}. {limit} It is left out; a newer Lamina "
                "may read it."
            )
        case "string_too_long":
            return (
                f"The {whole}'s {one.named} has {len(str(one.value))} characters. {limit} The rest "
                "is cut off."
            )
        case kind if kind in BOUNDS:
            what = "is out of range."
        case "literal_error" | "enum":
            what = "is not known here."
        case _:
            what = "cannot be used."
    sentence = f"The {whole}'s {one.named} = {shown} {what}"
    remedy = f"{_name_value(checked, one.path)} is taken; choose another if need be."
    return " ".join(part for part in (sentence, limit, remedy) if part)


def _name_value(checked: object, path: Sequence[str | int]) -> str:
    """The value that a checked record has at a place, in words."""
    for part in path:
        if isinstance(part, int):
            checked = checked[part] if isinstance(checked, Sequence) else None
        else:
            checked = getattr(checked, part, None)
    if checked is None or not isinstance(checked, str | int | float):
        return "The usual one"
    if isinstance(checked, float):
        return f"{checked:g}"
    return f"“{checked}”" if isinstance(checked, str) else str(checked)


def _nearest(value: object, fault: Mapping[str, Any]) -> Any:
    """The value next to a refused one that is allowed, or LEFT_OUT."""
    kind, context = fault["type"], fault.get("ctx") or {}
    if kind in BOUNDS and not isinstance(value, bool):
        bound = context[BOUNDS[kind]]
        return int(bound) if isinstance(value, int) and bound == int(bound) else bound
    if kind == "string_too_long" and isinstance(value, str):
        return value[: context["max_length"]]
    if kind in ("int_from_float", "int_type") and isinstance(value, float) and abs(value) < 2**53:
        return round(value)
    return LEFT_OUT


def _find_path(kept: dict[str, Any], location: Sequence[str | int]) -> tuple[str | int, ...]:
    """As much of a fault's location as is there: kinds of unions stand in locations too."""
    path: list[str | int] = []
    found: Any = kept
    for part in location:
        inside = isinstance(found, dict) and part in found
        if not inside and not (
            isinstance(found, list) and isinstance(part, int) and part < len(found)
        ):
            break
        path.append(part)
        found = found[part]
    return tuple(path)


def _at(kept: Any, path: Sequence[str | int]) -> Any:
    for part in path:
        kept = kept[part]
    return kept


def _owner(kept: dict[str, Any], path: Sequence[str | int]) -> str:
    """ " (a red ball)" for a field of a layer or a group that has words of its own."""
    if len(path) < 3 or not isinstance(path[1], int):
        return ""
    owner = _at(kept, path[:2])
    words = next(
        (
            owner[field]
            for field in ("name", "phrase")
            if isinstance(owner.get(field), str) and owner[field] and field != path[-1]
        ),
        "",
    )
    return f" (“{words[:40]}”)" if words else ""
