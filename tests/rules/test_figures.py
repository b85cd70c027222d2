"""The figures count what they say, on a small sample."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tests.rules.figures import (
    Sources,
    find_arrows,
    find_participles,
    find_twins,
    is_participle,
    quick_figures,
)

SAMPLE: Sources = {
    Path(name): ast.parse(text)
    for name, text in {
        "backend/errors.py": "import backend.studio.jobs",
        "backend/studio/jobs.py": (
            "import backend.errors\nfrom backend import scene\nfrom backend.scene import layer\n"
            "from backend.studio import parts\nclass Job: pass\nclass _Batch: pass\n"
        ),
        "backend/scene/layer.py": (
            "def f():\n    from backend.plan.plan import Plan\nclass Job: pass\nclass Batch: pass\n"
        ),
        "backend/plan/plan.py": "import torch\nclass Plan: pass\nclass A:\n    class Plan: pass\n",
        "ui/editor.py": "import backend.plan.plan\n",
    }.items()
}


@pytest.mark.parametrize("name", ["told", "_laid", "drawn_share", "filled", "begun", "_kept_shade"])
def test_a_participle(name: str) -> None:
    assert is_participle(name)


@pytest.mark.parametrize(
    "name", ["tell", "read_json", "seed_of", "embed", "with_names", "put", "set_state", "__init__"]
)
def test_a_verb(name: str) -> None:
    assert not is_participle(name)


def test_functions_and_methods_are_looked_at() -> None:
    tree = {Path("a.py"): ast.parse("class A:\n    def told(self): pass\ndef tell(): pass\n")}
    assert find_participles(tree) == ["a.py:2 told"]


def test_twins_are_classes_of_several_files() -> None:
    assert find_twins(SAMPLE) == ["Batch", "Job"]


def test_arrows_are_between_folders_of_the_backend() -> None:
    assert find_arrows(SAMPLE) == {("studio", "scene"), ("scene", "plan")}


def test_every_quick_figure_is_printed() -> None:
    output = "\n".join(quick_figures())
    for words in (
        "named by participles",
        "used twice",
        "fewer than 60",
        "arrows",
        "lines of Python",
    ):
        assert words in output
