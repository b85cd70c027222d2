"""Deleted scenes: marked first, then their rows go, then the files that nothing names any more."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from sqlite3 import Connection

ROWS_STAY = timedelta(hours=12)
"""So long can a deleted scene be put back."""
FILES_STAY = timedelta(hours=20)
"""So long does a file stay that no row names: an open page may still undo to it."""

GONE = "gone"
"""Stands in place of the moment in the empty row of a scene whose training is still needed."""

_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")
_OWN_JOBS = (
    "SELECT id FROM jobs WHERE project = :project AND id NOT IN (SELECT job FROM training_jobs)"
)
"""The jobs of a project but for trainings, which belong to subjects."""
_OWN_CANDIDATES = f"SELECT id FROM candidates WHERE job IN ({_OWN_JOBS})"
_TEXTS = (
    "SELECT scene FROM projects WHERE id = :project",
    "SELECT editor FROM projects WHERE id = :project",
    f"SELECT plan FROM jobs WHERE id IN ({_OWN_JOBS})",
    f"SELECT body FROM events WHERE job IN ({_OWN_JOBS})",
    f"SELECT digest FROM candidates WHERE job IN ({_OWN_JOBS})",
    f"SELECT scores FROM candidates WHERE job IN ({_OWN_JOBS})",
    f"SELECT digest FROM stage1_images WHERE job IN ({_OWN_JOBS})",
    f"SELECT scores FROM stage1_images WHERE job IN ({_OWN_JOBS})",
    f"SELECT mask FROM mixes WHERE candidate IN ({_OWN_CANDIDATES})",
    f"SELECT mask FROM retouches WHERE candidate IN ({_OWN_CANDIDATES})",
)
"""Where the rows of a project name files."""
_DELETED = (
    f"DELETE FROM retouches WHERE candidate IN ({_OWN_CANDIDATES})",
    f"DELETE FROM mixes WHERE candidate IN ({_OWN_CANDIDATES})",
    f"DELETE FROM history WHERE candidate IN ({_OWN_CANDIDATES})",
    f"DELETE FROM candidates WHERE job IN ({_OWN_JOBS})",
    f"DELETE FROM stage1_images WHERE job IN ({_OWN_JOBS})",
    f"DELETE FROM events WHERE job IN ({_OWN_JOBS})",
    f"DELETE FROM jobs WHERE id IN ({_OWN_JOBS})",
)
"""In the order in which rows refer to one another."""


def find_digests(texts: Iterable[str]) -> frozenset[str]:
    """All digests that stand in these texts."""
    return frozenset(digest for text in texts for digest in _DIGEST.findall(text))


def find_digests_of(connection: Connection, project: str) -> frozenset[str]:
    """The digests of all files that the rows of a project name."""
    found = {"project": project}
    return find_digests(str(row[0]) for query in _TEXTS for row in connection.execute(query, found))


def mark_deleted(connection: Connection, project: str, moment: str) -> None:
    """Take a project out of sight (``moment`` in ISO 8601), or put it back (an empty text)."""
    connection.execute("UPDATE projects SET deleted = ? WHERE id = ?", (moment, project))


def list_unended(connection: Connection, project: str) -> tuple[str, ...]:
    """The jobs of a project that wait or run, but for trainings."""
    rows = connection.execute(
        f"{_OWN_JOBS} AND state IN ('queued', 'running')", {"project": project}
    )
    return tuple(str(row["id"]) for row in rows)


def list_purged(connection: Connection, present: datetime) -> tuple[str, ...]:
    """The deleted projects whose rows go now: nothing of them runs, and the time to put them back
    is over.
    """
    rows = connection.execute(
        "SELECT id FROM projects WHERE deleted <> '' AND deleted <= ?",
        ((present - ROWS_STAY).isoformat(timespec="milliseconds"),),
    ).fetchall()
    return tuple(str(row["id"]) for row in rows if not list_unended(connection, row["id"]))


def purge_project(connection: Connection, project: str) -> None:
    """Delete the rows of a deleted project, and remember since when nothing of it names its files.

    Where a subject was trained from it, an empty row stays for that training's sake.
    """
    found = {"project": project}
    deleted = connection.execute(
        "SELECT deleted FROM projects WHERE id = :project", found
    ).fetchone()["deleted"]
    note_unnamed(connection, dict.fromkeys(find_digests_of(connection, project), deleted))
    for statement in _DELETED:
        connection.execute(statement, found)
    is_needed = connection.execute(
        "SELECT 1 FROM jobs WHERE project = :project LIMIT 1", found
    ).fetchone()
    connection.execute(
        f"UPDATE projects SET scene = '', editor = '', deleted = '{GONE}' WHERE id = :project"
        if is_needed
        else "DELETE FROM projects WHERE id = :project",
        found,
    )


def note_unnamed(connection: Connection, since: Mapping[str, str]) -> None:
    """Remember since when no row names these files; what is known already keeps its moment."""
    connection.executemany(
        "INSERT OR IGNORE INTO unnamed (digest, since) VALUES (?, ?)", since.items()
    )


def forget_unnamed(connection: Connection, digests: Iterable[str]) -> None:
    """These files are named again, or gone."""
    connection.executemany(
        "DELETE FROM unnamed WHERE digest = ?", [(digest,) for digest in digests]
    )


def list_unnamed(connection: Connection) -> dict[str, str]:
    """Digest → since when no row names it."""
    return {row["digest"]: row["since"] for row in connection.execute("SELECT * FROM unnamed")}
