"""The only place where the studio's files are written: whole or not at all."""

from __future__ import annotations

import os
import secrets
import shutil
from pathlib import Path

from backend.errors import StoreError

TEMPORARY = ".part-"
MIB = 2**20
FREE_FLOOR_BYTES = 256 * MIB
"""Below this much free space no new picture is taken, so that saves of the scene itself still fit.
"""


class Disk:
    """The operations on which a durable write rests, one method each, so that a test can let any of
    them fail.
    """

    def write(self, descriptor: int, content: memoryview) -> int:
        return os.write(descriptor, content)

    def sync(self, descriptor: int) -> None:
        os.fsync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        os.replace(source, target)

    def free_bytes(self, folder: Path) -> int:
        return shutil.disk_usage(folder).free


def write_file(disk: Disk, path: Path, content: bytes, what: str = "A picture") -> None:
    """Write ``content`` so that ``path`` holds all of it or what it held before, also after a power
    cut.

    ``what`` it is, for the sentence that a person reads when the disk does not take it.

    A temporary file in the same folder is written and synced, renamed over ``path``, and the folder
    is synced.
    """
    try:
        _make_folder(disk, path.parent)
        part = path.parent / f"{TEMPORARY}{secrets.token_hex(8)}"
        try:
            _write_and_sync(disk, part, content)
            disk.rename(part, path)
        except BaseException:
            part.unlink(missing_ok=True)
            raise
        _sync_folder(disk, path.parent)
    except OSError as error:
        raise _refusal(disk, path, f"{what} of {len(content) / MIB:.1f} MB", error) from error


def sweep(folder: Path) -> int:
    """Delete what interrupted writes left under ``folder``; returns how many files there were."""
    leftovers = [part for part in folder.rglob(f"{TEMPORARY}*") if part.is_file()]
    for part in leftovers:
        part.unlink(missing_ok=True)
    return len(leftovers)


def require_space(disk: Disk, folder: Path, needed_bytes: int) -> None:
    """A StoreError when taking ``needed_bytes`` would leave too little room for saves, or when the
    folder is gone.
    """
    try:
        free = disk.free_bytes(folder)
    except OSError as error:
        raise refuse_gone(folder) from error
    if free - needed_bytes < FREE_FLOOR_BYTES:
        raise StoreError(
            f"There are {free // MIB} MB free where the studio stores its pictures.",
            limit=f"{(needed_bytes + FREE_FLOOR_BYTES) // MIB + 1} MB are needed.",
            remedy="Free some space and try again.",
        )


def refuse_gone(folder: Path) -> StoreError:
    """Why nothing can be read or written: a folder of the store is not there any more. Nothing is
    made in its place, or a part of the work would stand here and a part there.
    """
    return StoreError(
        f"The store's folder {folder.parent.name!r} is not where it was.",
        limit="It was moved, renamed or taken off while Lamina ran.",
        remedy="Put it back and go on; or start Lamina again with --store and its new place.",
    )


def _write_and_sync(disk: Disk, path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        rest = memoryview(content)
        while rest:
            rest = rest[disk.write(descriptor, rest) :]
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


def _make_folder(disk: Disk, folder: Path) -> None:
    """Make a folder and its missing parents; each new name is synced in its parent."""
    if folder.is_dir():
        return
    _make_folder(disk, folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync_folder(disk, folder.parent)


def _sync_folder(disk: Disk, folder: Path) -> None:
    if os.name == "nt":  # Windows has no handle of a folder to sync; its rename is journalled
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        disk.sync(descriptor)
    finally:
        os.close(descriptor)


def _refusal(disk: Disk, path: Path, what: str, error: OSError) -> StoreError:
    try:
        free = f"{disk.free_bytes(path.parent) // MIB} MB are free."
    except OSError:
        free = ""
    return StoreError(
        f"{what} could not be stored ({error.strerror or error}).",
        limit=free,
        remedy="Free some space or check the folder's permissions, then try again.",
    )
