"""A disk whose Nth operation fails."""

from __future__ import annotations

import errno
from pathlib import Path

from backend.studio.storage.disk import Disk


class FaultyDisk(Disk):
    """Counts writes, syncs and renames; number ``fails_at`` (from 1) raises "no space left", after
    half a write.
    """

    def __init__(self, fails_at: int) -> None:
        self.fails_at = fails_at
        self.count = 0

    def write(self, descriptor: int, content: memoryview) -> int:
        if self._due():
            super().write(descriptor, content[: len(content) // 2])
            self._fail()
        return super().write(descriptor, content)

    def sync(self, descriptor: int) -> None:
        if self._due():
            self._fail()
        super().sync(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        if self._due():
            self._fail()
        super().rename(source, target)

    def _due(self) -> bool:
        self.count += 1
        return self.count == self.fails_at

    def _fail(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


class FullDisk(Disk):
    """A disk with ``free`` bytes left."""

    def __init__(self, free: int) -> None:
        self.free = free

    def free_bytes(self, folder: Path) -> int:
        return self.free
