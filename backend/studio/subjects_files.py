"""What was learned, as safetensors files named by the digest of their bytes."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from backend.errors import StoreError
from backend.scene.packed import pack_bytes
from backend.scene.scene import Picture, Pixels
from backend.studio.disk import Disk, require_space, write_file

_DIGEST = re.compile(r"[0-9a-f]{64}")


class SubjectFiles:
    """One folder of ``<digest>.safetensors``; safe from any thread."""

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk

    def add(self, content: bytes) -> str:
        """Store a file whole or not at all; returns its digest. A StoreError when the disk does not
        take it.
        """
        digest = hashlib.sha256(content).hexdigest()
        if not self.has(digest):
            require_space(self._disk, self._folder, len(content))
            try:
                write_file(
                    self._disk, self._path(digest), content, "What was learned of the subject"
                )
            except StoreError:
                self.remove((digest,))
                raise
        return digest

    def has(self, digest: str) -> bool:
        return _DIGEST.fullmatch(digest) is not None and self._path(digest).is_file()

    def read(self, digest: str) -> bytes:
        """The file's bytes; a StoreError when it is gone or not what was stored."""
        try:
            content = self._path(digest).read_bytes() if _DIGEST.fullmatch(digest) else b""
        except OSError as error:
            raise _unusable(digest, error.strerror or str(error)) from error
        if hashlib.sha256(content).hexdigest() != digest:
            raise _unusable(digest, "it is not what was stored")
        return content

    def remove(self, digests: Collection[str]) -> None:
        """Delete these files, where they are there."""
        for digest in digests:
            if _DIGEST.fullmatch(digest):
                self._path(digest).unlink(missing_ok=True)

    def keep_only(self, digests: Collection[str]) -> int:
        """Delete all files but these; returns how many were deleted."""
        gone = [path for path in self._folder.glob("*.safetensors") if path.stem not in digests]
        for path in gone:
            path.unlink(missing_ok=True)
        return len(gone)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.safetensors"


@dataclass(frozen=True)
class PixelsAndSubjects:
    """What a job may ask for by digest: pictures, masks, and subjects packed into pictures."""

    pixels: Pixels
    subjects: SubjectFiles

    def picture(self, digest: str) -> Picture:
        """The stored picture (h, w, 4), or the subject's file as one."""
        return (
            pack_bytes(self.subjects.read(digest))
            if self.subjects.has(digest)
            else self.pixels.picture(digest)
        )

    def mask(self, digest: str) -> Picture:
        """The stored mask (h, w)."""
        return self.pixels.mask(digest)


def _unusable(digest: str, reason: str) -> StoreError:
    return StoreError(
        f"The subject's file {digest[:12]} cannot be used: {reason}.",
        remedy="Train the subject again.",
    )
