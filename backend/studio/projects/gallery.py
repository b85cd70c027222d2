"""The gallery: every picture that was made in a store, over all scenes, the newest first."""

from __future__ import annotations

import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from sqlite3 import Connection, Row
from typing import Any

from backend.errors import LaminaError, RequestError, StoreError
from backend.plan.plan import Plan
from backend.scene.drawn import thumbnail
from backend.scene.records import PictureDigest
from backend.scene.scene import Scene, canonical_json
from backend.studio.projects import deletion
from backend.studio.projects.exports import stream_zip
from backend.studio.projects.home import list_numbers, read_tolerantly
from backend.studio.projects.projects import read_project, repair_saved, update_project
from backend.studio.projects.thumbnails import encode_webp
from backend.studio.projects.versions import NO_VERSION, require_version, store_version
from backend.studio.storage.database import now
from backend.studio.storage.migration import find_words, parse_record
from backend.studio.storage.records import (
    EditorState,
    GalleryChoice,
    GalleryChoices,
    GalleryFilter,
    GalleryIndex,
    GalleryPicture,
    PictureScene,
)
from backend.studio.storage.storage import Storage

PAGE = 120
"""So many pictures a page has: some screens full, 40 KB of JSON."""
SIDE_PX = 256
KEPT_EXPORTS = 16
"""So many asked-for files can still be fetched."""

_NAMES = (
    "WITH names AS MATERIALIZED (SELECT key AS project, value AS name FROM json_each(:names)),"
    " stars AS MATERIALIZED (SELECT value AS star FROM json_each(:stars)) "
)
_FOUND = (
    " FROM candidates CROSS JOIN jobs ON jobs.id = candidates.job"
    " CROSS JOIN names ON names.project = jobs.project"
    " LEFT JOIN recipes ON recipes.job = candidates.job"
    " WHERE (candidates.id IN (SELECT candidate FROM deleted_pictures)) = :deleted"
)
"""CROSS JOIN: pictures are walked in the order of their keys, however few a page wants."""
_STARRED = "(jobs.project || ' ' || candidates.digest IN (SELECT star FROM stars))"
_CONDITIONS = {
    "scene": "jobs.project = :scene",
    "layer": "candidates.layer_id = :layer",
    "method": "recipes.method = :method",
    "model": "recipes.model = :model",
    "starred": _STARRED,
}
_WORD = "instr(COALESCE(recipes.words, '') || char(10) || names.name, :word_{}) > 0"
_COLUMNS = (
    "SELECT candidates.number, candidates.id, jobs.project, candidates.job, candidates.digest,"
    " candidates.width_px, candidates.height_px, candidates.seed, candidates.created,"
    f" candidates.layer_id, {_STARRED} AS starred, COALESCE(recipes.version, 0) AS version,"
    " COALESCE(recipes.method, '') AS method, COALESCE(recipes.model, '') AS model"
)
_BY_ID = (
    "SELECT candidates.id, candidates.digest, candidates.seed, candidates.created, jobs.project,"
    " jobs.plan, COALESCE(recipes.version, 0) AS version FROM candidates"
    " JOIN jobs ON jobs.id = candidates.job LEFT JOIN recipes ON recipes.job = candidates.job"
    " WHERE candidates.id IN (SELECT value FROM json_each(?)) ORDER BY candidates.number DESC"
)


def keep_recipe(
    connection: Connection, job: str, plan: Plan, scene: Scene, editor: EditorState
) -> None:
    """Remember what a job's pictures can be found by, and the scene as it is when they are
    asked for.
    """
    connection.execute(
        "INSERT INTO recipes VALUES (?, ?, ?, ?, ?)",
        (
            job,
            store_version(connection, scene, editor),
            plan.method,
            plan.model,
            find_words(
                {"prompt": plan.prompt, "layers": scene.model_dump(include={"layers"})["layers"]}
            ),
        ),
    )


@dataclass(frozen=True)
class _SceneFacts:
    """What the gallery needs of a scene."""

    name: str
    starred: tuple[str, ...]


class Gallery:
    """The pictures of a store: found, starred, deleted, exported, and led back to their scenes."""

    def __init__(self, store: Storage) -> None:
        self._store = store
        self._exports: OrderedDict[str, tuple[str, ...]] = OrderedDict()

    def index(self, wanted: GalleryFilter) -> GalleryIndex:
        """How many pictures the filter finds, and where each page of them begins."""
        with self._store.database.read() as connection:
            scenes = _read_scenes(connection)
            clause, values = _build_query(wanted, scenes)
            keys = connection.execute(
                f"{_NAMES}SELECT number, place FROM (SELECT candidates.number, ROW_NUMBER() OVER"
                f" (ORDER BY candidates.number DESC) AS place{clause}) WHERE place % {PAGE} = 1",
                values,
            ).fetchall()
            total = connection.execute(f"{_NAMES}SELECT COUNT(*){clause}", values).fetchone()[0]
            choices = _list_choices(connection, wanted.scene, scenes)
        return GalleryIndex(
            total=total, page=PAGE, keys=tuple(row["number"] for row in keys), choices=choices
        )

    def page(self, wanted: GalleryFilter, key: int) -> tuple[GalleryPicture, ...]:
        """The pictures of one page, from that key on; the newest first."""
        with self._store.database.read() as connection:
            scenes = _read_scenes(connection)
            clause, values = _build_query(wanted, scenes)
            rows = connection.execute(
                f"{_NAMES}{_COLUMNS}{clause} AND candidates.number <= :key"
                f" ORDER BY candidates.number DESC LIMIT {PAGE}",
                {**values, "key": key},
            ).fetchall()
            plans = _read_plans(connection, {row["job"] for row in rows})
            rerolled = {row["project"] for row in rows if row["layer_id"]}
            titles = _name_layers(connection, rerolled) if rerolled else {}
        return tuple(
            _build_entry(
                row,
                {
                    "scene": scenes[row["project"]].name,
                    "prompt": str(plans[row["job"]].get("prompt", "")),
                    "layer": titles.get(row["layer_id"], ""),
                },
            )
            for row in rows
        )

    def thumbnail(self, digest: PictureDigest) -> bytes:
        """A stored picture as a small WebP file, drawn if need be."""
        kept = self._store.thumbnails.read_picture(digest)
        if kept is None:
            kept = encode_webp(thumbnail(self._store.pixels.picture(digest), SIDE_PX))
            self._store.thumbnails.write_picture(digest, kept)
        return kept

    def scene_of(self, picture: str) -> PictureScene:
        """The scene and its editor as they were when a picture was made; a StoreError where they
        were not kept.
        """
        with self._store.database.read() as connection:
            (row,) = _require(connection, (picture,))
            scene, editor = require_version(connection, row["version"])
        saved = repair_saved(row["project"], 0, scene, editor)
        return PictureScene(
            project=row["project"], scene=saved.scene, editor=saved.editor, notes=saved.notes
        )

    def star(self, picture: str, is_starred: bool) -> None:
        """Star a picture, or take its star away; stars are kept with the scene, whose revision
        then is a new one.
        """
        with self._store.database.write() as connection:
            (row,) = _require(connection, (picture,))
            saved = read_project(connection, row["project"])
            others = tuple(one for one in saved.editor.starred if one != row["digest"])
            starred = (*others, row["digest"]) if is_starred else others
            if set(starred) != set(saved.editor.starred):
                editor = saved.editor.model_copy(update={"starred": starred})
                update_project(connection, row["project"], saved.scene, editor)

    def delete(self, pictures: Sequence[str]) -> None:
        """Take pictures out of sight. They can be put back for half a day; within the day they
        are gone, but for what others use.
        """
        with self._store.database.write() as connection:
            _require(connection, pictures)
            deletion.mark_pictures(connection, pictures, now())

    def restore(self, pictures: Sequence[str]) -> None:
        """Put deleted pictures back; a StoreError when one is gone for good."""
        with self._store.database.write() as connection:
            _require(connection, pictures)
            deletion.mark_pictures(connection, pictures, "")

    def prepare_export(self, pictures: Sequence[str]) -> str:
        """The name under which a ZIP file of these pictures can be fetched."""
        with self._store.database.read() as connection:
            _require(connection, pictures)
        name = secrets.token_hex(16)
        self._exports[name] = tuple(pictures)
        while len(self._exports) > KEPT_EXPORTS:
            self._exports.popitem(last=False)
        return name

    def export(self, name: str) -> Iterator[bytes]:
        """The ZIP file in parts, so that its size costs no memory: the pictures, and their
        recipes. A StoreError when nobody asked for it.
        """
        if name not in self._exports:
            raise StoreError(
                "There is no such file.",
                limit="A file of pictures can be fetched until the next few were asked for.",
                remedy="Choose the pictures again, and export them.",
            )
        with self._store.database.read() as connection:
            rows = _require(connection, self._exports[name])
            names = {one: facts.name for one, facts in _read_scenes(connection).items()}
        return stream_zip(self._list_members(rows, names))

    def _list_members(
        self, rows: Sequence[Row], names: Mapping[str, str]
    ) -> Iterator[tuple[str, bytes]]:
        recipes: list[dict[str, Any]] = []
        for place, row in enumerate(rows, 1):
            scene = names.get(row["project"], "")
            file = f"{place:04d} {_file_stem(scene)}, seed {row['seed']}.png"
            try:
                content = self._store.pixels.png(row["digest"])
            except LaminaError as error:
                recipes.append({"file": file, "problem": error.what})
                continue
            recipes.append({"file": file, "scene": scene, **_describe_recipe(row)})
            yield file, content
        yield "pictures.json", json.dumps(recipes, indent=1, ensure_ascii=False).encode()


def _read_scenes(connection: Connection) -> dict[str, _SceneFacts]:
    """All scenes that were not deleted, also those that cannot be read: their pictures can."""
    found: dict[str, _SceneFacts] = {}
    for number in list_numbers(connection):
        row = read_tolerantly(
            connection,
            "SELECT id, deleted, CASE WHEN json_valid(scene) THEN json_extract(scene, '$.name') END"
            " AS name, CASE WHEN json_valid(editor) THEN json_extract(editor, '$.starred') END"
            " AS starred FROM projects WHERE number = ?",
            number,
        )
        if row is not None and not row["deleted"]:
            name = row["name"] if isinstance(row["name"], str) else ""
            starred = json.loads(row["starred"]) if row["starred"] else []
            found[row["id"]] = _SceneFacts(name or "Untitled", tuple(map(str, starred)))
    return found


def _build_query(
    wanted: GalleryFilter, scenes: Mapping[str, _SceneFacts]
) -> tuple[str, dict[str, Any]]:
    """What follows the columns of a query, and its values."""
    words = wanted.words.casefold().split()
    asked = {name: getattr(wanted, name) for name in _CONDITIONS}
    conditions = [_CONDITIONS[name] for name, value in asked.items() if value]
    conditions += [_WORD.format(place) for place in range(len(words))]
    values = {
        **{name: value for name, value in asked.items() if value and value is not True},
        **{f"word_{place}": word for place, word in enumerate(words)},
        "deleted": int(wanted.deleted),
        "names": canonical_json({one: facts.name.casefold() for one, facts in scenes.items()}),
        "stars": canonical_json(
            [f"{one} {digest}" for one, facts in scenes.items() for digest in facts.starred]
        ),
    }
    return "".join((_FOUND, *(f" AND {condition}" for condition in conditions))), values


def _list_choices(
    connection: Connection, scene: str, scenes: Mapping[str, _SceneFacts]
) -> GalleryChoices:
    clause, values = _build_query(GalleryFilter(), scenes)

    def count_by(column: str, more: str = "") -> list[tuple[str, int]]:
        rows = connection.execute(
            f"{_NAMES}SELECT {column} AS found, COUNT(*) AS pictures{clause}{more}"
            f" GROUP BY {column} HAVING COALESCE({column}, '') <> '' ORDER BY pictures DESC",
            {**values, "scene": scene},
        )
        return [(str(row["found"]), int(row["pictures"])) for row in rows]

    layers = count_by("candidates.layer_id", " AND jobs.project = :scene") if scene else []
    titles = _name_layers(connection, (scene,)) if layers else {}
    return GalleryChoices(
        scenes=tuple(
            GalleryChoice(id=one, title=scenes[one].name, count=count)
            for one, count in count_by("jobs.project")
        ),
        layers=tuple(
            GalleryChoice(id=one, title=titles.get(one, "A layer"), count=count)
            for one, count in layers
        ),
        methods=tuple(
            GalleryChoice(id=one, title=one, count=count)
            for one, count in count_by("recipes.method")
        ),
        models=tuple(
            GalleryChoice(id=one, title=one, count=count)
            for one, count in count_by("recipes.model")
        ),
    )


def _name_layers(connection: Connection, scenes: Iterable[str]) -> dict[str, str]:
    """What the layers of these scenes that were re-rolled are called: now, else when they were
    re-rolled last.
    """
    asked = (canonical_json(sorted(scenes)),)
    titles = {
        row["layer_id"]: _layer_title(parse_record(row["plan"]), row["layer_id"])
        for row in connection.execute(
            "SELECT layer_id, plan, MAX(number) FROM jobs WHERE layer_id <> '' AND project IN"
            " (SELECT value FROM json_each(?)) GROUP BY layer_id",
            asked,
        )
    }
    for row in connection.execute(
        "SELECT scene FROM projects WHERE id IN (SELECT value FROM json_each(?))", asked
    ):
        scene = parse_record(row["scene"])
        titles |= {one: _layer_title(scene, one) for one in titles if _find_layer(scene, one)}
    return titles


def _read_plans(connection: Connection, jobs: Iterable[str]) -> dict[str, Mapping[str, Any]]:
    rows = connection.execute(
        "SELECT id, plan FROM jobs WHERE id IN (SELECT value FROM json_each(?))",
        (canonical_json(sorted(jobs)),),
    )
    return {row["id"]: parse_record(row["plan"]) for row in rows}


def _build_entry(row: Row, shown: Mapping[str, Any]) -> GalleryPicture:
    fields: dict[str, Any] = {name: row[name] for name in row.keys()}  # noqa: SIM118
    restorable = fields.pop("version") > NO_VERSION
    return GalleryPicture(
        **fields | {**shown, "starred": bool(row["starred"])}, restorable=restorable
    )


def _find_layer(scene: Mapping[str, Any], layer_id: str) -> Mapping[str, Any] | None:
    layers = scene.get("layers")
    for layer in layers if isinstance(layers, list) else ():
        if isinstance(layer, dict) and layer.get("id") == layer_id:
            return layer
    return None


def _layer_title(scene: Mapping[str, Any], layer_id: str) -> str:
    """What a layer of a scene or a recipe is called."""
    layer = _find_layer(scene, layer_id) or {}
    return str(layer.get("name") or layer.get("phrase") or "A layer")


def _require(connection: Connection, pictures: Sequence[str]) -> list[Row]:
    """The rows of pictures, the newest first; a refusal when none is asked for or one is not
    there.
    """
    if not pictures:
        raise RequestError("No picture is chosen.", remedy="Choose at least one.")
    rows = connection.execute(_BY_ID, (canonical_json(list(pictures)),)).fetchall()
    if len(rows) < len(set(pictures)):
        raise StoreError(
            "This picture is gone."
            if len(pictures) == 1
            else f"{len(set(pictures)) - len(rows)} of {len(pictures)} pictures are gone.",
            limit="They were deleted more than half a day ago.",
            remedy="Reload the gallery.",
        )
    return rows


def _file_stem(name: str) -> str:
    return " ".join(re.sub(r"[^\w .()-]+", " ", name).split()).strip(" .")[:60] or "scene"


def _describe_recipe(row: Row) -> dict[str, Any]:
    plan = parse_record(row["plan"])
    kept = ("model", "method", "sampler", "steps", "guidance_scale", "prompt", "negative")
    return {
        "seed": row["seed"],
        "created": row["created"],
        **{name: plan[name] for name in kept if name in plan},
    }
