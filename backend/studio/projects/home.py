"""Home: all scenes of a store, also those that cannot be read."""

from __future__ import annotations

import json
import logging
import re
import sqlite3
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from sqlite3 import Connection, Row

from backend.errors import LaminaError, RequestError, StoreError
from backend.scene.layer import Layer
from backend.scene.scene import Scene
from backend.studio.projects import deletion
from backend.studio.projects.damage import describe_damage, find_damaged, read_all
from backend.studio.projects.projects import (
    insert_project,
    parse_scene,
    read_project,
    update_project,
)
from backend.studio.projects.salvage import Remains, build_salvage, salvage_name
from backend.studio.projects.thumbnails import draw_thumbnail, encode_webp
from backend.studio.storage.database import now
from backend.studio.storage.records import SceneEntry
from backend.studio.storage.storage import Storage

log = logging.getLogger(__name__)

NAME_LIMIT = 200
_ROW = "SELECT * FROM projects WHERE number = ?"


@dataclass(frozen=True)
class _Parsed:
    """What a row's text says; ``scene`` is None where it cannot be read, for that ``problem``."""

    scene: Scene | None
    problem: str = ""


class Home:
    """The scenes of a store by name, with thumbnails; no damaged one hides another."""

    def __init__(self, store: Storage, cancel: Callable[[str], object]) -> None:
        """``cancel`` ends a job by its id."""
        self._store = store
        self._cancel = cancel
        self._parsed: dict[str, tuple[int, _Parsed]] = {}
        self._drawing = threading.Lock()

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about the store itself: what was lost, and what was put back."""
        return self._store.backups.notes

    def list_all(self) -> tuple[SceneEntry, ...]:
        """Every scene, the one that was changed last first; deleted ones too, until they go."""
        with self._store.database.read() as connection:
            pictures = _count_pictures(connection)
            entries = [
                entry
                for number in list_numbers(connection)
                if (entry := self._read_entry(connection, number, pictures)) is not None
            ]
        return tuple(sorted(entries, key=lambda entry: entry.change, reverse=True))

    def find(self, project: str) -> SceneEntry:
        """One scene; a StoreError when there is none of that id."""
        with self._store.database.read() as connection:
            number = _number_of(connection, project)
            entry = self._read_entry(connection, number, _count_pictures(connection))
        if entry is None:
            raise _refuse_unknown(project)
        return entry

    def rename(self, project: str, name: str) -> SceneEntry:
        """Give a scene another name; a RequestError for an empty one."""
        wanted = " ".join(name.split())[:NAME_LIMIT]
        if not wanted:
            raise RequestError("The scene has no name.", remedy="Give it one.")
        with self._store.database.write() as connection:
            saved = read_project(connection, project)
            if saved.scene.name != wanted:
                scene = saved.scene.model_copy(update={"name": wanted})
                update_project(connection, project, scene, saved.editor)
        return self.find(project)

    def duplicate(self, project: str) -> SceneEntry:
        """A new scene that is as this one: layers, words, settings and the accepted picture. What
        was tried stays with the first.
        """
        with self._store.database.write() as connection:
            saved = read_project(connection, project)
            name = f"{saved.scene.name[: NAME_LIMIT - 5]} copy"
            scene = saved.scene.model_copy(update={"name": name})
            editor = saved.editor.model_copy(update={"mix": None, "starred": ()})
            copy = insert_project(connection, scene, editor)
        return self.find(copy)

    def delete(self, project: str) -> SceneEntry:
        """Take a scene out of the list and stop its runs. It can be put back for half a day; within
        the day its rows, pictures and thumbnails are gone, but for what others use.
        """
        with self._store.database.write() as connection:
            _number_of(connection, project)
            deletion.mark_deleted(connection, project, now())
            unended = deletion.list_unended(connection, project)
        for job in unended:
            self._cancel(job)
        return self.find(project)

    def restore(self, project: str) -> SceneEntry:
        """Put a deleted scene back; a StoreError when it is gone for good."""
        with self._store.database.write() as connection:
            row = _read_row(connection, _number_of(connection, project))
            if row is not None and row["deleted"] == deletion.GONE:
                raise _refuse_unknown(project)
            deletion.mark_deleted(connection, project, "")
        return self.find(project)

    def thumbnail(self, project: str, revision: int) -> bytes:
        """The scene as a small WebP file, drawn if need be; ``revision`` is the one that the list
        named.
        """
        kept = self._store.thumbnails.read(project, revision)
        if kept is not None:
            return kept
        with self._drawing:  # one at a time: a first look at Home may ask for fifty
            with self._store.database.read() as connection:
                row = connection.execute(_ROW, (_number_of(connection, project),)).fetchone()
            scene = parse_scene(row["scene"])
            picked = _find_picked(row["editor"])
            content = encode_webp(draw_thumbnail(scene, picked, self._store.pixels))
        if not find_damaged(scene, self._store.pixels):
            self._store.thumbnails.write(project, int(row["revision"]), content)
        return content

    def salvage(self, project: str) -> tuple[bytes, str]:
        """What is there of a scene as a ZIP file, and a file name for it."""
        with self._store.database.read() as connection:
            number = _number_of(connection, project)
            row = _read_row(connection, number)
            digests = deletion.find_digests_of(connection, project) if row else frozenset[str]()
            results = tuple(
                str(found["digest"])
                for found in connection.execute(
                    "SELECT candidates.digest FROM candidates JOIN jobs ON jobs.id = "
                    "candidates.job WHERE jobs.project = ? ORDER BY candidates.number",
                    (project,),
                )
            )
        parsed = self._parse(row)
        damaged = read_all(parsed.scene, self._store.pixels) if parsed.scene else ()
        remains = Remains(
            name=_name_of(row, parsed),
            problem=parsed.problem or describe_damage(damaged) or "The scene is whole.",
            scene_text="" if row is None else row["scene"],
            editor_text="" if row is None else row["editor"],
            scene=parsed.scene,
            digests=digests,
            results=results,
        )
        return build_salvage(self._store, remains), salvage_name(remains.name)

    def _read_entry(
        self, connection: Connection, number: int, pictures: Mapping[str, int]
    ) -> SceneEntry | None:
        """None for the empty row that stays for a training's sake."""
        row = _read_row(connection, number)
        if row is not None and row["deleted"] == deletion.GONE:
            return None
        parsed = self._parse(row)
        scene = parsed.scene
        project = _id_of(connection, number) if row is None else str(row["id"])
        damaged: tuple[Layer, ...] = find_damaged(scene, self._store.pixels) if scene else ()
        return SceneEntry(
            id=project,
            name=_name_of(row, parsed),
            width_px=scene.width_px if scene else 0,
            height_px=scene.height_px if scene else 0,
            layers=len(scene.layers) if scene else 0,
            pictures=pictures.get(project, 0),
            revision=row["revision"] if row else 0,
            created=row["created"] if row else "",
            number=number,
            change=row["change"] if row else 0,
            changed=(row["changed"] or row["created"]) if row else "",
            thumbnail=f"lamina/thumbnail/{project}.{row['revision']}.webp" if row and scene else "",
            problem=parsed.problem or describe_damage(damaged),
            is_readable=scene is not None,
            deleted=row["deleted"] if row else "",
        )

    def _parse(self, row: Row | None) -> _Parsed:
        """The scene of a row, parsed once as long as its text stays the same."""
        if row is None:
            return _Parsed(None, "The file of the scenes is damaged where this one stands.")
        known, text = self._parsed.get(row["id"]), hash(row["scene"])
        if known is not None and known[0] == text:
            return known[1]
        try:
            parsed = _Parsed(parse_scene(row["scene"]))
        except LaminaError as error:
            log.warning("the scene %s cannot be read: %s", row["id"], error.what)
            parsed = _Parsed(None, " ".join(filter(None, (error.what, error.limit))))
        self._parsed[row["id"]] = (text, parsed)
        return parsed


def list_numbers(connection: Connection) -> list[int]:
    """The numbers of all rows; of a table that is damaged in the middle every number that there may
    be.
    """
    try:
        rows = connection.execute("SELECT number FROM projects ORDER BY number").fetchall()
        return [int(row["number"]) for row in rows]
    except sqlite3.DatabaseError:
        log.exception("the table of projects is damaged")
        last = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'projects'")
        found = last.fetchone()
        return list(range(1, int(found["seq"]) + 1)) if found else []


def read_tolerantly(connection: Connection, query: str, number: int) -> Row | None:
    """The row that a query finds by its number, or None where the file is damaged."""
    try:
        row: Row | None = connection.execute(query, (number,)).fetchone()
    except sqlite3.DatabaseError:
        log.exception("row %d of the projects is damaged", number)
        return None
    return row


def _read_row(connection: Connection, number: int) -> Row | None:
    """A row, or None where the file is damaged."""
    row = read_tolerantly(connection, _ROW, number)
    is_text = row is not None and all(isinstance(row[name], str) for name in ("scene", "editor"))
    return row if is_text else None


def _id_of(connection: Connection, number: int) -> str:
    """The id of a damaged row by the index, which stands elsewhere."""
    try:
        row = connection.execute("SELECT id FROM projects WHERE number = ?", (number,)).fetchone()
    except sqlite3.DatabaseError:
        row = None
    return f"damaged-{number}" if row is None else str(row["id"])


def _number_of(connection: Connection, project: str) -> int:
    row = connection.execute("SELECT number FROM projects WHERE id = ?", (project,)).fetchone()
    if row is None:
        raise _refuse_unknown(project)
    return int(row["number"])


def _refuse_unknown(project: str) -> StoreError:
    return StoreError(
        f"There is no scene {project[:40]!r}.",
        limit="It was deleted, or the address belongs to another store.",
        remedy="Choose one of those in Home.",
    )


def _count_pictures(connection: Connection) -> dict[str, int]:
    """How many pictures were made of each scene."""
    try:
        rows = connection.execute(
            "SELECT jobs.project, COUNT(*) AS pictures FROM candidates JOIN jobs"
            " ON jobs.id = candidates.job WHERE candidates.id NOT IN (SELECT candidate FROM"
            " deleted_pictures) GROUP BY jobs.project"
        )
        return {row["project"]: int(row["pictures"]) for row in rows}
    except sqlite3.DatabaseError:
        log.exception("the pictures cannot be counted")
        return {}


def _find_picked(editor_text: str) -> str:
    """The digest of the accepted picture, if the text says one."""
    found = re.search(r'"picked":"([0-9a-f]{64})"', editor_text)
    return found[1] if found else ""


def _name_of(row: Row | None, parsed: _Parsed) -> str:
    """The scene's name, also that of a newer format; of a damaged one there is none."""
    if parsed.scene is not None:
        return parsed.scene.name or "Untitled"
    try:
        record = json.loads(row["scene"]) if row is not None else None
    except (ValueError, RecursionError):
        record = None
    name = record.get("name") if isinstance(record, dict) else None
    return name[:NAME_LIMIT] if isinstance(name, str) and name else "Unreadable scene"
