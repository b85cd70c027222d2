"""A real server that is started often and killed without a warning: ``lamina`` itself, in a process
that is forked from one which has imported everything already.
"""

from __future__ import annotations

import multiprocessing
import os
import re
import signal
import socket
import threading
import time
from dataclasses import dataclass, field
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import httpx

from tests.browser.run_cost import ASK, build_call

FORK = multiprocessing.get_context("forkserver")
PRELOAD = (
    "backend.cli",
    "backend.doctor",
    "backend.workers.local",
    "backend.workers.offer",
    "backend.workers.future",
    "ui.serve",
    "ui.editor",
    "tests.reliability.killed_server",
)
START_LIMIT_S = 120.0
CHECKPOINT_EVERY_S = 0.1


class Gone(Exception):
    """The server ended before it had answered: what was asked may have been done or not."""


def output_of(store: str) -> str:
    """Where the newest server of a store says what it has to say."""
    return f"{store}.output"


def run_server(store: str, port: int) -> None:
    """In a process of its own: the studio as a person starts it, but for checkpoints, which come
    often enough for runs of a few steps.
    """
    from backend.cli import main
    from backend.workers import local

    local.CHECKPOINT_EVERY_S = CHECKPOINT_EVERY_S
    with open(output_of(store), "w") as output:
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    main(["--port", str(port), "--store", store, "--device", "cpu", "--threads", "1"])


@dataclass
class KilledServer:
    """The server of one store, through any number of ends."""

    store: Path
    kills: int = 0
    _process: BaseProcess | None = None
    _http: httpx.Client | None = None
    _component: int = 0
    _timers: list[threading.Timer] = field(default_factory=list)

    def start(self) -> None:
        """Start it and wait until it answers."""
        FORK.set_forkserver_preload(list(PRELOAD))
        port = _free_port()
        self._process = FORK.Process(target=run_server, args=(str(self.store), port), daemon=True)
        self._process.start()
        self._http = httpx.Client(
            base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=START_LIMIT_S
        )
        self._component = self._wait_for_page()

    def kill_after(self, delay_s: float) -> None:
        """Let it end with kill -9 after so long, in the middle of whatever it does then."""
        timer = threading.Timer(delay_s, self.kill)
        timer.daemon = True
        self._timers = [timer]
        timer.start()

    def kill(self) -> None:
        """End it now, as a crash does."""
        assert self._process is not None
        assert self._process.pid is not None
        os.kill(self._process.pid, signal.SIGKILL)
        self.kills += 1

    def settle(self) -> None:
        """Wait until the killed one is gone."""
        for timer in self._timers:
            timer.join()
        assert self._process is not None
        self._process.join()
        self._close()

    def stop(self) -> None:
        """End it in order, as Ctrl-C does."""
        assert self._process is not None
        self._process.terminate()
        self._process.join(30)
        self._close()

    def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """The reply to a message. Gone where none came; an AssertionError for a refusal."""
        reply = self.try_ask(verb, **fields)
        assert not is_refusal(reply), (verb, reply)
        return reply

    def try_ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """The reply, be it a refusal. Gone where none came."""
        message = build_call(self._component, {"verb": verb, **fields})
        reply: dict[str, Any] = self._request("POST", ASK, json=message).json()
        return reply

    def upload(self, content: bytes) -> str:
        """The path of an uploaded file, to be named once."""
        files = {"files": ("mask.bin", content, "application/octet-stream")}
        found = self._request("POST", "/gradio_api/upload", files=files).json()
        return str(found[0])

    def has_picture(self, digest: str) -> bool:
        """Whether stored pixels can be fetched."""
        return self._request("GET", f"/lamina/picture/{digest}.png").status_code == 200

    def _request(self, method: str, path: str, **parts: Any) -> httpx.Response:
        assert self._http is not None
        try:
            return self._http.request(method, path, **parts)
        except httpx.HTTPError as error:
            raise Gone from error

    def _wait_for_page(self) -> int:
        limit = time.monotonic() + START_LIMIT_S
        while time.monotonic() < limit:
            assert self._process is not None
            assert self._process.is_alive(), Path(output_of(str(self.store))).read_text()
            try:
                found = re.search(r'"id":(\d+),"type":"html"', self._request("GET", "/").text)
            except Gone:
                time.sleep(0.01)
                continue
            if found is not None:
                return int(found.group(1))
        raise AssertionError(f"no page after {START_LIMIT_S:.0f} s")

    def _close(self) -> None:
        if self._http is not None:
            self._http.close()


def is_refusal(reply: dict[str, Any]) -> bool:
    """Whether a reply is an error; a subject has a field of that name, which is a text."""
    return isinstance(reply.get("error"), dict)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
