"""What holds in every test: one thread a process, repeatable examples, no connection beyond this
machine.
"""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest

for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
    os.environ.setdefault(name, "1")
os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

hypothesis.settings.register_profile(
    "lamina", derandomize=True, deadline=None, database=None, max_examples=40
)
hypothesis.settings.load_profile("lamina")

BROWSER = Path(__file__).parent / "browser"
HERE = ("127.", "::1", "localhost", "0.0.0.0")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything under tests/browser drives Chromium, marked or not."""
    for item in items:
        if BROWSER in item.path.parents:
            item.add_marker(pytest.mark.browser)


def pytest_collection_finish() -> None:
    """All that was imported stays: the collector need not look at it again and again (a tenth of
    the time).
    """
    gc.collect()
    gc.freeze()


def pytest_unconfigure() -> None:
    """At the end it may go, or libraries complain of what was left."""
    gc.unfreeze()


@pytest.fixture(scope="session", autouse=True)
def only_this_machine() -> Iterator[None]:
    """A connection to any other address fails the test that makes it."""
    connect = socket.socket.connect

    def guard(self: socket.socket, address: Any) -> None:
        if self.family in (socket.AF_INET, socket.AF_INET6) and not str(address[0]).startswith(
            HERE
        ):
            raise AssertionError(f"A test reached for {address[0]}: tests stay on this machine.")
        connect(self, address)

    patch = pytest.MonkeyPatch()
    patch.setattr(socket.socket, "connect", guard)
    yield
    patch.undo()
