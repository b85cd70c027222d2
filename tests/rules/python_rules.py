"""Rules that are read off the syntax tree of one Python file.

Each takes all nodes of the tree, the module first, and yields (line, what was found).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import PurePath
from typing import TypeGuard

from tests.rules.tree import Breach

Found = Iterator[tuple[int, str]]
Nodes = Sequence[ast.AST]
Rule = Callable[[Nodes, str], Found]

MAX_ARGUMENTS = 6
MAX_NESTING = 3
ANYWHERE = {"util", "utils", "helper", "helpers", "manager", "managers", "handler", "handlers"}
AT_THE_END = {"data", "info"}
AT_THE_START = {"process"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
DEFINITIONS = (*FUNCTIONS, ast.ClassDef)
BRANCHES = (ast.If, ast.For, ast.AsyncFor, ast.While, ast.Try, ast.TryStar, ast.Match)

Function = ast.FunctionDef | ast.AsyncFunctionDef


def functions(nodes: Nodes) -> Iterator[Function]:
    """Every function and method, nested ones too."""
    return (node for node in nodes if isinstance(node, FUNCTIONS))


def arguments(function: Function) -> list[ast.arg]:
    """All named arguments of a function, keyword-only ones too, without self and cls."""
    given = function.args
    named = [*given.posonlyargs, *given.args, *given.kwonlyargs]
    return [one for one in named if one.arg not in ("self", "cls")]


def many_arguments(nodes: Nodes, _: str) -> Found:
    """Positional arguments and ``*args``, without self and cls; keyword-only ones do not count."""
    for function in functions(nodes):
        positional = len(arguments(function)) - len(function.args.kwonlyargs)
        count = positional + (function.args.vararg is not None)
        if count > MAX_ARGUMENTS:
            yield (
                function.lineno,
                f"{function.name} takes {count} positional arguments, at most {MAX_ARGUMENTS}",
            )


def tuple_arguments(nodes: Nodes, _: str) -> Found:
    """Parameters ``tuple[A, B]`` that the function only unpacks: they are several arguments.

    A point, a box or a size, all of one kind of number, is one value and may be a tuple.
    """
    for function in functions(nodes):
        used = [node for node in ast.walk(function) if isinstance(node, ast.Name)]
        unpacked = [name for node in ast.walk(function) for name in _names_unpacked(node)]
        for one in arguments(function):
            uses = sum(name.id == one.arg for name in used)
            if _is_packed(one.annotation) and uses and uses == unpacked.count(one.arg):
                yield one.lineno, f"{function.name}({one.arg}: {ast.unparse(one.annotation)})"


def _is_packed(annotation: ast.expr | None) -> TypeGuard[ast.expr]:
    """True for a tuple of a fixed length, unless all of it is one kind of number."""
    found = re.fullmatch(r"[Tt]uple\[(.*)\]", ast.unparse(annotation) if annotation else "")
    if not found or "..." in found[1]:
        return False
    return set(found[1].split(", ")) not in ({"int"}, {"float"})


def _names_unpacked(node: ast.AST) -> Iterator[str]:
    """Names that are unpacked by an assignment, alone or as parts of its right side."""
    if not isinstance(node, ast.Assign):
        return
    for target in node.targets:
        pairs: Iterable[tuple[ast.expr, ast.expr]] = [(target, node.value)]
        if isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple):
            pairs = zip(target.elts, node.value.elts, strict=False)
        for left, right in pairs:
            if isinstance(left, ast.Tuple) and isinstance(right, ast.Name):
                yield right.id


def deep_nesting(nodes: Nodes, _: str) -> Found:
    """Branches and loops inside one another; an ``elif`` is no deeper than its ``if``, a function
    starts anew.
    """
    for function in functions(nodes):
        depth = max((_depth(node) for node in function.body), default=0)
        if depth > MAX_NESTING:
            yield function.lineno, f"{function.name} nests {depth} levels, at most {MAX_NESTING}"


def _depth(node: ast.AST) -> int:
    if isinstance(node, DEFINITIONS):
        return 0
    inner = max((_depth(child) for child in ast.iter_child_nodes(node)), default=0)
    chained = (
        isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If)
    )
    if chained and isinstance(node, ast.If):
        inner = max(_depth(node.orelse[0]) - 1, *(_depth(child) for child in node.body))
    return inner + isinstance(node, BRANCHES)


def vague_names(nodes: Nodes, path: str) -> Found:
    """Names of modules, classes and functions that say nothing."""
    for folder in PurePath(path).with_suffix("").parts:
        if is_vague(folder):
            yield 1, f"module {folder}"
    for node in nodes:
        if isinstance(node, DEFINITIONS) and is_vague(node.name):
            yield node.lineno, node.name


def is_vague(name: str) -> bool:
    """True where one of the banned words stands in a snake_case or CamelCase name, at a place where
    it is vague.
    """
    words = [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]
    if not words:
        return False
    return bool(ANYWHERE.intersection(words)) or words[-1] in AT_THE_END or words[0] in AT_THE_START


def open_keywords(nodes: Nodes, _: str) -> Found:
    """``**kwargs`` in a public signature."""
    for function in functions(nodes):
        private = function.name.startswith("_") and not function.name.endswith("__")
        if function.args.kwarg is not None and not private:
            yield function.lineno, f"{function.name}(**{function.args.kwarg.arg})"


def callbacks(nodes: Nodes, _: str) -> Found:
    """Arguments named callback, given or taken: loops yield."""
    for node in nodes:
        if isinstance(node, FUNCTIONS):
            yield from (
                (one.lineno, f"{node.name}({one.arg}=)")
                for one in arguments(node)
                if _is_callback(one.arg)
            )
        if isinstance(node, ast.Call):
            yield from (
                (node.lineno, f"{one.arg}=") for one in node.keywords if _is_callback(one.arg or "")
            )


def _is_callback(name: str) -> bool:
    return "callback" in name.split("_") or "callbacks" in name.split("_")


def missing_docstrings(nodes: Nodes, _: str) -> Found:
    """Modules that are not empty, and their public classes and functions."""
    module = nodes[0]
    if not isinstance(module, ast.Module):
        return
    if module.body and ast.get_docstring(module) is None:
        yield 1, "the module"
    for node in module.body:
        if (
            isinstance(node, DEFINITIONS)
            and not node.name.startswith("_")
            and ast.get_docstring(node) is None
        ):
            yield node.lineno, node.name


def seed_defaults(nodes: Nodes, _: str) -> Found:
    """``seed or default``: 0 is a seed."""
    for node in nodes:
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
            first = ast.unparse(node.values[0])
            if re.search(r"(^|[._])seed$", first):
                yield node.lineno, ast.unparse(node)


EVERYWHERE: dict[str, Rule] = {
    "too many arguments": many_arguments,
    "nested too deep": deep_nesting,
    "vague name": vague_names,
    "seed or default": seed_defaults,
}
PRODUCT: dict[str, Rule] = {
    "packed arguments": tuple_arguments,
    "open keywords": open_keywords,
    "callback": callbacks,
    "no docstring": missing_docstrings,
}


def check_copies(trees: Mapping[str, ast.AST]) -> Iterator[Breach]:
    """Keys of ``model_copy(update={…})`` that no class of the repository declares: pydantic does
    not check them, so that a slip of the pen changes nothing and says nothing.
    """
    declared = {name for tree in trees.values() for name in _find_fields(tree)}
    for path, tree in trees.items():
        for line, name in _find_copies(tree):
            if name not in declared:
                yield Breach(path, line, "copied field that nobody declares", name)


def _find_fields(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        for statement in node.body if isinstance(node, ast.ClassDef) else ():
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                yield statement.target.id


def _find_copies(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Line and name of each literal key of an update."""
    calls = (node for node in ast.walk(tree) if isinstance(node, ast.Call))
    for call in calls:
        if not isinstance(call.func, ast.Attribute) or call.func.attr != "model_copy":
            continue
        updates = (one.value for one in call.keywords if one.arg == "update")
        for key in (key for one in updates if isinstance(one, ast.Dict) for key in one.keys):
            if isinstance(key, ast.Constant):
                yield key.lineno, str(key.value)


def check_python(path: str, text: str) -> Iterator[Breach]:
    """All breaches of one Python file; ``path`` is relative to the root and decides which rules
    hold.
    """
    try:
        tree = ast.parse(text)
    except SyntaxError as error:
        yield Breach(path, error.lineno or 1, "not Python", str(error.msg))
        return
    rules = EVERYWHERE if path.startswith("tests/") else EVERYWHERE | PRODUCT
    nodes = tuple(ast.walk(tree))
    for name, rule in rules.items():
        yield from (Breach(path, line, name, found) for line, found in rule(nodes, path))
