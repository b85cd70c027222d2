"""The queue as pushed events: what a page hears, and that it is read once for all of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from backend.studio.studio import Studio
from tests.studio.scripted import ScriptedWorker
from tests.studio.workshop import WorkGate, compose, open_studio, save_scene
from ui import queue_stream
from ui.pictures import PictureRoutes

PAGES = 7


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue_stream, "PACE_S", 0.01)
    monkeypatch.setattr(queue_stream, "BEAT_S", 0.2)


@pytest.fixture
def gate() -> WorkGate:
    return WorkGate("step 2")


@pytest.fixture
def studio(tmp_path: Path, gate: WorkGate) -> Iterator[Studio]:
    with open_studio(tmp_path, ScriptedWorker(gate)) as opened:
        yield opened
        gate.opened.set()


class Turnstile(WorkGate):
    """Lets one job through at a time, so that what is true between two jobs can be seen."""

    def __call__(self, phase: str) -> None:
        if phase == self.phase:
            assert self.opened.wait(60)
            self.opened.clear()


class Line:
    """What one page receives; ``close`` ends its connection."""

    def __init__(self) -> None:
        self.text = ""
        self.status = 0
        self.headers: dict[str, str] = {}
        self.gone = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            self.headers = {key.decode(): value.decode() for key, value in message["headers"]}
        else:
            self.text += message["body"].decode()

    def hear(self, kind: str) -> list[dict[str, Any]]:
        """The data of all events of a kind."""
        blocks = [block.splitlines() for block in self.text.split("\n\n")]
        return [
            json.loads(block[-1].removeprefix("data: "))
            for block in blocks
            if block[:1] == [f"event: {kind}"]
        ]

    @property
    def last_id(self) -> str:
        return [line for line in self.text.splitlines() if line.startswith("id: ")][-1][4:]

    async def until(self, kind: str, test: Any) -> dict[str, Any]:
        """The first event of a kind that passes a test."""
        for _ in range(2000):
            found = [one for one in self.hear(kind) if test(one)]
            if found:
                return found[0]
            await asyncio.sleep(0.005)
        raise AssertionError(f"no such {kind} in {self.text[-2000:]}")


@asynccontextmanager
async def follow(routes: PictureRoutes, last_id: str = "") -> AsyncIterator[Line]:
    line = Line()
    headers = [(b"last-event-id", last_id.encode())] if last_id else []
    scope = {"type": "http", "path": "/lamina/queue", "method": "GET", "headers": headers}
    task = asyncio.create_task(routes(scope, line.receive, line.send))
    try:
        yield line
    finally:
        line.gone.set()
        await asyncio.wait_for(task, 5)


def test_a_page_hears_the_queue_at_once_then_steps_and_the_end(
    tmp_path: Path,
) -> None:
    gate = Turnstile("step 2")

    async def watch(studio: Studio) -> None:
        project, revision = save_scene(studio)
        routes = PictureRoutes(None, studio)  # type: ignore[arg-type]
        async with follow(routes) as line:
            await line.until("queue", lambda queue: queue["jobs"] == [])
            assert (line.status, line.headers["x-accel-buffering"]) == (200, "no")
            first, second = (studio.generate(project, revision, compose()).job for _ in range(2))
            queue = await line.until(
                "queue", lambda queue: len(queue["jobs"]) == 2 and queue["jobs"][0]["done"] == 2
            )
            assert [
                (job["id"], job["state"], job["place"], job["name"]) for job in queue["jobs"]
            ] == [(first, "running", 0, "Toys"), (second, "queued", 1, "Toys")]
            assert (await line.until("preview", lambda one: one["job"] == first))["jpeg"]
            gate.opened.set()
            await line.until(
                "queue", lambda queue: [job["id"] for job in queue["jobs"]] == [second]
            )
            ended = len(line.hear("queue"))
            gate.opened.set()
            await line.until(
                "queue", lambda queue: line.hear("queue")[ended:] and not queue["jobs"]
            )
            await line.until("beat", lambda _: True)

    with open_studio(tmp_path, ScriptedWorker(gate)) as studio:
        asyncio.run(watch(studio))


def test_whoever_comes_back_with_the_newest_id_is_told_nothing_twice(studio: Studio) -> None:
    async def watch() -> None:
        routes = PictureRoutes(None, studio)  # type: ignore[arg-type]
        async with follow(routes) as line:
            await line.until("queue", lambda _: True)
        async with follow(routes, line.last_id) as again:
            await again.until("beat", lambda _: True)
            assert again.hear("queue") == []
        async with follow(routes, "another life.3") as other:
            await other.until("queue", lambda _: True)

    asyncio.run(watch())


def test_any_number_of_pages_cost_one_reading(
    studio: Studio, gate: WorkGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    readings = []
    report = studio.queue.report

    def count() -> Any:
        readings.append(1)
        return report()

    monkeypatch.setattr(studio.queue, "report", count)

    async def watch() -> None:
        project, revision = save_scene(studio)
        routes = PictureRoutes(None, studio)  # type: ignore[arg-type]
        lines = [follow(routes) for _ in range(PAGES)]
        opened = [await line.__aenter__() for line in lines]
        for line in opened:
            await line.until("queue", lambda _: True)
        del readings[:]
        studio.generate(project, revision, compose())
        for line in opened:
            await line.until("queue", lambda queue: queue["jobs"] and queue["jobs"][0]["done"] == 2)
        lengths = {len(line.hear("queue")) for line in opened}
        assert len(readings) <= 8, "readings grow with pages"
        assert max(lengths) <= len(readings) + 1
        for line in lines:
            await line.__aexit__(None, None, None)

    asyncio.run(watch())


def test_more_pages_than_there_is_room_for_are_refused_in_words(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue_stream, "MAX_PAGES", 1)

    async def watch() -> None:
        routes = PictureRoutes(None, studio)  # type: ignore[arg-type]
        async with follow(routes) as line:
            await line.until("queue", lambda _: True)
            async with follow(routes) as refused:
                while not refused.text:
                    await asyncio.sleep(0.005)
                assert refused.status == 503
                error = json.loads(refused.text)["error"]
                assert (error["limit"], bool(error["remedy"])) == ("At most 1 may.", True)

    asyncio.run(watch())
