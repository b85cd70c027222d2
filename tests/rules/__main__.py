"""``python -m tests.rules``: what breaks the rules now, folder by folder."""

from __future__ import annotations

from itertools import groupby

from tests.rules.inspect_tree import inspect
from tests.rules.tree import Breach


def folder(breach: Breach) -> str:
    """The first two parts of the path, one for a file in the root."""
    return "/".join(breach.path.split("/")[:-1][:2]) or "."


def main() -> int:
    """Print the breaches; 1 if there are any."""
    breaches = sorted(inspect(), key=lambda breach: (folder(breach), breach.path, breach.line))
    for name, group in groupby(breaches, key=folder):
        print(name)
        print(*(f"  {breach}" for breach in group), sep="\n")
    print(f"{len(breaches)} breaches")
    return int(bool(breaches))


if __name__ == "__main__":
    raise SystemExit(main())
