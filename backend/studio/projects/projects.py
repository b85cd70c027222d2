"""Scenes that were saved: rows of the table ``projects``."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import PurePath
from sqlite3 import Connection, Row
from typing import Any

from pydantic import ValidationError

from backend.errors import InputError, LaminaError, SceneError, StaleRevision, StoreError
from backend.scene.formats.grouping import NAME_LENGTH
from backend.scene.formats.openraster import OpenedScene
from backend.scene.records import explain_refusal
from backend.scene.repair import repair_record
from backend.scene.scene import Scene, build_scene, canonical_json, repair_scene
from backend.studio.storage.database import new_id, now
from backend.studio.storage.records import EditorState

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SavedScene:
    """One project as it stands in the database; ``notes`` name what another Lamina wrote and this
    one does not know.
    """

    id: str
    revision: int
    scene: Scene
    editor: EditorState
    notes: tuple[str, ...] = ()
    saved_by: str = ""


def insert_project(connection: Connection, scene: Scene, editor: EditorState) -> str:
    """A new project with revision 1, opened last of all; returns its id."""
    project = new_id()
    connection.execute(
        "INSERT INTO projects (id, revision, scene, editor, turn, change, created, changed)"
        " VALUES (:id, 1, :scene, :editor, (SELECT COALESCE(MAX(turn), 0) + 1 FROM projects),"
        " (SELECT COALESCE(MAX(change), 0) + 1 FROM projects), :now, :now)",
        {"id": project, "scene": _text(scene), "editor": _text(editor), "now": now()},
    )
    return project


def read_project(connection: Connection, project: str) -> SavedScene:
    """The project of that id; a StoreError when there is none, when it was deleted or is damaged, a
    SceneError when a newer Lamina made it.
    """
    row = connection.execute(
        "SELECT id, revision, scene, editor, deleted, saved_by FROM projects WHERE id = ?",
        (project,),
    ).fetchone()
    _require_living(row, project)
    return replace(_read_row(row), saved_by=row["saved_by"])


def list_latest(connection: Connection) -> tuple[str, ...]:
    """The ids of all projects, the one that was opened last first."""
    rows = connection.execute("SELECT id FROM projects WHERE deleted = '' ORDER BY turn DESC")
    return tuple(str(row["id"]) for row in rows)


def touch_project(connection: Connection, project: str) -> None:
    """Make it the one that was opened last."""
    connection.execute(
        "UPDATE projects SET turn = (SELECT MAX(turn) + 1 FROM projects) WHERE id = ? "
        "AND turn < (SELECT MAX(turn) FROM projects)",
        (project,),
    )


def check_revision(connection: Connection, project: str, revision: int, page: str = "") -> None:
    """A StaleRevision when the project has moved on from ``revision``, a StoreError when it is
    unknown. A ``page`` whose own save was the only one since has lost no more than its answer.
    """
    row = connection.execute(
        "SELECT revision, deleted, saved_by FROM projects WHERE id = ?", (project,)
    ).fetchone()
    _require_living(row, project)
    is_own = page != "" and (row["revision"], row["saved_by"]) == (revision + 1, page)
    if row["revision"] != revision and not is_own:
        raise StaleRevision(revision, int(row["revision"]))


def update_project(
    connection: Connection, project: str, scene: Scene, editor: EditorState, page: str = ""
) -> int:
    """Replace scene and editor, on behalf of a page; returns the new revision. Call
    ``check_revision`` in the same transaction.
    """
    row = connection.execute(
        (
            "UPDATE projects SET scene = ?, editor = ?, changed = ?, saved_by = ?,"
            " change = (SELECT MAX(change) + 1 FROM projects), revision = revision + 1"
            " WHERE id = ? RETURNING revision"
        ),
        (_text(scene), _text(editor), now(), page, project),
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
    stem = PurePath(file_name.replace("\\", "/")).stem
    if opened.scene.name not in ("", "Untitled") or not stem:
        return opened
    named = opened.scene.model_copy(update={"name": stem[:NAME_LENGTH]})
    return replace(opened, scene=named, notes=(*opened.notes, *explain_cut_name(stem, "scene")))


def explain_cut_name(name: str, kind: str) -> tuple[str, ...]:
    """What is said where a file's name is longer than names of scenes and layers are."""
    if len(name) <= NAME_LENGTH:
        return ()
    return (
        f"The file's name has {len(name)} characters; the {kind} keeps the first {NAME_LENGTH}.",
    )


def build_editor_state(record: object) -> EditorState:
    """An EditorState from anything that a page may send; an InputError names the first field
    that is wrong.
    """
    with explain_refusal(InputError, "editor"):
        return EditorState.model_validate(record)


def parse_scene(text: str) -> Scene:
    """The scene of a row; a StoreError when the row is damaged, a SceneError for a newer format."""
    return repair_scene(_parse(text)).scene


def _require_living(row: Row | None, project: str) -> None:
    if row is None:
        raise StoreError(
            f"There is no project {project[:40]!r}.", remedy="Open another project or an example."
        )
    if row["deleted"]:
        raise StoreError(
            "This scene was deleted.",
            limit="It can be put back until the day is over.",
            remedy="Put it back in Home, under “Deleted”.",
        )


def _parse(text: str) -> dict[str, Any]:
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        record = None
    if not isinstance(record, dict):
        raise StoreError(
            "The record of this scene is damaged.",
            limit="It ends in the middle, or is no longer what was written.",
            remedy="Export what is there in Home, or put a backup of the store back.",
        )
    return record


def _read_row(row: Row) -> SavedScene:
    scene = _parse(row["scene"])
    try:
        editor: object = _parse(row["editor"])
    except StoreError:
        editor = None
    return repair_saved(row["id"], row["revision"], scene, editor)


def repair_saved(
    project: str, revision: int, scene_record: Mapping[str, Any], editor_record: object
) -> SavedScene:
    """A project from its records as they were written, with notes about what this Lamina does not
    know; a SceneError for a scene that cannot be read.
    """
    repaired = repair_scene(scene_record)
    try:
        editor, notes = _repair_editor(editor_record)
    except LaminaError as error:
        log.warning("the editor's state of %s cannot be read: %s", project, error.what)
        editor, notes = EditorState(), ("The scene's settings are lost; the usual ones are taken.",)
    return SavedScene(
        id=project,
        revision=revision,
        scene=repaired.scene,
        editor=editor,
        notes=(*repaired.notes, *notes),
    )


def _repair_editor(record: object) -> tuple[EditorState, tuple[str, ...]]:
    """The editor's state without what this Lamina does not know, and a sentence for each part."""
    if not isinstance(record, Mapping):
        return build_editor_state(record), ()
    try:
        kept = repair_record(record, EditorState.model_validate, "scene")
    except ValidationError:  # build_editor_state says what is wrong with it
        return build_editor_state(record), ()
    return EditorState.model_validate(kept.record), kept.notes


def _text(record: Scene | EditorState) -> str:
    return canonical_json(record.model_dump(mode="json"))
