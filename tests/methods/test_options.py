"""Options as forms see them, and what is refused."""

from __future__ import annotations

from typing import Annotated, Literal

import pytest
from pydantic import Field

from backend.errors import RequestError
from backend.methods.catalog import METHODS, check_options, method_of, option_fields
from backend.methods.options import facts_of, parse_options
from backend.methods.options.tcig import TOLERANCE_ENDS
from backend.scene.layer import Record


class OptionDials(Record):
    count: Annotated[int, Field(ge=1, le=9)] = Field(
        3, title="How many", json_schema_extra={"unit": "pieces"}
    )
    kind: Literal["a", "b"] = Field("b", description="Which.")


@pytest.mark.parametrize("method", METHODS.values(), ids=METHODS)
def test_every_option_is_explained(method: object) -> None:
    for fact in option_fields(method_of(method.id)):
        assert fact.title
        assert fact.help.endswith(".")
        assert fact.section
        assert fact.minimum < fact.maximum
        if fact.kind == "float":
            assert fact.unit
            assert fact.minimum <= fact.default <= fact.maximum
        if fact.kind == "choice":
            assert fact.default in fact.choices


@pytest.mark.parametrize("method", METHODS)
def test_defaults_are_accepted(method: str) -> None:
    check_options(method, {fact.name: fact.default for fact in option_fields(METHODS[method])})
    check_options(method, {})


def test_facts_follow_the_fields() -> None:
    count, kind = facts_of(OptionDials)
    assert (count.name, count.title, count.kind, count.default) == ("count", "How many", "int", 3)
    assert (count.minimum, count.maximum, count.step, count.unit) == (1.0, 9.0, 1.0, "pieces")
    assert (kind.title, kind.kind, kind.choices, kind.help) == (
        "Kind",
        "choice",
        ("a", "b"),
        "Which.",
    )


def test_a_dial_names_the_options_it_sets_and_all_of_them_exist() -> None:
    facts = {fact.name: fact for fact in option_fields(METHODS["tcig"])}
    tolerance = facts["mask_tolerance"]
    assert {one.name: (one.low, one.high) for one in tolerance.sets} == TOLERANCE_ENDS
    assert facts[tolerance.unless].kind == "bool"
    for one in tolerance.sets:
        assert facts[one.name].minimum <= one.low < one.high <= facts[one.name].maximum
    assert all(fact.sets == () for fact in facts.values() if fact is not tolerance)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"count": 10}, "count = 10"),
        ({"count": float("nan")}, "count = nan"),
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
