"""Modules, files and folders that a Markdown file names in backticks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path, PurePath

from tests.rules.tree import BUILT, ROOT, list_files

CODE = re.compile(r"```.*?```|`([^`\n]+)`", re.DOTALL)
MODULE = re.compile(r"(?:backend|tests|ui)(?:\.\w+)+")
SUFFIXES = r"(?:py|pyi|js|mjs|ts|css|md|toml|json|yml|sh|svg|txt)"
FILE = re.compile(rf"[\w.-]+(?:/[\w.-]+)*\.{SUFFIXES}")
FOLDER = re.compile(r"[\w.-]+(?:/[\w-]+)+/?|[\w-]+/")
HISTORY = ("CHANGELOG.md", "backend/docs/decisions/", "tests/fixtures/")
"""What tells of other days names what there was then."""


def find_missing_names(document: str, text: str) -> Iterator[str]:
    """Names in a document of modules, files and folders that are not in the checkout: a path from
    the root, from the document, or from one of the folders above it and inside the product.
    """
    if document.startswith(HISTORY):
        return
    for found in CODE.finditer(text):
        name = (found[1] or "").strip()
        if MODULE.fullmatch(name) and not name.endswith((".py", ".js", ".md")):
            exists = _has_module(name)
        else:
            is_path = FILE.fullmatch(name) or FOLDER.fullmatch(name)
            exists = not is_path or _has_path(document, name)
        if not exists:
            yield name


def _has_module(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    place = name.replace(".", "/")
    known = _list_places()
    return any(one in known for one in (place, f"{place}.py", f"{place.rpartition('/')[0]}.py"))


def _has_path(document: str, name: str) -> bool:
    path = name.removeprefix("./").rstrip("/")
    if BUILT.intersection(PurePath(path).parts):
        return True
    folder = PurePath(document).parent
    inside = f"{folder.as_posix()}/".removeprefix("./")
    if any(one.startswith(inside) and f"/{one}".endswith(f"/{path}") for one in _list_places()):
        return True
    starts = {folder, *folder.parents, *map(PurePath, ("backend", "ui", "ui/web", "tests"))}
    return any((start / path).as_posix() in _list_places() for start in starts)


@cache
def _list_places(root: Path = ROOT) -> frozenset[str]:
    """Every file of the checkout and every folder above one."""
    files = list_files(root)
    folders = {parent for file in files for parent in file.parents}
    return frozenset(path.as_posix() for path in (*files, *folders))
