"""Deleted scenes and pictures: marked first, then their rows go, then the files that nothing names
any more.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from sqlite3 import Connection

from backend.studio.projects.versions import EACH_LAYER, forget_pictures, without_star

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
_OWN_VERSIONS = (
    "SELECT version FROM steps WHERE project = :project UNION SELECT version FROM snapshots "
    f"WHERE project = :project UNION SELECT version FROM recipes WHERE job IN ({_OWN_JOBS})"
)
_HISTORY_TEXTS = (
    f"SELECT records.body FROM versions JOIN records ON records.number IN (versions.scene,"
    f" versions.editor) WHERE versions.number IN ({_OWN_VERSIONS})",
    f"SELECT body FROM records WHERE number IN (SELECT value FROM versions,"
    f" {EACH_LAYER} WHERE versions.number IN ({_OWN_VERSIONS}))",
)
"""Where its earlier versions do."""
_DELETED = (
    "DELETE FROM steps WHERE project = :project",
    "DELETE FROM snapshots WHERE project = :project",
    f"DELETE FROM recipes WHERE job IN ({_OWN_JOBS})",
    f"DELETE FROM deleted_pictures WHERE candidate IN ({_OWN_CANDIDATES})",
    f"DELETE FROM retouches WHERE candidate IN ({_OWN_CANDIDATES})",
    f"DELETE FROM mixes WHERE candidate IN ({_OWN_CANDIDATES})",
    f"DELETE FROM history WHERE candidate IN ({_OWN_CANDIDATES})",
    f"DELETE FROM candidates WHERE job IN ({_OWN_JOBS})",
    f"DELETE FROM stage1_images WHERE job IN ({_OWN_JOBS})",
    f"DELETE FROM events WHERE job IN ({_OWN_JOBS})",
    f"DELETE FROM jobs WHERE id IN ({_OWN_JOBS})",
)
"""In the order in which rows refer to one another."""
_PICTURE_TEXTS = (
    "SELECT digest FROM candidates WHERE id = :candidate",
    "SELECT scores FROM candidates WHERE id = :candidate",
    "SELECT mask FROM mixes WHERE candidate = :candidate",
    "SELECT mask FROM retouches WHERE candidate = :candidate",
)
_PICTURE_DELETED = (
    "DELETE FROM retouches WHERE candidate = :candidate",
    "DELETE FROM mixes WHERE candidate = :candidate",
    "UPDATE history SET parent = (SELECT above.parent FROM history AS above WHERE above.candidate"
    " = :candidate) WHERE parent = :candidate",
    "DELETE FROM history WHERE candidate = :candidate",
    "DELETE FROM deleted_pictures WHERE candidate = :candidate",
    "DELETE FROM candidates WHERE id = :candidate",
)


def find_digests(texts: Iterable[str]) -> frozenset[str]:
    """All digests that stand in these texts."""
    return frozenset(digest for text in texts for digest in _DIGEST.findall(text))


def find_digests_of(connection: Connection, project: str) -> frozenset[str]:
    """The digests of all files that the rows of a project name, but for its earlier versions."""
    return _find_in(connection, _TEXTS, {"project": project})


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
    digests = _find_in(connection, (*_TEXTS, *_HISTORY_TEXTS), found)
    note_unnamed(connection, dict.fromkeys(digests, deleted))
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


def mark_pictures(connection: Connection, candidates: Iterable[str], moment: str) -> None:
    """Take pictures out of sight (``moment`` in ISO 8601), or put them back (an empty text)."""
    rows = [(candidate,) for candidate in candidates]
    connection.executemany("DELETE FROM deleted_pictures WHERE candidate = ?", rows)
    if moment:
        connection.executemany(
            "INSERT INTO deleted_pictures SELECT id, ? FROM candidates WHERE id = ?",
            [(moment, candidate) for (candidate,) in rows],
        )


def purge_pictures(connection: Connection, present: datetime) -> int:
    """Delete the rows of pictures whose time to be put back is over, and remember since when
    nothing of them names their files; how many went.

    What was made from one hangs under what it was made from.
    """
    oldest = (present - ROWS_STAY).isoformat(timespec="milliseconds")
    gone = connection.execute(
        "SELECT deleted_pictures.*, candidates.digest, jobs.project FROM deleted_pictures"
        " JOIN candidates ON candidates.id = candidate JOIN jobs ON jobs.id = candidates.job"
        " WHERE deleted <= ?",
        (oldest,),
    ).fetchall()
    for row in gone:
        found = {"candidate": row["candidate"]}
        digests = _find_in(connection, _PICTURE_TEXTS, found)
        for statement in _PICTURE_DELETED:
            connection.execute(statement, found)
        note_unnamed(connection, dict.fromkeys(digests, row["deleted"]))
        _forget_star(connection, row["project"], row["digest"])
    forget_pictures(connection, {row["digest"] for row in gone})
    return len(gone)


def _forget_star(connection: Connection, project: str, digest: str) -> None:
    """A star alone keeps no picture."""
    row = connection.execute(
        "SELECT editor FROM projects WHERE id = :project AND instr(editor, :digest) > 0"
        " AND NOT EXISTS (SELECT 1 FROM candidates JOIN jobs ON jobs.id = candidates.job"
        " WHERE candidates.digest = :digest AND jobs.project = :project)",
        {"project": project, "digest": digest},
    ).fetchone()
    if row is not None:
        editor = without_star(row["editor"], digest)
        connection.execute("UPDATE projects SET editor = ? WHERE id = ?", (editor, project))


def _find_in(
    connection: Connection, queries: Iterable[str], found: Mapping[str, str]
) -> frozenset[str]:
    return find_digests(
        str(row[0]) for query in queries for row in connection.execute(query, dict(found))
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
