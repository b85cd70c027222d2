"""The queue as server-sent events: whatever happens to jobs is read and written out once, for any
number of open pages.
"""

from __future__ import annotations

import asyncio
import json
import logging
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import anyio.to_thread
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from backend.errors import LaminaError, RefusedError

if TYPE_CHECKING:
    from backend.studio.studio import Studio

log = logging.getLogger(__name__)

QUEUE_PATH = "/lamina/queue"
PACE_S = 0.2
"""At most five messages a second: as often as a run makes previews."""
PACE_A_PAGE_S = 0.01
"""So much longer is the pace for every open page: the run comes first."""
BEAT_S = 10.0
"""After so long without a message a heartbeat is sent, by which a page knows that the line holds.
"""
MAX_PAGES = 200
"""More streams than that are refused; a page without one asks by itself."""

RETRY = b"retry: 1000\n\n"
BEAT = b"event: beat\ndata: 1\n\n"
HEADERS = (
    (b"content-type", b"text/event-stream"),
    (b"x-accel-buffering", b"no"),  # or nginx holds the events back
)


@dataclass(frozen=True)
class Snapshot:
    """The queue at one moment, as it is sent.

    ``name`` is the id of the event; ``queue`` and ``preview`` are JSON, ``preview_of`` tells one
    preview from the next.
    """

    name: str = ""
    queue: str = ""
    preview: str = ""
    preview_of: tuple[str, int] = ("", 0)

    def encode(self, before: Snapshot) -> bytes:
        """The events for a page that has had ``before``; nothing where all is as it was."""
        parts = [
            f"event: {kind}\nid: {self.name}\ndata: {text}\n\n"
            for kind, text, had in (
                ("queue", self.queue, before.queue),
                ("preview", self.preview, before.preview),
            )
            if text and text != had
        ]
        return "".join(parts).encode()


@dataclass(eq=False)
class Page:
    """An open page: what is to be sent to it next, and the bell for it. A page that reads slowly
    gets the newest message and not all of them.
    """

    due: bytes = b""
    bell: asyncio.Event = field(default_factory=asyncio.Event)

    def give(self, message: bytes) -> None:
        """Send this next."""
        self.due = message
        self.bell.set()

    async def take(self) -> bytes:
        """What is to be sent, as soon as there is something."""
        await self.bell.wait()
        self.bell.clear()
        return self.due


class QueueStream:
    """``GET lamina/queue``: events ``queue`` (a QueueReport), ``preview`` ({job, jpeg,
    stage1_count}) and ``beat``. All state is the event loop's own.

    Every message is the whole queue, so a page that missed some has missed nothing; one that names
    the newest message as its last (Last-Event-ID) is told only what comes after.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._pages: set[Page] = set()
        self._changed = asyncio.Event()
        self._sending: asyncio.Task[None] | None = None
        self._newest = Snapshot()
        self._life = secrets.token_hex(4)
        self._number = 0

    @property
    def is_full(self) -> bool:
        return len(self._pages) >= MAX_PAGES

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One page, until it goes."""
        page = Page()
        self._pages.add(page)
        leave = asyncio.create_task(_until_gone(receive))
        try:
            if self._sending is None:
                self._sending = asyncio.create_task(self._tell())
            await send({"type": "http.response.start", "status": 200, "headers": list(HEADERS)})
            await self._refresh()
            await _send_part(send, RETRY + self._first(Headers(scope=scope)))
            while not leave.done():
                await _send_next(page, leave, send)
        finally:
            leave.cancel()
            self._pages.discard(page)

    def _first(self, headers: Headers) -> bytes:
        known = headers.get("last-event-id", "") == self._newest.name
        return BEAT if known else self._newest.encode(Snapshot())

    async def _tell(self) -> None:
        """Tell all pages what changes, as long as there are any."""
        stop = self._listen()
        try:
            while self._pages:
                message = await self._next_message()
                for page in self._pages if message else ():
                    page.give(message)
                await asyncio.sleep(max(PACE_S, PACE_A_PAGE_S * len(self._pages)))
        finally:
            stop()
            self._sending = None

    async def _next_message(self) -> bytes:
        """What changed, once something was written; a heartbeat after a silence."""
        before = self._newest
        try:
            await asyncio.wait_for(self._changed.wait(), BEAT_S)
        except TimeoutError:
            return BEAT
        self._changed.clear()
        await self._refresh()
        return self._newest.encode(before)

    def _listen(self) -> Callable[[], None]:
        """Ring the bell after every write, from whichever thread it comes."""
        loop = asyncio.get_running_loop()

        def ring() -> None:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._changed.set)

        return self._studio.queue.watch(ring)

    async def _refresh(self) -> None:
        """Read the queue anew; where the store does not answer, it stays as it was."""
        try:
            read = await anyio.to_thread.run_sync(self._read)
        except LaminaError:
            log.exception("the queue could not be told")
            return
        if (read.queue, read.preview) != (self._newest.queue, self._newest.preview):
            self._number += 1
            self._newest = Snapshot(
                f"{self._life}.{self._number}", read.queue, read.preview, read.preview_of
            )

    def _read(self) -> Snapshot:
        queue = self._studio.queue.report().model_dump_json()
        job, n, preview = self._studio.queue.preview()
        before = self._newest
        if (job, n) == before.preview_of:
            return Snapshot("", queue, before.preview, before.preview_of)
        text = json.dumps({"job": job, **preview.model_dump(mode="json")}) if job else ""
        return Snapshot("", queue, text, (job, n))


def refuse_page() -> LaminaError:
    """Why a page gets no stream of its own."""
    return RefusedError(
        "Too many pages follow the queue.",
        limit=f"At most {MAX_PAGES} may.",
        remedy="Close some; this one asks by itself meanwhile.",
    )


async def _send_next(page: Page, leave: asyncio.Task[None], send: Send) -> None:
    """The next message of a page, or nothing when it goes first."""
    taken = asyncio.create_task(page.take())
    await asyncio.wait({taken, leave}, return_when=asyncio.FIRST_COMPLETED)
    if taken.done() and not leave.done():
        await _send_part(send, taken.result())
    taken.cancel()


async def _send_part(send: Send, content: bytes) -> None:
    await send({"type": "http.response.body", "body": content, "more_body": True})


async def _until_gone(receive: Receive) -> None:
    """Wait until the page has closed its connection."""
    while (await receive())["type"] != "http.disconnect":
        pass
