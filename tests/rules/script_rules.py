"""Rules that are read off one JavaScript file of the page, with its comments, texts and patterns
blanked out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePath

from tests.rules.tree import Breach

SCRIPTS = {".js", ".mjs"}
IMPORT = re.compile(
    r"^\s*(?:import\b|export\s*(?:\*|\{[^}]*\})[^;]*?\bfrom\b)|\bimport\(", re.MULTILINE
)
DOCUMENT = re.compile(r"(?<![\w.$])(?:document|window\.document|globalThis\.document)\s*[.\[]")
PATTERN = re.compile(
    r"(?<=[(,=:\[!&|?{};\n])\s*/(?![/*])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/[a-z]*"
)
BLANKED = re.compile(
    r"//[^\n]*|/\*.*?\*/"  # comments
    r"|\"(?:\\.|[^\"\\\n])*\"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"  # texts
    rf"|{PATTERN.pattern}",
    re.DOTALL,
)


def check_script(path: str, text: str) -> Iterator[Breach]:
    """Kernels import nothing; only view/ and main.js touch the document object; functions are
    short.
    """
    parts = PurePath(path).parts
    if parts[:2] != ("ui", "web") or PurePath(path).suffix not in SCRIPTS:
        return
    bare = BLANKED.sub(lambda found: re.sub(r"[^\n]", " ", found.group(0)), text)
    if parts[2] == "kernels":
        yield from _hits(path, "kernels import nothing", IMPORT, bare)
    if parts[2] not in ("view", "main.js"):
        yield from _hits(path, "document outside view", DOCUMENT, bare)


def _hits(path: str, rule: str, pattern: re.Pattern[str], text: str) -> Iterator[Breach]:
    for hit in pattern.finditer(text):
        yield Breach(path, text.count("\n", 0, hit.start()) + 1, rule, hit.group(0).strip())
