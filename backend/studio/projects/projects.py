"""Scenes that were saved: rows of the table ``projects``."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from sqlite3 import Connection, Row
from typing import Any, NamedTuple

from pydantic import ValidationError

from backend.errors import InputError, SceneError, StaleRevision, StoreError
from backend.plan.request import RunSettings
from backend.plan.upgrade import upgrade_settings
from backend.scene.formats.openraster import OpenedScene
from backend.scene.records import explain_refusal, first_refusal
from backend.scene.scene import Scene, build_scene, canonical_json
from backend.studio.storage.database import new_id, now
from backend.studio.storage.records import EditorState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedScene:
    """One project as it stands in the database."""

    id: str
    revision: int
    scene: Scene
    editor: EditorState


def insert_project(connection: Connection, scene: Scene, editor: EditorState) -> str:
    """A new project with revision 1, opened last of all; returns its id."""
    project = new_id()
    connection.execute(
        "INSERT INTO projects (id, revision, scene, editor, turn, created)"
        " VALUES (?, 1, ?, ?, (SELECT COALESCE(MAX(turn), 0) + 1 FROM projects), ?)",
        (project, _text(scene), _text(editor), now()),
    )
    return project


def read_project(connection: Connection, project: str) -> SavedScene:
    """The project of that id, or a StoreError."""
    row = connection.execute(
        "SELECT id, revision, scene, editor FROM projects WHERE id = ?", (project,)
    ).fetchone()
    if row is None:
        raise StoreError(
            f"There is no project {project[:40]!r}.", remedy="Open another project or an example."
        )
    return _read_row(row)


def latest_project(connection: Connection) -> str:
    """The id of the project that was opened last, or an empty text when there is none yet."""
    row = connection.execute("SELECT id FROM projects ORDER BY turn DESC LIMIT 1").fetchone()
    return "" if row is None else str(row["id"])


def touch_project(connection: Connection, project: str) -> None:
    """Make it the one that was opened last."""
    connection.execute(
        "UPDATE projects SET turn = (SELECT MAX(turn) + 1 FROM projects) WHERE id = ? "
        "AND turn < (SELECT MAX(turn) FROM projects)",
        (project,),
    )


def check_revision(connection: Connection, project: str, revision: int) -> None:
    """A StaleRevision when the project has moved on from ``revision``, a StoreError when it is
    unknown.
    """
    row = connection.execute("SELECT revision FROM projects WHERE id = ?", (project,)).fetchone()
    if row is None:
        raise StoreError(
            f"There is no project {project[:40]!r}.", remedy="Open another project or an example."
        )
    if row["revision"] != revision:
        raise StaleRevision(revision, int(row["revision"]))


def update_project(connection: Connection, project: str, scene: Scene, editor: EditorState) -> int:
    """Replace scene and desk; returns the new revision. Call ``check_revision`` in the same
    transaction.
    """
    row = connection.execute(
        (
            "UPDATE projects SET scene = ?, editor = ?, revision = revision + 1 WHERE id = ? "
            "RETURNING revision"
        ),
        (_text(scene), _text(editor), project),
    ).fetchone()
    return int(row["revision"])


def scene_of(record: object) -> Scene:
    """A Scene from anything that a page may send; a SceneError says what is wrong."""
    if isinstance(record, Mapping) and isinstance(record.get("layers", []), list | tuple):
        return build_scene(record)
    raise SceneError(
        "The scene that was sent is not a record with a list of layers.",
        remedy="Reload the page and try again.",
    )


def with_name(opened: OpenedScene, file_name: str) -> OpenedScene:
    """The same scene under its file's name when it has none of its own."""
    stem = PurePath(file_name.replace("\\", "/")).stem[:200]
    if opened.scene.name not in ("", "Untitled") or not stem:
        return opened
    return replace(opened, scene=opened.scene.model_copy(update={"name": stem}))


def build_editor_state(record: object) -> EditorState:
    """An EditorState from anything that a page may send; an InputError names the first field
    that is wrong.
    """
    with explain_refusal(InputError, "editor"):
        return EditorState.model_validate(record)


class ReadSettings(NamedTuple):
    """The settings of a file, and sentences about what could not be read of them."""

    settings: RunSettings
    notes: tuple[str, ...] = ()


def read_settings(settings: Mapping[str, Any]) -> ReadSettings:
    """The settings of an opened file; for some that this Lamina does not know the usual ones, and a
    note that says so.
    """
    try:
        return ReadSettings(RunSettings.model_validate(upgrade_settings(settings)))
    except ValidationError as error:
        log.warning("the settings of a file cannot be read: %s", error)
        what = first_refusal(error, "settings").what
        note = f"The file's settings cannot be read ({what[:-1]}); the usual ones are taken."
        return ReadSettings(RunSettings(), (note,))


def _read_row(row: Row) -> SavedScene:
    return SavedScene(
        id=row["id"],
        revision=row["revision"],
        scene=build_scene(json.loads(row["scene"])),
        editor=build_editor_state(json.loads(row["editor"])),
    )


def _text(record: Scene | EditorState) -> str:
    return canonical_json(record.model_dump(mode="json"))
