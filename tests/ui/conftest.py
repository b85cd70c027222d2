"""One live server for the tests of its doors, on a studio in memory; and a real studio behind a
bridge.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from backend.studio.studio import Studio
from tests.studio.workshop import open_studio
from tests.ui.scripted_studio import ScriptedStudio
from ui.bridge import Bridge
from ui.serve import Served, serve
from ui.uploads import UploadFolder


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


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    with open_studio(tmp_path / "store") as found:
        yield found


@pytest.fixture
def bridge(studio: Studio, tmp_path: Path) -> Bridge:
    return Bridge(studio, UploadFolder(tmp_path))
