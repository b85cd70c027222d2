"""Copies of the database, one at each start and each day, and the way back to the newest."""

from __future__ import annotations

import logging
import os
import shutil
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

from backend.studio.storage.disk import FREE_FLOOR_BYTES, TEMPORARY, Disk

log = logging.getLogger(__name__)

NEWEST = 3
DAYS = 7
EVERY = timedelta(days=1)
_STAMP = "%Y%m%dT%H%M%S%fZ"
_COMPANIONS = ("", "-wal", "-shm")
"""SQLite's file and what may lie beside it."""


class Backups:
    """The folder ``backups`` of a store: its newest three copies, and one of each of seven days.

    ``notes`` are sentences for a person about what was found at the start. Taking a copy never
    raises: a backup that fails is told and must not keep anybody from working.
    """

    def __init__(self, folder: Path, database: Path, disk: Disk) -> None:
        """``database`` is the file that is copied; it need not be there."""
        self._folder = folder
        self._database = database
        self._disk = disk
        self.notes: tuple[str, ...] = ()
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def list_all(self) -> list[Path]:
        """The copies there are, the oldest first."""
        return sorted(self._folder.glob("studio-*.sqlite"))

    def take(self) -> Path | None:
        """A copy of the database as it stands; None when nothing changed since the last one, when
        the disk is nearly full, or when the database is damaged: a bad copy must not push out a
        good one.
        """
        kept = self.list_all()
        if not self._has_changed(kept[-1] if kept else None):
            return None
        try:
            copy = self._copy()
        except (OSError, sqlite3.OperationalError) as error:
            log.exception("no backup of the database could be made")
            self._tell(f"No backup of the scenes could be made ({error}).")
            return None
        except sqlite3.DatabaseError:
            log.exception("the database cannot be copied")  # whoever opens it next says why
            return None
        if copy is not None:
            self._drop_surplus()
        return copy

    def take_daily(self) -> Path | None:
        """As ``take``, once the newest copy is a day old."""
        kept = self.list_all()
        is_due = not kept or _is_future(kept[-1]) or datetime.now(UTC) - _moment(kept[-1]) >= EVERY
        return self.take() if is_due else None

    def replace_all(self) -> None:
        """One fresh copy in place of all others, so that what was deleted is gone from them too."""
        old = self.list_all()
        if old and self.take() is not None:
            for copy in old:
                copy.unlink(missing_ok=True)

    def restore_lost(self) -> bool:
        """Put the newest copy in the place of a database that is missing or empty; whether it
        did.
        """
        if self._database.is_file() and self._database.stat().st_size:
            return False
        return self._restore("The file of the scenes was empty or missing.")

    def restore_damaged(self) -> bool:
        """Put a damaged database aside and the newest copy in its place; False where there is no
        copy, and nothing is touched then.
        """
        return self._restore("The file of the scenes was damaged.")

    def tell_orphans(self, pixels: Path) -> bool:
        """Note that there are pictures but neither scenes nor a copy of them; whether it is so."""
        is_lost = not self._database.is_file() or not self._database.stat().st_size
        if not is_lost or next(pixels.rglob("*.png"), None) is None:
            return False
        self._tell(
            "This store has pictures but no scenes: the file of its scenes was empty or missing, "
            "and there is no backup. The pictures are kept in the folder “pixels” of the store."
        )
        return True

    def _restore(self, reason: str) -> bool:
        kept = self.list_all()
        if not kept:
            return False
        stamp = datetime.now(UTC).strftime(_STAMP)
        for ending in _COMPANIONS:
            there = self._database.with_name(self._database.name + ending)
            if there.is_file() and there.stat().st_size:
                there.rename(there.with_name(f"damaged-{stamp}.sqlite{ending}"))
            there.unlink(missing_ok=True)
        shutil.copyfile(kept[-1], self._database)
        os.chmod(self._database, 0o600)
        when = _moment(kept[-1]).strftime("%Y-%m-%d %H:%M UTC")
        log.warning("%s The backup of %s was put back.", reason, when)
        self._tell(
            f"{reason} The backup of {when} was put back; what was changed since then is missing."
        )
        return True

    def _copy(self) -> Path | None:
        size = sum(path.stat().st_size for path in self._files())
        if self._disk.free_bytes(self._folder) - size < FREE_FLOOR_BYTES:
            self._tell("The disk is nearly full, so no backup of the scenes was made.")
            return None
        stamp = self._next_stamp()
        part = self._folder / f"{TEMPORARY}{stamp}"
        try:
            with closing(sqlite3.connect(self._database)) as source:
                if not _copy_sound(source, part):
                    self._tell_damage()
                    return None
            copy = self._folder / f"studio-{stamp}.sqlite"
            os.chmod(part, 0o600)
            self._disk.rename(part, copy)
            return copy
        finally:
            part.unlink(missing_ok=True)

    def _tell_damage(self) -> None:
        kept = self.list_all()
        when = _moment(kept[-1]).strftime("%Y-%m-%d %H:%M UTC") if kept else ""
        last = f"The newest sound backup is of {when}." if when else "There is no sound backup."
        log.error("the database is damaged in places; no backup was made of it")
        self._tell(
            f"The file of the scenes is damaged in places. {last} Export what you need; then stop "
            "Lamina and put the backup in the place of “studio.sqlite” in the store."
        )

    def _files(self) -> list[Path]:
        """The database and its log of what is not yet in it."""
        names = (self._database.name + ending for ending in _COMPANIONS[:2])
        return [path for name in names if (path := self._database.with_name(name)).is_file()]

    def _has_changed(self, newest: Path | None) -> bool:
        files = [path for path in self._files() if path.stat().st_size]
        if not files or newest is None or _is_future(newest):
            return bool(files)
        return max(path.stat().st_mtime_ns for path in files) > newest.stat().st_mtime_ns

    def _next_stamp(self) -> str:
        """Now, or just after the newest copy where the clock was set back: by its name a later copy
        is always the newer one.
        """
        kept = self.list_all()
        earliest = _moment(kept[-1]) + timedelta(milliseconds=1) if kept else datetime.now(UTC)
        return max(earliest, datetime.now(UTC)).strftime(_STAMP)

    def _drop_surplus(self) -> None:
        copies = self.list_all()
        by_day = {_moment(copy).date(): copy for copy in copies}
        kept = {*copies[-NEWEST:], *(by_day[day] for day in sorted(by_day)[-DAYS:])}
        for copy in copies:
            if copy not in kept:
                copy.unlink(missing_ok=True)

    def _tell(self, sentence: str) -> None:
        if sentence not in self.notes:
            self.notes = (*self.notes, sentence)


def _copy_sound(source: sqlite3.Connection, part: Path) -> bool:
    """Copy a database; whether SQLite finds the copy whole."""
    with closing(sqlite3.connect(part)) as target:
        source.backup(target)
        try:
            return [row[0] for row in target.execute("PRAGMA quick_check(1)")] == ["ok"]
        except sqlite3.DatabaseError:
            return False


def _is_future(copy: Path) -> bool:
    """Whether the clock was set back since a copy was taken: then no times can be compared."""
    return _moment(copy) > datetime.now(UTC)


def _moment(copy: Path) -> datetime:
    """When a copy was taken, by its name."""
    stamp = copy.stem.removeprefix("studio-")
    try:
        return datetime.strptime(stamp, _STAMP).replace(tzinfo=UTC)
    except ValueError:
        return datetime.fromtimestamp(copy.stat().st_mtime, UTC)
