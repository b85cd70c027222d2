"""Files of other programs as scenes."""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from backend.errors import ArchiveError, PictureError
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.archive import REMEDY, Archive, MemberError, display_name
from backend.scene.formats.group_pictures import (
    BLENDS,
    PlacedSheet,
    compare_stack,
    compose_group,
)
from backend.scene.formats.grouping import read_groups
from backend.scene.formats.picture_file import (
    MAX_AREA_PX,
    Limits,
    decode_exact,
    decode_picture,
    is_picture,
)
from backend.scene.formats.stack import Stack, StackLayer
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.blending import COVERS, OPENRASTER_NAMES, Blend
from backend.scene.layer import Layer, Placement
from backend.scene.records import PictureDigest
from backend.scene.scene import (
    MAX_LAYERS,
    MAX_SIDE_PX,
    MIN_SIDE_PX,
    Group,
    Scene,
    build_scene,
)

LAYER_LIMITS = Limits(file_bytes=128 * 1024 * 1024, area_px=4 * MAX_AREA_PX)
MAX_EXTERNAL_BYTES = 1024**3
NAME_LENGTH = 200
MERGED = "mergedimage.png"
ON_WHITE = "mergedimage-lies-on-white"
"""A member that is there where the merged picture is opaque only because white lies under it."""
SAME_LEVELS = 6
"""Programs round at every layer; up to this many levels two pictures are the same."""


class StackPixels:
    """The drawn layers of an archive, decoded within one budget of memory."""

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self._taken_bytes = 0

    def file(self, layer: StackLayer) -> bytes:
        """The bytes of the member that a layer names; a MemberError where there are none."""
        if not layer.src:
            raise MemberError("It names no picture.", remedy=REMEDY)
        plain = posixpath.normpath(layer.src)
        name = layer.src if layer.src in self._archive else plain
        return self._archive.read(name, LAYER_LIMITS.file_bytes)

    def picture(self, layer: StackLayer, content: bytes) -> tuple[Picture, tuple[str, ...]]:
        """Those bytes as a picture, and notes about its decoding."""
        try:
            decoded = decode_picture(content, layer.name or layer.src, LAYER_LIMITS)
        except PictureError as error:
            raise MemberError(error.what, limit=error.limit, remedy=REMEDY) from None
        self.take(decoded.picture.nbytes)
        return decoded

    def mask(self, layer: StackLayer, size: tuple[int, int]) -> Picture | None:
        """The mask that a layer names, uint8 (h, w) of the canvas' size; a MemberError where it is
        none.
        """
        if not layer.mask:
            return None
        content = self._archive.read(layer.mask, LAYER_LIMITS.file_bytes)
        try:
            mask = decode_exact(content, layer.mask, LAYER_LIMITS)
        except PictureError as error:
            raise MemberError(error.what, limit=error.limit, remedy=REMEDY) from None
        if mask.ndim != 2:
            raise MemberError("Its mask has colours.", remedy=REMEDY)
        self.take(mask.nbytes)
        whole = np.zeros((size[1], size[0]), np.uint8)
        height_px, width_px = min(size[1], mask.shape[0]), min(size[0], mask.shape[1])
        whole[:height_px, :width_px] = mask[:height_px, :width_px]
        return whole

    def lies_on_white(self) -> bool:
        """Whether the file's merged picture has white where its layers leave nothing."""
        return ON_WHITE in self._archive

    def find_merged(self, size: tuple[int, int]) -> Picture | None:
        """The file's own picture of the whole stack, where there is one of that size."""
        try:
            content = self._archive.read(MERGED, LAYER_LIMITS.file_bytes)
            picture, _ = decode_picture(content, MERGED, LAYER_LIMITS)
        except (ArchiveError, PictureError):
            return None
        return picture if (picture.shape[1], picture.shape[0]) == size else None

    def take(self, size_bytes: int) -> None:
        """Count pixels towards the budget; an ArchiveError beyond it."""
        self._taken_bytes += size_bytes
        if self._taken_bytes > MAX_EXTERNAL_BYTES:
            raise ArchiveError(
                "The layers of the file unpack to too much.",
                limit=f"At most {MAX_EXTERNAL_BYTES // 2**20} MB of pixels are allowed.",
                remedy="Save the picture smaller or with fewer layers.",
            )


def import_stack(
    stack: Stack, drawn: StackPixels, pixels: MemoryPixels
) -> tuple[Scene, tuple[str, ...]]:
    """A scene from the stack of another program: its pictures, offsets, opacity, modes, visibility,
    locks, names, and no words.

    A layer that cannot be read is left out. A group that looks otherwise than its layers by
    themselves comes as one layer, with its layers hidden under it. The notes say both, and how far
    the scene is from the file's own picture.
    """
    size = _fit_canvas(stack)
    if len(stack.layers) + len(stack.pictures) > MAX_LAYERS:
        stack = stack.hand_down()
    notes = stack_notes(stack)
    if size != (stack.width_px, stack.height_px):
        notes.append(
            f"The canvas of {stack.width_px} × {stack.height_px} px was enlarged to {size[0]} × "
            f"{size[1]} px: a side has at least {MIN_SIDE_PX}."
        )
    rows = _StackImport(stack, drawn, pixels, size, notes).read()
    layers = [layer for row in rows.values() for layer in row]
    groups = read_groups(stack, {at: [one.id for one in row] for at, row in rows.items()})
    record = {"width_px": size[0], "height_px": size[1]}
    return check_scene(record, layers, groups), tuple(notes)


def require_size(width_px: int, height_px: int) -> None:
    """An ArchiveError for a canvas that no scene can have."""
    if min(width_px, height_px) < 1 or max(width_px, height_px) > MAX_SIDE_PX:
        raise ArchiveError(
            f"The canvas is {width_px} × {height_px} px.",
            limit=f"Each side may have 1 to {MAX_SIDE_PX} px.",
            remedy="Resize the picture in the program that made it, and save it again.",
        )


def _fit_canvas(stack: Stack) -> tuple[int, int]:
    """The canvas (width, height) of the scene; an ArchiveError for one that no scene can have."""
    require_size(stack.width_px, stack.height_px)
    return max(MIN_SIDE_PX, stack.width_px), max(MIN_SIDE_PX, stack.height_px)


@dataclass(frozen=True, eq=False)
class _StackImport:
    """A stack that becomes layers of a canvas of ``size`` (width, height); ``notes`` grow."""

    stack: Stack
    drawn: StackPixels
    pixels: MemoryPixels
    size: tuple[int, int]
    notes: list[str]

    def read(self) -> dict[int, list[Layer]]:
        """The layers from back to front by their place in the stack, groups that are one picture
        among them; an ArchiveError where the file has layers and none can be read.
        """
        rows: dict[int, list[Layer]] = {}
        for place, entry in enumerate(self.stack.layers):
            layer = import_layer(
                entry, f"layer-{place + 1}", self.drawn, self.pixels, self.notes, size=self.size
            )
            if layer is not None:
                rows[place] = [layer]
        if self.stack.layers and not rows:
            raise ArchiveError(
                f"None of the file's {len(self.stack.layers)} layers can be read. {self.notes[-1]}",
                remedy=REMEDY,
            )
        self._join_groups(rows)
        self._compare([one for row in rows.values() for one in row if one.visible])
        return rows

    def _join_groups(self, rows: dict[int, list[Layer]]) -> None:
        """Put each outer picture of the stack before the last of its layers, and hide these."""
        sheets = {
            at: _sheet(row[0], self.pixels)._replace(blend=self.stack.layers[at].blend)
            for at, row in rows.items()
            if row[0].visible
        }
        joined: set[int] = set()
        for number, whole in reversed(list(enumerate(self.stack.pictures))):
            inside = set(range(whole.first, whole.last + 1))
            if not inside & joined:
                joined |= inside
                sheet = compose_group(sheets, self.stack.pictures[:number], whole, self.size)
                if sheet is not None:
                    self._join(rows, sorted(inside & set(rows)), whole.name, sheet)

    def _join(
        self, rows: dict[int, list[Layer]], inside: Sequence[int], name: str, sheet: PlacedSheet
    ) -> None:
        """Put the picture of a group before its layers, which are at the places ``inside``."""
        self.drawn.take(sheet.picture.nbytes)
        one = Layer(
            id=f"whole-of-{inside[0] + 1}-to-{inside[-1] + 1}",
            name=fit_name(name, self.notes) or f"Layers {inside[0] + 1} to {inside[-1] + 1}",
            picture=self.pixels.add_picture(sheet.picture),
            placement=place_picture(sheet.picture, sheet.x, sheet.y),
            opacity=sheet.opacity,
            blend=BLENDS.get(sheet.blend, "normal"),
        )
        for at in inside:
            rows[at] = [rows[at][0].model_copy(update={"visible": False})]
        rows[inside[-1]].append(one)
        self.notes.append(
            f"Group {display_name(one.name)} looks as it does only as a whole, so it came as one "
            "layer; its own layers lie hidden under it."
        )

    def _compare(self, layers: Sequence[Layer]) -> None:
        """A note where shown layers look otherwise than the picture that their file has of them."""
        merged = self.drawn.find_merged((self.stack.width_px, self.stack.height_px))
        if merged is None:
            return
        sheets = [_sheet(one, self.pixels) for one in layers]
        if self.drawn.lies_on_white():
            sheets.insert(0, PlacedSheet(np.full(merged.shape, 255, np.uint8), 0, 0))
        gap = compare_stack(sheets, merged)
        if gap.most > SAME_LEVELS:
            self.notes.append(
                "Lamina shows this file otherwise than the program that saved it: by up to "
                f"{gap.most} of 255 levels, {gap.mean:.1f} on average."
            )


def _sheet(layer: Layer, pixels: MemoryPixels) -> PlacedSheet:
    """An imported layer, which lies upright on whole pixels."""
    picture = pixels.picture(layer.picture or PictureDigest(""))
    height_px, width_px = picture.shape[:2]
    x = round(layer.placement.centre_x_px - width_px / 2)
    y = round(layer.placement.centre_y_px - height_px / 2)
    if layer.mask is not None:
        picture = cut_by_mask(picture, x, y, pixels.mask(layer.mask))
    return PlacedSheet(
        picture,
        x,
        y,
        layer.opacity,
        OPENRASTER_NAMES[layer.blend],
    )


def cut_by_mask(picture: Picture, x: int, y: int, mask: Picture) -> Picture:
    """A picture (h, w, 4) at canvas pixel (x, y) as a mask of the canvas leaves it."""
    height_px, width_px = picture.shape[:2]
    inside = np.zeros((height_px, width_px), np.float32)
    top, left = max(0, y), max(0, x)
    bottom = max(top, min(mask.shape[0], y + height_px))
    right = max(left, min(mask.shape[1], x + width_px))
    inside[top - y : bottom - y, left - x : right - x] = mask[top:bottom, left:right]
    cut = picture.copy()
    cut[..., 3] = np.rint(picture[..., 3] * (inside / np.float32(255)))
    return cut


def import_layer(
    entry: StackLayer,
    layer_id: str,
    drawn: StackPixels,
    pixels: MemoryPixels,
    notes: list[str],
    *,
    size: tuple[int, int],
) -> Layer | None:
    """A layer of another program's, or None (and a note) when it holds no picture that can be
    read.
    """
    name = fit_name(entry.name, notes) or layer_id
    try:
        content = drawn.file(entry)
        if not is_picture(content):
            notes.append(f"Layer {display_name(name)} is no PNG, JPEG or WebP and was left out.")
            return None
        picture, own_notes = drawn.picture(entry, content)
        mask = drawn.mask(entry, size)
    except MemberError as error:
        notes.append(f"Layer {display_name(name)} was left out. {error.what} {error.limit}".strip())
        return None
    notes.extend(own_notes)
    if entry.tile:
        picture = _repeat(picture, entry, drawn, size)
    return Layer(
        id=layer_id,
        name=name,
        picture=pixels.add_picture(picture),
        mask=None if mask is None else pixels.add_mask(mask),
        placement=place_picture(picture, entry.x, entry.y),
        opacity=entry.opacity,
        blend=read_blend(entry, name, notes),
        visible=entry.visible,
        locked=entry.locked or False,
    )


def _repeat(
    picture: Picture, entry: StackLayer, drawn: StackPixels, size: tuple[int, int]
) -> Picture:
    """A background's tile over the whole canvas (width, height), where its picture is but the
    tile.
    """
    height_px, width_px = picture.shape[:2]
    missing_x, missing_y = size[0] - entry.x - width_px, size[1] - entry.y - height_px
    if missing_x <= 0 and missing_y <= 0:
        return picture
    across, down = width_px + max(0, missing_x), height_px + max(0, missing_y)
    drawn.take(across * down * 4)
    rows, columns = np.arange(down) % height_px, np.arange(across) % width_px
    repeated: Picture = picture[rows[:, None], columns]
    return repeated


def place_picture(picture: Picture, x: int, y: int) -> Placement:
    """The placement of a picture (h, w, 4) whose upper left corner is canvas pixel (x, y)."""
    height_px, width_px = picture.shape[:2]
    return Placement(
        centre_x_px=min(32768.0, max(-32768.0, x + width_px / 2)),
        centre_y_px=min(32768.0, max(-32768.0, y + height_px / 2)),
    )


def fit_name(name: str, notes: list[str]) -> str:
    """As much of a layer's name as a scene keeps, and a note where that is not all."""
    if len(name) > NAME_LENGTH:
        notes.append(
            f"The name of layer {display_name(name)} has {len(name)} characters; the first "
            f"{NAME_LENGTH} are kept."
        )
    return name[:NAME_LENGTH]


def read_blend(entry: StackLayer, name: str, notes: list[str]) -> Blend:
    """The blend mode of an entry; normal, and a note, for one that is not known here.

    What cuts is not a layer's own: the layers that it cuts came as one picture.
    """
    if entry.blend not in BLENDS and entry.blend not in COVERS:
        notes.append(
            f"Layer {display_name(name)} has the blend mode {display_name(entry.blend)}, "
            "which is drawn as normal."
        )
    return BLENDS.get(entry.blend, "normal")


def stack_notes(stack: Stack) -> list[str]:
    """What is to be said of a stack's groups."""
    long = [group.name for group in stack.groups if len(group.name) > NAME_LENGTH]
    names = [
        f"The name of group {display_name(name)} has {len(name)} characters; the first "
        f"{NAME_LENGTH} are kept."
        for name in long
    ]
    own_notes = "Groups within groups were dissolved: a group holds layers alone."
    return [*stack.notes, *([own_notes] if stack.flattened else []), *names]


def check_scene(
    record: Mapping[str, object], layers: Sequence[Layer], groups: Sequence[Group]
) -> Scene:
    """The checked scene: what came from outside may break the document's rules."""
    own = {
        "layers": [layer.model_dump(mode="json") for layer in layers],
        "groups": [group.model_dump(mode="json") for group in groups],
    }
    return build_scene({**record, **own})
