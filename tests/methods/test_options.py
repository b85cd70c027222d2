"""Options as forms see them, and what is refused."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from backend.errors import RequestError
from backend.methods.catalog import METHODS, check_options
from backend.methods.options import parse_options
from backend.methods.options.tcig import TOLERANCE_ENDS
from backend.scene.records import Record


class OptionDials(Record):
    count: Annotated[int, Field(ge=1, le=9)] = Field(
        3, title="How many", json_schema_extra={"unit": "pieces"}
    )
    kind: Literal["a", "b"] = Field("b", description="Which.")


def schema_of(method: str) -> dict[str, Any]:
    """The JSON Schema of each option of a method, by name."""
    properties: dict[str, Any] = METHODS[method].Options.model_json_schema()["properties"]
    return properties


@pytest.mark.parametrize("method", METHODS)
def test_every_option_is_explained(method: str) -> None:
    for option in schema_of(method).values():
        assert option["title"]
        assert option["description"].endswith(".")
        assert option["section"]
        if option["type"] in ("integer", "number"):
            low = option.get("minimum", option.get("exclusiveMinimum"))
            assert low < option["maximum"]
            assert low <= option["default"] <= option["maximum"]
        if option["type"] == "number":
            assert option["unit"]
        if option["type"] == "string":
            assert option["default"] in option["enum"]


@pytest.mark.parametrize("method", METHODS)
def test_defaults_are_accepted(method: str) -> None:
    check_options(method, {name: one["default"] for name, one in schema_of(method).items()})
    check_options(method, {})


def test_the_schema_follows_the_fields() -> None:
    properties = OptionDials.model_json_schema()["properties"]
    assert list(properties) == ["count", "kind"]
    assert properties["count"] == {
        "title": "How many",
        "type": "integer",
        "default": 3,
        "minimum": 1,
        "maximum": 9,
        "unit": "pieces",
    }
    assert (properties["kind"]["enum"], properties["kind"]["description"]) == (["a", "b"], "Which.")


def test_a_dial_names_the_options_it_sets_and_all_of_them_exist() -> None:
    options = schema_of("tcig")
    tolerance = options["mask_tolerance"]
    assert {name: tuple(ends) for name, ends in tolerance["sets"].items()} == TOLERANCE_ENDS
    assert options[tolerance["unless"]]["type"] == "boolean"
    for name, (low, high) in tolerance["sets"].items():
        assert options[name]["minimum"] <= low < high <= options[name]["maximum"]
    assert [name for name, one in options.items() if "sets" in one] == ["mask_tolerance"]


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 10}, "How many = 10"),
        ({"count": float("nan")}, "How many = nan"),
        ({"kind": "c"}, "kind = 'c'"),
        ({"size": 1}, "size = 1"),
    ],
)
def test_wrong_values_are_named(values: dict[str, object], words: str) -> None:
    with pytest.raises(RequestError, match=words) as caught:
        parse_options(OptionDials, values)
    assert caught.value.limit
    assert caught.value.remedy


def test_an_unknown_method_is_named() -> None:
    with pytest.raises(RequestError, match="'sorcery'"):
        check_options("sorcery", {})
