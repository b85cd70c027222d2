"""One live server for the tests of its doors, on a studio in memory."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.ui.scripted_studio import ScriptedStudio
from ui.serve import Served, serve


@dataclass(frozen=True)
class Live:
    """A page that is open, the studio behind it, and a client that calls it by its own name."""

    served: Served
    studio: ScriptedStudio
    uploads: Path
    client: httpx.Client


def free_port() -> int:
    """A port that nobody holds at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture(scope="session")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Live]:
    studio = ScriptedStudio()
    uploads = tmp_path_factory.mktemp("page") / "uploads"
    served = serve(studio, "127.0.0.1", free_port(), uploads)
    with httpx.Client(base_url=served.url, trust_env=False, timeout=20) as client:
        yield Live(served, studio, uploads, client)
    served.close()
