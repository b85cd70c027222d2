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

TO_FORMAT_9 = """
CREATE TABLE records (
    number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE, body TEXT NOT NULL
);
CREATE TABLE versions (
    number INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE,
    scene INTEGER NOT NULL, editor INTEGER NOT NULL, layers TEXT NOT NULL
);
CREATE TABLE steps (
    project TEXT NOT NULL REFERENCES projects(id), place INTEGER NOT NULL, name TEXT NOT NULL,
    version INTEGER NOT NULL, created TEXT NOT NULL, PRIMARY KEY (project, place)
) WITHOUT ROWID;
CREATE TABLE snapshots (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    project TEXT NOT NULL REFERENCES projects(id), name TEXT NOT NULL,
    version INTEGER NOT NULL, created TEXT NOT NULL
);
CREATE INDEX snapshots_by_project ON snapshots(project, number);
ALTER TABLE projects ADD COLUMN place INTEGER NOT NULL DEFAULT 0;
ALTER TABLE projects ADD COLUMN saved_by TEXT NOT NULL DEFAULT '';
CREATE TABLE recipes (
    job TEXT PRIMARY KEY REFERENCES jobs(id), version INTEGER NOT NULL,
    method TEXT NOT NULL, model TEXT NOT NULL, words TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO recipes SELECT id, 0, find_method(plan), find_model(plan), find_words(plan) FROM jobs
WHERE id IN (SELECT job FROM candidates);
CREATE TABLE deleted_pictures (
    candidate TEXT PRIMARY KEY REFERENCES candidates(id), deleted TEXT NOT NULL
) WITHOUT ROWID;
CREATE INDEX history_by_parent ON history(parent);
ALTER TABLE mixes RENAME TO mixes_before;
CREATE TABLE mixes (
    candidate TEXT PRIMARY KEY REFERENCES candidates(id), other TEXT NOT NULL, mask TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO mixes SELECT candidate, other, mask FROM mixes_before;
DROP TABLE mixes_before;
DROP TRIGGER history_grows;
CREATE TRIGGER history_grows BEFORE UPDATE ON history
WHEN OLD.parent IS NULL OR OLD.candidate <> NEW.candidate
OR OLD.parent NOT IN (SELECT candidate FROM deleted_pictures)
BEGIN SELECT RAISE(ABORT, 'the history only grows'); END;
DROP TRIGGER history_stays;
CREATE TRIGGER history_stays BEFORE DELETE ON history
WHEN OLD.candidate NOT IN (SELECT candidate FROM deleted_pictures) AND NOT EXISTS (
    SELECT 1 FROM candidates JOIN jobs ON jobs.id = candidates.job
    JOIN projects ON projects.id = jobs.project
    WHERE candidates.id = OLD.candidate AND projects.deleted <> ''
)
BEGIN SELECT RAISE(ABORT, 'the history only grows'); END;
"""
"""Format 8 to 9: versions of scenes, which share their layers as records; the steps of undo and
the snapshots of each scene; the version, method, model and words of each job; pictures that were
deleted alone, whose children then hang under their parents.
"""

TO_FORMAT_10 = """
ALTER TABLE jobs ADD COLUMN turn INTEGER NOT NULL DEFAULT 0;
UPDATE jobs SET turn = number;
CREATE TABLE pauses (since TEXT NOT NULL);
ALTER TABLE projects ADD COLUMN change INTEGER NOT NULL DEFAULT 0;
UPDATE projects SET change = (
    SELECT COUNT(*) FROM projects AS other
    WHERE (other.changed, other.number) <= (projects.changed, projects.number)
);
CREATE INDEX projects_by_change ON projects(change);
"""
"""Format 9 to 10: the order in which jobs get their turn, apart from that in which they were asked
for; a row while the queue is paused; and the order in which scenes were changed, by a count instead
of a clock.
"""


def add_upgrades(connection: sqlite3.Connection) -> None:
    """Make the functions that the changes of formats call known to a connection."""
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


def parse_record(text: str) -> Mapping[str, Any]:
    """A record of any format as it stands, nothing where it cannot be read."""
    try:
        record = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}


def find_words(plan: Mapping[str, Any]) -> str:
    """What a recipe can be found by, in small letters: its prompt, and the layers by name and
    phrase.
    """
    found = [plan.get("prompt")]
    layers = plan.get("layers")
    for layer in layers if isinstance(layers, list | tuple) else ():
        if isinstance(layer, Mapping):
            found += [layer.get("name"), layer.get("phrase")]
    return "\n".join(dict.fromkeys(one.casefold() for one in found if isinstance(one, str) and one))


_CHANGES: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {
        "upgrade_scene": _in_json(upgrade_scene),
        "upgrade_editor": _in_json(_upgrade_editor),
        "upgrade_kind": lambda kind: EVENT_KINDS.get(kind, kind),
        "upgrade_body": _in_json(_upgrade_body),
        "find_method": lambda plan: str(parse_record(plan).get("method", "")),
        "find_model": lambda plan: str(parse_record(plan).get("model", "")),
        "find_words": lambda plan: find_words(parse_record(plan)),
    }
)
