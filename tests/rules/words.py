"""Words: functions are named by verbs, a class name is used once, and no word that the glossary
retired stands in a name or on the page.

The retired words are read from the table in ``backend/docs/glossary.md``.
"""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import PurePath

from tests.rules.figures import is_participle
from tests.rules.script_rules import PATTERN
from tests.rules.tree import ROOT, Breach

GLOSSARY = ROOT / "backend" / "docs" / "glossary.md"
WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
COLUMNS = 7
RETIRED = 4
"""Of a row of the table; the last four hold the retired words, each in backticks."""

PARTICIPLES: frozenset[str] = frozenset()
"""Functions that may be named by a participle: at most ten, each with a reason beside it."""

SQL = re.compile(r"\b(?:CREATE|SELECT|INSERT|UPDATE|DELETE|ALTER)\b")
NAME = re.compile(r"[A-Za-z_][\w-]*")
SCRIPTS = (".js", ".mjs", ".ts")
COMMENT = re.compile(r"/\*.*?\*/|(?<![:\"'`\\])//[^\n]*", re.DOTALL)
TEXT = re.compile(r"\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`")
INSERTED = re.compile(r"\$\{[^{}]*\}")
OLD_FORMATS = (
    "backend/plan/upgrade.py",
    "backend/scene/upgrade.py",
    "backend/studio/storage/database.py",
    "backend/studio/storage/migration.py",
    "tests/plan/test_upgrade.py",
    "tests/rules/test_figures.py",
    "tests/rules/test_rules_catch.py",
    "tests/web/upgrade.test.mjs",
    "ui/web/model/upgrade.js",
    "tests/studio/storage/test_database.py",
)
"""What brings old stores, scenes and plans over has to name what they hold; bad samples have to
be bad.
"""

Phrase = tuple[str, ...]
Phrases = frozenset[Phrase]


@dataclass(frozen=True)
class Retired:
    """Words (one or more, in their order) that are retired in every name, as the name of a class,
    a module or an event, in the page's scripts and styles, and on the page; and the standard terms
    in which they stay.
    """

    code: Phrases
    types: Phrases
    scripts: Phrases
    page: Phrases
    standard: Phrases


@dataclass(frozen=True)
class Named:
    """A name or a sentence of a file, its line, and what it must not hold."""

    line: int
    name: str
    retired: Phrases


def words_of(name: str) -> Phrase:
    """The words of a snake_case, camelCase or dashed name or of a sentence, in small letters."""
    return tuple(word.lower() for word in WORDS.findall(name))


@cache
def find_retired(table: str) -> Retired:
    """The retired words of a glossary's text, singular and plural."""
    rows, _, terms = table.partition("## Standard terms")
    columns: tuple[set[Phrase], ...] = tuple(set() for _ in range(RETIRED))
    for line in rows.splitlines():
        cells = line.strip().strip("|").split("|")
        if not line.startswith("|") or len(cells) != COLUMNS:
            continue
        for column, cell in zip(columns, cells[-RETIRED:], strict=True):
            for words in _list_quoted(cell):
                column.update((words, (*words[:-1], f"{words[-1].removesuffix('s')}s")))
    return Retired(*map(frozenset, columns), standard=frozenset(_list_quoted(terms)))


def _list_quoted(text: str) -> list[Phrase]:
    return [words_of(word) for word in re.findall(r"`([^`]+)`", text)]


def check_function_names(path: str, tree: ast.AST) -> Iterator[Breach]:
    """Functions and methods whose first word is a participle; properties are values."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) or _is_value(node):
            continue
        if is_participle(node.name) and node.name not in PARTICIPLES:
            found = f"{node.name}: say what it does"
            yield Breach(path, node.lineno, "function named by a participle", found)


def _is_value(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    return any("property" in ast.unparse(one) for one in node.decorator_list)


def check_class_names(trees: Mapping[str, ast.AST]) -> Iterator[Breach]:
    """Classes of one name in the product; a leading underscore is no difference."""
    places: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for path, tree in trees.items():
        nodes = () if path.startswith("tests/") else ast.walk(tree)
        for node in (one for one in nodes if isinstance(one, ast.ClassDef)):
            places[node.name.lstrip("_")].append((path, node.lineno))
    for name, found in places.items():
        for path, line in found[1:]:
            yield Breach(path, line, "class name used twice", f"{name}, also in {found[0][0]}")


def check_words(path: str, text: str, retired: Retired) -> Iterator[Breach]:
    """Retired words in the names of a file, in its own name and in what it shows people."""
    suffix = PurePath(path).suffix
    if path in OLD_FORMATS or suffix not in (".py", ".css", *SCRIPTS):
        return
    module = PurePath(path).with_suffix("").as_posix().replace("/test_", "/")
    found = [Named(1, module, retired.code | retired.types)]
    if suffix == ".py":
        found += python_names(ast.parse(text), retired, shows=not path.startswith("tests/"))
    elif suffix == ".css":
        found += style_names(text, retired)
    else:
        found += script_names(text, retired, shows=not path.startswith("tests/"))
    for one in found:
        hit = find_hit(words_of(one.name), one.retired, retired.standard)
        if hit:
            yield Breach(path, one.line, "retired word", f"{' '.join(hit)} in {one.name[:80]}")


def find_hit(words: Phrase, retired: Phrases, standard: Phrases = frozenset()) -> Phrase:
    """The first retired word or words among some, those of a standard term left out; empty for
    none.
    """
    at = 0
    while at < len(words):
        beginnings = [words[at:end] for end in range(len(words), at, -1)]
        term = next((each for each in beginnings if each in standard), ())
        hit = next((each for each in beginnings if each in retired), ())
        if hit and not term:
            return hit
        at += max(len(term), 1)
    return ()


def python_names(tree: ast.AST, retired: Retired, shows: bool) -> Iterator[Named]:
    """Every name that a module binds and every string that is one (a key, an event, a column), with
    the words that it must not hold; names of tests are sentences. The sentences themselves where
    the module ``shows`` them to people.
    """
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        match node:
            case ast.ClassDef(name=name):
                yield Named(node.lineno, name, retired.code | retired.types)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                if not name.startswith("test_"):
                    yield Named(node.lineno, name, retired.code)
            case ast.arg(arg=name) | ast.keyword(arg=str(name)):
                yield Named(node.lineno, name, retired.code)
            case ast.Name(id=name, ctx=ast.Store()) | ast.Attribute(attr=name, ctx=ast.Store()):
                yield Named(node.lineno, name, retired.code)
            case ast.Constant(value=str(value)) if id(node) not in documents:
                yield from _string_names(node.lineno, value, retired, shows)


def _string_names(line: int, value: str, retired: Retired, shows: bool) -> Iterator[Named]:
    """What a string names: itself, where it is a name; the columns of SQL; or it is a sentence."""
    if SQL.search(value):
        yield from (Named(line, word, retired.code) for word in NAME.findall(value))
    elif "_" in value and NAME.fullmatch(value) and not value.startswith("test_"):
        yield Named(line, value, retired.code)
    elif shows and (" " in value.strip() or value.istitle()):
        yield Named(line, value, retired.page)


def style_names(text: str, retired: Retired) -> Iterator[Named]:
    """Classes, ids, hooks and custom properties of a style sheet."""
    for found in re.finditer(r"(?:[.#]|--|\[data-)[A-Za-z][\w-]*", _blank(COMMENT, text)):
        line = text.count("\n", 0, found.start()) + 1
        yield Named(line, found.group(0), retired.code | retired.scripts)


def script_names(text: str, retired: Retired, shows: bool) -> Iterator[Named]:
    """The identifiers of a script, its strings that are names (classes, hooks, events), and the
    sentences where it ``shows`` them to people; comments are left out.
    """
    code = _blank(COMMENT, text)
    for found in TEXT.finditer(code):
        line = code.count("\n", 0, found.start()) + 1
        value = INSERTED.sub(" ", found.group(0))[1:-1]
        if re.fullmatch(r"[a-z][\w-]*[-_][\w-]*", value):
            yield Named(line, value, retired.code | retired.scripts)
        elif shows and not value.startswith("."):
            yield Named(line, value, retired.page)
    code = _blank(PATTERN, code)
    identifiers = TEXT.sub(lambda found: " ".join(INSERTED.findall(found.group(0))), code)
    for line, words in enumerate(identifiers.splitlines(), start=1):
        for name in re.findall(r"[A-Za-z_$][\w$]*", words):
            yield Named(line, name, retired.code | retired.scripts)


def _blank(pattern: re.Pattern[str], text: str) -> str:
    return pattern.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)
