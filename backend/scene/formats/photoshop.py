"""Photoshop files (PSD, PSB): how a stranger's is read, in a process of its own that has so much
memory and time, and what of Lamina's own stands in one.

A costly file ends in a sentence, never in the process that has everybody's scenes.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from backend.errors import ArchiveError
from backend.scene.formats.archive import REMEDY, Archive

MAGIC = b"8BPS"
MEMORY_BYTES = 4 * 1024**3
"""What the process may take; about a quarter of it are its libraries' addresses."""
SECONDS = 10
"""Of computing, for the first files; a large one gets a second more for each ``SECOND_BYTES``."""
SECOND_BYTES = 8 * 2**20
WAITING = 6
"""A busy machine computes so many times as slowly as an idle one before waiting ends."""
REFUSED, EXHAUSTED = 3, 4
"""Exit statuses of the process: a refusal of ours stands on its standard error; no memory left."""

NOTES_MEMBER = "photoshop/notes.json"
ALL_LOCKED = 0x80000000
OWN_RESOURCE = 4076
"""Of the image resources that the format leaves to plug-ins (4000 to 4999)."""
_OWN_MARK = b"Lamina\x00"

PHOTOSHOP_MODES: Mapping[str, bytes] = MappingProxyType(
    {
        "svg:src-over": b"norm",
        "svg:multiply": b"mul ",
        "svg:screen": b"scrn",
        "svg:overlay": b"over",
        "krita:soft_light": b"sLit",
        "svg:darken": b"dark",
        "svg:lighten": b"lite",
        "svg:color-dodge": b"div ",
        "svg:color-burn": b"idiv",
        "svg:hard-light": b"hLit",
        "svg:difference": b"diff",
        "svg:hue": b"hue ",
        "svg:saturation": b"sat ",
        "svg:color": b"colr",
        "svg:luminosity": b"lum ",
        "svg:plus": b"lddg",
    }
)
"""OpenRaster's names of the modes that both know, and Photoshop's signs for them."""


def is_photoshop(content: bytes) -> bool:
    """Whether the first bytes are those of a PSD or a PSB."""
    return content.startswith(MAGIC)


def unpack_photoshop(content: bytes, seconds: float = SECONDS) -> Archive:
    """A Photoshop file as an archive of OpenRaster's shape. Every refusal is an ArchiveError.

    Args:
        content: The file.
        seconds: Of computing that it may take, before what its size adds.
    """
    allowed_s = max(1, round(seconds + len(content) / SECOND_BYTES))
    command = [sys.executable, "-m", "backend.scene.formats.photoshop_layers", str(allowed_s)]
    root = str(Path(__file__).parents[3])
    paths = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    environment = {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": "1"}
    environment["OPENBLAS_NUM_THREADS"] = "1"
    try:
        done = subprocess.run(
            command, input=content, capture_output=True, env=environment,
            timeout=WAITING * allowed_s, check=False,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise _too_costly(f"takes more than {allowed_s} seconds to read") from None
    if done.returncode == 0:
        return Archive(done.stdout)
    raise _explain(done.returncode, done.stderr, allowed_s)


def _explain(status: int, stderr: bytes, allowed_s: int) -> ArchiveError:
    """Why the process ended without an archive."""
    if status == REFUSED:
        try:
            what, limit, remedy = json.loads(stderr.decode("utf-8").splitlines()[-1])
            return ArchiveError(what, limit=limit, remedy=remedy)
        except (ValueError, IndexError):
            status = 1
    if status == EXHAUSTED:
        return _too_costly(f"needs more than {MEMORY_BYTES // 2**30} GB of memory")
    if status < 0:  # a signal: of the clock that was set, or of a machine without memory
        return _too_costly(
            f"takes more than {allowed_s} seconds to read, or more memory than there is"
        )
    return ArchiveError("The Photoshop file is damaged.", remedy=REMEDY)


def _too_costly(how: str) -> ArchiveError:
    return ArchiveError(
        f"The Photoshop file {how}.",
        limit=f"At most {MEMORY_BYTES // 2**30} GB and {SECONDS} seconds are used for one.",
        remedy="Save it smaller or with fewer layers.",
    )


def read_notes(archive: Archive) -> tuple[str, ...]:
    """What the process had to say of the file that it took apart."""
    if NOTES_MEMBER not in archive:
        return ()
    return tuple(str(note) for note in archive.record(NOTES_MEMBER))


def mark_own(packed: bytes) -> bytes:
    """An archive of Lamina's own members as the content of an image resource."""
    return _OWN_MARK + packed


def unpack_own(resource: bytes) -> list[tuple[str, bytes]]:
    """The members of :func:`mark_own`, or nothing where the resource is another's."""
    if not resource.startswith(_OWN_MARK):
        return []
    archive = Archive(resource[len(_OWN_MARK) :])
    return [(name, archive.read(name)) for name in archive.names() if name.startswith("lamina/")]
