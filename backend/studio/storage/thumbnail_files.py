"""Small pictures of scenes and of stored pictures, drawn once and kept beside the other files of
the store.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from backend.errors import StoreError
from backend.studio.storage.disk import Disk, write_file

_DIGEST = re.compile(r"[0-9a-f]{64}")
_PROJECT = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ThumbnailFiles:
    """One WebP file a scene, named by its id and revision, and one a picture, named by its digest;
    safe from any thread.
    """

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk

    def read(self, project: str, revision: int) -> bytes | None:
        """The file of that revision, or None."""
        try:
            return self._path(project, revision).read_bytes()
        except OSError:
            return None

    def write(self, project: str, revision: int, content: bytes) -> None:
        """Keep the file in place of those of older revisions; a full disk only means that it is
        drawn again.
        """
        try:
            write_file(self._disk, self._path(project, revision), content, "A thumbnail")
        except StoreError:
            return
        self.remove(project, but=revision)

    def remove(self, project: str, but: int = -1) -> None:
        """Delete all files of a scene, but that of one revision."""
        kept = self._path(project, but).name
        for path in self._folder.glob(f"{_check_id(project)}.*.webp"):
            if path.name != kept:
                path.unlink(missing_ok=True)

    def read_picture(self, digest: str) -> bytes | None:
        """The file of a stored picture, or None."""
        try:
            return self._picture_path(digest).read_bytes()
        except OSError:
            return None

    def write_picture(self, digest: str, content: bytes) -> None:
        """Keep the file; a full disk only means that it is drawn again."""
        with suppress(StoreError):
            write_file(self._disk, self._picture_path(digest), content, "A thumbnail")

    def remove_pictures(self, digests: Iterable[str]) -> None:
        """Delete the files of these pictures, where they are there."""
        for digest in digests:
            if _DIGEST.fullmatch(digest):
                self._picture_path(digest).unlink(missing_ok=True)

    def _picture_path(self, digest: str) -> Path:
        if not _DIGEST.fullmatch(digest):
            raise StoreError(
                f"There is no picture {digest[:12]!r}.", remedy="Choose one in the gallery."
            )
        return self._folder / digest[:2] / f"{digest}.webp"

    def _path(self, project: str, revision: int) -> Path:
        return self._folder / f"{_check_id(project)}.{revision}.webp"


def _check_id(project: str) -> str:
    """The id, if it is one: names never become paths."""
    if not _PROJECT.fullmatch(project):
        raise StoreError(
            f"There is no scene {project[:40]!r}.", remedy="Choose one of those in Home."
        )
    return project
