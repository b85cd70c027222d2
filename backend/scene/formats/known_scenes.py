"""A file of layers that another program saved, and the scene of Lamina's that it came from: what
its layers were told, their masks and dials, come back by what they show and what they are called.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from backend.scene.blobs import Contents, MemoryPixels
from backend.scene.formats.external_edits import ExternalEdits, WrittenEntry, read_layers
from backend.scene.formats.external_files import NAME_LENGTH, StackPixels
from backend.scene.formats.layer_content import find_shift
from backend.scene.formats.layer_matching import (
    OwnLayer,
    ReadLayer,
    has_same_name,
    is_cut,
    match_layers,
    name_of,
)
from backend.scene.formats.stack import Stack, StackLayer
from backend.scene.layer import Layer
from backend.scene.records import BlobDigest, PictureDigest
from backend.scene.scene import Scene

_NO_DIGEST = "0" * 64


@dataclass(frozen=True, eq=False)
class KnownScene:
    """A scene that a file may have come from, with what it refers to. ``whose`` is how a sentence
    names it.
    """

    scene: Scene
    contents: Contents
    settings: Mapping[str, Any]
    whose: str


@dataclass(frozen=True)
class FileShape:
    """What is known of a file before its pixels are: its canvas, and the names of its layers."""

    width_px: int
    height_px: int
    names: tuple[str, ...]

    def fits(self, scene: Scene) -> bool:
        """Whether a scene may be what the file was: half of its layers are there by name.

        Its canvas may be another one: MyPaint 2 saves the whole tiles that are painted on.
        """
        return scene.layers != () and 2 * self.count_names(scene) >= len(scene.layers)

    def rank(self, scene: Scene) -> tuple[int, bool]:
        """How likely a scene is the one that the file was; more is likelier."""
        is_same_size = (scene.width_px, scene.height_px) == (self.width_px, self.height_px)
        return self.count_names(scene), is_same_size

    def count_names(self, scene: Scene) -> int:
        """How many layers of a scene have a namesake in the file."""
        return sum(
            any(has_same_name(name_of(layer), name) for name in self.names)
            for layer in scene.layers
        )


FindScenes = Callable[[FileShape], Iterable[KnownScene]]
"""The scenes that a file may have come from, the likeliest first."""


@dataclass(frozen=True, eq=False)
class RecoveredScene:
    """The scene that a file came from, with what was changed in the file since; without one the
    notes say why.
    """

    scene: Scene | None
    settings: dict[str, Any]
    notes: tuple[str, ...]


def recover_scene(
    stack: Stack,
    drawn: StackPixels,
    pixels: MemoryPixels,
    find: FindScenes,
    *,
    is_certain: bool = False,
) -> RecoveredScene | None:
    """The scene that a file without Lamina's own entry came from, or None where there is none.

    A scene is taken where something that it shows is in the file, and half of its layers are there
    by pixels or by name; or where the file itself says that it is the one (``is_certain``).
    """
    shape = FileShape(stack.width_px, stack.height_px, tuple(entry.name for entry in stack.layers))
    known = list(find(shape))
    if not known:
        return None
    stack = stack.hand_down()
    found = read_layers(stack, drawn, (stack.width_px, stack.height_px)).found
    judged = [(_match(one, found), one) for one in known]
    (best, known_scene) = max(judged, key=lambda pair: pair[0].score)
    if not (is_certain or best.is_sure):
        doubt = (
            f"Layers of this file are called like those of {known_scene.whose}, but none shows the "
            "same; words, masks and dials were not taken from it."
        )
        return RecoveredScene(None, {}, (doubt,))
    across, down = best.find_shift(known_scene.scene, stack)
    if (across, down) != (0, 0):
        stack = replace(stack, layers=tuple(_shift(one, across, down) for one in stack.layers))
        found = [replace(one, entry=stack.layers[one.place]) for one in found]
    scene = _copy(known_scene, pixels)
    written = [describe_layer(layer) for layer in scene.layers]
    edits = ExternalEdits(scene, written, stack, drawn, pixels)
    merged, notes = edits.merge(best.matches, found)
    total, back = len(scene.layers), len(best.matches)
    first = (
        f"Lamina's own words, masks and dials are not in this file; they came from "
        f"{known_scene.whose}: {back} of its {total} layers were found again."
    )
    return RecoveredScene(merged, dict(known_scene.settings), (first, *notes))


def describe_layer(layer: Layer) -> WrittenEntry:
    """What is known of how a layer was written where the file does not say it."""
    return WrittenEntry(
        id=layer.id,
        src="",
        name=name_of(layer)[:NAME_LENGTH],
        x=0,
        y=0,
        opacity=layer.opacity,
        blend=layer.blend,
        visible=layer.visible,
        file=BlobDigest(_NO_DIGEST),
        pixels=PictureDigest(_NO_DIGEST),
    )


@dataclass(frozen=True, eq=False)
class _Matched:
    """How a file and a scene go together; ``seen`` counts layers whose pixels are the same,
    ``shifts`` how far those were moved; ``is_blank`` tells that nothing is seen of any layer."""

    matches: dict[int, OwnLayer]
    seen: int
    of: int
    shifts: Counter[tuple[int, int]]
    is_blank: bool

    def find_shift(self, scene: Scene, stack: Stack) -> tuple[int, int]:
        """How far the file's corner lies from the scene's, where it has another canvas: as far as
        most layers that show the same were moved.
        """
        same = (scene.width_px, scene.height_px) == (stack.width_px, stack.height_px)
        (shift, count), *_ = self.shifts.most_common(1) or [((0, 0), 0)]
        return (0, 0) if same or 2 * count <= self.shifts.total() else shift

    @property
    def score(self) -> tuple[int, int]:
        return self.seen, len(self.matches)

    @property
    def is_sure(self) -> bool:
        return (self.seen >= 1 or self.is_blank) and 2 * len(self.matches) >= self.of


def _match(known: KnownScene, found: Sequence[ReadLayer]) -> _Matched:
    scene = known.scene
    size = (scene.width_px, scene.height_px)
    own = [OwnLayer(layer, name_of(layer), "", known.contents, size) for layer in scene.layers]
    matches = match_layers(own, found)
    seen = 0
    shifts: Counter[tuple[int, int]] = Counter()
    for one in found:
        match = matches.get(one.place)
        if match is None or match.content.is_empty:
            continue
        shift = find_shift(match.content, one.content)
        if shift is not None:
            shifts[-shift[0], -shift[1]] += 1
        seen += shift is not None or is_cut(match, one)
    blank = all(layer.content.is_empty for layer in own) and len(matches) == len(own)
    blank = blank and all(one.content.is_empty for one in found if one.place in matches)
    return _Matched(matches, seen, len(own), shifts, blank)


def _shift(entry: StackLayer, across: int, down: int) -> StackLayer:
    return replace(entry, x=entry.x + across, y=entry.y + down)


def _copy(known: KnownScene, pixels: MemoryPixels) -> Scene:
    """The scene, with all that it refers to in another store."""
    for layer in known.scene.layers:
        if layer.picture is not None:
            pixels.add_picture(known.contents.picture(layer.picture))
        for mask in (layer.mask, layer.strength_map):
            if mask is not None:
                pixels.add_mask(known.contents.mask(mask))
        if layer.embedding is not None:
            pixels.add_blob(known.contents.blob(layer.embedding))
    return known.scene
