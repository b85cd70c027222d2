"""A picture held against its own record: untouched, edited where, cropped, encoded anew, stripped
of its marks, or marked twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.scene.formats.carried_scene import list_scenes
from backend.scene.formats.openraster import STORED_LIMITS
from backend.scene.formats.picture_file import decode_picture
from backend.scene.formats.picture_record import (
    PROPERTY,
    SOURCE_TYPES,
    PictureRecord,
    load_record,
)
from backend.scene.formats.pixel_map import PixelMaps, unpack_maps, unpack_tiles
from backend.scene.formats.png_blocks import SIGNATURE
from backend.scene.formats.source_marks import SOURCE_TYPE, SourceMarks, read_marks
from backend.scene.formats.tile_match import TileMatch, match_tiles
from backend.scene.formats.xmp import find_packets, read_properties
from backend.scene.imaging.arrays import Picture
from backend.scene.records import Record

MOST_REGIONS = 20
_OWN_SHARE = 0.25
"""Of an edited region's pixels: an object with so many of them gives it its name."""


class CheckFinding(StrEnum):
    """What can be found of a picture; several may hold."""

    UNTOUCHED = "untouched"
    EDITED = "edited"
    CROPPED = "cropped"
    ENCODED_ANEW = "re-encoded"
    RESIZED = "resized"
    STRIPPED = "stripped"
    DOUBLED = "doubled"
    RECORD_CHANGED = "record changed"
    ANOTHER_PICTURE = "another picture"
    NO_RECORD = "no record"


class EditedRegion(Record):
    """A part that was painted over: of which object, (x0, y0, x1, y1) in pixels of the picture as
    it was saved, and how many pixels at most, for a tile counts as a whole.
    """

    title: str
    box: tuple[int, int, int, int]
    pixels: int


class CheckReport(Record):
    """What a check found, in short and in sentences, and what the picture says of itself.

    ``box`` is what is left of the picture as it was saved; None where nothing could be compared.
    """

    findings: tuple[CheckFinding, ...]
    sentences: tuple[str, ...]
    regions: tuple[EditedRegion, ...] = ()
    box: tuple[int, int, int, int] | None = None
    tiles: int = 0
    tiles_same: int = 0
    marks: SourceMarks = SourceMarks()
    record: PictureRecord | None = None

    @property
    def is_untouched(self) -> bool:
        """Whether neither a pixel nor a mark has changed since the picture was saved."""
        return self.findings == (CheckFinding.UNTOUCHED,)


class _Log:
    """Findings and their sentences, in the order in which they are made."""

    def __init__(self) -> None:
        self.findings: list[CheckFinding] = []
        self.sentences: list[str] = []

    def add(self, finding: CheckFinding, sentence: str) -> None:
        if finding not in self.findings:
            self.findings.append(finding)
        self.sentences.append(sentence)


def check_picture(content: bytes, name: str = "") -> CheckReport:
    """Count a PNG, JPEG or WebP again; a PictureError where it cannot be read at all."""
    picture = decode_picture(content, name, STORED_LIMITS).picture
    log = _Log()
    records = _read_records(content, log)
    if not records:
        marks = read_marks(content).marks
        _explain_nothing(content, marks, log)
        return CheckReport(
            findings=tuple(log.findings), sentences=tuple(log.sentences), marks=marks
        )
    _check_marks(content, records, log)
    record, match = _choose(records, picture)
    report = _describe(record, match, log)
    return report.model_copy(update={"marks": read_marks(content).marks})


def _read_records(content: bytes, log: _Log) -> list[PictureRecord]:
    """All records that can be used; what is wrong with the others is told."""
    records = []
    for packet in find_packets(content):
        for text in read_properties(packet, PROPERTY):
            try:
                records.append(load_record(text))
            except ValueError as error:
                log.add(CheckFinding.RECORD_CHANGED, str(error))
    return records


def _explain_nothing(content: bytes, marks: SourceMarks, log: _Log) -> None:
    if log.findings:
        return
    if list_scenes(content) or any(b"urn:lamina" in one for one in find_packets(content)):
        log.add(CheckFinding.STRIPPED, "Its record was taken out; other marks of Lamina are left.")
        return
    brought = marks.describe()
    log.add(
        CheckFinding.NO_RECORD,
        "It carries no record of Lamina's: it was not saved by it, or all its marks were taken out."
        + (f" It brings {brought}." if brought else ""),
    )


def _check_marks(content: bytes, records: Sequence[PictureRecord], log: _Log) -> None:
    """What stands beside the record has to be there once, and to say the same."""
    types = [
        value for packet in find_packets(content) for value in read_properties(packet, SOURCE_TYPE)
    ]
    scenes = list_scenes(content)
    if len(records) > 1 or len(types) > 1 or len(scenes) > 1:
        log.add(
            CheckFinding.DOUBLED,
            f"It is marked more than once: {len(records)} records, {len(types)} source types, "
            f"{len(scenes)} scenes.",
        )
    first = records[0]
    wanted = f"{SOURCE_TYPES}{first.source_type}" if first.source_type else ""
    if wanted and wanted not in types:
        log.add(
            CheckFinding.STRIPPED,
            f"Its source type “{first.source_type}” was "
            f"{'changed to another' if types else 'taken out'}.",
        )
    if first.scene and not scenes and content.startswith(SIGNATURE):  # no other kind carries one
        log.add(CheckFinding.STRIPPED, "The scene that it carried was taken out.")
    if first.scene and scenes and hashlib.sha256(scenes[0]).hexdigest() != first.scene:
        log.add(CheckFinding.RECORD_CHANGED, "The scene in it is not the one of its record.")


def _choose(
    records: Sequence[PictureRecord], picture: Picture
) -> tuple[PictureRecord, TileMatch | None]:
    """The record that fits the picture best, and what it says."""
    matches = [(record, _match(record, picture)) for record in records]
    return max(matches, key=lambda one: -1 if one[1] is None else int(one[1].same.sum()))


def _match(record: PictureRecord, picture: Picture) -> TileMatch | None:
    size = (record.width_px, record.height_px)
    try:
        return match_tiles(unpack_tiles(record.tiles, *size), size, picture)
    except ValueError:
        return None


def _describe(record: PictureRecord, match: TileMatch | None, log: _Log) -> CheckReport:
    if match is None:
        log.add(CheckFinding.ANOTHER_PICTURE, "Its record belongs to another picture.")
        return CheckReport(
            findings=tuple(log.findings), sentences=tuple(log.sentences), record=record
        )
    _describe_frame(record, match, log)
    regions = _list_regions(record, match)
    for one in regions:
        x0, y0, x1, y1 = one.box
        log.add(
            CheckFinding.EDITED,
            f"Edited: {one.title}, at most {one.pixels:,} px in a box of {x1 - x0} × {y1 - y0} px "
            f"at x {x0}, y {y0}.",
        )
    count, same = int(match.compared.sum()), int(match.same.sum())
    if not log.findings:
        log.add(
            CheckFinding.UNTOUCHED,
            f"Untouched: all {count:,} tiles of its pixels are as they were saved.",
        )
    return CheckReport(
        findings=tuple(log.findings),
        sentences=tuple(log.sentences),
        regions=regions,
        box=(match.box.x0, match.box.y0, match.box.x1, match.box.y1),
        tiles=count,
        tiles_same=same,
        record=record,
    )


def _describe_frame(record: PictureRecord, match: TileMatch, log: _Log) -> None:
    """What was done to the picture as a whole."""
    box = match.box
    if (box.x1 - box.x0, box.y1 - box.y0) != (record.width_px, record.height_px):
        log.add(
            CheckFinding.CROPPED,
            f"Cropped: {box.x1 - box.x0} × {box.y1 - box.y0} px are left of {record.width_px} × "
            f"{record.height_px}, from x {box.x0}, y {box.y0} on.",
        )
    if match.is_resized:
        log.add(
            CheckFinding.RESIZED,
            f"Resized: it had {record.width_px} × {record.height_px} px when it was saved.",
        )
    elif match.is_encoded_anew:
        count, same = int(match.compared.sum()), int(match.same.sum())
        log.add(
            CheckFinding.ENCODED_ANEW,
            f"Re-encoded: {count - same:,} of {count:,} tiles differ a little, all over it.",
        )


def _list_regions(record: PictureRecord, match: TileMatch) -> tuple[EditedRegion, ...]:
    """What was painted over, the largest first; touching tiles are one region."""
    labels, count = ndimage.label(match.edited, np.ones((3, 3)))
    try:
        maps = unpack_maps(record.maps, record.width_px, record.height_px)
    except ValueError:
        maps = None
    regions = [
        _describe_region(record, maps, labels == number) for number in range(1, int(count) + 1)
    ]
    return tuple(sorted(regions, key=lambda one: -one.pixels)[:MOST_REGIONS])


def _describe_region(
    record: PictureRecord, maps: PixelMaps | None, tiles: NDArray[np.bool_]
) -> EditedRegion:
    tile_px = record.tiles.tile_px
    inside = np.kron(tiles, np.ones((tile_px, tile_px), np.bool_))
    inside = inside[: record.height_px, : record.width_px]
    rows, columns = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    title = "a part of it" if maps is None else record.title_of(_choose_object(maps, inside))
    return EditedRegion(
        title=title,
        box=(int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1),
        pixels=int(inside.sum()),
    )


def _choose_object(maps: PixelMaps, inside: NDArray[np.bool_]) -> int:
    """The object that most of a region shows; the background where none has a share of it."""
    counts = np.bincount(maps.objects[inside], minlength=2)
    own = int(counts[1:].argmax()) + 1
    return own if counts[own] >= _OWN_SHARE * counts.sum() else 0
