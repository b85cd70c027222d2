"""What the page calls the fields of records, and what pydantic's refusals of them mean in its
words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

SHOWN_CHARACTERS = 60
"""Of a wrong value, as much as still fits into a sentence."""

FIELD_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "attention_negative": "keep out",
        "attention_positive": "attention",
        "blend": "blend mode",
        "centre_x_px": "place (x)",
        "centre_y_px": "place (y)",
        "class_label": "class",
        "class_word": "class",
        "collapsed": "closed group",
        "count": "candidates",
        "embedding": "learned look",
        "feather_px": "feather",
        "flip_x": "mirroring",
        "flip_y": "mirroring",
        "groups": "groups",
        "guidance_scale": "guidance",
        "height_px": "height of the canvas",
        "hid": "hidden layers",
        "id": "id",
        "kind": "kind",
        "layer_id": "layer",
        "layer_ids": "layers",
        "locked": "lock",
        "mix": "painting between two",
        "prompt_end": "active up to",
        "prompt_start": "active from",
        "rotation_deg": "rotation",
        "scale_x": "size (width)",
        "scale_y": "size (height)",
        "stage1": "draft",
        "strength_map": "painted strength",
        "structure.kind": "structure",
        "structure.weight": "weight of the structure",
        "visible": "eye",
        "width_px": "width of the canvas",
    }
)
"""Fields whose word on the page is another than their own name without its underscores."""

LISTED: Mapping[str, str] = MappingProxyType(
    {"layers": "layer", "groups": "group", "references": "picture", "members": "member"}
)
"""What one entry of a list is called; entries count from 1."""

KIND_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "bool_type": "It must be on or off.",
        "finite_number": "It must be a number.",
        "float_type": "It must be a number.",
        "int_from_float": "It must be a whole number.",
        "int_type": "It must be a whole number.",
        "string_type": "It must be a text.",
    }
)
"""What pydantic's kinds of error say of a value's own kind."""

CONTAINERS = frozenset({"placement", "structure", "settings", "editor", "options"})
"""Records whose fields are known to a person without them."""

Path = Sequence[str | int]


def name_field(path: Path) -> str:
    """A field as a sentence names it: "opacity of layer 3".

    Args:
        path: Where the field stands in its record: keys, and places in lists from 0.

    Returns:
        The page's words, or an empty text for the record itself.
    """
    words: list[str] = []
    parts = list(path)
    while parts:
        last = parts.pop()
        if isinstance(last, int):
            above = parts.pop() if parts else ""
            words.append(f"{LISTED.get(str(above), str(above).replace('_', ' '))} {last + 1}")
        elif (last in CONTAINERS and words) or parts[-2:-1] == ["options"]:
            continue
        elif parts[-1:] == ["options"]:
            words.append(f"option {last.replace('_', ' ')}")
        else:
            inner = f"{parts[-1]}.{last}" if parts else last
            words.append(FIELD_WORDS.get(inner, FIELD_WORDS.get(last, last.replace("_", " "))))
    return shorten(" of ".join(words))


def describe_limit(fault: Mapping[str, Any]) -> str:
    """What one error of pydantic says about the limit, as a whole sentence.

    Args:
        fault: One entry of ``ValidationError.errors``.

    Returns:
        The page's words for the common kinds, and pydantic's own words for the rest.
    """
    context = fault.get("ctx") or {}
    match fault["type"]:
        case "greater_than_equal":
            return f"At least {context['ge']:g} is allowed."
        case "less_than_equal":
            return f"At most {context['le']:g} is allowed."
        case "greater_than":
            return f"It must be more than {context['gt']:g}."
        case "less_than":
            return f"It must be less than {context['lt']:g}."
        case "literal_error" | "enum":
            return f"Known are {str(context['expected']).replace(' or ', ', ')}."
        case "string_too_long":
            return f"At most {context['max_length']} characters are allowed."
        case "extra_forbidden":
            return "This version of Lamina does not know it."
    return KIND_WORDS.get(fault["type"], "")


def display_value(value: object) -> str:
    """A value as part of a sentence; what JSON calls null (a NaN from a page, say) is "not a
    value".
    """
    return "not a value" if value is None else shorten(repr(value))


def shorten(text: str) -> str:
    """As much of a text as still fits into a sentence."""
    return text if len(text) <= SHOWN_CHARACTERS else text[: SHOWN_CHARACTERS - 1] + "…"
