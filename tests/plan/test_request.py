"""Requests from a page: strict, and a sentence for what is wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.errors import RequestError
from backend.plan.request import Compose, Reroll, RunSettings, build_request


def build(**settings: Any) -> dict[str, Any]:
    return {"kind": "compose", "settings": settings}


def test_requests_are_told_apart_by_their_kind() -> None:
    assert build_request({"kind": "compose"}) == Compose()
    again = build_request(
        {"kind": "reroll", "layer_id": "fox", "source": "0" * 64, "feather_px": 0}
    )
    assert isinstance(again, Reroll)
    assert (again.layer_id, again.feather_px) == ("fox", 0)


def test_zero_is_a_seed_and_options_keep_their_kinds() -> None:
    request = build_request(build(seed=0, options={"a": 1, "b": 1.5, "c": True, "d": "x"}))
    assert request.settings.seed == 0
    assert [type(value) for value in request.settings.options.values()] == [int, float, bool, str]


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"steps": math.nan}, "Steps"),
        ({"guidance_scale": math.nan}, "Guidance"),
        ({"guidance_scale": math.inf}, "Guidance"),
        ({"steps": 0}, "Steps"),
        ({"steps": 30.5}, "Steps"),
        ({"steps": "30"}, "Steps"),
        ({"steps": True}, "Steps"),
        ({"guidance_scale": 0.5}, "Guidance"),
        ({"seed": -2}, "Seed"),
        ({"seed": 2**53}, "Seed"),
        ({"count": 17}, "Candidates"),
        ({"sampler": "plms"}, "Sampler"),
        ({"model": "../pocket"}, "Model"),
        ({"options": {"a": None}}, "Option a"),
        ({"options": {"a": math.nan}}, "Option a"),
        ({"surprise": 1}, "Surprise"),
    ],
)
def test_a_wrong_setting_is_named(settings: dict[str, Any], field: str) -> None:
    with pytest.raises(RequestError) as caught:
        build_request(build(**settings))
    assert field in caught.value.what
    assert caught.value.limit
    assert caught.value.remedy


def test_a_seed_of_minus_one_is_a_new_one_each_time() -> None:
    drawn = {build_request(build(seed=-1)).settings.seed for _ in range(4)}
    assert len(drawn) > 1
    assert min(drawn) >= 0


def test_a_sampler_with_fewer_steps_is_told_when_the_request_is_checked() -> None:
    assert build_request(build(sampler="lcm", steps=50)).settings.steps == 50
    with pytest.raises(
        RequestError, match=r"51 steps were asked for\. The sampler lcm takes 1 to 50\."
    ):
        build_request(build(sampler="lcm", steps=51))


@pytest.mark.parametrize(
    "record",
    [None, [], "compose", {}, {"kind": "paint"}, {"kind": "reroll"}, object(), build(a=1j)],
)
def test_records_that_are_no_request(record: Any) -> None:
    with pytest.raises(RequestError):
        build_request(record)


values = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.lists(st.integers(), max_size=2)
)


@given(st.dictionaries(st.sampled_from([*RunSettings.model_fields, "other"]), values, max_size=3))
def test_whatever_is_sent_only_request_errors_come_out(settings: dict[str, Any]) -> None:
    try:
        request = build_request(build(**settings))
    except RequestError:
        return
    assert build_request(request.model_dump(mode="json")) == request
