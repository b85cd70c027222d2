"""The licence of a model, where its folder names one: the head of its README, or a licence file."""

from __future__ import annotations

import re
from pathlib import Path

READ_BYTES, LONGEST = 8192, 80
FILES = ("LICENSE", "LICENSE.md", "LICENSE.txt", "LICENCE", "license.txt")
NAMED = re.compile(r"^(license|license_name):\s*[\"']?([^\"'\n]+?)[\"']?\s*$", re.MULTILINE)


def read_licence(folder: Path) -> str:
    """The licence that a model folder names.

    Args:
        folder: the model's.

    Returns:
        Its name or the first line of its text, at most 80 characters; "" where nothing is named.
    """
    head = _read(folder / "README.md")
    if head.startswith("---"):
        named = dict(NAMED.findall(head.split("---", 2)[1]))
        name = named.get("license", "")
        name = named.get("license_name", name) if name in ("", "other") else name
        if name:
            return clean_name(name)
    texts = (_read(folder / name) for name in FILES)
    lines = (line.strip("#*= \t") for text in texts for line in text.splitlines())
    return clean_name(next(filter(None, lines), ""))


def clean_name(name: str) -> str:
    """A licence's name as one short line.

    Args:
        name: any text.
    """
    return " ".join("".join(filter(str.isprintable, name)).split())[:LONGEST]


def _read(path: Path) -> str:
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(READ_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""
