"""The document: canvas, words, and layers from back to front (the papers' order 1…n)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, ValidationError

from backend.errors import SceneError
from backend.scene.layer import Layer, Name, Record, Words, first_complaint

SCHEMA_VERSION = 1
MAX_LAYERS = 256
MIN_SIDE_PX = 16
MAX_SIDE_PX = 8192

Side = Annotated[int, Field(ge=MIN_SIDE_PX, le=MAX_SIDE_PX)]
Picture = NDArray[np.uint8]


class Pixels(Protocol):
    """Where pixels are found by digest: uint8 (h, w, 4) straight alpha for pictures, (h, w) for masks."""

    def picture(self, digest: str) -> Picture: ...

    def mask(self, digest: str) -> Picture: ...


class Scene(Record):
    """A frozen document. Every edit is a new Scene; layer ids are unique."""

    version: Literal[1] = 1
    name: Name = "Untitled"
    width_px: Side
    height_px: Side
    prompt: Words = ""
    negative: Words = ""
    layers: Annotated[tuple[Layer, ...], Field(max_length=MAX_LAYERS)] = ()

    def model_post_init(self, context: Any, /) -> None:
        seen: set[str] = set()
        for layer in self.layers:
            if layer.id in seen:
                raise ValueError(f"two layers have the id {layer.id!r}")
            if layer.picture is None and layer.mask is None:
                raise ValueError(f"layer {layer.id!r} has neither a picture nor a mask")
            seen.add(layer.id)

    def layer(self, layer_id: str) -> Layer:
        """The layer of that id, or a SceneError that names the ids there are."""
        for layer in self.layers:
            if layer.id == layer_id:
                return layer
        raise SceneError(
            f"There is no layer {layer_id!r}.",
            limit=f"This scene has {', '.join(layer.id for layer in self.layers) or 'no layers'}.",
            remedy="Choose one of its layers.",
        )

    def visible_layers(self) -> Iterator[Layer]:
        """The shown layers from back to front."""
        return (layer for layer in self.layers if layer.visible)

    def digest(self) -> str:
        """SHA-256 over words, numbers, order and (through their digests) pixels."""
        return hashlib.sha256(canonical_json(self.model_dump(mode="json")).encode()).hexdigest()


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks, so that equal values have equal text."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def build_scene(record: Any) -> Scene:
    """A Scene from an untrusted value; a SceneError names the first field that is wrong.

    Numbers must be numbers (no truth values, no digits in quotes) and finite; texts must be whole Unicode.
    """
    found = dict(record) if isinstance(record, Mapping) else {}
    version, layers = found.get("version", SCHEMA_VERSION), found.get("layers")
    if isinstance(version, int) and version > SCHEMA_VERSION:
        raise SceneError(
            f"This scene was made with a newer Lamina (format {version}).",
            limit=f"This one reads formats up to {SCHEMA_VERSION}.",
            remedy="Update Lamina to open it.",
        )
    if isinstance(layers, list | tuple) and len(layers) > MAX_LAYERS:
        raise SceneError(
            f"The scene has {len(layers)} layers.",
            limit=f"At most {MAX_LAYERS} are allowed.",
            remedy="Merge or delete some layers.",
        )
    try:
        return Scene.model_validate_json(json.dumps(record), strict=True)
    except ValidationError as error:
        first = first_complaint(error, "scene")
        raise SceneError(first.what, limit=first.limit, remedy=first.remedy) from None
    except (TypeError, ValueError, RecursionError):
        raise SceneError(
            "The scene is not a plain JSON record.",
            limit="It holds values of another kind, or is nested without end.",
            remedy="Send it again as it was saved.",
        ) from None
