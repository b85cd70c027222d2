"""Words: functions are named by verbs, a class name is used once, and no word that the glossary
retired stands in a name.

The retired words are read from the table in ``backend/docs/glossary.md``.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

from tests.rules.tree import ROOT, Breach

GLOSSARY = ROOT / "backend" / "docs" / "glossary.md"
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
COLUMNS = 6
"""Of a row of the table; the last three hold the retired words, each in backticks."""

IRREGULAR = frozenset(
    re.findall(
        r"\w+",
        """
    begun born bought bound broken brought built caught chosen done drawn dreamt driven fed
    felt forgotten found frozen given gone got grown heard held hidden hung kept known laid
    learnt led left lent lost made meant met overlaid paid redrawn ridden said seen sent
    shown sold sought spent spoken stolen stood strewn struck stuck sunk swept sworn taken
    taught thought thrown told torn understood undone won worn written
""",
    )
)
NO_PARTICIPLES = frozenset(
    re.findall(
        r"\w+",
        """
    bed bleed breed embed exceed feed hundred indeed need proceed red sacred seed shed
    speed succeed weed
""",
    )
)
EXCEPTIONS: frozenset[str] = frozenset()
"""Functions that may keep such a name: at most ten, each with a reason beside it."""

Phrases = frozenset[tuple[str, ...]]
Named = tuple[int, str, Phrases]
"""A line, a name in it, and what that name must not hold."""

SQL = re.compile(r"\b(?:CREATE|SELECT|INSERT|UPDATE|DELETE|ALTER)\b")
OLD_SCHEMAS = ("backend/studio/storage/database.py", "backend/studio/storage/migration.py")
"""What brings old stores over has to name what they hold."""
OLD_FORMATS = (*OLD_SCHEMAS, "backend/scene/upgrade.py", "backend/plan/upgrade.py")


@dataclass(frozen=True)
class Retired:
    """Words (one or more, in their order) that are retired in names, as the name of a class or a
    module, and in the page's scripts.
    """

    names: frozenset[tuple[str, ...]]
    types: frozenset[tuple[str, ...]]
    page: frozenset[tuple[str, ...]]


def words_of(name: str) -> tuple[str, ...]:
    """The words of a snake_case, camelCase or dashed name, in small letters."""
    return tuple(word.lower() for word in WORDS.findall(name))


@cache
def retired_words(table: str) -> Retired:
    """The retired words of a glossary's text."""
    columns: tuple[set[tuple[str, ...]], ...] = (set(), set(), set())
    for line in table.splitlines():
        cells = line.strip().strip("|").split("|")
        if not line.startswith("|") or len(cells) != COLUMNS:
            continue
        for column, cell in zip(columns, cells[-3:], strict=True):
            column.update(words_of(word) for word in re.findall(r"`([^`]+)`", cell))
    return Retired(*map(frozenset, columns))


def is_participle(word: str) -> bool:
    """Whether a word is the second form of a verb: told, laid, joined."""
    return word in IRREGULAR or (
        word.endswith("ed") and len(word) > 3 and word not in NO_PARTICIPLES
    )


def participles(nodes: Sequence[ast.AST], _: str) -> Iterator[tuple[int, str]]:
    """Functions and methods whose first word is a participle; properties are values."""
    for node in nodes:
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_value(node):
            continue
        words = words_of(node.name)
        if words and is_participle(words[0]) and node.name not in EXCEPTIONS:
            yield node.lineno, f"{node.name}: say what it does"


def _is_value(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("property" in ast.unparse(one) for one in node.decorator_list)


def check_class_names(texts: Mapping[str, str]) -> Iterator[Breach]:
    """Classes of one name in several files, or twice in one."""
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path, text in texts.items():
        nodes = ast.walk(ast.parse(text)) if path.endswith(".py") else ()
        for node in (one for one in nodes if isinstance(one, ast.ClassDef)):
            places[node.name].append((path, node.lineno))
    for name, found in places.items():
        for path, line in found[1:]:
            yield Breach(path, line, "class name used twice", f"{name}, also in {found[0][0]}")


def check_retired(path: str, text: str, retired: Retired) -> Iterator[Breach]:
    """Retired words in the names of a file and in its own name."""
    scripts = path.endswith((".js", ".mjs", ".ts"))
    if not scripts and not path.endswith(".py"):
        return
    stem = words_of(PurePath(path).stem.removeprefix("test_"))
    found = [(1, PurePath(path).name, retired.page if scripts else retired.types)] if stem else []
    if scripts:
        found += [(line, name, retired.page) for line, name in script_names(text)]
    elif path not in OLD_FORMATS:
        found += python_names(ast.parse(text), retired)
    for line, name, words in found:
        hit = first_hit(name, words)
        if hit:
            yield Breach(path, line, "retired word", f"{' '.join(hit)} in {name}")


def first_hit(name: str, retired: frozenset[tuple[str, ...]]) -> tuple[str, ...]:
    """The first retired word of a name; empty for none."""
    own = words_of(name)
    for start in range(len(own)):
        for end in range(start + 1, len(own) + 1):
            if own[start:end] in retired:
                return own[start:end]
    return ()


def python_names(
    tree: ast.AST, retired: Retired
) -> list[tuple[int, str, frozenset[tuple[str, ...]]]]:
    """Every name that a module binds, with the words that it must not hold; tests' names are
    sentences.
    """
    found: list[Named] = []
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name):
                found.append((node.lineno, name, retired.names | retired.types))
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not name.startswith("test_"):
                    found.append((node.lineno, name, retired.names))
            case ast.arg(arg=name):
                found.append((node.lineno, name, retired.names))
            case ast.Name(id=name, ctx=ast.Store()):
                found.append((node.lineno, name, retired.names))
            case ast.Constant(value=str(value)) if SQL.search(value):
                found += [(node.lineno, word, retired.names) for word in re.findall(r"\w+", value)]
    return found


def script_names(text: str) -> Iterator[tuple[int, str]]:
    """The identifiers of a script, and the words of its labels and selectors, comments left out."""
    for number, line in enumerate(text.splitlines(), start=1):
        code = re.sub(r"//.*|^\s*/?\*.*", "", line)
        for name in re.findall(r"[A-Za-z_$][\w$-]*", code):
            yield number, name
