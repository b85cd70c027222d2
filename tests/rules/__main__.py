"""``python -m tests.rules [quick]``: what breaks the rules now, folder by folder, and the figures
that we watch; ``quick`` leaves out those that a type checker has to count.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from itertools import groupby

from tests.rules.figures import quick_figures, slow_figures
from tests.rules.inspect_tree import inspect
from tests.rules.tree import Breach


def folder(breach: Breach) -> str:
    """The first two parts of the path, one for a file in the root."""
    return "/".join(breach.path.split("/")[:-1][:2]) or "."


def main(arguments: Sequence[str]) -> int:
    """Print breaches and figures; 1 if there are any breaches."""
    breaches = sorted(inspect(), key=lambda breach: (folder(breach), breach.path, breach.line))
    for name, group in groupby(breaches, key=folder):
        print(name)
        print(*(f"  {breach}" for breach in group), sep="\n")
    print(*quick_figures(), sep="\n")
    if "quick" not in arguments:
        print(*slow_figures(), sep="\n")
    print(f"{len(breaches)} breaches")
    return int(bool(breaches))


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
