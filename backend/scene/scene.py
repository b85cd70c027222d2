"""The document: canvas, words, and layers from back to front (the papers' order 1…n)."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Literal, NamedTuple, Protocol

from pydantic import Field

from backend.errors import SceneError
from backend.scene.imaging.arrays import Picture
from backend.scene.layer import Layer, LoraChoices
from backend.scene.records import (
    Identifier,
    Name,
    PictureDigest,
    Record,
    Words,
    draw_seed,
    explain_refusal,
    is_any_seed,
)
from backend.scene.repair import repair_record
from backend.scene.upgrade import upgrade_scene

SCHEMA_VERSION = 2
MAX_LAYERS = 256
MIN_SIDE_PX = 16
MAX_SIDE_PX = 8192

Side = Annotated[int, Field(ge=MIN_SIDE_PX, le=MAX_SIDE_PX)]


class Pixels(Protocol):
    """Where pixels are found by digest: uint8 (h, w, 4) straight alpha for pictures, (h, w) for
    masks.
    """

    def picture(self, digest: PictureDigest) -> Picture: ...

    def mask(self, digest: PictureDigest) -> Picture: ...


class Group(Record):
    """Neighbours in the stack under one name. It holds no pixels and decides none: each layer says
    if it is shown.

    ``members`` are ids of layers from back to front; ``hid`` those that the group's eye hid and
    will show again; ``collapsed`` is how the panel shows it.
    """

    id: Identifier
    name: Name = ""
    members: Annotated[tuple[Identifier, ...], Field(min_length=1, max_length=MAX_LAYERS)]
    collapsed: bool = False
    hid: Annotated[tuple[Identifier, ...], Field(max_length=MAX_LAYERS)] = ()


class Scene(Record):
    """A frozen document. Every edit is a new Scene; ids are unique; a group's members lie side by
    side. ``loras`` act on the whole picture.
    """

    version: Literal[2] = 2
    name: Name = "Untitled"
    width_px: Side
    height_px: Side
    prompt: Words = ""
    negative: Words = ""
    layers: Annotated[tuple[Layer, ...], Field(max_length=MAX_LAYERS)] = ()
    groups: Annotated[tuple[Group, ...], Field(max_length=MAX_LAYERS)] = ()
    loras: LoraChoices = ()

    def model_post_init(self, context: Any, /) -> None:
        seen: set[str] = set()
        for layer in self.layers:
            if layer.id in seen:
                raise ValueError(f"two layers have the id {layer.id!r}")
            if layer.picture is None and layer.mask is None:
                raise ValueError(f"layer {layer.id!r} has neither a picture nor a mask")
            seen.add(layer.id)
        check_groups(self.groups, [layer.id for layer in self.layers])

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
        """SHA-256 over words, numbers, order and (through their digests) pixels.

        A scene without LoRAs has the name that it had before there were any.
        """
        record = self.model_dump(mode="json")
        for part in (record, *record["layers"]):
            if not part.get("loras"):
                part.pop("loras", None)
        return hashlib.sha256(canonical_json(record).encode()).hexdigest()


def check_groups(groups: Sequence[Group], order: Sequence[str]) -> None:
    """ValueError unless ids are unique and each group's members stand side by side in ``order``, in
    no other group.
    """
    ids, taken = set[str](), set[str]()
    for group in groups:
        at = order.index(group.members[0]) if group.members[0] in order else len(order)
        if tuple(order[at : at + len(group.members)]) != group.members:
            raise ValueError(f"the members of group {group.id!r} do not lie side by side")
        if group.id in ids or taken.intersection(group.members):
            raise ValueError(f"group {group.id!r} is there twice, or shares a layer with another")
        if not set(group.hid) <= set(group.members):
            raise ValueError(f"group {group.id!r} hides a layer that is not in it")
        ids.add(group.id)
        taken.update(group.members)


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no blanks, so that equal values have equal text."""
    return json.dumps(
        value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )


def _with_tuples(value: Any) -> Any:
    """A JSON value with tuples for its lists, as the fields of a strict record want them."""
    if isinstance(value, Mapping):
        return {name: _with_tuples(part) for name, part in value.items()}
    return tuple(map(_with_tuples, value)) if isinstance(value, list | tuple) else value


class RepairedScene(NamedTuple):
    """A scene, and a sentence for each part of its record that was not kept as it stood."""

    scene: Scene
    notes: tuple[str, ...] = ()


def repair_scene(record: Mapping[str, Any], whole: str = "scene") -> RepairedScene:
    """A Scene from a record that another Lamina wrote.

    Args:
        record: A JSON object.
        whole: What sentences call it.

    Returns:
        The scene without what this Lamina does not know, and a sentence for each such part.

    Raises:
        SceneError: The scene has a newer format, or cannot be used without what is refused.
    """
    try:
        upgraded, notes = _draw_seeds(upgrade_scene(record), whole)
        kept = repair_record(
            upgraded, lambda one: Scene.model_validate(_with_tuples(one), strict=True), whole
        )
    except (ValueError, TypeError, RecursionError):  # build_scene says what is wrong with it
        return RepairedScene(build_scene(record))
    return RepairedScene(build_scene(kept.record), (*notes, *kept.notes))


def _draw_seeds(record: dict[str, Any], whole: str) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The record with a seed for each layer whose own is −1, and a sentence for each."""
    layers, notes = [], []
    for number, layer in enumerate(record.get("layers", ()), start=1):
        if isinstance(layer, Mapping) and is_any_seed(layer.get("seed")):
            seed = draw_seed()
            notes.append(
                f"The {whole}'s seed of layer {number} is −1, a new one each time. The seed {seed} "
                "was drawn; choose another if need be."
            )
            layers.append({**layer, "seed": seed})
        else:
            layers.append(layer)
    return ({**record, "layers": layers} if notes else record), tuple(notes)


def build_scene(record: Any) -> Scene:
    """A Scene from an untrusted value; a SceneError names the first field that is wrong.

    Numbers must be numbers (no truth values, no digits in quotes) and finite; texts must be whole
    Unicode.
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
        present = upgrade_scene(record) if isinstance(record, Mapping) else record
        with explain_refusal(SceneError, "scene"):
            return Scene.model_validate(_with_tuples(present), strict=True)
    except (TypeError, ValueError, RecursionError):
        raise SceneError(
            "The scene is not a plain JSON record.",
            limit="It holds values of another kind, or is nested without end.",
            remedy="Send it again as it was saved.",
        ) from None
