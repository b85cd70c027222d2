"""The studio's folder: one database, files of pixels and blobs, and a lock that only one process
can hold.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from backend.errors import StoreError
from backend.studio.storage.backups import Backups
from backend.studio.storage.blobs import BlobFiles, StoredContents
from backend.studio.storage.database import DamagedDatabase, Database
from backend.studio.storage.disk import Disk, sweep
from backend.studio.storage.pixel_files import PixelFiles
from backend.studio.storage.run_files import RunFiles
from backend.studio.storage.thumbnail_files import ThumbnailFiles

UNSWEPT = "unswept"
"""An empty file in the store: what no row names stays all the same."""


class Storage:
    """An opened store folder (mode 700). ``database`` and all files are safe from any thread.

    ``embeddings`` and ``subjects`` are blobs; those of subjects go when no subject names them.
    ``contents`` is all of them as a job sees them. ``backups`` are copies of the database, one of
    which was just taken.
    """

    def __init__(self, folder: Path, disk: Disk) -> None:
        """Open or make ``folder``; a StoreError when it is unusable or another Lamina has it
        open.
        """
        pixels, embeddings, subjects, thumbnails, runs = (
            folder / name for name in ("pixels", "embeddings", "subjects", "thumbnails", "runs")
        )
        try:
            pixels.mkdir(mode=0o700, parents=True, exist_ok=True)
            embeddings.mkdir(mode=0o700, exist_ok=True)
            subjects.mkdir(mode=0o700, exist_ok=True)
            thumbnails.mkdir(mode=0o700, exist_ok=True)
            runs.mkdir(mode=0o700, exist_ok=True)
            os.chmod(folder, 0o700)
        except OSError as error:
            raise StoreError(
                f"The store folder {folder.name!r} cannot be used ({error.strerror or error}).",
                remedy="Choose another folder with --store.",
            ) from error
        self.folder = folder
        self.disk = disk
        self._lock = _lock(folder / "lock.sqlite")
        try:
            for part in (pixels, embeddings, subjects, thumbnails, runs):
                sweep(part)
            self.backups = Backups(folder / "backups", folder / "studio.sqlite", disk)
            self.database = self._open_database(folder / "studio.sqlite", pixels)
        except BaseException:
            self._lock.close()
            raise
        self.pixels = PixelFiles(pixels, disk)
        self.embeddings = BlobFiles(embeddings, disk, "What was learned of a layer")
        self.subjects = BlobFiles(subjects, disk, "What was learned of the subject")
        self.thumbnails = ThumbnailFiles(thumbnails, disk)
        self.runs = RunFiles(runs, disk)
        self.contents = StoredContents(self.pixels, self.embeddings, self.subjects)

    @property
    def is_swept(self) -> bool:
        """Whether files that no row names may go. Not after scenes were lost: their pictures are
        all that is left of them.
        """
        return not (self.folder / UNSWEPT).exists()

    def close(self) -> None:
        self.database.close()
        self._lock.close()

    def _open_database(self, path: Path, pixels: Path) -> Database:
        """The database, copied first; from the newest copy where it is lost or damaged."""
        has_lost = self.backups.restore_lost() or self.backups.tell_orphans(pixels)
        if not has_lost:
            self.backups.take()
        try:
            database = Database(path)
        except DamagedDatabase:
            has_lost = self.backups.restore_damaged()
            if not has_lost:
                raise
            database = Database(path)
        if has_lost:
            (self.folder / UNSWEPT).touch(mode=0o600)
        return database


def _lock(path: Path) -> sqlite3.Connection:
    """Hold SQLite's exclusive lock of a file of its own: an operating system's lock, gone when its
    owner dies.
    """
    connection = sqlite3.connect(path, timeout=0.0, isolation_level=None, check_same_thread=False)
    try:
        connection.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        connection.close()
        raise StoreError(
            f"The store folder {path.parent.name!r} is open in another Lamina ({error}).",
            remedy="Close the other one, or choose another folder with --store.",
        ) from error
    return connection
