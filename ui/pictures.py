"""Stored pixels by digest and finished files by project, as plain GET addresses beside Gradio's
own.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING
from urllib.parse import quote

import anyio.to_thread
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.errors import LaminaError, RefusedError
from backend.scene.records import PictureDigest
from ui.bridge import describe_error
from ui.queue_stream import QUEUE_PATH, QueueStream, refuse_page

if TYPE_CHECKING:
    from backend.studio.studio import Studio

PREFIX = "/lamina/"
PICTURE = re.compile(r"/lamina/picture/([0-9a-f]{64})\.png")
SMALL = re.compile(r"/lamina/small/([0-9a-f]{64})\.webp")
PICTURES = re.compile(r"/lamina/pictures/([0-9a-f]{32})\.zip")
THUMBNAIL = re.compile(r"/lamina/thumbnail/([A-Za-z0-9_-]{1,64}\.\d{1,12})\.webp")
FILE = re.compile(r"/lamina/file/([0-9a-f]{32})")
SALVAGE = re.compile(r"/lamina/salvage/([A-Za-z0-9_-]{1,64})\.zip")
RESULT = re.compile(r"/lamina/result/([0-9a-f]{32})\.png")
EXPORT = re.compile(r"/lamina/export/([A-Za-z0-9_-]{1,64})\.ora")

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Answer:
    """A whole response. ``kind`` is its media type; ``more`` are parts that follow the body and
    are made while they are sent.
    """

    status: int
    kind: str
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()
    more: Iterator[bytes] | None = None

    async def send(self, send: Send, *, with_body: bool = True) -> None:
        """Write it; for HEAD without the body."""
        length = () if self.more else (("content-length", str(len(self.body))),)
        fields = (("content-type", self.kind), *length, *self.headers)
        headers: Headers = [
            (name.encode("latin-1"), value.encode("latin-1")) for name, value in fields
        ]
        await send({"type": "http.response.start", "status": self.status, "headers": headers})
        parts = self.more if with_body and self.more else iter(())
        while self.more and (part := await anyio.to_thread.run_sync(next, parts, None)) is not None:
            await send({"type": "http.response.body", "body": part, "more_body": True})
        await send({"type": "http.response.body", "body": self.body if with_body else b""})


def refusal(status: int, error: LaminaError) -> Answer:
    """An error as JSON in the shape of the bridge's error replies."""
    return Answer(status, "application/json", json.dumps({"error": describe_error(error)}).encode())


class PictureRoutes:
    """An ASGI layer that answers ``/lamina/…`` from the studio and hands everything else on."""

    def __init__(self, app: ASGIApp, studio: Studio) -> None:
        self.app = app
        self.studio = studio
        self.queue = QueueStream(studio)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http" or not scope["path"].startswith(PREFIX):
            await self.app(scope, receive, send)
            return
        if scope["method"] not in ("GET", "HEAD"):
            answer = refusal(405, RefusedError("This address can only be read.", remedy="Use GET."))
        elif scope["path"] == QUEUE_PATH and not self.queue.is_full:
            await self.queue.answer(scope, receive, send)
            return
        elif scope["path"] == QUEUE_PATH:
            answer = refusal(503, refuse_page())
        else:
            answer = await anyio.to_thread.run_sync(self.answer, scope["path"])
        await answer.send(send, with_body=scope["method"] != "HEAD")

    def answer(self, path: str) -> Answer:
        """The response to a path below ``/lamina/``."""
        replies = (
            (PICTURE, self._picture),
            (SMALL, self._small),
            (PICTURES, self._pictures),
            (THUMBNAIL, self._thumbnail),
            (EXPORT, self._export),
            (FILE, self._file),
            (SALVAGE, self._salvage),
            (RESULT, self._result),
        )
        for pattern, reply in replies:
            match = pattern.fullmatch(path)
            if match:
                return _try_reply(reply, match.group(1))
        return refusal(
            404, RefusedError("There is nothing at this address.", remedy="Go back to the page.")
        )

    def _picture(self, digest: str) -> Answer:
        content = self.studio.picture_png(digest)
        return Answer(200, "image/png", content, (("etag", f'"{digest}"'),))

    def _small(self, digest: str) -> Answer:
        content = self.studio.gallery.thumbnail(PictureDigest(digest))
        return Answer(200, "image/webp", content, (("etag", f'"{digest}"'),))

    def _pictures(self, name: str) -> Answer:
        file = _attach(b"", "Pictures.zip", "application/zip")
        return replace(file, more=self.studio.gallery.export(name))

    def _thumbnail(self, name: str) -> Answer:
        project, _, revision = name.partition(".")
        return Answer(200, "image/webp", self.studio.home.thumbnail(project, int(revision)))

    def _export(self, project: str) -> Answer:
        content, name = self.studio.export_ora(project)
        return _attach(content, name, "image/openraster")

    def _result(self, key: str) -> Answer:
        content, name = self.studio.results.fetch(key)
        return _attach(content, name, "image/png")

    def _file(self, key: str) -> Answer:
        file = self.studio.exports.fetch(key)
        return replace(_attach(b"", file.name, file.media_type), more=file.parts())

    def _salvage(self, project: str) -> Answer:
        content, name = self.studio.home.salvage(project)
        return _attach(content, name, "application/zip")


def _attach(content: bytes, name: str, kind: str) -> Answer:
    """A file to be saved under that name."""
    plain = re.sub(r"[^A-Za-z0-9._ -]", "_", name)
    disposition = f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    return Answer(200, kind, content, (("content-disposition", disposition),))


def _try_reply(reply: Callable[[str], Answer], name: str) -> Answer:
    """The reply, or the error's sentence with 404."""
    try:
        return reply(name)
    except LaminaError as error:
        return refusal(404, error)
