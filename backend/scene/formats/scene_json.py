"""A scene as JSON, written by hand or by a program: the fields of the scene itself, with a file or
a data URI where the scene has a digest, and the settings of the run beside them.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from typing import Any

from backend.errors import ArchiveError, LaminaError, PictureError, SceneError
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.archive import MAX_TOTAL_BYTES
from backend.scene.formats.openraster import OpenedScene
from backend.scene.formats.picture_file import decode_mask, decode_photograph
from backend.scene.imaging.arrays import Picture
from backend.scene.scene import repair_scene

LoadFile = Callable[[str], bytes]
"""The content of a file that a scene names; an OSError or a LaminaError where it cannot be had."""

_DATA = "data:"
_LONGEST = 60


def is_scene_json(content: bytes) -> bool:
    """Whether bytes begin as a JSON object does."""
    return content[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{")


def read_scene_json(content: bytes, load: LoadFile | None = None) -> OpenedScene:
    """The scene in a JSON text.

    Args:
        content: UTF-8. A layer's ``picture``, ``mask`` and ``strength_map`` name a file or are a
            data URI; without ``placement`` a picture lies in the middle, shrunk where it is larger
            than the canvas; ``settings`` are those of the run.
        load: how a named file is read; without it only data URIs are.

    Raises:
        SceneError: a field is wrong.
        ArchiveError: it is no JSON object, or a file that it names cannot be used.
    """
    record = _parse(content)
    settings = record.pop("settings", {})
    pixels, notes = MemoryPixels(), list[str]()
    size = (record.get("width_px"), record.get("height_px"))
    layers = record.get("layers", [])
    if isinstance(layers, list):
        record["layers"] = [
            _read_layer(layer, number, size, _Files(pixels, load, notes))
            for number, layer in enumerate(layers, 1)
        ]
    repaired = repair_scene(record, "file")
    known = dict(settings) if isinstance(settings, Mapping) else {}
    return OpenedScene(repaired.scene, pixels, known, (*notes, *repaired.notes))


class _Files:
    """Where the pictures of a scene come from, and where they go."""

    def __init__(self, pixels: MemoryPixels, load: LoadFile | None, notes: list[str]) -> None:
        self.pixels = pixels
        self.notes = notes
        self._load = load
        self._total = 0

    def read(self, source: str) -> bytes:
        """The bytes of a file or a data URI; all together are bounded."""
        try:
            content = _decode_uri(source) if source.startswith(_DATA) else self._read_file(source)
        except OSError as error:
            raise ArchiveError(
                f"The scene names {_shorten(source)}, which cannot be read "
                f"({error.strerror or error}).",
                remedy="Put the file beside the scene, or name it by its whole path.",
            ) from None
        self._total += len(content)
        if self._total > MAX_TOTAL_BYTES:
            raise ArchiveError(
                "The files of the scene are too large.",
                limit=f"At most {MAX_TOTAL_BYTES // 2**20} MB are allowed in all.",
                remedy="Use smaller pictures.",
            )
        return content

    def _read_file(self, source: str) -> bytes:
        if self._load is None:
            raise ArchiveError(
                f"The scene names the file {_shorten(source)}.",
                limit="Only the command line reads files beside a scene.",
                remedy="Put its bytes into the scene, as data:image/png;base64,…",
            )
        return self._load(source)


def _parse(content: bytes) -> dict[str, Any]:
    try:
        record = json.loads(content.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise ArchiveError(
            f"It is not valid JSON ({str(error)[:80]}).", remedy="Correct it and try again."
        ) from None
    if not isinstance(record, dict):
        raise ArchiveError("It is no JSON object.", remedy="A scene begins with {.")
    return record


def _read_layer(layer: Any, number: int, size: tuple[Any, Any], files: _Files) -> Any:
    """The layer with digests for its files, an id and a placement."""
    if not isinstance(layer, dict):
        return layer
    read = {"id": f"layer-{number}", **layer}
    try:
        for field in ("mask", "strength_map"):
            if isinstance(layer.get(field), str):
                mask = decode_mask(files.read(layer[field]), f"layer {number}'s {field}")
                read[field] = files.pixels.add_mask(mask.picture)
                files.notes.extend(mask.notes)
        if isinstance(layer.get("picture"), str):
            picture = decode_photograph(files.read(layer["picture"]), f"layer {number}'s picture")
            read["picture"] = files.pixels.add_picture(picture.picture)
            files.notes.extend(picture.notes)
            read.setdefault("placement", _place(picture.picture, size))
    except PictureError as error:
        raise ArchiveError(error.what, limit=error.limit, remedy=error.remedy) from None
    except LaminaError as error:
        raise ArchiveError(
            f"Layer {number}: {error.what}", limit=error.limit, remedy=error.remedy
        ) from None
    read.setdefault("placement", _place(None, size))
    return read


def _place(picture: Picture | None, size: tuple[Any, Any]) -> dict[str, float]:
    """In the middle of the canvas, whole."""
    if not all(isinstance(side, int) and side > 0 for side in size):
        raise SceneError(
            "The scene does not say how large it is.",
            limit="width_px and height_px are whole numbers.",
            remedy="Add them.",
        )
    shape = (1, 1) if picture is None else picture.shape[:2]
    scale = min(1.0, size[0] / shape[1], size[1] / shape[0])
    centre = {"centre_x_px": size[0] / 2, "centre_y_px": size[1] / 2}
    return {**centre, "scale_x": scale, "scale_y": scale}


def _decode_uri(source: str) -> bytes:
    head, mark, body = source.partition(",")
    if not mark or not head.endswith(";base64"):
        raise ArchiveError(
            f"The data URI {_shorten(source)} cannot be read.",
            limit="It is data:image/png;base64,… with the bytes of a PNG, JPEG or WebP.",
            remedy="Correct it.",
        )
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error:
        raise ArchiveError(
            f"The data URI {_shorten(source)} is damaged.", remedy="Encode the file again."
        ) from None


def _shorten(source: str) -> str:
    return repr(source if len(source) <= _LONGEST else source[: _LONGEST - 1] + "…")
