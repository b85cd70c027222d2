"""The import contracts of pyproject.toml break where somebody breaks them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

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
    "backend/workers/ray_pool.py": "import ray",
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
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
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
