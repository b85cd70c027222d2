"""How long the tests of reliability are: in every run, for ``python -m tests reliability``, at
night.
"""

from __future__ import annotations

import os

VARIABLE = "LAMINA_RELIABILITY"
SIZES = ("quick", "push", "nightly")


def choose(quick: int, push: int, nightly: int) -> int:
    """The one of three numbers that this run asks for, by the environment variable."""
    wanted = os.environ.get(VARIABLE, SIZES[0])
    return dict(zip(SIZES, (quick, push, nightly), strict=True))[wanted]
