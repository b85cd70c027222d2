"""What is there of a scene that cannot be read whole, as a ZIP file of ordinary files."""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass

from backend.errors import LaminaError, StoreError
from backend.scene.formats.openraster import write_ora
from backend.scene.scene import Scene
from backend.studio.projects.damage import describe_damage, read_all
from backend.studio.storage.storage import Storage

MAX_BYTES = 1024**3
"""A file of more would take the memory of the server."""

README = """\
This is what Lamina could save of the scene “{name}”.

{problem}

{content}
"""
_CONTENT = {
    "scene.ora": "scene.ora: the scene without what is missing; Lamina, Krita and GIMP open it.",
    "scene.json": "scene.json, editor.json: the record as it stands in the database.",
    "pictures/": "pictures/: pictures and masks that the record names, by their digests.",
    "results/": "results/: pictures that were made from the scene, the oldest first.",
}


@dataclass(frozen=True)
class Remains:
    """What the database has of a scene: its texts as they are, and what was made from it.

    ``scene`` is None where the record cannot be read.
    """

    name: str
    problem: str
    scene_text: str
    editor_text: str
    scene: Scene | None
    digests: frozenset[str]
    results: tuple[str, ...]


def build_salvage(store: Storage, remains: Remains) -> bytes:
    """The ZIP file; a StoreError when there is nothing at all to export."""
    members: list[tuple[str, bytes]] = []
    total = 0
    for name, content in _list_members(store, remains):
        total += len(content)
        if total > MAX_BYTES:
            break
        members.append((name, content))
    if not members:
        raise StoreError(
            "Nothing is left of this scene.",
            limit=remains.problem,
            remedy="Put a backup of the store back, or delete the scene.",
        )
    explained = [
        text
        for start, text in _CONTENT.items()
        if any(name.startswith(start) for name, _ in members)
    ]
    text = README.format(name=remains.name, problem=remains.problem, content="\n".join(explained))
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("README.txt", text)
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def salvage_name(name: str) -> str:
    """A file name for the remains of a scene of that name."""
    stem = re.sub(r"[^\w .()-]+", "", name).strip(" .")[:80]
    return f"{stem or 'scene'} (what is there).zip"


def _list_members(store: Storage, remains: Remains) -> Iterator[tuple[str, bytes]]:
    if remains.scene is not None:
        yield from _sound_part(store, remains.scene, remains.editor_text)
    for name, text in (("scene.json", remains.scene_text), ("editor.json", remains.editor_text)):
        if text:
            yield name, text.encode("utf-8", "replace")
    results = tuple(digest for digest in remains.results if store.pixels.has_sound(digest))
    for place, digest in enumerate(results, 1):
        yield f"results/{place:03d}.png", store.pixels.png(digest)
    for digest in sorted(remains.digests - set(results)):
        if store.pixels.has_sound(digest):
            yield f"pictures/{digest}.png", store.pixels.png(digest)


def _sound_part(store: Storage, scene: Scene, editor_text: str) -> Iterator[tuple[str, bytes]]:
    damaged = {layer.id for layer in read_all(scene, store.pixels)}
    sound = without_layers(scene, damaged)
    try:
        editor = json.loads(editor_text)
        settings = editor.get("settings") if isinstance(editor, dict) else None
        yield "scene.ora", write_ora(sound, store.contents, settings)
    except (LaminaError, ValueError):
        return


def without_layers(scene: Scene, gone: set[str]) -> Scene:
    """The scene without these layers, and without groups that are empty then."""
    groups = []
    for group in scene.groups:
        members = tuple(one for one in group.members if one not in gone)
        hid = tuple(one for one in group.hid if one not in gone)
        if members:
            groups.append(group.model_copy(update={"members": members, "hid": hid}))
    layers = tuple(layer for layer in scene.layers if layer.id not in gone)
    return scene.model_copy(update={"layers": layers, "groups": tuple(groups)})


def describe_missing(store: Storage, scene: Scene) -> str:
    """Which layers of a readable scene are without their pixels; empty for none."""
    return describe_damage(read_all(scene, store.pixels))
