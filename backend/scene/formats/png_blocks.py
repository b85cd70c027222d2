"""The chunks of a PNG, found without unpacking any."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def list_chunks(content: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each whole chunk of a PNG, its length and its check included."""
    at = len(SIGNATURE)
    while at + 12 <= len(content):
        end = at + 12 + int.from_bytes(content[at : at + 4], "big")
        if end > len(content):
            return
        yield content[at + 4 : at + 8], at, end
        at = end


def find_chunk(content: bytes, wanted: bytes) -> bytes | None:
    """What the first chunk of a kind holds; None where there is none before the pixels."""
    for kind, start, end in list_chunks(content):
        if kind == wanted:
            return content[start + 8 : end - 4]
        if kind == b"IDAT":
            break
    return None


def drop_texts(content: bytes) -> bytes:
    """The PNG without its texts, which decoders unpack, count, and refuse a sound picture for."""
    texts = [(start, end) for kind, start, end in list_chunks(content) if kind in _TEXTS]
    if not texts:
        return content
    parts, at = [], 0
    for start, end in texts:
        parts.append(content[at:start])
        at = end
    return b"".join([*parts, content[at:]])


def build_chunk(kind: bytes, body: bytes) -> bytes:
    """A whole chunk: its length, kind, body and check."""
    check = zlib.crc32(kind + body)
    return len(body).to_bytes(4, "big") + kind + body + check.to_bytes(4, "big")


def insert_chunks(content: bytes, early: bytes = b"", late: bytes = b"") -> bytes:
    """The PNG with whole chunks before its pixels, and others behind them."""
    places = {kind: start for kind, start, _ in reversed(list(list_chunks(content)))}
    pixels, end = places[b"IDAT"], places[b"IEND"]
    return b"".join((content[:pixels], early, content[pixels:end], late, content[end:]))
