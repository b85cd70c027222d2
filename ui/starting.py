"""Gradio's start without what ends it on some machines: it asks its own address through the
machine's proxies, and gives up on a server that takes seconds to answer.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from backend.errors import StoreError

PROXY_END = "_proxy"
CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
"""A file named there that is gone stops even a client that asks for no encryption."""
NO_PROXY = {"no_proxy": "*"}
"""Also where the system, not the environment, knows of proxies."""
LONGEST_START_S = 600.0
_PAUSE_S = 0.005


@contextmanager
def start_directly() -> Iterator[None]:
    """While it lasts, this process asks its own addresses without proxies, and a server has ten
    minutes to open its port instead of five seconds. Both are as before afterwards.
    """
    from gradio import http_server

    kind: Any = http_server.Server
    usual = kind.run_in_thread
    kind.run_in_thread = run_patiently
    dropped = drop_proxies()
    try:
        yield
    finally:
        kind.run_in_thread = usual
        for name in NO_PROXY:
            os.environ.pop(name, None)
        os.environ.update(dropped)


def drop_proxies() -> dict[str, str]:
    """Take proxies and certificates out of the environment; returns what was there."""
    names = [
        name
        for name in os.environ
        if name.lower().endswith(PROXY_END) or name.upper() in CERTIFICATES
    ]
    dropped = {name: os.environ.pop(name) for name in names}
    os.environ.update(NO_PROXY)
    return dropped


def run_patiently(server: Any) -> None:
    """Gradio's ``Server.run_in_thread`` with another wait: as long as the thread lives."""
    server.thread = threading.Thread(target=server.run, daemon=True)
    server.thread.start()
    end_s = time.monotonic() + LONGEST_START_S
    while not server.started:
        if not server.thread.is_alive() or time.monotonic() > end_s:
            raise StoreError(
                "The server ended before its port was open.",
                limit="Another program may have taken the port in between.",
                remedy="Start Lamina again, or choose another --port.",
            )
        time.sleep(_PAUSE_S)
