"""Bytes as pixels: so that whatever is learned can be found by digest like every other picture of a
plan.
"""

from __future__ import annotations

import math
import struct

import numpy as np

from backend.scene.pixels import Picture

_LENGTH = struct.Struct("<Q")


def pack_bytes(content: bytes) -> Picture:
    """The bytes, after their number, as uint8 (h, h, 4) of the smallest side that holds them; zeros
    fill it up.
    """
    framed = _LENGTH.pack(len(content)) + content
    side = math.ceil(math.sqrt(len(framed) / 4))
    return np.frombuffer(framed.ljust(side * side * 4, b"\0"), np.uint8).reshape(side, side, 4)


def unpack_bytes(picture: Picture) -> bytes:
    """The bytes that such a picture holds; of any other picture something that is no file of
    ours.
    """
    content = np.ascontiguousarray(picture).tobytes()
    length = _LENGTH.unpack(content[: _LENGTH.size])[0] if len(content) >= _LENGTH.size else 0
    return content[_LENGTH.size : _LENGTH.size + length]
