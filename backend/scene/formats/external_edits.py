"""What other programs did: their files as scenes, and their changes to ours."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Annotated

from pydantic import Field

from backend.errors import ArchiveError, PictureError
from backend.scene.blobs import MemoryPixels, digest_of
from backend.scene.formats.archive import REMEDY, Archive, display_name
from backend.scene.formats.grouping import read_groups
from backend.scene.formats.picture_file import MAX_AREA_PX, Limits, decode_picture, is_picture
from backend.scene.formats.stack import Stack, StackLayer, printable
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.blending import OPENRASTER_NAMES, Blend
from backend.scene.layer import Layer, Placement
from backend.scene.records import Digest, FileDigest, Fraction, Identifier, Record
from backend.scene.scene import MAX_SIDE_PX, MIN_SIDE_PX, Group, Scene, build_scene

LAYER_LIMITS = Limits(file_bytes=128 * 1024 * 1024, area_px=4 * MAX_AREA_PX)
MAX_EXTERNAL_BYTES = 1024**3
OPACITY_STEP = 0.002  # programs write two or three decimals; a smaller difference is their rounding
NAME_LENGTH = 200


class WrittenEntry(Record):
    """What Lamina wrote into the stack for one of its layers; ``file`` is the SHA-256 of the
    member's bytes.
    """

    id: Identifier
    src: Annotated[str, Field(max_length=200)]
    name: Annotated[str, Field(max_length=NAME_LENGTH)]
    x: Annotated[int, Field(ge=-32768, le=32768)]
    y: Annotated[int, Field(ge=-32768, le=32768)]
    opacity: Fraction
    blend: Blend = "normal"
    visible: bool
    file: FileDigest
    pixels: Digest

    def stack_layer(self) -> StackLayer:
        """The same as an entry of stack.xml."""
        return StackLayer(
            self.src,
            self.name,
            self.x,
            self.y,
            self.opacity,
            self.visible,
            OPENRASTER_NAMES[self.blend],
        )


class StackPixels:
    """The drawn layers of an archive, decoded within one budget of memory."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._taken_bytes = 0

    def file(self, layer: StackLayer) -> bytes:
        """The bytes of the member that a layer names."""
        return self._archive.read(layer.src, LAYER_LIMITS.file_bytes)

    def picture(self, layer: StackLayer, content: bytes) -> tuple[Picture, tuple[str, ...]]:
        """Those bytes as a picture, and notes about its decoding."""
        try:
            decoded = decode_picture(content, layer.name or layer.src, LAYER_LIMITS)
        except PictureError as error:
            raise ArchiveError(error.what, limit=error.limit, remedy=REMEDY) from None
        self._taken_bytes += decoded.picture.nbytes
        if self._taken_bytes > MAX_EXTERNAL_BYTES:
            raise ArchiveError(
                "The layers of the file unpack to too much.",
                limit=f"At most {MAX_EXTERNAL_BYTES // 2**20} MB of pixels are allowed.",
                remedy="Save the picture smaller or with fewer layers.",
            )
        return decoded


def import_stack(
    stack: Stack, drawn: StackPixels, pixels: MemoryPixels
) -> tuple[Scene, tuple[str, ...]]:
    """A scene from the stack of another program: its pictures, offsets, opacity, visibility, names,
    and no words.
    """
    _check_canvas(stack)
    notes = _stack_notes(stack)
    layers, ids = [], dict[int, str]()
    for number, entry in enumerate(stack.layers, start=1):
        layer = _import_layer(entry, f"layer-{number}", drawn, pixels, notes)
        if layer is not None:
            layers.append(layer)
            ids[number - 1] = layer.id
    size = {"width_px": stack.width_px, "height_px": stack.height_px}
    return _scene(size, layers, read_groups(stack, ids)), tuple(notes)


def _check_canvas(stack: Stack) -> None:
    """An ArchiveError for a canvas that no scene can have."""
    if min(stack.width_px, stack.height_px) < MIN_SIDE_PX or (
        max(stack.width_px, stack.height_px) > MAX_SIDE_PX
    ):
        raise ArchiveError(
            f"The canvas is {stack.width_px} × {stack.height_px} px.",
            limit=f"Each side may have {MIN_SIDE_PX} to {MAX_SIDE_PX} px.",
            remedy="Resize the picture in the program that made it, and save it again.",
        )


def merge_edits(
    scene: Scene,
    written: Sequence[WrittenEntry],
    stack: Stack,
    drawn: StackPixels,
    pixels: MemoryPixels,
) -> tuple[Scene, tuple[str, ...]]:
    """The scene with what another program changed in the stack since Lamina wrote it, and a
    sentence for each.
    """
    notes = _stack_notes(stack)
    if (stack.width_px, stack.height_px) != (scene.width_px, scene.height_px):
        notes.append("Another program changed the canvas' size; Lamina keeps its own.")
    known = {one.src: one for one in written if any(layer.id == one.id for layer in scene.layers)}
    layers: list[Layer] = []
    ids: dict[int, str] = {}
    for number, entry in enumerate(stack.layers, start=1):
        one = known.pop(entry.src, None)
        if one is not None:
            layers.append(
                _apply_edit(scene.layer(one.id), one, entry, notes, drawn=drawn, pixels=pixels)
            )
            ids[number - 1] = one.id
            continue
        added = _import_layer(entry, _free_id(scene, layers, number), drawn, pixels, notes)
        if added is not None:
            layers.append(added)
            ids[number - 1] = added.id
            notes.append(f"Layer {display_name(added.name)} was added by another program.")
    notes.extend(
        f"Layer {display_name(one.name)} was deleted by another program." for one in known.values()
    )
    kept = [layer.id for layer in layers]
    if kept != [layer.id for layer in scene.layers if layer.id in kept] and len(kept) > 1:
        notes.append("Another program changed the order of the layers.")
    groups = read_groups(stack, ids, scene.groups)
    if {(one.name, one.members) for one in groups} != _remaining_groups(scene, kept):
        notes.append("Another program changed the groups.")
    return _scene(scene.model_dump(mode="json"), layers, groups), tuple(notes)


def _apply_edit(
    layer: Layer,
    one: WrittenEntry,
    entry: StackLayer,
    notes: list[str],
    *,
    drawn: StackPixels,
    pixels: MemoryPixels,
) -> Layer:
    """A layer of ours with what was changed in its entry."""
    update: dict[str, object] = {}
    if entry.visible != one.visible:
        update["visible"] = entry.visible
    if abs(entry.opacity - one.opacity) > OPACITY_STEP:
        update["opacity"] = entry.opacity
    if entry.name != printable(one.name):
        update["name"] = _fit_name(entry.name, notes)
    update |= _apply_new_pixels(layer, one, entry, drawn, pixels)
    blend = _blend(entry, one.name, notes)
    if blend != one.blend:
        update["blend"] = blend
    if not update:
        return layer
    changed = "picture" if "picture" in update else "place" if "placement" in update else ""
    words = [word for word in ("name", "visible", "opacity", "blend") if word in update] + (
        [changed] if changed else []
    )
    notes.append(f"Layer {display_name(one.name)}: another program changed its {', '.join(words)}.")
    return layer.model_copy(update=update)


def _fit_name(name: str, notes: list[str]) -> str:
    """As much of a layer's name as a scene keeps, and a note where that is not all."""
    if len(name) > NAME_LENGTH:
        notes.append(
            f"The name of layer {display_name(name)} has {len(name)} characters; the first "
            f"{NAME_LENGTH} are kept."
        )
    return name[:NAME_LENGTH]


def _blend(entry: StackLayer, name: str, notes: list[str]) -> Blend:
    """The blend mode of an entry; normal, and a note, for one that is not known here."""
    for blend, called in OPENRASTER_NAMES.items():
        if entry.blend == called:
            return blend
    notes.append(
        f"Layer {display_name(name)} has the blend mode {display_name(entry.blend)}, "
        "which is ignored."
    )
    return "normal"


def _apply_new_pixels(
    layer: Layer, one: WrittenEntry, entry: StackLayer, drawn: StackPixels, pixels: MemoryPixels
) -> dict[str, object]:
    """New pixels, or a new place, when the entry has them.

    What was repainted, or moved under a mask that stays, lies as it is drawn, without a mask.
    """
    content = drawn.file(entry)
    moved_x, moved_y = entry.x - one.x, entry.y - one.y
    moved = (moved_x, moved_y) != (0, 0) and layer.picture is not None
    if hashlib.sha256(content).hexdigest() != one.file or (moved and layer.mask is not None):
        picture, _ = drawn.picture(entry, content)
        still_empty = layer.picture is None and not picture[..., 3].any()
        if not still_empty and (digest_of(picture) != one.pixels or moved):
            placement = _placement(picture, entry.x, entry.y)
            return {"picture": pixels.add_picture(picture), "mask": None, "placement": placement}
    if not moved:
        return {}
    centre = layer.placement.centre_x_px + moved_x, layer.placement.centre_y_px + moved_y
    return {
        "placement": layer.placement.model_copy(
            update={"centre_x_px": centre[0], "centre_y_px": centre[1]}
        )
    }


def _import_layer(
    entry: StackLayer, layer_id: str, drawn: StackPixels, pixels: MemoryPixels, notes: list[str]
) -> Layer | None:
    """A layer of another program's, or None (and a note) when it holds no picture."""
    content = drawn.file(entry)
    name = _fit_name(entry.name, notes) or layer_id
    if not is_picture(content):
        notes.append(f"Layer {display_name(name)} is no PNG, JPEG or WebP and was left out.")
        return None
    picture, own_notes = drawn.picture(entry, content)
    notes.extend(own_notes)
    return Layer(
        id=layer_id,
        name=name,
        picture=pixels.add_picture(picture),
        placement=_placement(picture, entry.x, entry.y),
        opacity=entry.opacity,
        blend=_blend(entry, name, notes),
        visible=entry.visible,
    )


def _placement(picture: Picture, x: int, y: int) -> Placement:
    height_px, width_px = picture.shape[:2]
    return Placement(
        centre_x_px=min(32768.0, max(-32768.0, x + width_px / 2)),
        centre_y_px=min(32768.0, max(-32768.0, y + height_px / 2)),
    )


def _remaining_groups(scene: Scene, kept: Sequence[str]) -> set[tuple[str, tuple[str, ...]]]:
    """Name and members of each group of a scene, as far as its layers are still there."""
    left = (
        (one.name, tuple(member for member in one.members if member in kept))
        for one in scene.groups
    )
    return {(name, members) for name, members in left if members}


def _stack_notes(stack: Stack) -> list[str]:
    """What is to be said of a stack's groups."""
    long = [group.name for group in stack.groups if len(group.name) > NAME_LENGTH]
    names = [
        f"The name of group {display_name(name)} has {len(name)} characters; the first "
        f"{NAME_LENGTH} are kept."
        for name in long
    ]
    own_notes = (
        "Groups within groups, and the opacity and mode of groups, were handed down to "
        "their layers."
    )
    return [*([own_notes] if stack.flattened else []), *names]


def _free_id(scene: Scene, layers: Sequence[Layer], number: int) -> str:
    taken = {layer.id for layer in (*scene.layers, *layers)}
    while f"layer-{number}" in taken:
        number += 1
    return f"layer-{number}"


def _scene(record: Mapping[str, object], layers: Sequence[Layer], groups: Sequence[Group]) -> Scene:
    """The checked scene: what came from outside may break the document's rules."""
    own = {
        "layers": [layer.model_dump(mode="json") for layer in layers],
        "groups": [group.model_dump(mode="json") for group in groups],
    }
    return build_scene({**record, **own})
