"""Versions of scenes: what a scene and its editor were at a moment, kept once however often they
are named. Layers that several versions share are one row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from sqlite3 import Connection
from typing import Any, NamedTuple

from backend.errors import StoreError
from backend.scene.scene import Scene, canonical_json
from backend.studio.storage.records import EditorState

NO_VERSION = 0
"""Stands where a job is older than versions are."""
EACH_LAYER = "json_each(CASE WHEN json_valid(layers) THEN layers ELSE '[]' END)"
"""The numbers of the layers of a version, as a table; none of a damaged one."""
_KEPT = " UNION ".join(
    f"SELECT version FROM {table}" for table in ("steps", "snapshots", "recipes")
)


def store_version(connection: Connection, scene: Scene, editor: EditorState) -> int:
    """Keep a scene and its editor as they are now; the number of the version, which equal ones
    share.
    """
    head = scene.model_dump(mode="json")
    layers = [_store_record(connection, layer) for layer in head.pop("layers")]
    parts = (
        _store_record(connection, head),
        _store_record(connection, editor.model_dump(mode="json")),
        canonical_json(layers),
    )
    digest = _digest_of(canonical_json(parts))
    return _insert_once(
        connection,
        "SELECT number FROM versions WHERE digest = ?",
        "INSERT INTO versions (digest, scene, editor, layers) VALUES (?, ?, ?, ?)",
        (digest, *parts),
    )


class VersionRecords(NamedTuple):
    """The numbers of the records that a version is made of."""

    scene: int
    editor: int
    layers: tuple[int, ...]


def read_parts(
    connection: Connection, numbers: Iterable[int]
) -> tuple[dict[int, VersionRecords], dict[int, dict[str, Any]]]:
    """What each of these versions is made of, and the records themselves; versions that are gone
    or damaged are left out.
    """
    rows = connection.execute(
        "SELECT * FROM versions WHERE number IN (SELECT value FROM json_each(?))",
        (json.dumps(sorted(numbers)),),
    ).fetchall()
    parts = {
        row["number"]: VersionRecords(row["scene"], row["editor"], layers)
        for row in rows
        if (layers := _read_numbers(row["layers"])) is not None
    }
    wanted = {one for each in parts.values() for one in (each.scene, each.editor, *each.layers)}
    found = {
        row["number"]: _read_record(row["body"])
        for row in connection.execute(
            "SELECT number, body FROM records WHERE number IN (SELECT value FROM json_each(?))",
            (json.dumps(sorted(wanted)),),
        )
    }
    records = {number: body for number, body in found.items() if body is not None}
    whole = {
        number: each
        for number, each in parts.items()
        if records.keys() >= {each.scene, each.editor, *each.layers}
    }
    return whole, records


def read_versions(
    connection: Connection, numbers: Iterable[int]
) -> dict[int, tuple[dict[str, Any], dict[str, Any]]]:
    """The scene and the editor of each of these versions as they were written; those that are
    gone or damaged are left out. What versions share is one object.
    """
    parts, records = read_parts(connection, numbers)
    return {
        number: (
            {**records[each.scene], "layers": [records[one] for one in each.layers]},
            records[each.editor],
        )
        for number, each in parts.items()
    }


def require_version(connection: Connection, number: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The scene and the editor of one version; a StoreError where it was not kept."""
    found = read_versions(connection, (number,)).get(number)
    if found is None:
        raise StoreError(
            "This version of the scene was not kept.",
            limit="Lamina keeps versions since its store has format 9.",
            remedy="Open the scene as it is now.",
        )
    return found


def forget_pictures(connection: Connection, digests: Iterable[str]) -> None:
    """Take deleted pictures out of the steps of undo, which would keep their files; snapshots and
    scenes that use one keep it.
    """
    for digest in digests:
        rows = connection.execute(
            "SELECT records.number, records.body FROM records WHERE instr(body, :digest) > 0"
            " AND number IN (SELECT editor FROM versions WHERE number NOT IN (SELECT version"
            " FROM snapshots))"
            " AND NOT EXISTS (SELECT 1 FROM projects WHERE instr(editor, :digest) > 0)",
            {"digest": digest},
        ).fetchall()
        for row in rows:
            body = without_star(row["body"], digest)
            connection.execute(
                "UPDATE records SET body = ?, digest = randomblob(16) WHERE number = ?",
                (body.replace(f'"picked":"{digest}"', '"picked":""'), row["number"]),
            )


def without_star(text: str, digest: str) -> str:
    """The record of an editor without the star of a picture; a damaged one as it is."""
    editor = _read_record(text)
    if editor is None or digest not in editor.get("starred", ()):
        return text
    return canonical_json(
        {**editor, "starred": [one for one in editor["starred"] if one != digest]}
    )


def sweep_versions(connection: Connection) -> int:
    """Delete the versions that no step, snapshot or job names, and the records that no version
    does; how many versions went.
    """
    gone = connection.execute(f"DELETE FROM versions WHERE number NOT IN ({_KEPT})").rowcount
    connection.execute(
        "DELETE FROM records WHERE number NOT IN (SELECT scene FROM versions UNION SELECT editor"
        f" FROM versions UNION SELECT value FROM versions, {EACH_LAYER})"
    )
    return gone


def _store_record(connection: Connection, record: Mapping[str, Any]) -> int:
    body = canonical_json(record)
    return _insert_once(
        connection,
        "SELECT number FROM records WHERE digest = ?",
        "INSERT INTO records (digest, body) VALUES (?, ?)",
        (_digest_of(body), body),
    )


def _insert_once(connection: Connection, find: str, insert: str, row: tuple[Any, ...]) -> int:
    """The number of the row of that digest, which is the first value; a new one if need be."""
    known = connection.execute(find, row[:1]).fetchone()
    if known is not None:
        return int(known["number"])
    return int(connection.execute(insert, row).lastrowid or 0)


def _digest_of(text: str) -> bytes:
    """128 bits are enough to tell texts apart, and half of what the rows would weigh."""
    return hashlib.sha256(text.encode()).digest()[:16]


def _read_numbers(text: str) -> tuple[int, ...] | None:
    """The numbers of the layers of a version; None where they are damaged."""
    try:
        numbers = json.loads(text)
    except (ValueError, RecursionError):
        return None
    whole = isinstance(numbers, list) and all(isinstance(one, int) for one in numbers)
    return tuple(numbers) if whole else None


def _read_record(body: str) -> dict[str, Any] | None:
    try:
        record = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
