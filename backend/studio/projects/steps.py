"""The steps of undo of each scene, kept beside it, so that they outlive a reload, a kill and the
browser: a page hands in what is new with every save, and reads them after it has opened the scene.

A scene keeps its newest ``MAX_STEPS`` steps; and each hour the oldest go as far as the files that
only the steps name weigh more than ``MAX_FILE_BYTES``.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection
from typing import Annotated, Any

from pydantic import Field
from pydantic_core import to_jsonable_python

from backend.errors import LaminaError
from backend.plan.request import RunSettings
from backend.scene.layer import Layer
from backend.scene.records import BlobDigest, PictureDigest, Record
from backend.scene.scene import Scene, canonical_json
from backend.studio.projects.deletion import find_digests
from backend.studio.projects.projects import SavedScene, build_editor_state, scene_of
from backend.studio.projects.survey import SceneSurvey
from backend.studio.projects.versions import read_parts, read_versions, store_version
from backend.studio.storage.database import now
from backend.studio.storage.records import EditorState
from backend.studio.storage.storage import Storage

log = logging.getLogger(__name__)

MAX_STEPS = 1000
MAX_FILE_BYTES = 64 * 2**20
PAGE = 250
"""So many earlier steps are read at once; later ones are never more."""
SENT_AT_ONCE = 100

Place = Annotated[int, Field(ge=0, le=2**53 - 1)]
PageScene = Annotated[dict[str, Any] | None, Field(json_schema_extra={"page": "Scene | null"})]
PageEditor = Annotated[
    dict[str, Any] | None, Field(json_schema_extra={"page": "EditorRecord | null"})
]


class SentStep(Record):
    """A step as a page hands it in; without a scene it is the one that is saved with it."""

    name: str = Field(max_length=400)
    scene: PageScene = None
    editor: PageEditor = None


class SentSteps(Record):
    """The steps from the place ``first`` on, after which there are no others; ``place`` is that of
    the saved scene.
    """

    first: Place
    place: Place
    steps: tuple[SentStep, ...] = Field(default=(), max_length=SENT_AT_ONCE)


class StoredStep(Record):
    """A step: the numbers of the records that its scene, its editor and its layers are."""

    place: int
    name: str
    scene: int
    editor: int
    layers: tuple[int, ...]


class StepsFound(Record):
    """Steps of a scene in their order, and the records that they share. ``more_before`` is the
    place before which there are earlier ones, 0 where there are none.
    """

    steps: tuple[StoredStep, ...]
    records: dict[str, dict[str, Any]]
    more_before: int


class Standing(Record):
    """Where a saved scene stands among its steps; ``is_kept`` where the step of that place is as
    the scene is.
    """

    place: int
    is_kept: bool


def _list_defaults(model: type[Record]) -> dict[str, Any]:
    """What the fields of a record are where an older Lamina did not write them."""
    return {
        name: to_jsonable_python(field.get_default(call_default_factory=True))
        for name, field in model.model_fields.items()
        if not field.is_required() and name != "layers"
    }


_SCENE, _LAYER = _list_defaults(Scene), _list_defaults(Layer)
_EDITOR, _SETTINGS = _list_defaults(EditorState), _list_defaults(RunSettings)


@dataclass(frozen=True)
class ReadStep:
    """A step that was handed in and can be kept."""

    name: str
    scene: Scene
    editor: EditorState


def parse_steps(
    sent: SentSteps, scene: Scene, editor: EditorState, survey: SceneSurvey
) -> tuple[ReadStep | None, ...]:
    """The steps that were handed in beside a scene that is saved. None stands for one that cannot
    be kept, as pixels of it are gone: the work itself is saved all the same.
    """
    return tuple(
        _parse_step(step, ReadStep(step.name, scene, editor), survey) for step in sent.steps
    )


def _parse_step(step: SentStep, saved: ReadStep, survey: SceneSurvey) -> ReadStep | None:
    if step.scene is None:
        return saved
    try:
        parsed = ReadStep(step.name, scene_of(step.scene), build_editor_state(step.editor))
        survey.require_pixels(parsed.scene)
    except LaminaError as error:
        log.warning("the step %r was not kept: %s", step.name, error.what)
        return None
    return parsed


def keep_steps(
    connection: Connection, project: str, sent: SentSteps, steps: Sequence[ReadStep | None]
) -> None:
    """Put these steps in the place of all from ``sent.first`` on, and remember where the scene
    stands; the oldest go beyond ``MAX_STEPS``.
    """
    found = {"project": project, "first": sent.first, "place": sent.place, "most": MAX_STEPS}
    connection.execute("DELETE FROM steps WHERE project = :project AND place >= :first", found)
    moment = now()
    connection.executemany(
        "INSERT INTO steps (project, place, name, version, created) VALUES (?, ?, ?, ?, ?)",
        [
            (project, place, step.name, store_version(connection, step.scene, step.editor), moment)
            for place, step in enumerate(steps, sent.first)
            if step is not None
        ],
    )
    connection.execute("UPDATE projects SET place = :place WHERE id = :project", found)
    connection.execute(
        "DELETE FROM steps WHERE project = :project AND place < MIN(:place, 1 - :most +"
        " (SELECT MAX(place) FROM steps WHERE project = :project))",
        found,
    )


def find_standing(connection: Connection, saved: SavedScene) -> Standing:
    """The place of a scene among its steps; what was changed without its page stands after the
    step that it was changed from.
    """
    row = connection.execute(
        "SELECT projects.place, steps.version FROM projects LEFT JOIN steps ON"
        " steps.project = projects.id AND steps.place = projects.place WHERE projects.id = ?",
        (saved.id,),
    ).fetchone()
    if row["version"] is None:
        return Standing(place=row["place"], is_kept=False)
    present = (saved.scene.model_dump(mode="json"), saved.editor.model_dump(mode="json"))
    kept = read_versions(connection, (row["version"],)).get(row["version"])
    is_kept = kept is not None and canonical_json(kept) == canonical_json(present)
    return Standing(place=row["place"] + (0 if is_kept else 1), is_kept=is_kept)


class UndoSteps:
    """The steps of all scenes of a store, as pages read them and the upkeep lets them go."""

    def __init__(self, store: Storage) -> None:
        self._store = store

    def read(self, project: str, place: int, *, later: bool) -> StepsFound:
        """The steps before a place, at most the newest ``PAGE`` of them, and if asked for its own
        and those after it; without those whose pixels are gone.
        """
        found = {"project": project, "place": place, "page": PAGE}
        rows = "SELECT place, name, version FROM steps WHERE project = :project AND place"
        with self._store.database.read() as connection:
            before = connection.execute(
                f"{rows} < :place ORDER BY place DESC LIMIT :page", found
            ).fetchall()
            after = (
                connection.execute(f"{rows} >= :place ORDER BY place LIMIT :page", found).fetchall()
                if later
                else []
            )
            listed = [*reversed(before), *after]
            versions, records = read_parts(connection, {row["version"] for row in listed})
        layers = {one for parts in versions.values() for one in parts.layers}
        missing = frozenset(one for one in layers if not self._is_whole(records[one]))
        steps = [
            StoredStep(
                place=row["place"],
                name=row["name"],
                scene=parts.scene,
                editor=parts.editor,
                layers=parts.layers,
            )
            for row in listed
            if (parts := versions.get(row["version"])) is not None
            and missing.isdisjoint(parts.layers)
        ]
        whole: dict[str, dict[str, Any]] = {}
        for step in steps:
            whole[str(step.scene)] = {**_SCENE, **records[step.scene]}
            whole[str(step.editor)] = _complete_editor(records[step.editor])
            whole.update({str(one): {**_LAYER, **records[one]} for one in step.layers})
        return StepsFound(
            steps=tuple(steps),
            records=whole,
            more_before=before[-1]["place"] if len(before) == PAGE else 0,
        )

    def prune(self) -> int:
        """Let the oldest steps of each scene go as far as the files that only its steps name weigh
        more than ``MAX_FILE_BYTES``; how many went.
        """
        with self._store.database.read() as connection:
            rows = connection.execute("SELECT DISTINCT project FROM steps").fetchall()
            found = [
                (row["project"], self._find_oldest(connection, row["project"])) for row in rows
            ]
        gone = [row for row in found if row[1] >= 0]
        if not gone:
            return 0
        with self._store.database.write() as connection:
            return connection.executemany(
                "DELETE FROM steps WHERE project = ? AND place <= ?", gone
            ).rowcount

    def _find_oldest(self, connection: Connection, project: str) -> int:
        """The place up to which the steps of a scene are too heavy; -1 where they are not."""
        rows = connection.execute(
            "SELECT place, version FROM steps WHERE project = ? ORDER BY place DESC", (project,)
        ).fetchall()
        present = connection.execute("SELECT * FROM projects WHERE id = ?", (project,)).fetchone()
        versions, records = read_parts(connection, {row["version"] for row in rows})
        named = {number: _find_named(body) for number, body in records.items()}
        seen = {*find_digests((present["scene"], present["editor"])), *_list_made(connection)}
        weight = 0
        for row in rows:
            parts = versions.get(row["version"])
            layers: tuple[int, ...] = () if parts is None else parts.layers
            fresh = {digest for one in layers for digest in named[one]} - seen
            seen |= fresh
            weight += sum(self._store.pixels.size_of(digest) for digest in fresh)
            if weight > MAX_FILE_BYTES and row["place"] < present["place"]:
                return int(row["place"])
        return -1

    def _is_whole(self, layer: Mapping[str, Any]) -> bool:
        """Whether all that a layer names is in the store."""
        return all(
            self._store.pixels.has(PictureDigest(digest))
            or self._store.contents.has_blob(BlobDigest(digest))
            for digest in _find_named(layer)
        )


def _complete_editor(record: Mapping[str, Any]) -> dict[str, Any]:
    settings = record.get("settings")
    known = settings if isinstance(settings, dict) else {}
    return {**_EDITOR, **record, "settings": {**_SETTINGS, **known}}


def _find_named(record: Mapping[str, Any]) -> frozenset[str]:
    return find_digests((canonical_json(record),))


def _list_made(connection: Connection) -> set[str]:
    """What was generated stays for its own sake."""
    return {str(row["digest"]) for row in connection.execute("SELECT digest FROM candidates")}
