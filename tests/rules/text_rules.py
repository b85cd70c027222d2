"""Rules that are read off the text, the size or the place of a file."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePath

from tests.rules.tree import Breach

MAX_LINES = 600
"""400 is the guide; the complaint comes where a file has clearly more than one subject."""

MAX_FILE_BYTES = 16 * 2**20
MAX_WEIGHT_BYTES = 60 * 2**20
SOURCES = {".py", ".js", ".mjs"}
DEFINES = re.compile(r"^\s*(?:async )?(?:def|class) |\bfunction\b|=>", re.MULTILINE)
PICKLES = {".bin", ".ckpt", ".pt", ".pth", ".pkl", ".pickle"}

MACHINE = re.compile(r"(?<![A-Za-z0-9_.])/(?:work|farm|root|home/[a-z]\w*|Users/\w+)/")
# Put together from halves, so that this file passes its own rule.
UNFINISHED = re.compile(
    r"\b(?:TO"
    r"DO|FIX"
    r"ME|XX"
    r"X|NotImplemented"
    r"Error|Magic"
    r"Mock|x"
    r"fail)\b"
    r"|pytest\.(?:mark\.)?sk"
    r"ip|unittest\.sk"
    r"ip|importor"
    r"skip|\b(?:test|it|describe)\.(?:sk"
    r"ip|to"
    r"do|on"
    r"ly)\("
)


def check_text(path: str, text: str) -> Iterator[Breach]:
    """Length, machine paths and marks of unfinished work in one text file."""
    lines = text.splitlines()
    long = PurePath(path).suffix in SOURCES and len(lines) > MAX_LINES
    if long and not is_table(text):
        yield Breach(
            path, MAX_LINES + 1, "file too long", f"{len(lines)} lines, at most {MAX_LINES}"
        )
    for number, line in enumerate(lines, 1):
        for rule, pattern in (("machine path", MACHINE), ("unfinished", UNFINISHED)):
            hit = pattern.search(line)
            if hit:
                yield Breach(path, number, rule, hit.group(0))


def is_table(text: str) -> bool:
    """True for a source that defines nothing that runs: however long, it is read by looking up."""
    return DEFINES.search(text) is None


def check_sizes(files: tuple[Path, ...], root: Path) -> Iterator[Breach]:
    """No file over 16 MB, no pickles, all weights together at most 60 MB."""
    weights = 0
    for path in files:
        size = (root / path).stat().st_size
        weights += size if path.suffix == ".safetensors" else 0
        if size > MAX_FILE_BYTES:
            yield Breach(str(path), 1, "file too large", f"{size / 2**20:.1f} MB, at most 16")
        if path.suffix in PICKLES:
            yield Breach(str(path), 1, "pickle", path.suffix)
    if weights > MAX_WEIGHT_BYTES:
        yield Breach(".", 1, "weights too large", f"{weights / 2**20:.1f} MB together, at most 60")


def check_controls(files: tuple[Path, ...], root: Path) -> Iterator[Breach]:
    """Each control has a test file in which identity, restored, equation and composition are
    named.
    """
    for path in files:
        if (
            path.parts[:2] != ("backend", "controls")
            or path.suffix != ".py"
            or path.stem == "__init__"
        ):
            continue
        tests = root / "tests" / "controls" / f"test_{path.stem}.py"
        names = (
            re.findall(r"^\s*(?:async )?def (test_\w+)", tests.read_text(), re.MULTILINE)
            if tests.is_file()
            else []
        )
        for wanted in ("identity", "restored", "equation", "composition"):
            if not any(wanted in name for name in names):
                yield Breach(
                    str(path), 1, "control without its test", f"{tests.name}: no test_…{wanted}…"
                )


def check_changelog(text: str) -> Iterator[Breach]:
    """Each version of the change log has the four headings, in order."""
    versions = re.split(r"^## ", text, flags=re.MULTILINE)[1:]
    if not versions:
        yield Breach("CHANGELOG.md", 1, "change log", "no version")
    for version in versions:
        headings = re.findall(r"^### (.+)$", version, re.MULTILINE)
        if headings != ["Added", "Changed", "Fixed", "Removed"]:
            yield Breach("CHANGELOG.md", 1, "change log", f"{version.splitlines()[0]}: {headings}")
