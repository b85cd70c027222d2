"""The README says what is true: its commands, its links, its table of methods."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.rules.named_paths import find_missing_names
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


@pytest.mark.parametrize("document", DOCUMENTS, ids=str)
def test_modules_and_paths_that_are_named_exist(document: Path) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    assert list(find_missing_names(document.as_posix(), text)) == []


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("README.md", "backend.workers.ray_pool"),
        ("CONTRIBUTING.md", "backend/version.py"),
        ("backend/README.md", "plan/training_job.py"),
        ("tests/README.md", "house/"),
        ("ui/web/README.md", "model/drafts.js"),
        ("backend/pocket/README.md", "course.py"),
    ],
)
def test_a_name_of_nothing_is_found(document: str, name: str) -> None:
    assert list(find_missing_names(document, f"See `{name}`.")) == [name]


@pytest.mark.parametrize(
    ("document", "name"),
    [
        ("README.md", "backend.methods.catalog.METHODS"),
        ("backend/README.md", "plan/request.py"),
        ("ui/web/README.md", "tracked.js"),
        ("tests/README.md", "tests/web/node_modules"),
        ("README.md", "python -m tests"),
        ("CHANGELOG.md", "backend/gone.py"),
    ],
)
def test_names_of_what_there_is_pass(document: str, name: str) -> None:
    assert list(find_missing_names(document, f"See `{name}`.")) == []


def test_the_architecture_is_short() -> None:
    assert len(lines_of("backend/README.md")) <= 150


def test_the_table_of_methods_is_the_catalog() -> None:
    from backend.methods.catalog import METHODS

    rows = [re.match(r"\| `(\w+)` \|", line) for line in lines_of("README.md")]
    assert {row[1] for row in rows if row} == set(METHODS)
