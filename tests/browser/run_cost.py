"""What open pages cost a run: its steps in a second alone, and with ten and fifty pages that ask
every 150 ms, as they did once, or that hear what is pushed.

``python -m tests.browser.run_cost`` prints a table. The ways take turns within one run of one
server, round after round, so that all of them meet the same machine. The pages are processes of
their own without a browser in them: what that costs is not counted. It is no part of the tests: no
time is asserted.
"""

from __future__ import annotations

import asyncio
import json
import re
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

import httpx

from tests.browser.studio_process import StudioProcess

ASK = "/gradio_api/component_server/"
ASKED_EVERY_S = 0.15
SPAN_S = 5.0
ROUNDS = 5
RUNS = 30
WAYS = (("alone", 0), ("pushed", 10), ("asked", 10), ("pushed", 50), ("asked", 50))
SPAWN = get_context("spawn")

Figures = dict[tuple[str, int], list[tuple[float, float]]]
"""By way and number of pages: steps a second, and processor seconds a second that serve pages."""


class Client:
    """The page's line to the server, without a page."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url, trust_env=False, timeout=60)
        page = self._http.get("/").text
        found = re.search(r'"id":(\d+),"type":"html"', page)
        assert found is not None, "the editor is not in the page"
        self.component = int(found.group(1))

    def ask(self, verb: str, **fields: Any) -> dict[str, Any]:
        """A reply of the server."""
        answer = self._http.post(ASK, json=build_call(self.component, {"verb": verb, **fields}))
        reply: dict[str, Any] = answer.json()
        assert "error" not in reply, reply
        return reply


def build_call(component: int, message: dict[str, Any]) -> dict[str, Any]:
    """What Gradio sends for a message."""
    return {
        "data": message,
        "component_id": component,
        "fn_name": "ask",
        "session_hash": "cost",
    }


def begin_runs(client: Client) -> tuple[str, str]:
    """More runs than the measurement lasts; their project, and the id of the first."""
    opened = client.ask("hello")
    settings = {**opened["editor"]["settings"], "steps": 150, "count": 1}
    project, revision = opened["project"], opened["revision"]
    request = {"kind": "compose", "settings": settings}
    asked = {"project": project, "revision": revision, "request": request}
    jobs = [client.ask("generate", **asked)["job"] for _ in range(RUNS)]
    return project, jobs[0]


def ask_for_ever(url: str, pages: int, component: int, job: str) -> None:
    """So many pages that ask for events, in a process of their own."""

    async def page(http: httpx.AsyncClient) -> None:
        after = 0
        while True:
            message = {"verb": "events", "job": job, "after": after}
            answer = await http.post(ASK, json=build_call(component, message))
            events = answer.json()["events"]
            after = events[-1]["n"] if events else after
            await asyncio.sleep(ASKED_EVERY_S)

    async def watch() -> None:
        limits = httpx.Limits(max_connections=pages)
        async with httpx.AsyncClient(
            base_url=url, trust_env=False, timeout=60, limits=limits
        ) as http:
            await asyncio.gather(*(page(http) for _ in range(pages)))

    asyncio.run(watch())


def hear_for_ever(url: str, pages: int) -> None:
    """So many pages that hear what is pushed, in a process of their own."""
    host, port = url.removeprefix("http://").split(":")

    async def page() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        writer.write(f"GET /lamina/queue HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
        while await reader.read(2**16):
            pass

    async def watch() -> None:
        await asyncio.gather(*(page() for _ in range(pages)))

    asyncio.run(watch())


@contextmanager
def open_pages(way: str, pages: int, client: Client, url: str, job: str) -> Iterator[None]:
    """So many pages, for the length of the block."""
    if pages == 0:
        yield
        return
    target, arguments = (
        (ask_for_ever, (url, pages, client.component, job))
        if way == "asked"
        else (hear_for_ever, (url, pages))
    )
    process = SPAWN.Process(target=target, args=arguments, daemon=True)
    process.start()
    time.sleep(3)  # until all are connected
    try:
        yield
    finally:
        process.kill()
        process.join()
        time.sleep(1)


def count_steps(client: Client, project: str) -> int:
    """How many steps all runs have taken."""
    return sum(job["done"] for job in client.ask("jobs", project=project)["jobs"])


def measure(client: Client, studio: StudioProcess, rounds: int) -> Figures:
    """Each of the ways ``rounds`` times in turn."""
    project, job = begin_runs(client)
    while count_steps(client, project) < 3:
        time.sleep(0.5)
    figures: Figures = defaultdict(list)
    for _ in range(rounds):
        for way, pages in WAYS:
            with open_pages(way, pages, client, studio.url, job):
                before, started = count_steps(client, project), time.monotonic()
                used = studio.cpu_by_thread()
                time.sleep(SPAN_S)
                serving_s = _sum_serving(used, studio.cpu_by_thread())
                span = time.monotonic() - started
                steps = count_steps(client, project) - before
            figures[way, pages].append((steps / span, serving_s / span))
    return figures


def _sum_serving(before: dict[str, float], after: dict[str, float]) -> float:
    """Processor time of all threads but the busiest one, which computes the run."""
    spent = sorted(after[name] - before.get(name, 0.0) for name in after)
    return sum(spent[:-1])


def main(rounds: int = ROUNDS) -> None:
    """Measure and print the medians over the rounds.

    ``steps_lost`` is the share of the steps that pages cost; on a machine that others use it is
    mostly theirs. ``serving`` is the processor time that the server spends on pages, in seconds a
    second: what Python's lock takes from the run at most, whoever else computes.
    """
    with tempfile.TemporaryDirectory() as folder:
        studio = StudioProcess(Path(folder)).start()
        try:
            figures = measure(Client(studio.url), studio, rounds)
        finally:
            studio.kill()
    alone, _ = (median(values) for values in zip(*figures["alone", 0], strict=True))
    for (way, pages), found in figures.items():
        pace, serving = (median(values) for values in zip(*found, strict=True))
        row = {"way": way, "pages": pages, "steps_per_s": round(pace, 2)}
        costs = {"steps_lost": round(1 - pace / alone, 3), "serving": round(serving, 4)}
        print(json.dumps({**row, **costs}), flush=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
