"""The import contracts of pyproject.toml break where somebody breaks them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.rules.tree import ROOT

LOW = ("scene", "plan", "pocket", "models", "engine")
HIGH = (
    "controls",
    "training",
    "objectives",
    "metrics",
    "methods",
    "studio",
    "workers",
    "evaluation",
)
FOLDERS = LOW + HIGH

CROSSINGS = {
    "backend/plan/bad.py": ("import backend.models", "The chain of the backend"),
    "backend/studio/bad.py": ("import gradio", "The backend imports neither"),
    "backend/scene/bad.py": ("import torch", "The document and the recipe"),
    "backend/engine/bad.py": ("import diffusers", "Libraries of networks"),
    "backend/workers/local.py": ("import ray", "ray:"),
    "backend/engine/worse.py": ("import backend.settings", "Nothing below the studio"),
    "ui/editor.py": ("import backend.plan.build", "The front end knows"),
    "ui/forms.py": ("import backend.methods", "The front end knows"),
    "backend/methods/a.py": ("import backend.methods.b", "Methods do not"),
    "backend/controls/a.py": ("import backend.controls.b", "Controls do not"),
    "backend/objectives/a.py": ("import backend.objectives.b", "Objectives do not"),
}
ALLOWED = {
    "backend/models/load.py": "import diffusers",
    "backend/methods/catalog.py": "import backend.methods.a",
    "backend/methods/b.py": "import backend.methods.options",
    "ui/bridge.py": (
        "import backend.plan.request, backend.studio.studio, backend.scene.scene, backend.errors"
    ),
}


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text + "\n")


def lint(root: Path) -> str:
    """What import-linter says of a tree; the tree itself, not this checkout, is on its path."""
    command = [
        sys.executable,
        "-c",
        (
            "import sys; sys.path[0] = '.'; from importlinter.cli import lint_imports_command as "
            "c; c()"
        ),
    ]
    return subprocess.run(
        [*command, "--no-logo"], cwd=root, capture_output=True, text=True, check=False
    ).stdout


@pytest.fixture
def small_tree(tmp_path: Path) -> Path:
    """Empty packages of the right names, two siblings in each, and the real contracts."""
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for kind in ("forbidden", "independence"):  # most exceptions have no match in so small a tree
        line = f'type = "{kind}"\n'
        contracts = contracts.replace(line, f'{line}unmatched_ignore_imports_alerting = "none"\n')
    (tmp_path / "pyproject.toml").write_text(contracts, encoding="utf-8")
    packages = ["backend", "ui", *(f"backend/{folder}" for folder in FOLDERS)]
    write(tmp_path, {f"{package}/__init__.py": "" for package in packages})
    write(tmp_path, {f"backend/{folder}/{name}.py": "" for folder in FOLDERS for name in "ab"})
    names = (
        "errors",
        "methods/options",
        "settings",
        "plan/request",
        "plan/build",
        "studio/studio",
        "scene/scene",
    )
    write(tmp_path, {f"backend/{name}.py": "" for name in names})
    write(tmp_path, ALLOWED)
    return tmp_path


def test_allowed_imports_pass(small_tree: Path) -> None:
    assert ", 0 broken" in lint(small_tree)


def test_each_crossing_breaks_its_contract(small_tree: Path) -> None:
    write(small_tree, {name: line for name, (line, _) in CROSSINGS.items()})
    output = lint(small_tree)
    broken = [line for line in output.splitlines() if line.endswith("BROKEN") or "BROKEN (" in line]
    for _, contract in CROSSINGS.values():
        assert any(line.startswith(contract) for line in broken), f"{contract}\n{output}"


def list_named_modules(contract: Mapping[str, Any]) -> Iterator[str]:
    """Modules of our own that a contract names, without what stands for several of them."""
    names = [
        *(name for key in ("source_modules", "modules") for name in contract.get(key, ())),
        *contract.get("forbidden_modules", ()),
        *(name for line in contract.get("ignore_imports", ()) for name in line.split(" -> ")),
        *(
            f"{container}.{name.strip('() ')}"
            for container in contract.get("containers", ())
            for layer in contract["layers"]
            for name in layer.split("|")
        ),
    ]
    ours = (name.split(".*")[0] for name in names)
    return (name for name in ours if name.split(".")[0] in ("backend", "ui"))


def find_missing_modules(contract: Mapping[str, Any]) -> list[str]:
    """Of the modules that a contract names, those that are no file and no folder here."""
    places = {name: ROOT.joinpath(*name.split(".")) for name in list_named_modules(contract)}
    return [
        name
        for name, place in places.items()
        if not place.is_dir() and not place.with_suffix(".py").is_file()
    ]


def test_every_contract_is_about_modules_that_exist() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
        "importlinter"
    ]["contracts"]
    assert {
        one["name"]: missing for one in contracts if (missing := find_missing_modules(one))
    } == {}
    assert all("unmatched_ignore_imports_alerting" not in one for one in contracts)


@pytest.mark.parametrize(
    "contract",
    [
        {"source_modules": ["backend.nowhere"]},
        {"modules": ["backend.nowhere.*"]},
        {"ignore_imports": ["backend.scene.** -> backend.nowhere"]},
        {"containers": ["backend"], "layers": ["scene | (nowhere)"]},
    ],
)
def test_a_contract_about_nothing_is_found(contract: Mapping[str, Any]) -> None:
    assert find_missing_modules(contract) == ["backend.nowhere"]


def test_an_exception_that_nothing_needs_is_an_error(tmp_path: Path) -> None:
    write(tmp_path, {"backend/__init__.py": "", "backend/a.py": "", "ui/__init__.py": ""})
    lines = (
        "[tool.importlinter]",
        'root_packages = ["backend", "ui"]',
        "include_external_packages = true",
        "[[tool.importlinter.contracts]]",
        'name = "ray"',
        'type = "forbidden"',
        'source_modules = ["backend"]',
        'forbidden_modules = ["ray"]',
        'ignore_imports = ["backend.workers.ray_pool -> ray"]',
    )
    (tmp_path / "pyproject.toml").write_text("\n".join(lines), encoding="utf-8")
    assert "No matches for ignored import" in lint(tmp_path)
