"""Figures that we watch: what no rule forbids one by one, but should not grow."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.rules.tree import ROOT, list_files, read_text

SHORT_LINES = 60
PRODUCT = ("backend", "ui", "app.py")
WORD = re.compile(r"\w+")
IRREGULAR = frozenset(
    WORD.findall(
        "been begun bent borne bought bound broken brought built cast caught chosen cut done "
        "drawn driven dwelt fallen felt found frozen given gone grown heard held hidden kept "
        "known laid learnt led left lent lit lost made meant met mixed overlaid paid put read "
        "redrawn said seen sent set shaken shown shut sold sought spent spoken spread spun stood "
        "stolen struck sung sunk swept swung taken taught told torn thrown thought undone "
        "understood unknown withdrawn won worn woven written "
    )
)
"""Past participles that do not end in -ed."""

VERBS = frozenset({"cast", "cut", "put", "read", "set", "shut", "spread"})
"""Of these: what is a verb as it stands."""

NO_PARTICIPLES = frozenset(
    {"bed", "bleed", "breed", "embed", "exceed", "feed", "need", "proceed", "seed", "shed", "speed"}
)

Sources = Mapping[Path, ast.Module]


def load_sources(root: Path = ROOT) -> Sources:
    """The syntax trees of the product, by path."""
    return {
        path: ast.parse(read_text(path, root))
        for path in list_files(root)
        if path.suffix == ".py" and path.parts[0] in PRODUCT
    }


def is_participle(name: str) -> bool:
    """True where the first word of a function's name is a past participle."""
    word = name.strip("_").split("_")[0]
    if word in IRREGULAR:
        return word not in VERBS
    return len(word) > 3 and word.endswith("ed") and word not in NO_PARTICIPLES


def find_participles(sources: Sources) -> list[str]:
    """Functions and methods named by participles, as ``path:line name``."""
    return [
        f"{path}:{node.lineno} {node.name}"
        for path, tree in sources.items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and is_participle(node.name)
    ]


def find_twins(sources: Sources) -> list[str]:
    """Names of classes, without a leading underscore, that several files define."""
    names = Counter(
        name
        for tree in sources.values()
        for name in {
            node.name.lstrip("_") for node in ast.walk(tree) if isinstance(node, ast.ClassDef)
        }
    )
    return sorted(name for name, count in names.items() if count > 1)


def find_folders(sources: Sources) -> set[str]:
    """The folders of the backend."""
    return {path.parts[1] for path in sources if path.parts[0] == "backend" and len(path.parts) > 2}


def find_arrows(sources: Sources) -> set[tuple[str, str]]:
    """Pairs of folders of the backend of which the first imports from the second."""
    folders = find_folders(sources)
    arrows = set()
    for path, tree in sources.items():
        for module in _list_imports(tree):
            target = module.split(".")[1] if module.startswith("backend.") else ""
            if path.parts[0] == "backend" and path.parts[1] in folders and target in folders:
                arrows.add((path.parts[1], target))
    return {(first, second) for first, second in arrows if first != second}


def _list_imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (one.name for one in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{one.name}" for one in node.names)


def count_lines(root: Path = ROOT) -> dict[Path, int]:
    """Lines of each Python file of the product."""
    return {
        path: len(read_text(path, root).splitlines())
        for path in list_files(root)
        if path.suffix == ".py" and path.parts[0] in PRODUCT
    }


def measure_any(root: Path = ROOT) -> float:
    """The share of the product's expressions that mypy takes for Any, in percent."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "mypy", "--any-exprs-report", folder]
        subprocess.run(command, cwd=root, capture_output=True, check=False)
        lines = (Path(folder) / "any-exprs.txt").read_text(encoding="utf-8").splitlines()
    anys, expressions = map(int, re.findall(r"\d+", lines[-1])[:2])
    return 100 * anys / expressions


def count_script_errors() -> int | None:
    """Errors of ``tsc --checkJs --strict`` over the page; None where its tools cannot be had."""
    from tests.gates import call
    from tests.web_tools import CHECKS, build_command, install_tools

    if install_tools():
        return None
    _, output = call(build_command(CHECKS["types-js"]))
    return len(re.findall(r"error TS\d+", output))


def quick_figures(root: Path = ROOT) -> Iterator[str]:
    """What is read off the sources, a line each."""
    sources, lines = load_sources(root), count_lines(root)
    functions = sum(
        isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        for tree in sources.values()
        for node in ast.walk(tree)
    )
    twins = find_twins(sources)
    short = sum(count < SHORT_LINES for count in lines.values())
    yield f"{len(find_participles(sources))} of {functions} functions are named by participles"
    yield f"{len(twins)} class names are used twice{': ' if twins else ''}{', '.join(twins)}"
    yield f"{short} of {len(lines)} Python files have fewer than {SHORT_LINES} lines"
    arrows, folders = len(find_arrows(sources)), len(find_folders(sources))
    yield f"{arrows} arrows between {folders} folders of the backend"
    yield f"{sum(lines.values())} lines of Python in the product"


def slow_figures() -> Iterator[str]:
    """What the type checkers say, a line each."""
    errors = count_script_errors()
    yield f"{'?' if errors is None else errors} type errors in the page's scripts"
    yield f"{measure_any():.1f} % of the expressions are of type Any"
