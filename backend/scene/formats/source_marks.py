"""What a picture file says of where it comes from: marks that it brings with it are kept, shown and
written out again.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Mapping

from PIL import ExifTags, Image
from pydantic import ValidationError

from backend.errors import ArchiveError
from backend.scene.formats.archive import Archive
from backend.scene.formats.found_recipe import read_recipe
from backend.scene.formats.pixel_map import PixelOrigin
from backend.scene.formats.png_blocks import SIGNATURE, drop_texts, find_chunk
from backend.scene.formats.png_texts import read_texts
from backend.scene.formats.xmp import find_packets, list_riff_chunks, list_segments, read_properties
from backend.scene.records import Record

MEMBERS = "lamina/marks/"
SOURCE_TYPE = "Iptc4xmpExt:DigitalSourceType"
MOST_BYTES = 2**20
"""A longer mark is told of and not kept."""
_LONGEST = 200

_PHOTOGRAPHED = ("digitalCapture", "computationalCapture", "negativeFilm", "positiveFilm", "print")
_PAINTED = ("digitalCreation", "digitalArt", "softwareImage")
_FORMATS = ("PNG", "JPEG", "WEBP")


class SourceMarks(Record):
    """What a file says of itself.

    ``source_type`` is IPTC's digital source type, the last part of its address; ``program`` the one
    whose recipe it carries; ``camera`` whether a camera signed its EXIF entries. The others say
    which kinds of marks are there, and ``digest`` is the SHA-256 of their bytes.
    """

    source_type: str = ""
    program: str = ""
    camera: bool = False
    has_xmp: bool = False
    has_iptc: bool = False
    has_c2pa: bool = False
    digest: str = ""

    @property
    def origin(self) -> PixelOrigin:
        """What its pixels are, as far as it says."""
        kind = self.source_type.casefold()
        if "algorithmic" in kind or "synthetic" in kind or self.program:
            return PixelOrigin.MADE_ELSEWHERE
        if self.camera or self.source_type in _PHOTOGRAPHED:
            return PixelOrigin.PHOTOGRAPH
        return PixelOrigin.PAINTED if self.source_type in _PAINTED else PixelOrigin.IMPORTED

    def describe(self) -> str:
        """The marks in a sentence's end; empty where there is none."""
        phrases = []
        if self.source_type:
            phrases.append(f"the source type “{self.source_type}”")
        if self.program:
            phrases.append(f"a recipe of {self.program}")
        if self.has_c2pa:
            phrases.append("Content Credentials (C2PA)")
        if self.has_iptc or (self.has_xmp and not self.source_type):
            phrases.append("IPTC or XMP entries")
        return " and ".join(filter(None, (", ".join(phrases[:-1]), *phrases[-1:])))


class StoredMarks(Record):
    """The marks of a picture and their bytes, in base 64 by kind (xmp, iptc, c2pa).

    A picture that was cut out of another one has that one's digest in ``cut_from`` instead.
    """

    marks: SourceMarks = SourceMarks()
    parts: dict[str, str] = {}
    cut_from: str = ""


def read_marks(content: bytes) -> StoredMarks:
    """The marks of a PNG, JPEG or WebP; a damaged file has none."""
    parts = _find_parts(content)
    types = tuple(
        value.rstrip("/").rsplit("/", 1)[-1][:_LONGEST]
        for packet in find_packets(content)
        for value in read_properties(packet, SOURCE_TYPE)
    )
    recipe = read_recipe(content)
    whole = hashlib.sha256(b"\0".join(parts[name] for name in sorted(parts)))
    marks = SourceMarks(
        source_type=next((one for one in types if "lgorithmic" in one), next(iter(types), "")),
        program="" if recipe is None else recipe.program,
        camera=_has_camera(content),
        has_xmp="xmp" in parts,
        has_iptc="iptc" in parts,
        has_c2pa="c2pa" in parts,
        digest=whole.hexdigest() if parts else "",
    )
    return StoredMarks(
        marks=marks,
        parts={
            name: base64.b64encode(part).decode("ascii")
            for name, part in parts.items()
            if len(part) <= MOST_BYTES
        },
    )


def dump_marks(marks: StoredMarks) -> bytes:
    """The marks as bytes to be stored."""
    return marks.model_dump_json(exclude_defaults=True).encode()


def load_marks(content: bytes | None) -> StoredMarks | None:
    """Stored marks; None where there are none, or they are damaged."""
    try:
        return None if content is None else StoredMarks.model_validate(json.loads(content))
    except (ValueError, ValidationError, RecursionError):
        return None


def name_member(digest: str) -> str:
    """Where the marks of a picture lie in an archive."""
    return f"{MEMBERS}{digest}.json"


def read_mark_members(content: bytes, digests: Iterable[str]) -> dict[str, bytes]:
    """The marks of these pictures that an archive has; nothing of one that cannot be read."""
    try:
        archive = Archive(content)
        return {
            one: archive.read(name_member(one), MOST_BYTES * 5)
            for one in digests
            if name_member(one) in archive
        }
    except ArchiveError:
        return {}


def _find_parts(content: bytes) -> Mapping[str, bytes]:
    """The bytes of the marks by kind."""
    found = {"xmp": b"\0".join(find_packets(content))}
    if content.startswith(SIGNATURE):
        iptc = read_texts(content).get("Raw profile type iptc", "")
        found |= {"iptc": iptc.encode(), "c2pa": find_chunk(content, b"caBX") or b""}
    elif content[:2] == b"\xff\xd8":
        segments = list(list_segments(content))
        found |= {
            "iptc": b"".join(
                body for kind, body in segments if kind == 0xED and b"8BIM\x04\x04" in body
            ),
            "c2pa": b"".join(body for kind, body in segments if kind == 0xEB and b"c2pa" in body),
        }
    else:
        chunks = dict(list_riff_chunks(content))
        found |= {"c2pa": chunks.get(b"C2PA", b"")}
    return {name: part for name, part in found.items() if part}


def _has_camera(content: bytes) -> bool:
    """Whether EXIF names a camera and when it was released: what scanners and editors lack."""
    try:
        with Image.open(io.BytesIO(drop_texts(content)), formats=_FORMATS) as image:
            entries = image.getexif()
            exposure = entries.get_ifd(ExifTags.IFD.Exif)
    except (OSError, ValueError, SyntaxError, KeyError, TypeError, Image.DecompressionBombError):
        return False
    return ExifTags.Base.Model in entries and ExifTags.Base.ExposureTime in exposure
