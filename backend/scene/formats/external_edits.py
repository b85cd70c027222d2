"""What other programs changed in files of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field

from backend.scene.blobs import MemoryPixels, digest_of
from backend.scene.formats.archive import MemberError, display_name
from backend.scene.formats.external_files import (
    NAME_LENGTH,
    StackPixels,
    check_scene,
    fit_name,
    import_layer,
    place_picture,
    read_blend,
    stack_notes,
)
from backend.scene.formats.grouping import read_groups
from backend.scene.formats.stack import Stack, StackLayer, printable
from backend.scene.imaging.blending import OPENRASTER_NAMES, Blend
from backend.scene.layer import Layer
from backend.scene.records import Digest, FileDigest, Fraction, Identifier, Record
from backend.scene.scene import Scene

OPACITY_STEP = 0.002  # programs write two or three decimals; a smaller difference is their rounding


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
    stack = stack.hand_down()
    notes = stack_notes(stack)
    if (stack.width_px, stack.height_px) != (scene.width_px, scene.height_px):
        notes.append("Another program changed the canvas' size; Lamina keeps its own.")
    known = {one.src: one for one in written if any(layer.id == one.id for layer in scene.layers)}
    layers: list[Layer] = []
    ids: dict[int, list[str]] = {}
    for number, entry in enumerate(stack.layers, start=1):
        one = known.pop(entry.src, None)
        if one is not None:
            layers.append(
                _apply_edit(scene.layer(one.id), one, entry, notes, drawn=drawn, pixels=pixels)
            )
            ids[number - 1] = [one.id]
            continue
        size = (scene.width_px, scene.height_px)
        added = import_layer(
            entry, _free_id(scene, layers, number), drawn, pixels, notes, size=size
        )
        if added is not None:
            layers.append(added)
            ids[number - 1] = [added.id]
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
    return check_scene(scene.model_dump(mode="json"), layers, groups), tuple(notes)


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
        update["name"] = fit_name(entry.name, notes)
    if entry.locked is not None and entry.locked != layer.locked:
        update["locked"] = entry.locked
    try:
        update |= _apply_new_pixels(layer, one, entry, drawn, pixels)
    except MemberError as error:
        notes.append(f"Layer {display_name(one.name)} keeps Lamina's own picture. {error.what}")
    blend = read_blend(entry, one.name, notes)
    if blend != one.blend:
        update["blend"] = blend
    if not update:
        return layer
    changed = "picture" if "picture" in update else "place" if "placement" in update else ""
    words = [
        word for word in ("name", "visible", "opacity", "blend", "locked") if word in update
    ] + ([changed] if changed else [])
    notes.append(f"Layer {display_name(one.name)}: another program changed its {', '.join(words)}.")
    return layer.model_copy(update=update)


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
            placement = place_picture(picture, entry.x, entry.y)
            return {"picture": pixels.add_picture(picture), "mask": None, "placement": placement}
    if not moved:
        return {}
    centre = layer.placement.centre_x_px + moved_x, layer.placement.centre_y_px + moved_y
    return {
        "placement": layer.placement.model_copy(
            update={"centre_x_px": centre[0], "centre_y_px": centre[1]}
        )
    }


def _remaining_groups(scene: Scene, kept: Sequence[str]) -> set[tuple[str, tuple[str, ...]]]:
    """Name and members of each group of a scene, as far as its layers are still there."""
    left = (
        (one.name, tuple(member for member in one.members if member in kept))
        for one in scene.groups
    )
    return {(name, members) for name, members in left if members}


def _free_id(scene: Scene, layers: Sequence[Layer], number: int) -> str:
    taken = {layer.id for layer in (*scene.layers, *layers)}
    while f"layer-{number}" in taken:
        number += 1
    return f"layer-{number}"
