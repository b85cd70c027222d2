"""The README says what is true: its commands, its links, its table of methods."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.rules.tree import ROOT, list_files

OPEN_STUDIO = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements.txt && .venv/bin/python app.py"
)
RUN_TESTS = (
    "python3 -m venv .venv && .venv/bin/pip install -r requirements-dev.txt && "
    ".venv/bin/python -m tests"
)
DOCUMENTS = [path for path in list_files() if path.suffix == ".md"]


def lines_of(name: str) -> list[str]:
    return (ROOT / name).read_text(encoding="utf-8").splitlines()


def test_the_two_commands_stand_in_the_readme() -> None:
    assert {OPEN_STUDIO, RUN_TESTS} <= set(lines_of("README.md"))


def test_ci_runs_the_second_command() -> None:
    commands = [line for line in lines_of(".ci/run") if line and not line.startswith("#")]
    assert commands[-1] == RUN_TESTS
    assert "rm -rf .venv" in commands
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_links_lead_somewhere(document: Path) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    targets = [
        target.partition("#")[0]
        for target in re.findall(r"\]\(([^)\s]+)\)", text)
        if "://" not in target
    ]
    missing = [
        target for target in targets if target and not (ROOT / document.parent / target).exists()
    ]
    assert not missing


def test_the_table_of_methods_is_the_catalog() -> None:
    from backend.methods.catalog import METHODS

    rows = [re.match(r"\| `(\w+)` \|", line) for line in lines_of("README.md")]
    assert {row[1] for row in rows if row} == set(METHODS)
