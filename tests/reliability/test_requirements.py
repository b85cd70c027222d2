"""The table of requirements: whole, with tests that exist, and with a reason for what is open."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.gates import reliability_gates
from tests.reliability.requirements import REQUIREMENTS, list_proofs
from tests.reliability.sizes import SIZES, choose

TESTS = Path(__file__).parents[1]
COUNT = 48
SEVERAL = {16, 19, 42, 45}
"""Those that are about several people, and have no proof before there are any."""


def exists(proof: str) -> bool:
    """Whether a test of that name stands in that file."""
    path, _, name = proof.partition("::")
    text = (TESTS / path).read_text(encoding="utf-8") if (TESTS / path).is_file() else ""
    if path.endswith(".py"):
        return re.search(rf"^def {re.escape(name)}\(", text, re.M) is not None
    return f'test("{name}' in text if name else "test(" in text


def test_every_requirement_is_proven_or_says_why_not() -> None:
    assert list(REQUIREMENTS) == list(range(1, COUNT + 1))
    bare = {number for number, one in REQUIREMENTS.items() if not one.proofs}
    assert bare - {46} == SEVERAL
    for number, one in REQUIREMENTS.items():
        assert one.says.endswith("."), number
        assert one.proofs or one.lacks, number
        assert not one.lacks or one.lacks.endswith("."), number


@pytest.mark.parametrize("number", REQUIREMENTS)
def test_the_tests_that_are_named_exist(number: int) -> None:
    assert [proof for proof in REQUIREMENTS[number].proofs if not exists(proof)] == []


def test_a_test_that_is_not_there_is_noticed() -> None:
    assert not exists("reliability/test_requirements.py::test_that_nobody_wrote")
    assert not exists("reliability/test_nothing.py::test_a")
    assert not exists("web/bridge.test.mjs::a title that nobody wrote")


def test_every_proof_is_run_by_one_of_the_gates() -> None:
    parts = [list_proofs(folder) for folder in ("", "browser", "web", "reliability")]
    named = {proof for one in REQUIREMENTS.values() for proof in one.proofs}
    assert sorted(named) == sorted(proof for part in parts for proof in part)
    assert [gate.name for gate in reliability_gates()] == [
        "kills",
        "journeys",
        "long",
        "proofs",
        "scripts",
    ]


def test_each_size_is_longer_than_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    found = []
    for size in SIZES:
        monkeypatch.setenv("LAMINA_RELIABILITY", size)
        found.append(choose(1, 2, 3))
    assert found == [1, 2, 3]
    monkeypatch.setenv("LAMINA_RELIABILITY", "endless")
    with pytest.raises(KeyError):
        choose(1, 2, 3)
