"""The studio's SQLite file: one writer at a time, readers beside it, every commit durable."""

from __future__ import annotations

import secrets
import sqlite3
import threading
import weakref
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from backend.errors import StoreError
from backend.studio.storage.migration import (
    TO_FORMAT_7,
    TO_FORMAT_8,
    TO_FORMAT_9,
    TO_FORMAT_10,
    add_upgrades,
)

SCHEMA_VERSION = 10

_SUBJECTS = """
CREATE TABLE subjects (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
    class_word TEXT NOT NULL,
    method TEXT NOT NULL, reference_pictures TEXT NOT NULL, model TEXT NOT NULL DEFAULT '',
    file TEXT NOT NULL DEFAULT '', begun TEXT NOT NULL DEFAULT '', created TEXT NOT NULL
);
CREATE TABLE lessons (
    job TEXT PRIMARY KEY REFERENCES jobs(id), subject TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX lessons_by_subject ON lessons(subject);
"""
"""The library: its subjects belong to no project; ``lessons`` are the jobs that train them."""

_MIXES = """
CREATE TABLE mixes (
    candidate TEXT PRIMARY KEY REFERENCES candidates(id),
    other TEXT NOT NULL REFERENCES candidates(id),
    mask TEXT NOT NULL
) WITHOUT ROWID;
"""
"""Candidates that a person painted together: ``other`` into the candidate's parent, through
``mask``.
"""

_DRAFTS = """
CREATE TABLE drafts (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL REFERENCES jobs(id),
    position INTEGER NOT NULL, seed INTEGER NOT NULL, digest TEXT NOT NULL,
    width_px INTEGER NOT NULL, height_px INTEGER NOT NULL, plan TEXT NOT NULL,
    created TEXT NOT NULL,
    scores TEXT NOT NULL, UNIQUE (job, position)
);
CREATE TRIGGER drafts_stay BEFORE UPDATE ON drafts
BEGIN SELECT RAISE(ABORT, 'a draft does not change'); END;
ALTER TABLE candidates ADD COLUMN draft TEXT NOT NULL DEFAULT '';
"""
"""Pictures of a first stage; a candidate names the digest of the one that it was made from."""

_RETOUCHES = """
CREATE TABLE retouches (
    candidate TEXT PRIMARY KEY REFERENCES candidates(id), mask TEXT NOT NULL
) WITHOUT ROWID;
"""
"""Candidates that show a subject: ``mask`` is where it was found, empty for a layout that waits to
be retouched.
"""

_SCHEMA = """
CREATE TABLE projects (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, revision INTEGER NOT NULL,
    scene TEXT NOT NULL, desk TEXT NOT NULL, turn INTEGER NOT NULL, created TEXT NOT NULL
);
CREATE TABLE jobs (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL REFERENCES projects(id),
    state TEXT NOT NULL, layer_id TEXT NOT NULL, source TEXT NOT NULL, done INTEGER NOT NULL,
    total INTEGER NOT NULL,
    request TEXT NOT NULL, plan TEXT NOT NULL, attempts INTEGER NOT NULL, created TEXT NOT NULL
);
CREATE INDEX jobs_by_state ON jobs(state, number);
CREATE INDEX jobs_by_project ON jobs(project, number);
CREATE TABLE events (
    job TEXT NOT NULL REFERENCES jobs(id), n INTEGER NOT NULL, kind TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (job, n)
) WITHOUT ROWID;
CREATE TABLE candidates (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    job TEXT NOT NULL REFERENCES jobs(id),
    position INTEGER NOT NULL, seed INTEGER NOT NULL, digest TEXT NOT NULL,
    width_px INTEGER NOT NULL, height_px INTEGER NOT NULL, layer_id TEXT NOT NULL,
    source TEXT NOT NULL,
    changed_outside INTEGER, plan TEXT NOT NULL, batch INTEGER NOT NULL, created TEXT NOT NULL,
    scores TEXT NOT NULL DEFAULT '[]', UNIQUE (job, position)
);
CREATE TABLE history (
    candidate TEXT PRIMARY KEY REFERENCES candidates(id), parent TEXT REFERENCES candidates(id)
) WITHOUT ROWID;
CREATE TRIGGER terminal_states_stay BEFORE UPDATE OF state ON jobs
WHEN OLD.state IN ('finished', 'failed', 'cancelled', 'interrupted') AND NEW.state <> OLD.state
BEGIN SELECT RAISE(ABORT, 'a job that has ended does not change its state'); END;
CREATE TRIGGER candidates_stay BEFORE UPDATE ON candidates
BEGIN SELECT RAISE(ABORT, 'a candidate does not change'); END;
CREATE TRIGGER history_grows BEFORE UPDATE ON history
BEGIN SELECT RAISE(ABORT, 'the history only grows'); END;
CREATE TRIGGER history_stays BEFORE DELETE ON history
BEGIN SELECT RAISE(ABORT, 'the history only grows'); END;
CREATE TRIGGER events_stay BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event does not change'); END;
"""

_CHANGES = {
    1: "ALTER TABLE candidates ADD COLUMN scores TEXT NOT NULL DEFAULT '[]';",
    2: _SUBJECTS,
    3: _MIXES,
    4: _DRAFTS,
    5: _RETOUCHES,
    6: TO_FORMAT_7,
    7: TO_FORMAT_8,
    8: TO_FORMAT_9,
    9: TO_FORMAT_10,
}
"""What brings a store of a format to the next one."""
BEGUN_AT = 2
"""The format of ``_SCHEMA``, from which a new store is brought to the present one."""


class DamagedDatabase(StoreError):
    """The file is there, but it is not what SQLite wrote."""


class Database:
    """Two connections, each behind its own lock, so that a reader never waits for a commit to reach
    the disk.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the file; a StoreError when it is damaged or was made by a newer Lamina."""
        self._path = path
        self._write_lock = threading.Lock()
        self._read_lock = threading.Lock()
        self._listeners: tuple[Callable[[], None], ...] = ()
        with _explain_errors("opened"):
            self._writer = _connect(path)
            add_upgrades(self._writer)
            self._prepare()
            self._reader = _connect(path)

    @contextmanager
    def write(self) -> Iterator[sqlite3.Connection]:
        """One transaction: all of it is on the disk when the block ends, or none of it. Does not
        nest.
        """
        with (
            self._write_lock,
            _explain_errors("written"),
            _transaction(self._writer, "IMMEDIATE") as connection,
        ):
            yield connection
        for listener in self._listeners:
            listener()

    def watch(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call back in the writer's thread after each transaction that was written, once others may
        write again; returns what ends it. A listener is quick and raises nothing.
        """
        self._listeners = (*self._listeners, listener)

        def leave() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return leave

    @contextmanager
    def read(self) -> Iterator[sqlite3.Connection]:
        """One unchanging view. Does not nest."""
        with (
            self._read_lock,
            _explain_errors("read"),
            _transaction(self._reader, "DEFERRED", "ROLLBACK") as connection,
        ):
            yield connection

    def texts(self) -> Iterator[str]:
        """Every text of every row of one unchanging view, by a connection of its own: nobody waits
        for it.
        """
        with _explain_errors("read"), closing(_connect(self._path)) as connection:
            connection.execute("BEGIN DEFERRED")
            tables = connection.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name <> 'unnamed'"
            ).fetchall()
            for table in tables:
                for row in connection.execute(f'SELECT * FROM "{table["name"]}"'):
                    yield from (value for value in row if isinstance(value, str))

    def compact(self) -> None:
        """Give the room of deleted rows back to the disk, and overwrite what stood there."""
        with self._write_lock, _explain_errors("compacted"):
            self._writer.execute("VACUUM")
            self._writer.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def close(self) -> None:
        with self._write_lock, self._read_lock:
            self._reader.close()
            self._writer.close()

    def _prepare(self) -> None:
        version = int(self._writer.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            self._writer.close()
            raise StoreError(
                f"The studio's store was made with a newer Lamina (format {version}).",
                limit=f"This one reads formats up to {SCHEMA_VERSION}.",
                remedy="Update Lamina, or choose another folder with --store.",
            )
        if version < SCHEMA_VERSION:
            changes = "".join(_CHANGES[old] for old in range(version or BEGUN_AT, SCHEMA_VERSION))
            script = changes if version else _SCHEMA + changes
            self._writer.executescript(
                f"BEGIN IMMEDIATE;{script}PRAGMA user_version = {SCHEMA_VERSION};COMMIT;"
            )


class _Connection(sqlite3.Connection):
    """A connection that knows its open cursors. One that was not read to its end keeps its view of
    the file beyond a rollback: later readers would see old rows, later writers would be refused.
    """

    cursors: weakref.WeakSet[sqlite3.Cursor]

    def execute(self, *statement: Any) -> sqlite3.Cursor:
        cursor = super().execute(*statement)
        self.cursors.add(cursor)
        return cursor

    def end_cursors(self) -> None:
        """Nothing is read any more from what was asked for so far."""
        for cursor in tuple(self.cursors):
            cursor.close()


def _connect(path: Path) -> _Connection:
    connection = sqlite3.connect(
        path, timeout=5.0, isolation_level=None, check_same_thread=False, factory=_Connection
    )
    connection.cursors = weakref.WeakSet()
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    return connection


@contextmanager
def _transaction(
    connection: _Connection, mode: str, end: str = "COMMIT"
) -> Iterator[sqlite3.Connection]:
    """``end`` is ROLLBACK for readers: after a damaged page SQLite refuses to commit even what only
    read.
    """
    connection.execute(f"BEGIN {mode}")
    try:
        yield connection
        connection.execute(end)
    except BaseException:
        connection.end_cursors()
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


@contextmanager
def _explain_errors(action: str) -> Iterator[None]:
    """SQLite's errors in words."""
    try:
        yield
    except sqlite3.OperationalError as error:
        raise StoreError(
            f"The studio's store could not be {action} ({error}).",
            remedy="Check free space and the folder's permissions, then try again.",
        ) from error
    except sqlite3.Error as error:
        raise DamagedDatabase(
            f"The studio's store could not be {action} ({error}).",
            limit="Its file may be damaged.",
            remedy="Keep a copy of the folder and choose another one with --store.",
        ) from error


def new_id() -> str:
    """128 random bits as 32 hexadecimal digits."""
    return secrets.token_hex(16)


def now() -> str:
    """The present moment in UTC, ISO 8601 with milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")
