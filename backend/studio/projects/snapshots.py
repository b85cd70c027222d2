"""Named versions of a scene, which stay until somebody deletes them: unlike the steps of undo they
do not go for their age or their weight.
"""

from __future__ import annotations

from sqlite3 import Connection, Row

from pydantic import Field

from backend.errors import RequestError, StoreError
from backend.scene.records import Name, Record
from backend.studio.projects.projects import check_revision, read_project, repair_saved
from backend.studio.projects.versions import require_version, store_version
from backend.studio.storage.database import new_id, now
from backend.studio.storage.records import PictureScene
from backend.studio.storage.storage import Storage

MAX_SNAPSHOTS = 200
"""So many a scene keeps."""


class SceneSnapshot(Record):
    """A version of a scene that somebody named."""

    id: str
    project: str
    name: Name
    created: str = Field(min_length=1)


class Snapshots:
    """The named versions of all scenes of a store."""

    def __init__(self, store: Storage) -> None:
        self._store = store

    def list_all(self, project: str) -> tuple[SceneSnapshot, ...]:
        """Those of a scene, the newest first."""
        with self._store.database.read() as connection:
            rows = connection.execute(
                "SELECT id, project, name, created FROM snapshots WHERE project = ?"
                " ORDER BY number DESC",
                (project,),
            ).fetchall()
        return tuple(_build(row) for row in rows)

    def take(self, project: str, revision: int, name: str) -> SceneSnapshot:
        """Name the scene as it is saved; StaleRevision when the page's is another one, a
        RequestError for an empty name and beyond ``MAX_SNAPSHOTS``.
        """
        wanted = " ".join(name.split())
        if not wanted:
            raise RequestError("The version has no name.", remedy="Give it one.")
        with self._store.database.write() as connection:
            check_revision(connection, project, revision)
            _require_room(connection, project)
            saved = read_project(connection, project)
            version = store_version(connection, saved.scene, saved.editor)
            row = connection.execute(
                "INSERT INTO snapshots (id, project, name, version, created)"
                " VALUES (?, ?, ?, ?, ?) RETURNING id, project, name, created",
                (new_id(), project, wanted, version, now()),
            ).fetchone()
        return _build(row)

    def scene_of(self, snapshot: str) -> PictureScene:
        """The scene and its editor as they were named; a StoreError when there is none."""
        with self._store.database.read() as connection:
            row = _require(connection, snapshot)
            scene, editor = require_version(connection, row["version"])
        saved = repair_saved(row["project"], 0, scene, editor)
        return PictureScene(
            project=saved.id, scene=saved.scene, editor=saved.editor, notes=saved.notes
        )

    def delete(self, snapshot: str) -> None:
        """Forget a named version; a StoreError when there is none."""
        with self._store.database.write() as connection:
            _require(connection, snapshot)
            connection.execute("DELETE FROM snapshots WHERE id = ?", (snapshot,))


def _build(row: Row) -> SceneSnapshot:
    return SceneSnapshot(
        id=row["id"], project=row["project"], name=row["name"], created=row["created"]
    )


def _require_room(connection: Connection, project: str) -> None:
    count = connection.execute(
        "SELECT COUNT(*) FROM snapshots WHERE project = ?", (project,)
    ).fetchone()[0]
    if count >= MAX_SNAPSHOTS:
        raise RequestError(
            f"This scene has {count} named versions.",
            limit=f"It keeps at most {MAX_SNAPSHOTS}.",
            remedy="Delete one of them first.",
        )


def _require(connection: Connection, snapshot: str) -> Row:
    row: Row | None = connection.execute(
        "SELECT * FROM snapshots WHERE id = ?", (snapshot,)
    ).fetchone()
    if row is None:
        raise StoreError("This version is gone.", remedy="Choose another one of the list.")
    return row
