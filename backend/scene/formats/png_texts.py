"""The texts of a PNG: each found by its keyword, unpacked within a bound; and a text as a chunk."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from backend.scene.formats.png_blocks import build_chunk, list_chunks

MAX_TEXT_BYTES = 2**20
"""What a text may unpack to; a longer one is passed over. Pillow refuses the whole picture there
(``PngImagePlugin.MAX_TEXT_CHUNK``), so that none is written beyond it either.
"""


def read_texts(content: bytes) -> dict[str, str]:
    """The texts of a PNG by their keyword, the first of each; those that cannot be read, or are
    longer than a megabyte, are left out.
    """
    texts: dict[str, str] = {}
    for keyword, text in list_texts(content):
        texts.setdefault(keyword, text)
    return texts


def list_texts(content: bytes) -> Iterator[tuple[str, str]]:
    """Keyword and text of each of them, also where one keyword stands twice."""
    for kind, start, end in list_chunks(content):
        if kind in _TEXTS:
            keyword, _, rest = content[start + 8 : end - 4].partition(b"\0")
            try:
                yield keyword.decode("latin-1"), _TEXTS[kind](rest)
            except (ValueError, zlib.error, IndexError):
                continue


def build_text(keyword: str, text: str) -> bytes:
    """A chunk iTXt with that text, not packed, so that every reader finds what stands in it."""
    return build_chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text.encode("utf-8"))


def _unpack(packed: bytes) -> bytes:
    stream = zlib.decompressobj()
    content = stream.decompress(packed, MAX_TEXT_BYTES)
    if not stream.eof:
        raise ValueError("the text is too long or cut short")
    return content


def _read_plain(rest: bytes) -> str:
    if len(rest) > MAX_TEXT_BYTES:
        raise ValueError("the text is too long")
    try:
        return rest.decode("utf-8")  # what programs write there, whatever the standard says
    except UnicodeDecodeError:
        return rest.decode("latin-1")


def _read_packed(rest: bytes) -> str:
    return _read_plain(_unpack(rest[1:]))


def _read_international(rest: bytes) -> str:
    packed = rest[0] == 1
    body = rest[2:].split(b"\0", 2)[2]
    return _read_plain(_unpack(body) if packed else body)


_TEXTS = {b"tEXt": _read_plain, b"zTXt": _read_packed, b"iTXt": _read_international}
