"""Rules that are read off one JavaScript file of the page, with its comments, texts and patterns blanked out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from tests.house.python_rules import MAX_FUNCTION
from tests.house.tree import Breach

SCRIPTS = {".js", ".mjs"}
NOT_CALLED = {"if", "for", "while", "switch", "catch", "with"}
IMPORT = re.compile(r"^\s*(?:import\b|export\s*(?:\*|\{[^}]*\})[^;]*?\bfrom\b)|\bimport\(", re.MULTILINE)
DOCUMENT = re.compile(r"(?<![\w.$])(?:document|window\.document|globalThis\.document)\s*[.\[]")
BLANKED = re.compile(
    r"//[^\n]*|/\*.*?\*/"  # comments
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"  # texts
    r"|(?<=[(,=:\[!&|?{};\n])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*",  # patterns
    re.DOTALL,
)


def check_script(path: str, text: str) -> Iterator[Breach]:
    """Kernels import nothing; only view/ and main.js touch the document object; functions are short."""
    parts = PurePath(path).parts
    if parts[:2] != ("ui", "web") or PurePath(path).suffix not in SCRIPTS:
        return
    bare = BLANKED.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)
    if parts[2] == "kernels":
        yield from _hits(path, "kernels import nothing", IMPORT, bare)
    if parts[2] not in ("view", "main.js"):
        yield from _hits(path, "document outside view", DOCUMENT, bare)
    for line, length in long_blocks(bare):
        yield Breach(path, line, "function too long", f"{length} lines, at most {MAX_FUNCTION}")


def _hits(path: str, rule: str, pattern: re.Pattern[str], text: str) -> Iterator[Breach]:
    for hit in pattern.finditer(text):
        yield Breach(path, text.count("\n", 0, hit.start()) + 1, rule, hit.group(0).strip())


def long_blocks(bare: str) -> Iterator[tuple[int, int]]:
    """(line, length) of each function body over the limit, from the line of its opening brace to the closing one."""
    opened: list[int] = []
    for brace in re.finditer(r"[{}]", bare):
        if brace.group() == "{":
            opened.append(brace.start())
        elif opened:
            start = opened.pop()
            length = bare.count("\n", start, brace.start()) + 1
            if length > MAX_FUNCTION and _opens_function(bare[:start].rstrip()):
                yield bare.count("\n", 0, start) + 1, length


def _opens_function(before: str) -> bool:
    """True where the text before an opening brace ends an arrow or the parameters of a function or method."""
    if before.endswith("=>"):
        return True
    if not before.endswith(")"):
        return False
    depth = 0
    for place in range(len(before) - 1, -1, -1):
        depth += {")": 1, "(": -1}.get(before[place], 0)
        if depth == 0:
            name = re.search(r"(\w+)\s*$", before[:place])
            return name is None or name[1] not in NOT_CALLED
    return False
