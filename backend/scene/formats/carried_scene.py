"""The scene inside a PNG: the picture remembers the layers, masks and dials that it was made from.

It is an archive in a chunk of its own, ``laMa``: Pillow refuses a picture with a text that unpacks
to a megabyte, and a photograph as a layer is larger than that. The chunk is ancillary, private and
safe to copy, so that readers pass over it and editors may keep it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from backend.errors import ArchiveError, LaminaError, SceneError
from backend.scene.blobs import Contents
from backend.scene.formats.openraster import OpenedScene, pack_scene, unpack_scene
from backend.scene.formats.png_blocks import SIGNATURE, build_chunk, insert_chunks, list_chunks
from backend.scene.layer import Layer
from backend.scene.scene import Scene

KIND = b"laMa"
WORDLESS = "words_left_out"
MOST_BYTES = 18 * 2**20
"""Of a carried scene: with its picture it stays below what can be dropped on the page."""


class CarriedScene(NamedTuple):
    """A scene as it travels, and the SHA-256 of its bytes."""

    content: bytes
    digest: str


def build_carried(
    scene: Scene,
    contents: Contents,
    settings: Mapping[str, Any],
    marks: Mapping[str, bytes],
    *,
    with_words: bool,
) -> CarriedScene:
    """A scene to be carried by a picture.

    Args:
        scene: as it was when the picture was made.
        contents: its pixels, masks and learned looks.
        settings: of the run.
        marks: what the files of its pictures brought, as ``list_mark_members`` gives them.
        with_words: whether prompts and names go with it.

    Raises:
        ArchiveError: it is too large to be carried.
    """
    kept = scene if with_words else without_words(scene)
    content = pack_scene(kept, contents, {**settings, WORDLESS: not with_words}, more=marks)
    if len(content) > MOST_BYTES:
        raise ArchiveError(
            f"The scene takes {len(content) / 2**20:.0f} MB, too much for a picture to carry.",
            limit=f"At most {MOST_BYTES // 2**20} MB go into one.",
            remedy="Save the picture without its scene, and the scene as .ora.",
        )
    return CarriedScene(content, hashlib.sha256(content).hexdigest())


def insert_scene(content: bytes, carried: CarriedScene) -> bytes:
    """The PNG with the scene behind its pixels."""
    return insert_chunks(content, late=build_chunk(KIND, carried.content))


def find_scene(content: bytes) -> bytes | None:
    """The archive that a PNG carries, the first where there are more; None where there is none."""
    return next(iter(list_scenes(content)), None)


def list_scenes(content: bytes) -> tuple[bytes, ...]:
    """The archives in a PNG: one, where nobody put in another."""
    if not content.startswith(SIGNATURE):
        return ()
    found = (content[start + 8 : end - 4] for kind, start, end in list_chunks(content)
             if kind == KIND)  # fmt: skip
    return tuple(found)


def read_carried(content: bytes, name: str = "") -> OpenedScene:
    """The scene that a PNG carries, with sentences about what is not in it.

    Raises:
        ArchiveError: there is none, or it is damaged.
        SceneError: a newer Lamina wrote it.
    """
    called = f"“{name[:80]}”" if name else "The picture"
    packed = find_scene(content)
    if packed is None:
        raise ArchiveError(
            f"{called} carries no scene.",
            limit="Its scene was left out when it was saved, or another program took it out.",
            remedy="Add it as a layer, or open the scene's own file.",
        )
    try:
        opened = unpack_scene(packed)
    except (ArchiveError, SceneError) as error:
        what = f"The scene in {called} cannot be opened. {error.what}"
        raise type(error)(what, limit=error.limit, remedy=_remedy_of(error)) from None
    settings = dict(opened.settings)
    notes = opened.notes
    if settings.pop(WORDLESS, False):
        notes = (*notes, "Its words were left out when it was saved: write them again.")
    return OpenedScene(opened.scene, opened.pixels, settings, notes)


def without_words(scene: Scene) -> Scene:
    """The scene without prompts, phrases and names; LoRAs go too, for they are named by files."""
    blank = {"name": "Untitled", "prompt": "", "negative": "", "loras": ()}
    groups = tuple(group.model_copy(update={"name": ""}) for group in scene.groups)
    layers = tuple(map(_without_words, scene.layers))
    return scene.model_copy(update={**blank, "groups": groups, "layers": layers})


def _without_words(layer: Layer) -> Layer:
    words = dict.fromkeys(("name", "phrase", "negative", "class_label"), "")
    return layer.model_copy(update={**words, "subject": None, "loras": ()})


def _remedy_of(error: LaminaError) -> str:
    return error.remedy if isinstance(error, SceneError) else "Add the picture as a layer instead."
