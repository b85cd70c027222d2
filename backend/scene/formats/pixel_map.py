"""Where each pixel of a picture comes from, and what tells later that it is still the same one: two
maps and the digests of tiles, small enough to travel inside the file.
"""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Iterator
from enum import IntEnum
from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from backend.scene.geometry import PixelBox
from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.records import Record

DIGEST_BYTES = 4
"""Of a tile: enough to see that it changed; who wants to deceive changes the record as well, which
a signature alone would show.
"""
SMALLEST_TILE_PX = 8
NOBODY = 0
"""Stands in the map of objects where no layer is seen."""
MOST_OBJECTS = 254
OTHERS = 255
"""Stands there for every object after that many."""
_MOST_CELLS = 2**26
"""Of a map that is unpacked."""


class PixelOrigin(IntEnum):
    """Where a pixel comes from. All but the first two are kept to the byte from a layer, and say
    what its file says of itself.
    """

    NOTHING = 0
    GENERATED = 1
    PHOTOGRAPH = 2
    PAINTED = 3
    IMPORTED = 4
    MADE_ELSEWHERE = 5


MADE_BY_MODELS = (PixelOrigin.GENERATED, PixelOrigin.MADE_ELSEWHERE)


class PixelMaps(NamedTuple):
    """uint8 (h, w) each: a ``PixelOrigin``, and the place of an object among those of the record,
    from 1 on.
    """

    origins: Picture
    objects: Picture

    def resize(self, width_px: int, height_px: int) -> PixelMaps:
        """The maps at another size, the nearest pixel each."""
        return PixelMaps(*(_pick_nearest(one, width_px, height_px) for one in self))

    def count_origins(self) -> dict[str, int]:
        """How many pixels come from where, by the name of the origin."""
        counts = np.bincount(self.origins.ravel(), minlength=len(PixelOrigin))
        return {one.name.casefold(): int(counts[one]) for one in PixelOrigin if counts[one]}

    def box_of(self, number: int) -> PixelBox[int]:
        """The box of an object's pixels; an empty one where there is none."""
        return find_box(self.objects == number)


class PackedMaps(Record):
    """Both maps, deflated, in base 64; each cell stands for ``cell_px`` × ``cell_px`` pixels."""

    cell_px: Annotated[int, Field(ge=1, le=1024)]
    origins: str
    objects: str


class TileDigests(Record):
    """Of each tile of ``tile_px``, row by row: the start of a BLAKE2b digest of its RGBA bytes, and
    the mean of each colour (deflated); both in base 64.
    """

    tile_px: Annotated[int, Field(ge=1, le=4096)]
    digests: str
    means: str


class Tiles(NamedTuple):
    """``digests`` uint32 (rows, columns), ``means`` float32 (rows, columns, 3) in 0..255."""

    tile_px: int
    digests: NDArray[np.uint32]
    means: Floats


def pack_maps(maps: PixelMaps, cell_px: int = 1) -> PackedMaps:
    """The maps as they travel; with larger cells, the pixel in the middle of each."""
    middle = cell_px // 2
    origins, objects = (_encode(_sample(one, middle, cell_px).tobytes()) for one in maps)
    return PackedMaps(cell_px=cell_px, origins=origins, objects=objects)


def unpack_maps(packed: PackedMaps, width_px: int, height_px: int) -> PixelMaps:
    """The maps of a picture of that size; ValueError where they are none of it."""
    rows, columns = (-(-side // packed.cell_px) for side in (height_px, width_px))
    if rows * columns > _MOST_CELLS:
        raise ValueError("the maps are too large")
    small = (
        np.frombuffer(_decode(text, rows * columns), np.uint8).reshape(rows, columns)
        for text in (packed.origins, packed.objects)
    )
    cells = np.ones((packed.cell_px, packed.cell_px), np.uint8)
    origins, objects = (np.kron(one, cells)[:height_px, :width_px] for one in small)
    return PixelMaps(origins, objects)


def choose_tile(width_px: int, height_px: int, most: int) -> int:
    """The side of the smallest tiles of which a picture has at most that many."""
    tile_px = SMALLEST_TILE_PX
    while -(-width_px // tile_px) * -(-height_px // tile_px) > most:
        tile_px *= 2
    return tile_px


def measure_tiles(picture: Picture, tile_px: int) -> Tiles:
    """The tiles of a picture uint8 (h, w, 3 or 4); those at the edges are smaller."""
    rgba = with_alpha(picture)
    rows, columns = (-(-side // tile_px) for side in rgba.shape[:2])
    digests = np.empty((rows, columns), np.uint32)
    means = np.empty((rows, columns, 3), np.float32)
    for row, column, tile in _split(rgba, tile_px):
        found = hashlib.blake2b(np.ascontiguousarray(tile).data, digest_size=DIGEST_BYTES)
        digests[row, column] = int.from_bytes(found.digest(), "big")
        means[row, column] = tile[..., :3].reshape(-1, 3).mean(0)
    return Tiles(tile_px, digests, means)


def pack_tiles(tiles: Tiles) -> TileDigests:
    """The tiles as they travel; the means are rounded."""
    return TileDigests(
        tile_px=tiles.tile_px,
        digests=base64.b64encode(tiles.digests.astype(">u4").tobytes()).decode("ascii"),
        means=_encode(np.rint(tiles.means).astype(np.uint8).tobytes()),
    )


def unpack_tiles(packed: TileDigests, width_px: int, height_px: int) -> Tiles:
    """The tiles of a picture of that size; ValueError where they are none of it."""
    rows, columns = (-(-side // packed.tile_px) for side in (height_px, width_px))
    digests = np.frombuffer(base64.b64decode(packed.digests, validate=True), ">u4")
    means = np.frombuffer(_decode(packed.means, rows * columns * 3), np.uint8)
    return Tiles(
        packed.tile_px,
        digests.astype(np.uint32).reshape(rows, columns),
        means.astype(np.float32).reshape(rows, columns, 3),
    )


def with_alpha(picture: Picture) -> Picture:
    """The picture as RGBA, opaque where it had no alpha; grey in all three colours."""
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    if picture.shape[2] == 4:
        return picture
    return np.concatenate([picture, np.full((*picture.shape[:2], 1), 255, np.uint8)], axis=2)


def find_box(inside: NDArray[np.bool_]) -> PixelBox[int]:
    """The box of what is inside (h, w); an empty one where nothing is."""
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    if not len(rows):
        return PixelBox(0, 0, 0, 0)
    return PixelBox(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)


def _split(rgba: Picture, tile_px: int) -> Iterator[tuple[int, int, Picture]]:
    for row, top in enumerate(range(0, rgba.shape[0], tile_px)):
        for column, left in enumerate(range(0, rgba.shape[1], tile_px)):
            yield row, column, rgba[top : top + tile_px, left : left + tile_px]


def _sample(array: Picture, middle: int, cell_px: int) -> Picture:
    """The pixel in the middle of each cell, the last one of a cell that the edge cuts."""
    rows, columns = (
        np.minimum(np.arange(0, side, cell_px) + middle, side - 1) for side in array.shape
    )
    return np.ascontiguousarray(array[np.ix_(rows, columns)])


def _pick_nearest(array: Picture, width_px: int, height_px: int) -> Picture:
    rows, columns = (
        np.minimum((np.arange(new) + 0.5) * old / new, old - 1).astype(np.int64)
        for old, new in zip(array.shape, (height_px, width_px), strict=True)
    )
    return np.ascontiguousarray(array[np.ix_(rows, columns)])


def _encode(content: bytes) -> str:
    return base64.b64encode(zlib.compress(content, 9)).decode("ascii")


def _decode(text: str, length: int) -> bytes:
    """Deflated bytes of exactly that length; ValueError for any other."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(base64.b64decode(text, validate=True), length)
    except zlib.error:
        raise ValueError("the bytes cannot be unpacked") from None
    if len(content) != length:
        raise ValueError("there are too few bytes")
    return content
