"""Zip archives from strangers: members are read by name into memory, and measured while they are
read.

No name from an archive ever becomes a path on a disk.
"""

from __future__ import annotations

import io
import json
import lzma
import struct
import zipfile
import zlib
from typing import Any, NoReturn

from backend.errors import ArchiveError

MAX_MEMBERS = 1056
"""Room for 256 layers with a picture, a mask, a learned look and a drawn layer each."""

MAX_TOTAL_BYTES = 512 * 1024 * 1024
"""How well a member is packed does not count: a flat picture that a program stores without
compression packs a thousand to one (decision 100).
"""

MAX_TEXT_BYTES = 5 * 1024 * 1024
_CHUNK = 256 * 1024
_DAMAGES = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    OSError,
    ValueError,
    RuntimeError,
    struct.error,
    KeyError,
    IndexError,
    OverflowError,
)


class MemberError(ArchiveError):
    """One entry of an archive is missing, locked or damaged; the others may be sound."""


class Archive:
    """A zip archive in memory. Every refusal is an ArchiveError; what was read in all counts
    towards one total.
    """

    def __init__(self, content: bytes) -> None:
        try:
            self._zip = zipfile.ZipFile(io.BytesIO(content))
            members = self._zip.infolist()
        except _DAMAGES:
            raise_damaged()
        if len(members) > MAX_MEMBERS:
            raise ArchiveError(
                f"The file has {len(members)} entries.",
                limit=f"At most {MAX_MEMBERS} are allowed.",
                remedy="Save the picture with fewer layers.",
            )
        self._members = {member.filename: member for member in members}
        if len(self._members) != len(members):
            raise ArchiveError("Two entries of the file have the same name.", remedy=REMEDY)
        self._read_bytes = 0

    def __contains__(self, name: str) -> bool:
        return name in self._members

    def names(self) -> tuple[str, ...]:
        """The names of its members, in the file's order."""
        return tuple(self._members)

    def read(self, name: str, most: int = MAX_TOTAL_BYTES) -> bytes:
        """The content of a member of at most ``most`` bytes."""
        member = self._members.get(name)
        if member is None:
            raise MemberError(f"The file lacks its entry {display_name(name)}.", remedy=REMEDY)
        if member.flag_bits & 0x1:
            raise MemberError("The file is locked with a password.", remedy="Save it without one.")
        content = bytearray()
        try:
            with self._zip.open(member) as stream:
                while chunk := stream.read(_CHUNK):
                    content += chunk
                    self._measure(member, len(content), len(chunk), most)
        except ArchiveError:
            raise
        except _DAMAGES:
            raise MemberError(
                f"The entry {display_name(name)} is damaged.", remedy=REMEDY
            ) from None
        return bytes(content)

    def text(self, name: str) -> str:
        """A member that is UTF-8 text of at most 5 MB."""
        try:
            return self.read(name, MAX_TEXT_BYTES).decode("utf-8")
        except UnicodeDecodeError:
            raise ArchiveError(
                f"The entry {display_name(name)} is not UTF-8 text.", remedy=REMEDY
            ) from None

    def record(self, name: str) -> Any:
        """A member that is JSON: no repeated keys, no NaN, not nested without end."""
        try:
            return json.loads(
                self.text(name), object_pairs_hook=_require_unique, parse_constant=_refuse_constant
            )
        except (ValueError, RecursionError):
            raise ArchiveError(
                f"The entry {display_name(name)} is not valid JSON.", remedy=REMEDY
            ) from None

    def _measure(self, member: zipfile.ZipInfo, length: int, added: int, most: int) -> None:
        self._read_bytes += added
        if length > most or self._read_bytes > MAX_TOTAL_BYTES:
            raise ArchiveError(
                f"The entry {display_name(member.filename)} unpacks to too much.",
                limit=(
                    f"{most // 2**20} MB for it and {MAX_TOTAL_BYTES // 2**20} MB in all "
                    "are allowed."
                ),
                remedy="Save the picture smaller or with fewer layers.",
            )


REMEDY = "Save it again from the program that made it."


def raise_damaged() -> NoReturn:
    """The refusal of a file that cannot be read at all."""
    raise ArchiveError("The file is damaged or not an OpenRaster file.", remedy=REMEDY) from None


def display_name(name: str) -> str:
    """A member's name as a sentence shows it."""
    return repr(name if len(name) <= 60 else name[:57] + "…")


def pack(members: list[tuple[str, bytes]]) -> bytes:
    """An archive of these members in this order; the same members give the same bytes.

    Pictures and ``mimetype`` are stored as they are (OpenRaster wants the latter first and stored),
    texts deflated.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, body in members:
            member = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            text = name.endswith((".xml", ".json"))
            member.compress_type = zipfile.ZIP_DEFLATED if text else zipfile.ZIP_STORED
            member.external_attr = 0o644 << 16
            archive.writestr(member, body)
    return content.getvalue()


def _require_unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        raise ValueError("a key is repeated")
    return record


def _refuse_constant(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number")
