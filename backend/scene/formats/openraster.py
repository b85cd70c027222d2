"""OpenRaster files (.ora): ordinary layers for every other program, and the whole document for
Lamina.

Beside the entries of the format's specification there are ``lamina/scene.json`` (scene, desk
settings, and what was written for whom), ``lamina/pictures/<digest>.png`` (original pictures and
masks) and ``lamina/blobs/<digest>.safetensors`` (learned embeddings).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

import numpy as np
from pydantic import Field, JsonValue, ValidationError

from backend.errors import ArchiveError, PictureError, SceneError
from backend.scene.blobs import Contents, MemoryPixels, blob_digest, digest_of
from backend.scene.drawn import Drawn, draw_layer, lay_into, straight, thumbnail
from backend.scene.formats.archive import (
    MAX_TEXT_BYTES,
    MAX_TOTAL_BYTES,
    REMEDY,
    Archive,
    pack,
)
from backend.scene.formats.card_layer import CARD_NAME, CARD_SOURCE, draw_cards, take_cards
from backend.scene.formats.embedding import blob_of_picture
from backend.scene.formats.external_edits import WrittenEntry, merge_edits
from backend.scene.formats.external_files import StackPixels, import_stack
from backend.scene.formats.grouping import stack_groups
from backend.scene.formats.known_scenes import (
    FindScenes,
    KnownScene,
    RecoveredScene,
    recover_scene,
)
from backend.scene.formats.layer_matching import name_of
from backend.scene.formats.picture_file import Limits, decode_exact, encode_png
from backend.scene.formats.stack import Stack, StackLayer, read_stack, write_stack
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import Layer
from backend.scene.records import PictureDigest, Record
from backend.scene.repair import repair_record
from backend.scene.scene import (
    MAX_LAYERS,
    MAX_SIDE_PX,
    Pixels,
    Scene,
    canonical_json,
    repair_scene,
)

MIMETYPE = b"image/openraster"
RECORD = "lamina/scene.json"
FORMAT = 1
THUMBNAIL_PX = 256
STORED_LIMITS = Limits(file_bytes=MAX_TOTAL_BYTES, side_px=MAX_SIDE_PX, area_px=MAX_SIDE_PX**2)
MAX_BLOB_BYTES = 16 * 2**20
"""What a learned embedding may take: four thousand times as much as the largest."""
MAX_PIXEL_BYTES = 1024**3
"""What the pictures of a file may take in memory."""


@dataclass(frozen=True, eq=False)
class OpenedScene:
    """What a file held. ``settings`` is the desk's JSON object; ``notes`` are sentences for the
    person.
    """

    scene: Scene
    pixels: MemoryPixels
    settings: dict[str, Any]
    notes: tuple[str, ...]


class _Own(Record):
    """lamina/scene.json; the scene in it is checked by its own reader."""

    format: Literal[1]
    scene: dict[str, JsonValue]
    settings: dict[str, JsonValue]
    written: Annotated[tuple[WrittenEntry, ...], Field(max_length=MAX_LAYERS)]


def write_ora(
    scene: Scene,
    pixels: Contents,
    settings: Mapping[str, Any] | None = None,
    more: Callable[[Picture], Mapping[str, bytes]] | None = None,
    *,
    for_others: bool = False,
) -> bytes:
    """The file; equal scenes give equal bytes. ``settings`` is any JSON object that is to survive
    with the scene; ``more`` gives further members by their names, for the merged picture.

    ``for_others``: it survives programs that drop all that is Lamina's, and GIMP 3.0, which cuts
    layers that do not lie in the corner: layers have the canvas' size, and a hidden one holds the
    document (:mod:`backend.scene.formats.card_layer`).

    ArchiveError when the file would be larger than one that :func:`read_ora` accepts.
    """
    scene, blobs = _with_blobs(scene, pixels)
    originals = list(_originals(scene, pixels))
    merged = np.zeros((scene.height_px, scene.width_px, 4), np.float32)
    written, drawings = [], []
    for index, layer in enumerate(scene.layers):
        drawn = draw_layer(layer, pixels, (scene.width_px, scene.height_px))
        if layer.visible:
            lay_into(merged, drawn, layer.opacity, layer.blend)
        if for_others:
            drawn = drawn.fill_canvas(scene.width_px, scene.height_px)
        content = encode_png(drawn.picture)
        written.append(_write_entry(layer, f"data/{index:03d}.png", drawn, content))
        drawings.append((written[-1].src, content))
    flat = straight(merged)
    record = {
        "format": 1,
        "scene": scene.model_dump(mode="json"),
        "settings": dict(settings or {}),
        "written": [one.model_dump(mode="json") for one in written],
    }
    stack = Stack(
        scene.width_px,
        scene.height_px,
        tuple(
            replace(one.stack_layer(), locked=layer.locked)
            for one, layer in zip(written, scene.layers, strict=True)
        ),
        stack_groups(scene),
    )
    if for_others:
        cards = encode_png(draw_cards(pack_scene(scene, pixels, settings or {}), scene.width_px))
        drawings.append((CARD_SOURCE, cards))
        stack = stack.add_behind(StackLayer(CARD_SOURCE, CARD_NAME, visible=False))
    members = [
        ("mimetype", MIMETYPE),
        ("stack.xml", write_stack(stack)),
        *drawings,
        ("Thumbnails/thumbnail.png", encode_png(thumbnail(flat, THUMBNAIL_PX))),
        ("mergedimage.png", encode_png(flat)),
        (RECORD, canonical_json(record).encode("utf-8")),
        *originals,
        *blobs.items(),
        *(more(flat) if more is not None else {}).items(),
    ]
    if sum(len(body) for _, body in members) > MAX_TOTAL_BYTES:
        raise _too_large(f"{MAX_TOTAL_BYTES // 2**20} MB")
    return pack(members)


def pack_scene(
    scene: Scene,
    pixels: Contents,
    settings: Mapping[str, Any],
    written: Sequence[WrittenEntry] = (),
    more: Mapping[str, bytes] | None = None,
) -> bytes:
    """The scene alone, with what it refers to and nothing that other programs read; equal scenes
    give equal bytes. ``written`` says how its layers stand in the file that it goes into, ``more``
    are further members by their names.
    """
    scene, blobs = _with_blobs(scene, pixels)
    record = {
        "format": 1,
        "scene": scene.model_dump(mode="json"),
        "settings": dict(settings),
        "written": [one.model_dump(mode="json") for one in written],
    }
    members = [(RECORD, canonical_json(record).encode("utf-8")), *_originals(scene, pixels)]
    return pack([*members, *blobs.items(), *(more or {}).items()])


def unpack_scene(content: bytes) -> OpenedScene:
    """What :func:`pack_scene` wrote; ArchiveError when it is damaged, SceneError when a newer
    Lamina wrote it.
    """
    archive = Archive(content)
    own, own_notes = _own(archive)
    scene, scene_notes = repair_scene(own.scene, "file")
    pixels = MemoryPixels()
    _load_originals(scene, archive, pixels)
    scene = _load_embeddings(scene, archive, pixels)
    return OpenedScene(scene, pixels, dict(own.settings), (*own_notes, *scene_notes))


def read_ora(content: bytes, name: str = "") -> OpenedScene:
    """A file of Lamina's or of another program's. Only ArchiveError and SceneError (of a newer
    Lamina) come out.

    ``name`` is what the sentences of both call the file. A foreign file becomes layers with their
    offsets, opacity, visibility and names. Where another program has changed a file of Lamina's,
    what it changed wins and is named in the notes.
    """
    with naming_file(name):
        return read_archive(Archive(content))


@contextmanager
def naming_file(name: str) -> Iterator[None]:
    """The refusals of a file's readers, with the file's name in their sentences."""
    try:
        yield
    except (ArchiveError, SceneError) as error:
        if not name:
            raise
        what = f"“{name[:80]}” cannot be opened. {error.what}"
        raise type(error)(what, limit=error.limit, remedy=error.remedy) from None


def read_archive(archive: Archive, find: FindScenes | None = None) -> OpenedScene:
    """:func:`read_ora` of an archive that is open already. ``find`` knows scenes that a file may
    have come from which another program saved.
    """
    if "mimetype" not in archive or archive.read("mimetype", 1024).strip() != MIMETYPE:
        raise ArchiveError("The file is a zip archive, but not an OpenRaster file.", remedy=REMEDY)
    stack = read_stack(archive.read("stack.xml", MAX_TEXT_BYTES))
    pixels = MemoryPixels()
    drawn = StackPixels(archive)
    stack, cards, card_notes = take_cards(stack, drawn)
    if RECORD not in archive:
        recovered = _recover(stack, drawn, pixels, cards, find)
        sentences = (*card_notes, *(() if recovered is None else recovered.notes))
        if recovered is not None and recovered.scene is not None:
            return OpenedScene(recovered.scene, pixels, recovered.settings, sentences)
        scene, notes = import_stack(stack, StackPixels(archive), pixels)
        return OpenedScene(scene, pixels, {}, (*sentences, *notes))
    own, own_notes = _own(archive)
    scene, scene_notes = repair_scene(own.scene, "file")
    _load_originals(scene, archive, pixels)
    scene = _load_embeddings(scene, archive, pixels)
    scene, notes = merge_edits(scene, own.written, stack, drawn, pixels)
    return OpenedScene(scene, pixels, dict(own.settings), (*own_notes, *scene_notes, *notes))


def _recover(
    stack: Stack,
    drawn: StackPixels,
    pixels: MemoryPixels,
    cards: bytes | None,
    find: FindScenes | None,
) -> RecoveredScene | None:
    """The scene that a file without Lamina's entry came from: by its layer of cards, else among
    those that ``find`` knows.
    """
    if cards is not None:
        try:
            own = unpack_scene(cards)
        except (ArchiveError, SceneError):
            return None
        known = KnownScene(own.scene, own.pixels, own.settings, "the layer of cards in it")
        return recover_scene(stack, drawn, pixels, lambda _: [known], is_certain=True)
    return None if find is None else recover_scene(stack, drawn, pixels, find)


def _write_entry(layer: Layer, src: str, drawn: Drawn, content: bytes) -> WrittenEntry:
    return WrittenEntry(
        id=layer.id,
        src=src,
        name=name_of(layer),
        x=drawn.x,
        y=drawn.y,
        opacity=layer.opacity,
        blend=layer.blend,
        visible=layer.visible,
        file=blob_digest(content),
        pixels=digest_of(drawn.picture),
    )


def _list_digests(scene: Scene) -> dict[PictureDigest, str]:
    """Every digest that a scene refers to, and whether it is a picture or a mask."""
    kinds = {layer.picture: "picture" for layer in scene.layers if layer.picture is not None}
    return kinds | {
        digest: "mask"
        for layer in scene.layers
        for digest in (layer.mask, layer.strength_map)
        if digest
    }


def _member(digest: str) -> str:
    return f"lamina/pictures/{digest}.png"


def _blob_member(digest: str) -> str:
    return f"lamina/blobs/{digest}.safetensors"


def _with_blobs(scene: Scene, contents: Contents) -> tuple[Scene, dict[str, bytes]]:
    """The scene with its embeddings named by their bytes, and the members that hold them."""
    members: dict[str, bytes] = {}
    names: dict[str, str] = {}
    for old in {layer.embedding for layer in scene.layers if layer.embedding is not None}:
        content = contents.blob(old)
        names[old] = blob_digest(content)
        members[_blob_member(names[old])] = content
    return _with_embeddings(scene, names), dict(sorted(members.items()))


def _with_embeddings(scene: Scene, names: Mapping[str, str]) -> Scene:
    """The scene with other digests for its embeddings."""
    if all(old == new for old, new in names.items()):
        return scene
    layers = tuple(
        layer
        if layer.embedding is None
        else layer.model_copy(update={"embedding": names[layer.embedding]})
        for layer in scene.layers
    )
    return scene.model_copy(update={"layers": layers})


def _load_embeddings(scene: Scene, archive: Archive, pixels: MemoryPixels) -> Scene:
    """Put the embeddings of a scene into the store; those in pictures, as Lamina 0.1.0 wrote them,
    are converted. An ArchiveError when one is missing, damaged or another one.
    """
    names: dict[str, str] = {}
    for digest in {layer.embedding for layer in scene.layers if layer.embedding is not None}:
        if _blob_member(digest) in archive or _member(digest) not in archive:
            content = archive.read(_blob_member(digest), MAX_BLOB_BYTES)
            if blob_digest(content) != digest:
                raise _another("learned look", digest)
        else:
            content = _embedding_in_picture(digest, archive)
        names[digest] = pixels.add_blob(content)
    return _with_embeddings(scene, names)


def _embedding_in_picture(digest: str, archive: Archive) -> bytes:
    try:
        name = _member(digest)
        picture = decode_exact(archive.read(name), name, STORED_LIMITS)
    except PictureError as error:
        raise ArchiveError(error.what, limit=error.limit, remedy=REMEDY) from None
    if picture.ndim != 3 or digest_of(picture) != digest:
        raise _another("learned look", digest)
    try:
        return blob_of_picture(picture)
    except SceneError as error:
        raise ArchiveError(error.what, remedy=error.remedy) from None


def _another(kind: str, digest: str) -> ArchiveError:
    return ArchiveError(
        f"The {kind} {digest[:12]}… in the file is not the one that was saved.", remedy=REMEDY
    )


def _originals(scene: Scene, pixels: Pixels) -> Iterator[tuple[str, bytes]]:
    """The members that hold original pictures and masks."""
    total = 0
    for digest, kind in _list_digests(scene).items():
        array = pixels.picture(digest) if kind == "picture" else pixels.mask(digest)
        total += array.nbytes
        if total > MAX_PIXEL_BYTES:
            raise _too_large(f"{MAX_PIXEL_BYTES // 2**20} MB of pixels")
        yield _member(digest), encode_png(array)


def _load_originals(scene: Scene, archive: Archive, pixels: MemoryPixels) -> None:
    """Put the originals of a scene into the store; ArchiveError when one is missing, damaged or
    another one.
    """
    total = 0
    for digest, kind in _list_digests(scene).items():
        name = _member(digest)
        try:
            array = decode_exact(archive.read(name), name, STORED_LIMITS)
        except PictureError as error:
            raise ArchiveError(error.what, limit=error.limit, remedy=REMEDY) from None
        total += array.nbytes
        if total > MAX_PIXEL_BYTES:
            raise _too_large(f"{MAX_PIXEL_BYTES // 2**20} MB of pixels")
        if array.ndim != (3 if kind == "picture" else 2) or digest_of(array) != digest:
            raise ArchiveError(
                f"The {kind} {digest[:12]}… in the file is not the one that was saved.",
                remedy=REMEDY,
            )
        if kind == "picture":
            pixels.add_picture(array)
        else:
            pixels.add_mask(array)


def _own(archive: Archive) -> tuple[_Own, tuple[str, ...]]:
    """Lamina's own entry, and a sentence for each part of it that is not known here."""
    try:
        record = archive.record(RECORD)
        _check_format(record)
        kept = repair_record(record, _read_own, "file")
        return _read_own(kept.record), kept.notes
    except (ValidationError, TypeError, ValueError, RecursionError):
        raise ArchiveError("Lamina's own entry in the file is damaged.", remedy=REMEDY) from None


def _read_own(record: dict[str, Any]) -> _Own:
    return _Own.model_validate_json(json.dumps(record), strict=True)


def _check_format(record: Any) -> None:
    """A SceneError where a newer Lamina wrote the file."""
    found = record.get("format") if isinstance(record, dict) else None
    if isinstance(found, int) and found > FORMAT:
        raise SceneError(
            f"It was made with a newer Lamina (file format {found}).",
            limit=f"This one reads format {FORMAT}.",
            remedy="Update Lamina to open it.",
        )


def _too_large(limit: str) -> ArchiveError:
    return ArchiveError(
        "The scene is too large for one file.",
        limit=f"At most {limit} are allowed.",
        remedy="Use smaller pictures.",
    )
