"""What happens by itself: deleted scenes and pictures go for good, steps of undo that are too
heavy too, files that nothing names go after them, and the database is copied each day.
"""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime
from typing import NamedTuple

from backend.errors import LaminaError
from backend.studio.projects import deletion
from backend.studio.projects.steps import UndoSteps
from backend.studio.projects.versions import sweep_versions
from backend.studio.storage.storage import Storage

log = logging.getLogger(__name__)

EVERY_S = 3600.0
FIRST_S = 20.0
"""The first round waits until the page is open."""


class SweepCount(NamedTuple):
    """How many scenes and files went for good."""

    scenes: int
    files: int


class Upkeep:
    """A thread that tidies a store at the start and each hour, until it is closed."""

    def __init__(self, store: Storage, undo: UndoSteps) -> None:
        self._store = store
        self._undo = undo
        self._closing = threading.Event()
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name="lamina-upkeep", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No further round begins; one that goes on is waited for."""
        self._closing.set()
        with self._lock:
            return

    def run(self, present: datetime | None = None) -> SweepCount:
        """One round, as if it were that moment."""
        moment = present or datetime.now(UTC)
        with self._lock:
            scenes = self._purge(moment)
            self._undo.prune()
            with self._store.database.write() as connection:
                pictures = deletion.purge_pictures(connection, moment)
                sweep_versions(connection)
            files = self._sweep_unnamed(moment) if self._store.is_swept else 0
            if scenes or pictures:
                self._store.database.compact()
                self._store.backups.replace_all()
            else:
                self._store.backups.take_daily()
        return SweepCount(scenes, files)

    def _work(self) -> None:
        wait_s = FIRST_S
        while not self._closing.wait(wait_s):
            wait_s = EVERY_S
            try:
                swept = self.run()
                log.info("upkeep: %d scenes and %d files went", swept.scenes, swept.files)
            except (LaminaError, OSError):
                log.exception("the upkeep of the store failed; it is tried again in an hour")

    def _purge(self, present: datetime) -> int:
        with self._store.database.read() as connection:
            gone = deletion.list_purged(connection, present)
        for project in gone:
            with self._store.database.write() as connection:
                deletion.purge_project(connection, project)
            self._store.thumbnails.remove(project)
        return len(gone)

    def _sweep_unnamed(self, present: datetime) -> int:
        """Delete pictures and embeddings that no row has named for ``FILES_STAY``."""
        pixels, embeddings = self._store.pixels, self._store.embeddings
        stored = pixels.list_digests() | embeddings.list_digests()
        unnamed = stored - deletion.find_digests(self._store.database.texts())
        moment = present.isoformat(timespec="milliseconds")
        oldest = (present - deletion.FILES_STAY).isoformat(timespec="milliseconds")
        with self._store.database.write() as connection:
            known = deletion.list_unnamed(connection)
            deletion.forget_unnamed(connection, known.keys() - unnamed)
            deletion.note_unnamed(connection, dict.fromkeys(unnamed, moment))
            gone = {digest for digest in unnamed if known.get(digest, moment) <= oldest}
            pixels.remove(gone)
            embeddings.remove(gone)
            self._store.thumbnails.remove_pictures(gone)
            deletion.forget_unnamed(connection, gone)
        return len(gone)
