"""The whole document as the pixels of one hidden layer: what every program keeps, also those that
drop all else of Lamina's from a file.

Four bits stand in each colour of an opaque pixel, in steps of 17 levels, so that a program may
round colours; the text begins with a mark, its length and a check sum.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import replace

import numpy as np

from backend.errors import ArchiveError
from backend.scene.formats.archive import MemberError
from backend.scene.formats.external_files import LAYER_LIMITS, StackPixels
from backend.scene.formats.stack import Stack, StackGroup, StackLayer, StackPicture
from backend.scene.imaging.arrays import Picture

CARD_NAME = "Lamina's cards (keep this layer)"
CARD_SOURCE = "data/cards.png"
_MARK = b"LaminaC1"
_HEAD = struct.Struct(">8sQI")
_STEP = 17
_LEAST_WIDTH_PX = 256


def draw_cards(content: bytes, width_px: int) -> Picture:
    """Bytes as an opaque picture, uint8 (h, w, 4), at least as wide as the canvas; ArchiveError
    where that would be larger than a layer may be.
    """
    width_px = max(_LEAST_WIDTH_PX, width_px)
    text = _HEAD.pack(_MARK, len(content), zlib.crc32(content)) + content
    height_px = -(-2 * len(text) // (3 * width_px))
    if height_px > LAYER_LIMITS.side_px or height_px * width_px > LAYER_LIMITS.area_px:
        raise ArchiveError(
            f"Lamina's cards would be a layer of {width_px} × {height_px} px.",
            limit=f"A layer has at most {LAYER_LIMITS.side_px} px a side.",
            remedy="Export the scene without the layer of cards.",
        )
    halves = np.zeros(3 * width_px * height_px, np.uint8)
    values = np.frombuffer(text, np.uint8)
    halves[0 : 2 * values.size : 2], halves[1 : 2 * values.size : 2] = values >> 4, values & 15
    picture = np.full((height_px, width_px, 4), 255, np.uint8)
    picture[..., :3] = (halves * _STEP).reshape(height_px, width_px, 3)
    return picture


def read_cards(picture: Picture) -> bytes | None:
    """The bytes that :func:`draw_cards` drew, or None where they are not whole."""
    opaque = picture[..., 3] >= 128
    rows, columns = np.flatnonzero(opaque.any(axis=1)), np.flatnonzero(opaque.any(axis=0))
    if not rows.size:
        return None
    part = picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1, :3]
    halves = np.minimum(15, (part.astype(np.uint16) + _STEP // 2) // _STEP).ravel()
    pairs = halves[: halves.size // 2 * 2].reshape(-1, 2)
    text = (pairs[:, 0] * 16 + pairs[:, 1]).astype(np.uint8).tobytes()
    if len(text) < _HEAD.size:
        return None
    mark, length, check = _HEAD.unpack_from(text)
    content = text[_HEAD.size : _HEAD.size + length]
    return content if mark == _MARK and zlib.crc32(content) == check else None


def take_cards(stack: Stack, drawn: StackPixels) -> tuple[Stack, bytes | None, tuple[str, ...]]:
    """A stack without its layer of cards, what stood in it, and what is to be said of it."""
    place = next(
        (at for at, entry in enumerate(stack.layers) if entry.name.startswith(CARD_NAME)), None
    )
    if place is None:
        return stack, None, ()
    entry: StackLayer = stack.layers[place]
    try:
        picture, _ = drawn.picture(entry, drawn.file(entry))
        content = read_cards(picture)
    except MemberError:
        content = None
    left = without_layer(stack, place)
    if content is None:
        return left, None, ("The layer of Lamina's cards in this file was painted on or cut.",)
    return left, content, ()


def without_layer(stack: Stack, place: int) -> Stack:
    """A stack without one of its layers."""
    layers = (*stack.layers[:place], *stack.layers[place + 1 :])
    groups = tuple(
        replace(one, first=one.first - (one.first > place), last=one.last - (one.last >= place))
        for one in stack.groups
    )
    pictures = tuple(
        replace(one, first=one.first - (one.first > place), last=one.last - (one.last >= place))
        for one in stack.pictures
    )
    return replace(
        stack,
        layers=layers,
        groups=tuple(one for one in groups if _is_there(one)),
        pictures=tuple(one for one in pictures if _is_there(one)),
    )


def _is_there(one: StackGroup | StackPicture) -> bool:
    return one.first <= one.last
