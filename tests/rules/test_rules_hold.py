"""The checkout keeps the rules of the house."""

from __future__ import annotations

import pytest

from tests.rules.inspect_tree import RULES, inspect
from tests.rules.tree import Breach


@pytest.fixture(scope="module")
def breaches() -> list[Breach]:
    return list(inspect())


@pytest.mark.parametrize("rule", RULES)
def test_rule_is_kept(rule: str, breaches: list[Breach]) -> None:
    broken = [str(breach) for breach in breaches if breach.rule == rule]
    assert not broken, "\n".join(["", *broken])


def test_every_breach_belongs_to_a_listed_rule(breaches: list[Breach]) -> None:
    assert {breach.rule for breach in breaches} <= set(RULES)
