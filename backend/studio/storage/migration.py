"""What brings the rows of an older store to the present words: JSON in, JSON out, called from SQL.

A text that is no JSON is returned as it is: what cannot be read is told when it is opened, not
here.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from backend.plan.upgrade import upgrade_settings
from backend.scene.scene import canonical_json
from backend.scene.upgrade import rename_keys, upgrade_scene

EVENT_KINDS: Mapping[str, str] = MappingProxyType(
    {
        "drafted": "stage1_images",
        "made": "images",
        "learned": "embeddings_learned",
        "kept": "embeddings_checkpoint",
        "apart": "layers_found",
        "progressed": "progress",
    }
)
"""Kinds of events as they were written up to format 6 of the store, and since format 7."""
EVENT_FIELDS: Mapping[str, str] = MappingProxyType(
    {"drafts": "stage1_images", "looks": "embeddings", "parts": "layers", "plate": "background"}
)
EMBEDDING_FIELDS: Mapping[str, str] = MappingProxyType({"look": "embedding", "shown": "sample"})

TO_FORMAT_7 = """
ALTER TABLE projects RENAME COLUMN desk TO editor;
UPDATE projects SET scene = upgrade_scene(scene), editor = upgrade_editor(editor);
DROP TRIGGER events_stay;
UPDATE events SET kind = upgrade_kind(kind), body = upgrade_body(body);
CREATE TRIGGER events_stay BEFORE UPDATE ON events
BEGIN SELECT RAISE(ABORT, 'an event does not change'); END;
DROP TRIGGER drafts_stay;
ALTER TABLE drafts RENAME TO stage1_images;
CREATE TRIGGER stage1_images_stay BEFORE UPDATE ON stage1_images
BEGIN SELECT RAISE(ABORT, 'a stage-1 image does not change'); END;
ALTER TABLE candidates RENAME COLUMN draft TO stage1;
DROP INDEX lessons_by_subject;
ALTER TABLE lessons RENAME TO training_jobs;
CREATE INDEX training_jobs_by_subject ON training_jobs(subject);
ALTER TABLE subjects RENAME COLUMN begun TO checkpoint;
"""
"""Format 6 to 7. Plans are brought over when they are read, and their digests stay as they are:
they name what was made under them.
"""

TO_FORMAT_8 = """
ALTER TABLE projects ADD COLUMN changed TEXT NOT NULL DEFAULT '';
ALTER TABLE projects ADD COLUMN deleted TEXT NOT NULL DEFAULT '';
UPDATE projects SET changed = MAX(
    created, COALESCE((SELECT MAX(jobs.created) FROM jobs WHERE jobs.project = projects.id), '')
);
CREATE TABLE unnamed (digest TEXT PRIMARY KEY, since TEXT NOT NULL) WITHOUT ROWID;
DROP TRIGGER IF EXISTS history_stays;
CREATE TRIGGER history_stays BEFORE DELETE ON history
WHEN NOT EXISTS (
    SELECT 1 FROM candidates JOIN jobs ON jobs.id = candidates.job
    JOIN projects ON projects.id = jobs.project
    WHERE candidates.id = OLD.candidate AND projects.deleted <> ''
)
BEGIN SELECT RAISE(ABORT, 'the history only grows'); END;
"""
"""Format 7 to 8: when a scene was changed last and when it was deleted, since when no row names a
stored file; a history goes with its deleted scene, and only then.
"""


def add_upgrades(connection: sqlite3.Connection) -> None:
    """Make the functions that ``TO_FORMAT_7`` calls known to a connection."""
    for name, change in _CHANGES.items():
        connection.create_function(name, 1, change, deterministic=True)


def _in_json(change: Callable[[dict[str, Any]], Any]) -> Callable[[str], str]:
    def upgrade(text: str) -> str:
        try:
            record = json.loads(text)
        except ValueError:
            return text
        return canonical_json(change(record)) if isinstance(record, dict) else text

    return upgrade


def _upgrade_editor(record: dict[str, Any]) -> dict[str, Any]:
    return {**record, "settings": upgrade_settings(record.get("settings", {}))}


def _upgrade_body(record: dict[str, Any]) -> Any:
    body = rename_keys(record, EVENT_FIELDS)
    if isinstance(body.get("embeddings"), list):
        body["embeddings"] = [rename_keys(one, EMBEDDING_FIELDS) for one in body["embeddings"]]
    return body


_CHANGES: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "upgrade_scene": _in_json(upgrade_scene),
        "upgrade_editor": _in_json(_upgrade_editor),
        "upgrade_kind": lambda kind: EVENT_KINDS.get(kind, kind),
        "upgrade_body": _in_json(_upgrade_body),
    }
)
