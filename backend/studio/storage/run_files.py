"""Where runs stand that a restart may interrupt: a file a job, gone with the job's end."""

from __future__ import annotations

import logging
from collections.abc import Collection
from pathlib import Path

from backend.errors import StoreError
from backend.studio.storage.disk import Disk, require_space, write_file

log = logging.getLogger(__name__)

ENDING = ".run"


class RunFiles:
    """Checkpoints by job id. A checkpoint is a convenience: one that cannot be written or read
    costs the steps since the last one, and never the run.
    """

    def __init__(self, folder: Path, disk: Disk) -> None:
        self._folder = folder
        self._disk = disk

    def put(self, job: str, content: bytes) -> None:
        """Keep this instead of what was kept of a job before, where the disk has room."""
        try:
            require_space(self._disk, self._folder, len(content))
            write_file(self._disk, self._path(job), content, "The state of the run")
        except (StoreError, OSError):
            log.warning("the state of the run %s could not be stored", job, exc_info=True)

    def get(self, job: str) -> bytes:
        """What was kept of a job; nothing where there is none."""
        try:
            return self._path(job).read_bytes()
        except OSError:
            return b""

    def drop(self, job: str) -> None:
        """The job has ended."""
        try:
            self._path(job).unlink(missing_ok=True)
        except OSError:
            log.warning("the state of the run %s could not be deleted", job, exc_info=True)

    def keep_only(self, jobs: Collection[str]) -> None:
        """Delete what belongs to other jobs."""
        for path in self._folder.glob(f"*{ENDING}"):
            if path.stem not in jobs:
                self.drop(path.stem)

    def require_room(self, needed_bytes: int) -> None:
        """A StoreError when so many bytes would leave too little room for saves."""
        require_space(self._disk, self._folder, needed_bytes)

    def _path(self, job: str) -> Path:
        return self._folder / f"{job}{ENDING}"
