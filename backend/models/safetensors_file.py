"""The header of a safetensors file: names, shapes and kinds of its tensors. No weight is read.

A header is JSON of a length that the first eight bytes say; the tensors follow without gaps.
"""

from __future__ import annotations

import json
import math
import stat
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from backend.errors import ModelError

MAX_HEADER_BYTES = 2**24
"""The largest known, of an XL checkpoint with a history of merges, has less than a megabyte; the
format itself allows 100.
"""
PREFIX_BYTES = 8
LFS_MARK = b"version https://git-lfs"
_DTYPE_BITS: Mapping[str, int] = {
    "F64": 64,
    "I64": 64,
    "U64": 64,
    "F32": 32,
    "I32": 32,
    "U32": 32,
    "F16": 16,
    "BF16": 16,
    "I16": 16,
    "U16": 16,
    "I8": 8,
    "U8": 8,
    "BOOL": 8,
    "F8_E4M3": 8,
    "F8_E5M2": 8,
    "F8_E8M0": 8,
    "F8_E4M3FNUZ": 8,
    "F8_E5M2FNUZ": 8,
}


@dataclass(frozen=True)
class SafetensorsHeader:
    """What a sound file says of itself.

    Attributes:
        shapes: of its tensors, by name.
        metadata: what its maker wrote beside them.
    """

    shapes: Mapping[str, tuple[int, ...]] = field(repr=False)
    metadata: Mapping[str, str] = field(repr=False)

    @property
    def weights(self) -> int:
        """The number of all its weights."""
        return sum(math.prod(shape) for shape in self.shapes.values())


def read_header(path: Path) -> SafetensorsHeader:
    """The header of a file, checked against the file's size.

    Args:
        path: of the file.

    Raises:
        ModelError: it is missing, no plain file, a git-lfs pointer, cut short, or of another
            format.
    """
    try:
        return _read_header(path)
    except OSError as error:
        raise ModelError(
            f"{shorten(path)} cannot be read ({error.strerror or error}).",
            remedy="Check that the file is there and may be read.",
        ) from None


def check_safetensors(path: Path) -> int:
    """The number of weights in a file whose header is sound; a ModelError otherwise."""
    return read_header(path).weights


def is_lfs_pointer(path: Path) -> bool:
    """Whether a file is the short text that git leaves in place of a large one.

    Args:
        path: of any file that can be read.
    """
    with path.open("rb") as file:
        return file.read(len(LFS_MARK)) == LFS_MARK


def refuse_pointer(path: Path) -> None:
    """A ModelError where a file is a git-lfs pointer.

    Args:
        path: of a plain file.
    """
    if is_lfs_pointer(path):
        raise ModelError(
            f"{shorten(path)} is a git-lfs pointer of {path.stat().st_size} bytes, not the file.",
            remedy='Run "git lfs pull" in that folder, or download the file itself.',
        )


def shorten(path: Path) -> str:
    """The last parts of a path: enough to find the file, nothing about the machine."""
    return "/".join(path.parts[-3:])


def _read_header(path: Path) -> SafetensorsHeader:
    facts = path.stat()
    if not stat.S_ISREG(facts.st_mode):
        raise ModelError(
            f"{shorten(path)} is no file.", remedy="Replace it by the file of weights itself."
        )
    refuse_pointer(path)
    with path.open("rb") as file:
        prefix = file.read(PREFIX_BYTES)
        held = facts.st_size - PREFIX_BYTES
        length = struct.unpack("<Q", prefix)[0] if len(prefix) == PREFIX_BYTES else held + 1
        if length > held:
            raise _damage_error(path, "it is cut short or of another format")
        if length > MAX_HEADER_BYTES:
            limit = f"Headers have at most {MAX_HEADER_BYTES // 2**20} MiB."
            raise _damage_error(path, f"its header has {length / 2**20:.0f} MiB", limit)
        try:
            header = json.loads(file.read(length))
        except (ValueError, RecursionError):
            raise _damage_error(path, "its header is not JSON") from None
    try:
        return _parse_header(path, header, held - length)
    except (KeyError, TypeError, AttributeError, ValueError, OverflowError):
        raise _damage_error(path, "its header does not follow the format") from None


def _parse_header(path: Path, header: dict[str, Any], held: int) -> SafetensorsHeader:
    metadata = header.pop("__metadata__", None) or {}
    shapes: dict[str, tuple[int, ...]] = {}
    reached = 0
    for name, entry in sorted(header.items(), key=lambda one: tuple(one[1]["data_offsets"])):
        begin, end = entry["data_offsets"]
        shape = tuple(_side_of(side) for side in entry["shape"])
        size = math.prod(shape) * _DTYPE_BITS[entry["dtype"]] // 8
        if begin != reached or end - begin != size:
            raise _damage_error(path, "its tensors do not fill it without gaps")
        reached, shapes[name] = end, shape
    if reached != held:
        raise _damage_error(path, f"it should hold {reached} bytes of weights and holds {held}")
    return SafetensorsHeader(shapes, {str(name): str(text) for name, text in metadata.items()})


def _side_of(side: Any) -> int:
    if not isinstance(side, int) or side < 0:
        raise ValueError(side)
    return side


def _damage_error(path: Path, reason: str, limit: str = "") -> ModelError:
    return ModelError(
        f"{shorten(path)} is not a sound safetensors file: {reason}.",
        limit=limit,
        remedy="Copy or download this file again.",
    )
