"""What other programs changed in files of ours."""

from __future__ import annotations

import hashlib
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import Field

from backend.scene.blobs import MemoryPixels
from backend.scene.drawn import draw_layer
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
from backend.scene.formats.layer_content import (
    LayerContent,
    find_shift,
    is_same,
    lift_mask,
    shift_mask,
    trim,
)
from backend.scene.formats.layer_matching import (
    OwnLayer,
    ReadLayer,
    has_same_name,
    is_cut,
    match_layers,
    read_found,
)
from backend.scene.formats.stack import Stack, StackLayer
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.blending import OPENRASTER_NAMES, Blend
from backend.scene.imaging.mask import resize_area
from backend.scene.layer import Layer
from backend.scene.records import Digest, FileDigest, Fraction, Identifier, Record
from backend.scene.scene import Scene

OPACITY_STEP = 0.003  # programs write two or three decimals; a smaller difference is their rounding


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
    size = (scene.width_px, scene.height_px)
    own = [
        OwnLayer(scene.layer(one.id), one.name, one.src, pixels, size)
        for one in written
        if any(layer.id == one.id for layer in scene.layers)
    ]
    untouched = _find_untouched(written, own, stack, drawn)
    read = read_layers(stack, drawn, size, passed=untouched)
    notes = []
    for place, error in read.unreadable.items():
        kept = next((one for one in own if one.src == stack.layers[place].src), None)
        if kept is not None:  # what cannot be read is not what somebody painted
            untouched[place] = kept
            name = display_name(kept.name)
            notes.append(f"Layer {name} keeps Lamina's own picture. {error.what}")
    left = [one for one in own if not any(one is other for other in untouched.values())]
    matches = untouched | match_layers(left, read.found)
    edits = ExternalEdits(scene, written, stack, drawn, pixels)
    merged, own_notes = edits.merge(matches, read.found)
    return merged, (*own_notes, *notes)


def _find_untouched(
    written: Sequence[WrittenEntry], own: Sequence[OwnLayer], stack: Stack, drawn: StackPixels
) -> dict[int, OwnLayer]:
    """The layers whose member is there byte for byte, at its place, by their places in the stack;
    those whose member cannot be read too, which keep Lamina's own picture.
    """
    known = {one.src: one for one in written}
    layers = {one.src: one for one in own}
    untouched: dict[int, OwnLayer] = {}
    for place, entry in enumerate(stack.layers):
        one = known.get(entry.src)
        if one is None or entry.src not in layers or entry.mask:
            continue
        try:
            file = hashlib.sha256(drawn.file(entry)).hexdigest()
        except MemberError:
            continue
        if file == one.file and (entry.x, entry.y) == (one.x, one.y):
            untouched[place] = layers.pop(entry.src)
    return untouched


class ReadLayers(NamedTuple):
    """The layers of a file by their pixels, and why others cannot be read, by their places."""

    found: list[ReadLayer]
    unreadable: dict[int, MemberError]


def read_layers(
    stack: Stack, drawn: StackPixels, size: tuple[int, int], passed: Container[int] = ()
) -> ReadLayers:
    """Read the layers of a file, without the places that are ``passed`` over."""
    read = ReadLayers([], {})
    for place, entry in enumerate(stack.layers):
        if place not in passed:
            try:
                read.found.append(read_found(place, entry, drawn, size))
            except MemberError as error:
                read.unreadable[place] = error
    return read


@dataclass(frozen=True, eq=False)
class ExternalEdits:
    """What another program did to a scene of Lamina's: the scene, what was written for it, and the
    stack of the file as it is now.
    """

    scene: Scene
    written: Sequence[WrittenEntry]
    stack: Stack
    drawn: StackPixels
    pixels: MemoryPixels

    def merge(
        self, matches: Mapping[int, OwnLayer], found: Sequence[ReadLayer]
    ) -> tuple[Scene, tuple[str, ...]]:
        """The scene as the file has it, its layers in the file's order, and what is to be said.

        Args:
            matches: The layers of the scene by their places in the stack.
            found: The layers of the file whose pixels count: all but those that lie there byte for
                byte.
        """
        scene, notes = self.scene, stack_notes(self.stack)
        if (self.stack.width_px, self.stack.height_px) != (scene.width_px, scene.height_px):
            notes.append("Another program changed the canvas' size; Lamina keeps its own.")
        layers: list[Layer] = []
        ids: dict[int, list[str]] = {}
        pixels_of = {one.place: one for one in found}
        written = {one.id: one for one in self.written}
        for place, entry in enumerate(self.stack.layers):
            own = matches.get(place)
            if own is not None:
                one = written[own.layer.id]
                layer = self._apply_edit(own, one, entry, pixels_of.get(place), notes)
            else:
                added = self._add(entry, layers, place, notes)
                if added is None:
                    continue
                layer = added
            layers.append(layer)
            ids[place] = [layer.id]
        self._say_deleted(matches, notes)
        ours = {layer.id for layer in scene.layers}
        kept = [layer.id for layer in layers if layer.id in ours]
        if kept != [layer.id for layer in scene.layers if layer.id in kept] and len(kept) > 1:
            notes.append("Another program changed the order of the layers.")
        groups = read_groups(self.stack, ids, scene.groups)
        if {(one.name, one.members) for one in groups} != _remaining_groups(scene, kept):
            notes.append("Another program changed the groups.")
        return check_scene(scene.model_dump(mode="json"), layers, groups), tuple(notes)

    def _add(
        self, entry: StackLayer, layers: Sequence[Layer], place: int, notes: list[str]
    ) -> Layer | None:
        size = (self.scene.width_px, self.scene.height_px)
        name = _free_id(self.scene, layers, place + 1)
        added = import_layer(entry, name, self.drawn, self.pixels, notes, size=size)
        if added is not None:
            notes.append(f"Layer {display_name(added.name)} was added by another program.")
        return added

    def _say_deleted(self, matches: Mapping[int, OwnLayer], notes: list[str]) -> None:
        kept = {own.layer.id for own in matches.values()}
        notes.extend(
            f"Layer {display_name(one.name)} was deleted by another program."
            for one in self.written
            if one.id not in kept and any(one.id == layer.id for layer in self.scene.layers)
        )

    def _apply_edit(
        self,
        own: OwnLayer,
        one: WrittenEntry,
        entry: StackLayer,
        found: ReadLayer | None,
        notes: list[str],
    ) -> Layer:
        """A layer of ours with what was changed in its entry."""
        layer = own.layer
        update: dict[str, object] = {}
        if entry.visible != one.visible:
            update["visible"] = entry.visible
        if abs(entry.opacity - one.opacity) > OPACITY_STEP:
            update["opacity"] = entry.opacity
        if not has_same_name(one.name, entry.name):
            update["name"] = fit_name(entry.name, notes)
        if entry.locked is not None and entry.locked != layer.locked:
            update["locked"] = entry.locked
        blend = read_blend(entry, one.name, notes)
        if blend != one.blend:
            update["blend"] = blend
        if found is not None:
            update |= self._apply_pixels(own, found, notes)
        update = {field: value for field, value in update.items() if getattr(layer, field) != value}
        if not update:
            return layer
        words = [word for word in _WORDS if word in update]
        if "placement" in update and "picture" not in update:
            words.append("place")
        notes.append(
            f"Layer {display_name(one.name)}: another program changed its {', '.join(words)}."
        )
        return layer.model_copy(update=update)

    def _apply_pixels(self, own: OwnLayer, found: ReadLayer, notes: list[str]) -> dict[str, object]:
        """New pixels, a new mask, or a new place, where the file has them.

        What was moved takes its masks along. What was repainted lies as it is drawn; its mask stays
        where all that is seen lies within it.
        """
        if found.mask is not None:
            return self._apply_with_mask(own, found)
        shift = find_shift(own.content, found.content)
        if shift is not None:
            return self._move(own.layer, *shift)
        if is_cut(own, found):
            notes.append(
                f"Layer {display_name(own.name)} was cut by the program that saved the file, as "
                "GIMP 3.0 does; Lamina keeps its own picture."
            )
            return {}
        if own.layer.mask is not None and is_same(self._without_mask(own), found.content):
            return {"mask": None}
        return self._repaint(own.layer, found)

    def _apply_with_mask(self, own: OwnLayer, found: ReadLayer) -> dict[str, object]:
        """The same for a layer that comes with its mask."""
        entry, layer = found.entry, own.layer
        open_own, open_found = self._without_mask(own), trim(found.picture, entry.x, entry.y)
        update: dict[str, object] = {}
        shift = find_shift(open_own, open_found)
        if shift is None:
            update["picture"] = self.pixels.add_picture(found.picture)
            update["placement"] = place_picture(found.picture, entry.x, entry.y)
        else:
            update |= self._move(layer.model_copy(update={"mask": None}), *shift)
        mask = found.mask
        if mask is not None and not _is_same_mask(self._mask_of(layer), mask):
            update["mask"] = self.pixels.add_mask(mask)
        return update

    def _repaint(self, layer: Layer, found: ReadLayer) -> dict[str, object]:
        entry, picture = found.entry, found.picture
        placement = place_picture(picture, entry.x, entry.y)
        mask = self._mask_of(layer)
        lifted = None if mask is None else lift_mask(picture, entry.x, entry.y, mask)
        if lifted is not None:
            return {"picture": self.pixels.add_picture(lifted), "placement": placement}
        return {
            "picture": self.pixels.add_picture(picture),
            "mask": None,
            "placement": placement,
        }

    def _move(self, layer: Layer, across: int, down: int) -> dict[str, object]:
        """A layer elsewhere, by whole pixels."""
        if (across, down) == (0, 0) or layer.picture is None:
            return {}
        update: dict[str, object] = {
            "placement": layer.placement.model_copy(
                update={
                    "centre_x_px": layer.placement.centre_x_px + across,
                    "centre_y_px": layer.placement.centre_y_px + down,
                }
            )
        }
        for field in ("mask", "strength_map"):
            digest = getattr(layer, field)
            if digest is not None:
                moved = shift_mask(self.pixels.mask(digest), across, down)
                update[field] = self.pixels.add_mask(moved)
        return update

    def _without_mask(self, own: OwnLayer) -> LayerContent:
        size = (self.scene.width_px, self.scene.height_px)
        drawn = draw_layer(own.layer.model_copy(update={"mask": None}), self.pixels, size)
        return trim(drawn.picture, drawn.x, drawn.y)

    def _mask_of(self, layer: Layer) -> Picture | None:
        """The mask of a layer of the scene, uint8 of the canvas' size."""
        if layer.mask is None:
            return None
        size = (self.scene.width_px, self.scene.height_px)
        mask: Picture = np.rint(resize_area(self.pixels.mask(layer.mask), *size)).astype(np.uint8)
        return mask


_WORDS = ("name", "visible", "opacity", "blend", "locked", "picture", "mask")


def _is_same_mask(one: Picture | None, other: Picture) -> bool:
    if one is None or one.shape != other.shape:
        return bool((other == 255).all()) if one is None else False
    return bool((np.abs(one.astype(np.int16) - other) <= 1).all())


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
