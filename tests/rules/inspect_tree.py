"""All rules over all files."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from pathlib import Path

from tests.rules.prose import check_prose
from tests.rules.python_rules import EVERYWHERE, PRODUCT, check_copies, check_python
from tests.rules.script_rules import check_script
from tests.rules.text_rules import check_changelog, check_controls, check_sizes, check_text
from tests.rules.tree import ROOT, Breach, list_files, read_text
from tests.rules.words import (
    GLOSSARY,
    check_class_names,
    check_function_names,
    check_words,
    find_retired,
)

RULES = (
    *EVERYWHERE,
    *PRODUCT,
    "not Python",
    "file too long",
    "machine path",
    "unfinished",
    "kernels import nothing",
    "document outside view",
    "file too large",
    "pickle",
    "weights too large",
    "control without its test",
    "change log",
    "one sentence a line",
    "function named by a participle",
    "class name used twice",
    "copied field that nobody declares",
    "retired word",
)


def inspect(root: Path = ROOT) -> Iterator[Breach]:
    """Every breach in the checkout at ``root``."""
    files = list_files(root)
    for path in files:
        name = path.as_posix()
        text = read_text(path, root)
        yield from check_text(name, text)
        yield from check_script(name, text)
        yield from check_prose(name, text)
        if path.suffix == ".py":
            yield from check_python(name, text)
    yield from inspect_words(files, root)
    yield from check_sizes(files, root)
    yield from check_controls(files, root)
    changes = root / "CHANGELOG.md"
    yield from check_changelog(changes.read_text(encoding="utf-8") if changes.is_file() else "")


def inspect_words(files: tuple[Path, ...], root: Path) -> Iterator[Breach]:
    """What breaks the glossary: functions and classes that are badly named, retired words."""
    texts = {path.as_posix(): read_text(path, root) for path in files}
    table = texts.get(GLOSSARY.relative_to(ROOT).as_posix(), "")
    trees: Mapping[str, ast.AST] = {
        name: ast.parse(text) for name, text in texts.items() if name.endswith(".py")
    }
    yield from check_class_names(trees)
    yield from check_copies(trees)
    for name, tree in trees.items():
        yield from check_function_names(name, tree)
    for name, text in texts.items():
        yield from check_words(name, text, find_retired(table))
