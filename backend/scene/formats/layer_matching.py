"""Which layer of a file is which layer of a scene, after another program saved the file: by the
member that it lies in, by name, by what it shows, and by where.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from backend.scene.drawn import draw_layer
from backend.scene.formats.external_files import StackPixels, cut_by_mask
from backend.scene.formats.layer_content import (
    LayerContent,
    cut_by_offset,
    is_same,
    overlap,
    trim,
)
from backend.scene.formats.stack import StackLayer, printable
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.blending import OPENRASTER_NAMES
from backend.scene.layer import Layer
from backend.scene.scene import Pixels

_COUNTED = re.compile(r"( #\d+| copy( \d+)?)$")
"""What programs add where a name is there twice."""
_NEAR = 0.3


@dataclass(frozen=True, eq=False)
class OwnLayer:
    """A layer of a scene as it was written into a file: by that name, in the member ``src`` (empty
    where that is not known).
    """

    layer: Layer
    name: str
    src: str
    pixels: Pixels
    size: tuple[int, int]

    @cached_property
    def drawn(self) -> tuple[Picture, int, int]:
        """Its pixels on the canvas, uint8 (h, w, 4), and their corner (x, y)."""
        drawn = draw_layer(self.layer, self.pixels, self.size)
        return drawn.picture, drawn.x, drawn.y

    @property
    def on_canvas(self) -> Picture:
        """The same on the whole canvas."""
        drawn = draw_layer(self.layer, self.pixels, self.size)
        return drawn.fill_canvas(*self.size).picture

    @cached_property
    def content(self) -> LayerContent:
        """What is seen of it."""
        return trim(*self.drawn)


@dataclass(frozen=True, eq=False)
class ReadLayer:
    """A layer that a file has: its entry, its picture (h, w, 4), and its mask of the canvas."""

    place: int
    entry: StackLayer
    picture: Picture
    mask: Picture | None

    @cached_property
    def content(self) -> LayerContent:
        """What is seen of it."""
        x, y = self.entry.x, self.entry.y
        picture = self.picture
        if self.mask is not None:
            picture = cut_by_mask(picture, x, y, self.mask)
        return trim(picture, x, y)


def is_cut(own: OwnLayer, found: ReadLayer) -> bool:
    """Whether a layer came back as GIMP 3.0 cuts it: by its own offset, its opacity in its pixels
    too, or, in another mode than normal, wholly empty.
    """
    picture, x, y = own.drawn
    if found.picture.shape[:2] == own.size[::-1] and (found.entry.x, found.entry.y) == (0, 0):
        picture, x, y = own.on_canvas, 0, 0
    if (x, y) != (found.entry.x, found.entry.y) or picture.shape != found.picture.shape:
        return False
    if own.content.is_empty:
        return False
    cut = cut_by_offset(picture, x, y)
    if found.content.is_empty:
        return own.layer.blend != "normal" or trim(cut, x, y).is_empty
    faded = cut.copy()
    faded[..., 3] = np.rint(cut[..., 3] * own.layer.opacity)
    return any(is_same(trim(one, x, y), found.content) for one in (cut, faded))


_Rule = Callable[[OwnLayer, ReadLayer], bool]


def match_layers(own: Sequence[OwnLayer], found: Sequence[ReadLayer]) -> dict[int, OwnLayer]:
    """The layer of the scene for each place of the file where there is one; each is taken once.

    The surest signs go first over all layers, so that one that is known by what it shows takes
    nothing from another that is known by its name alone.
    """
    matches: dict[int, OwnLayer] = {}
    left = list(own)
    for rule in _RULES:
        for one in found:
            if one.place in matches:
                continue
            same = next((each for each in left if rule(each, one)), None)
            if same is not None:
                matches[one.place] = same
                left = [each for each in left if each is not same]
    return matches


def _has_member(own: OwnLayer, found: ReadLayer) -> bool:
    return own.src != "" and own.src == found.entry.src


def _has_name(own: OwnLayer, found: ReadLayer) -> bool:
    return _plain(own.name) == _plain(found.entry.name)


def _has_like_name(own: OwnLayer, found: ReadLayer) -> bool:
    return has_same_name(own.name, found.entry.name)


def _shows_same(own: OwnLayer, found: ReadLayer) -> bool:
    return is_same(own.content, found.content)


def _lies_same(own: OwnLayer, found: ReadLayer) -> bool:
    return (own.content.x, own.content.y) == (found.content.x, found.content.y)


def _looks_same(own: OwnLayer, found: ReadLayer) -> bool:
    entry, layer = found.entry, own.layer
    is_mode = OPENRASTER_NAMES[layer.blend] == entry.blend
    return is_mode and (layer.visible, round(layer.opacity, 2)) == (
        entry.visible,
        round(entry.opacity, 2),
    )


def _is_seen(own: OwnLayer, found: ReadLayer) -> bool:
    return not own.content.is_empty and not found.content.is_empty


def _lies_exactly(own: OwnLayer, found: ReadLayer) -> bool:
    picture, x, y = own.drawn
    return (x, y, picture.shape) == (found.entry.x, found.entry.y, found.picture.shape)


def _lies_near(own: OwnLayer, found: ReadLayer) -> bool:
    return overlap(own.content, found.content) >= _NEAR


def _all(*rules: _Rule) -> _Rule:
    return lambda own, found: all(rule(own, found) for rule in rules)


_RULES: tuple[_Rule, ...] = (
    _has_member,
    _all(_has_name, _shows_same, _lies_same, _looks_same),
    _all(_has_name, _shows_same, _lies_same),
    _all(_has_like_name, _shows_same, _looks_same),
    _all(_has_name, _shows_same),
    _all(_has_like_name, _shows_same, _is_seen),
    _all(_is_seen, _shows_same, _lies_same),
    _all(_is_seen, _shows_same),
    _all(_has_like_name, is_cut),
    _all(_has_like_name, _lies_exactly),
    _all(_has_name, _lies_near),
    _has_name,
    _all(_has_like_name, _lies_near),
    _has_like_name,
)


def _plain(name: str) -> str:
    """A name as programs agree on it: what XML cannot write and blanks at the ends count not."""
    return " ".join(printable(name).split())


def has_same_name(one: str, other: str) -> bool:
    """Whether two names are the same but for what programs add where a name is there twice."""
    return _COUNTED.sub("", _plain(one)) == _COUNTED.sub("", _plain(other))


def read_found(
    place: int, entry: StackLayer, drawn: StackPixels, size: tuple[int, int]
) -> ReadLayer:
    """A layer of a file with its pixels; a MemberError where they cannot be read."""
    picture, _ = drawn.picture(entry, drawn.file(entry))
    return ReadLayer(place, entry, picture, drawn.mask(entry, size))


def name_of(layer: Layer) -> str:
    """The name under which a layer is written into files."""
    return layer.name or layer.phrase or layer.id
