"""The outermost ASGI layer: who may knock (host, origin), at which doors (paths), and with how much
(bodies).
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from backend.errors import LaminaError, RefusedError, StoreError
from backend.settings import LOOPBACK_NAMES
from backend.studio.storage.disk import Disk, require_space
from ui.pictures import refusal
from ui.uploads import MAX_UPLOAD_BYTES

MAX_JSON_BYTES = 2 * 1024 * 1024
# The multipart frame round one file: boundaries, a name, a type.
UPLOAD_SLACK_BYTES = 64 * 1024

LOOPBACK_HOST = re.compile(
    f"(?:{'|'.join(map(re.escape, LOOPBACK_NAMES))})(?::(?P<port>[0-9]{{1,5}}))?"
)

# Gradio's own script writes this one with a slash at its end.
ASK_PATH = "/gradio_api/component_server/"
UPLOAD_PATH = "/gradio_api/upload"
FILE_PREFIX = "/gradio_api/file="

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        # Gradio compiles the component's template and script in the page: without 'unsafe-eval'
        # there is no desk.
        "script-src 'self' 'unsafe-inline' 'unsafe-eval'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' blob: data:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

HEADERS = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "permissions-policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=()",
}

# A machine's own table of types may call a module text/plain, which browsers then refuse to run.
MODULE_KINDS = {
    "js": "text/javascript",
    "css": "text/css",
    "svg": "image/svg+xml",
    "json": "application/json",
}

# Names that carry a hash of their content may be kept for good; our modules are asked for again
# each time.
KEPT = {
    "/lamina/picture/": "private, max-age=31536000, immutable",
    "/lamina/small/": "private, max-age=31536000, immutable",
    "/lamina/thumbnail/": "private, max-age=60",
    "/assets/": "private, max-age=31536000, immutable",
    FILE_PREFIX: "no-cache",
    "/static/": "no-cache",
    "/favicon.ico": "no-cache",
}

# Everything that the page needs; whatever is not here is closed, also routes that a later Gradio
# adds.
OPEN: tuple[tuple[str, re.Pattern[str]], ...] = tuple(
    (methods, re.compile(pattern))
    for methods, pattern in (
        ("GET HEAD", r"/"),
        ("GET HEAD", r"/assets/.+"),
        ("GET HEAD", r"/static/.+"),
        ("GET HEAD", r"/theme\.css|/favicon\.ico|/robots\.txt"),
        ("GET HEAD", r"/lamina/(picture|small|thumbnail|export|salvage)/[^/]+"),
        ("GET HEAD", r"/lamina/(pictures|result|file)/[^/]+"),
        ("GET", r"/lamina/queue"),
        # Gradio calls this one itself while it starts.
        ("GET", r"/gradio_api/startup-events"),
        ("POST", ASK_PATH),
        ("POST", UPLOAD_PATH),
    )
)


@dataclass(frozen=True)
class AllowList:
    """What this server answers to: its port, the one component that may be asked, the folder it
    serves as it is, and the one that uploads go to, with its disk.

    It is this machine under any port: a browser behind an SSH tunnel asks for the tunnel's own.
    """

    port: int
    component: int
    web_folder: Path
    upload_folder: Path
    disk: Disk = field(default_factory=Disk)


class Guard:
    """Refuses foreign hosts, origins, doors and oversized bodies before the wrapped app sees
    them.
    """

    def __init__(self, app: ASGIApp, allowed: AllowList) -> None:
        self.app = app
        self.doors = allowed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One connection."""
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            # The page opens none; closing before accepting answers 403.
            await send({"type": "websocket.close", "code": 1008})
        else:
            await self._request(scope, receive, _with_headers(scope["path"], send))

    async def _request(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        shut = (
            refuse_origin(headers, self.doors)
            or refusal_reason(scope, self.doors)
            or too_large(scope["path"], headers)
            or lacks_room(scope["path"], headers, self.doors)
        )
        if shut is not None:
            await refusal(*shut).send(send, with_body=scope["method"] != "HEAD")
            return
        if scope["path"] == ASK_PATH:
            body = await _read_body(receive)
            wrong = unreadable(body, self.doors)
            if wrong is not None:
                await refusal(*wrong).send(send)
                return
            receive = _replay(body, receive)
        await self.app(scope, receive, send)


Shut = tuple[int, LaminaError]


def is_loopback(host: str) -> bool:
    """Whether a Host header names this machine itself, with any port or none."""
    found = LOOPBACK_HOST.fullmatch(host.lower())
    return found is not None and int(found["port"] or 80) in range(1, 65536)


def refuse_origin(headers: Headers, allowed: AllowList) -> Shut | None:
    """Why a request comes from elsewhere: another Host (rebinding), another Origin, another site's
    page.
    """
    hosts = headers.getlist("host")
    if len(hosts) != 1 or not is_loopback(hosts[0]):
        return 421, RefusedError(
            f"This server is not {', '.join(hosts)[:80] or 'unnamed'}.",
            limit=f"It answers to {', '.join(LOOPBACK_NAMES)}, under any port.",
            remedy=(
                f"Open http://127.0.0.1:{allowed.port} instead, or the tunnel's own port on "
                "127.0.0.1."
            ),
        )
    for origin in headers.getlist("origin"):
        if origin.lower() != f"http://{hosts[0].lower()}":
            return 403, RefusedError(
                f"A page of {origin[:80]} asked.",
                limit="Only this server's own page may ask.",
                remedy="Open the studio in its own tab.",
            )
    if headers.get("sec-fetch-site", "none") in ("cross-site", "same-site") and (
        headers.get("sec-fetch-mode") != "navigate" or headers.get("sec-fetch-dest") != "document"
    ):
        return 403, RefusedError(
            "A page of another site asked.", remedy="Open the studio in its own tab."
        )
    return None


def refusal_reason(scope: Scope, allowed: AllowList) -> Shut | None:
    """Why there is no such door: the path is none of the page's, or not by this method."""
    path, method = scope["path"], scope["method"]
    if path.startswith(FILE_PREFIX):
        return (
            None
            if method in ("GET", "HEAD") and _is_module(path.removeprefix(FILE_PREFIX), allowed)
            else _no_door()
        )
    for methods, pattern in OPEN:
        if pattern.fullmatch(path):
            return None if method in methods.split() else _no_door(405)
    return _no_door()


def _no_door(status: int = 404) -> Shut:
    return status, RefusedError("There is nothing at this address.", remedy="Go back to the page.")


def _is_module(name: str, allowed: AllowList) -> bool:
    """Whether a path is a file of the page's own modules, every link followed."""
    try:
        found = Path(name).resolve(strict=True)
    except (OSError, ValueError, RuntimeError):
        return False
    return found.is_relative_to(allowed.web_folder) and found.is_file()


def too_large(path: str, headers: Headers) -> Shut | None:
    """Why a body may not come: its declared length, or (for uploads) none declared."""
    if path not in (ASK_PATH, UPLOAD_PATH):
        return None
    declared = headers.get("content-length", "")
    if path == UPLOAD_PATH and not declared.isdecimal():
        return 411, RefusedError(
            "An upload has to say how long it is.", remedy="Send a Content-Length."
        )
    limit = MAX_JSON_BYTES if path == ASK_PATH else MAX_UPLOAD_BYTES + UPLOAD_SLACK_BYTES
    if declared.isdecimal() and int(declared[:20]) > limit:
        return 413, _too_large(limit)
    return None


def lacks_room(path: str, headers: Headers, allowed: AllowList) -> Shut | None:
    """Why an upload may not come: the disk is nearly full, or the folder for it is gone."""
    if path != UPLOAD_PATH:
        return None
    try:
        require_space(allowed.disk, allowed.upload_folder, int(headers["content-length"]))
    except StoreError as error:
        return 507, error
    return None


def _too_large(limit: int) -> RefusedError:
    return RefusedError(
        "That is too large to send.",
        limit=f"The limit is {limit // 2**20} MB.",
        remedy="Send a smaller file." if limit > MAX_JSON_BYTES else "Delete some layers.",
    )


async def _read_body(receive: Receive) -> bytes:
    """The whole body, or its first 2 MB and a little more: reading stops as soon as it is too
    long.
    """
    parts: list[bytes] = []
    length = 0
    while length <= MAX_JSON_BYTES:
        message = await receive()
        if message["type"] != "http.request":
            break
        parts.append(message.get("body", b""))
        length += len(parts[-1])
        if not message.get("more_body", False):
            break
    return b"".join(parts)


def unreadable(body: bytes, allowed: AllowList) -> Shut | None:
    """Why a call of the server function cannot be handed on to Gradio, which would answer 500."""
    if len(body) > MAX_JSON_BYTES:
        return 413, _too_large(MAX_JSON_BYTES)
    try:
        call = json.loads(body, object_pairs_hook=_distinct, parse_constant=_no_constant)
    except (ValueError, RecursionError):
        call = None
    if (
        not isinstance(call, dict)
        or call.get("fn_name") != "ask"
        or type(call.get("component_id")) is not int
        or call["component_id"] != allowed.component
        or not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", str(call.get("session_hash", "")))
        or "data" not in call
    ):
        return 400, RefusedError(
            "The message could not be read.",
            limit="It must be strict JSON: no NaN, no doubled keys.",
            remedy="Reload the page.",
        )
    return None


def _distinct(pairs: list[tuple[str, object]]) -> dict[str, object]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key occurs twice")
    return record


def _no_constant(name: str) -> object:
    raise ValueError(f"{name} is not JSON")


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive channel that hands out the body once and then whatever comes."""
    waiting = [body]

    async def replay() -> Message:
        if waiting:
            return {"type": "http.request", "body": waiting.pop(), "more_body": False}
        return await receive()

    return replay


def cache_header(path: str, status: int) -> str:
    """What a browser may keep of an answer; nothing but what the table names, and no refusals."""
    found = next((rule for prefix, rule in KEPT.items() if path.startswith(prefix)), "no-store")
    return found if status in (200, 304) else "no-store"


def _with_headers(path: str, send: Send) -> Send:
    """A send channel that adds the security headers and says what may be kept."""

    async def decorate(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers.update(HEADERS)
            for name in (
                "access-control-allow-origin",
                "access-control-allow-credentials",
                "server",
            ):
                del headers[name]
            kind = MODULE_KINDS.get(path.rsplit(".", 1)[-1])
            if path.startswith(FILE_PREFIX) and kind and message["status"] == 200:
                headers["content-type"] = kind
            headers["cache-control"] = cache_header(path, message["status"])
        await send(message)

    return decorate
