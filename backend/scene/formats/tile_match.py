"""What became of a picture, told from the tiles of its record: which are the same, which differ a
little as after another encoding, which were painted over, and from where it was cropped.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from backend.scene.formats.pixel_map import Tiles, measure_tiles
from backend.scene.geometry import PixelBox
from backend.scene.imaging.arrays import Floats, Picture

SLIGHT = 4.0
"""So many levels does another encoding move the mean of a tile at most, in all but a few tiles."""
PAINTED_OVER = 12.0
"""Where a picture was encoded anew, a mean that moved further was painted over as well."""
SPREAD = 0.3
"""Slight changes in so many tiles, or over nearly the whole picture, are those of an encoder."""
FEW = 0.04
REACH = 0.8
ANOTHER = 24.0
"""Where the middle tile has moved so far, the picture is another one."""
_WORK = 40_000_000
_BEST = 24


@dataclass(frozen=True, eq=False)
class TileMatch:
    """What was found of a picture. ``box`` is its part of the one that was saved, in that one's
    pixels; ``compared`` bool (rows, columns) which tiles lie wholly in it, ``same`` and ``edited``
    which of them are as they were and which were painted over.
    """

    box: PixelBox[int]
    compared: NDArray[np.bool_]
    same: NDArray[np.bool_]
    edited: NDArray[np.bool_]
    is_encoded_anew: bool = False
    is_resized: bool = False


class _CropOffset(NamedTuple):
    """Where a crop lies, and how far its tiles are from those there, in levels."""

    x: int
    y: int
    distance: float


def match_tiles(tiles: Tiles, size: tuple[int, int], picture: Picture) -> TileMatch | None:
    """Compare a picture uint8 (h, w, 4) with the tiles of one of that ``size`` (width, height);
    None where it is another picture, or too little of it is left.
    """
    height_px, width_px = picture.shape[:2]
    if (width_px, height_px) == size:
        return _judge(tiles, measure_tiles(picture, tiles.tile_px), PixelBox(0, 0, *size))
    if width_px <= size[0] and height_px <= size[1]:
        place = _find_crop(tiles, size, picture)
        if place is not None:
            return _judge_crop(tiles, picture, place)
    return _judge_resized(tiles, size, picture)


def _judge(tiles: Tiles, found: Tiles, box: PixelBox[int]) -> TileMatch | None:
    return _judge_tiles(tiles, found, np.ones(tiles.digests.shape, np.bool_), box)


def _judge_tiles(
    tiles: Tiles, found: Tiles, compared: NDArray[np.bool_], box: PixelBox[int]
) -> TileMatch | None:
    """Tell an encoder's changes from a person's, among the tiles that are compared."""
    same = compared & (tiles.digests == found.digests)
    away = np.abs(tiles.means - found.means).max(-1)
    changed = compared & ~same
    if not changed.any():
        return TileMatch(box, compared, same, changed)
    if np.median(away[compared]) > ANOTHER:
        return None
    slight = changed & (away <= SLIGHT)
    is_encoded = _is_spread(slight, compared)
    edited = changed & (away > PAINTED_OVER) if is_encoded else changed
    return TileMatch(box, compared, same, edited, is_encoded)


def _is_spread(slight: NDArray[np.bool_], compared: NDArray[np.bool_]) -> bool:
    """Whether slight changes lie all over the picture: no hand leaves so many."""
    share = slight.sum() / max(1, compared.sum())
    if share >= SPREAD:
        return True
    if share < FEW:
        return False
    spans = []
    for axis in (0, 1):
        inside, whole = np.flatnonzero(slight.any(axis)), np.flatnonzero(compared.any(axis))
        spans.append((inside[-1] - inside[0] + 1) / (whole[-1] - whole[0] + 1))
    return bool(min(spans) >= REACH)


def _judge_crop(tiles: Tiles, picture: Picture, place: _CropOffset) -> TileMatch | None:
    """The tiles that lie wholly in the crop, wherever it begins."""
    tile_px, (height_px, width_px) = tiles.tile_px, picture.shape[:2]
    compared = np.zeros(tiles.digests.shape, np.bool_)
    found = Tiles(tile_px, tiles.digests.copy(), tiles.means.copy())
    first = [-(-start // tile_px) for start in (place.y, place.x)]
    top, left = (
        one * tile_px - start for one, start in zip(first, (place.y, place.x), strict=True)
    )
    rows, columns = (height_px - top) // tile_px, (width_px - left) // tile_px
    part = picture[top : top + rows * tile_px, left : left + columns * tile_px]
    own = measure_tiles(part, tile_px)
    where = np.s_[first[0] : first[0] + rows, first[1] : first[1] + columns]
    compared[where] = True
    found.digests[where], found.means[where] = own.digests, own.means
    box = PixelBox(place.x, place.y, place.x + width_px, place.y + height_px)
    return _judge_tiles(tiles, found, compared, box)


def _find_crop(tiles: Tiles, size: tuple[int, int], picture: Picture) -> _CropOffset | None:
    """Where the picture fits best, by the means of the tiles that it would hold there."""
    sums = _sum_boxes(picture[..., :3], tiles.tile_px)
    if sums is None:
        return None
    room = (size[1] - picture.shape[0] + 1, size[0] - picture.shape[1] + 1)
    every = _list_whole(tiles, size)
    most = max(8, _WORK // (room[0] * room[1]))
    step = max(1, len(every) // most)
    distances = _measure_offsets(tiles, sums, every[::step], room)
    best = np.argsort(distances, axis=None)[:_BEST]
    places = [
        _measure_offset(tiles, sums, every, (int(at) % room[1], int(at) // room[1]))
        for at in best
        if np.isfinite(distances.ravel()[at])
    ]
    place = min(places, key=lambda one: one.distance, default=None)
    return place if place is not None and place.distance <= ANOTHER / 2 else None


def _list_whole(tiles: Tiles, size: tuple[int, int]) -> NDArray[np.int64]:
    """Rows and columns of the tiles that no edge cuts, in an order that spreads over all."""
    rows, columns = size[1] // tiles.tile_px, size[0] // tiles.tile_px
    every = np.stack(np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij"), -1)
    order = np.random.default_rng(0).permutation(rows * columns)
    return every.reshape(-1, 2)[order]


def _sum_boxes(picture: Picture, tile_px: int) -> Floats | None:
    """The mean of each box of that side, float32 (h', w', 3); None where none fits."""
    if min(picture.shape[:2]) < tile_px:
        return None
    whole = np.zeros((picture.shape[0] + 1, picture.shape[1] + 1, 3))
    whole[1:, 1:] = picture.cumsum(0, np.float64).cumsum(1)
    lower, upper = whole[tile_px:], whole[:-tile_px]
    boxes = lower[:, tile_px:] - lower[:, :-tile_px] - upper[:, tile_px:] + upper[:, :-tile_px]
    return (boxes / tile_px**2).astype(np.float32)


def _measure_offsets(
    tiles: Tiles, sums: Floats, sample: NDArray[np.int64], room: tuple[int, int]
) -> Floats:
    """For each place (y, x) of a crop how far the sampled tiles in it are from the picture."""
    total, count = np.zeros(room, np.float32), np.zeros(room, np.float32)
    for row, column in sample:
        y, x = int(row) * tiles.tile_px, int(column) * tiles.tile_px
        top, bottom = max(0, y - sums.shape[0] + 1), min(room[0] - 1, y)
        left, right = max(0, x - sums.shape[1] + 1), min(room[1] - 1, x)
        if top > bottom or left > right:
            continue
        part = sums[y - bottom : y - top + 1, x - right : x - left + 1][::-1, ::-1]
        total[top : bottom + 1, left : right + 1] += np.abs(part - tiles.means[row, column]).max(-1)
        count[top : bottom + 1, left : right + 1] += 1
    least = max(1.0, float(count.max()) / 4)
    return np.where(count >= least, total / np.maximum(count, 1), np.float32(np.inf))


def _measure_offset(
    tiles: Tiles, sums: Floats, every: NDArray[np.int64], at: tuple[int, int]
) -> _CropOffset:
    """One place by all tiles that it holds."""
    places = every * tiles.tile_px - np.array([at[1], at[0]])
    inside = ((places >= 0) & (places < sums.shape[:2])).all(-1)
    rows, columns = places[inside].T
    wanted = tiles.means[every[inside][:, 0], every[inside][:, 1]]
    away = np.abs(sums[rows, columns] - wanted).max(-1)
    return _CropOffset(at[0], at[1], float(np.median(away)) if len(away) else np.inf)


def _judge_resized(tiles: Tiles, size: tuple[int, int], picture: Picture) -> TileMatch | None:
    """Whether the whole picture was brought to another size: its means follow."""
    rows, columns = tiles.digests.shape
    edges = [
        np.minimum(np.arange(count + 1) * tiles.tile_px, whole) * side // whole
        for count, whole, side in zip((rows, columns), size[::-1], picture.shape[:2], strict=True)
    ]
    if any((np.diff(one) < 1).any() for one in edges):
        return None
    sums = np.add.reduceat(picture[..., :3].astype(np.float64), edges[0][:-1], 0)
    sums = np.add.reduceat(sums, edges[1][:-1], 1)
    areas = np.diff(edges[0])[:, None, None] * np.diff(edges[1])[None, :, None]
    away = np.abs(sums / areas - tiles.means).max(-1)
    if np.median(away) > SLIGHT * 2:
        return None
    compared = np.ones((rows, columns), np.bool_)
    edited = away > PAINTED_OVER * 3
    nothing = np.zeros_like(compared)
    return TileMatch(PixelBox(0, 0, *size), compared, nothing, edited, True, True)
