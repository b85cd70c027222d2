"""OpenRaster's stack.xml: the layers of a picture as every program sees them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from backend.errors import ArchiveError
from backend.scene.formats.archive import REMEDY, display_name
from backend.scene.imaging.blending import COVERS, OPENRASTER_NAMES
from backend.scene.scene import MAX_LAYERS

MAX_DEPTH = 64
NORMAL = "svg:src-over"
MASK_ATTRIBUTE = "lamina-mask"
"""Of a layer, where it comes with its mask, which the format has no word for."""
_SHOWN = ("image", "stack", "layer")
_FAR_PX = 1e6
_MOST_NOTES = 50
_TILES = ("mypaint:background-tile", "background_tile")
"""What MyPaint 2 and MyPaint 1 call the tile that their background repeats."""


@dataclass(frozen=True)
class StackLayer:
    """A layer of the stack: its member's name, offset in canvas pixels, opacity 0..1, and whether
    it is shown.

    ``locked`` is None where the file does not say; ``tile`` names the member that a background
    repeats over the canvas, ``mask`` that of a grey mask of the canvas' size.
    """

    src: str
    name: str = ""
    x: int = 0
    y: int = 0
    opacity: float = 1.0
    visible: bool = True
    blend: str = NORMAL
    locked: bool | None = None
    tile: str = ""
    mask: str = ""


@dataclass(frozen=True)
class StackGroup:
    """A group of the stack: its name, and which of the stack's layers it has, ``first`` to ``last``
    from the back.
    """

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class StackPicture:
    """Layers of the stack, ``first`` to ``last`` from the back, that meet what lies below as one
    picture: of that opacity, in that mode.
    """

    name: str
    first: int
    last: int
    opacity: float = 1.0
    blend: str = NORMAL


@dataclass(frozen=True)
class Stack:
    """A picture of width × height pixels; ``layers`` from back to front (the file has them from
    front to back).

    ``groups`` are the outermost ones; ``flattened`` tells that inner ones were dissolved.
    ``pictures`` are the groups, inner before outer, that cannot be layers by themselves and look
    the same; the layers in them are as they are within. ``notes`` say what of the file's text was
    not as it should be.
    """

    width_px: int
    height_px: int
    layers: tuple[StackLayer, ...]
    groups: tuple[StackGroup, ...] = ()
    flattened: bool = False
    pictures: tuple[StackPicture, ...] = ()
    notes: tuple[str, ...] = ()

    def add_behind(self, layer: StackLayer) -> Stack:
        """The stack with one more layer behind all others; it has no pictures yet."""
        groups = tuple(replace(one, first=one.first + 1, last=one.last + 1) for one in self.groups)
        return replace(self, layers=(layer, *self.layers), groups=groups)

    def hand_down(self) -> Stack:
        """The stack without ``pictures``: each layer takes their opacity and mode upon itself."""
        layers = list(self.layers)
        for picture in self.pictures:
            for place in range(picture.first, picture.last + 1):
                layers[place] = _under(layers[place], picture.opacity, picture.blend)
        return replace(
            self,
            layers=tuple(layers),
            pictures=(),
            flattened=self.flattened or bool(self.pictures),
        )


def write_stack(stack: Stack) -> bytes:
    """The XML text, in UTF-8; groups as inner stacks."""
    size = f'w="{stack.width_px}" h="{stack.height_px}"'
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<image version="0.0.6" {size} xres="72" yres="72">',
        "<stack>",
    ]
    opened = {group.last: group for group in stack.groups}
    closed = {group.first for group in stack.groups}
    for index, layer in reversed(list(enumerate(stack.layers))):
        if index in opened:
            lines.append(f"<stack name={quoteattr(printable(opened[index].name))}>")
        lines.append(
            f"<layer name={quoteattr(printable(layer.name))} src={quoteattr(layer.src)} "
            f'x="{layer.x}" y="{layer.y}" opacity="{layer.opacity!r}" '
            f'visibility="{"visible" if layer.visible else "hidden"}" '
            f'composite-op="{layer.blend}"{_LOCKED if layer.locked else ""}/>'
        )
        if index in closed:
            lines.append("</stack>")
    return "\n".join([*lines, "</stack>", "</image>", ""]).encode("utf-8")


_LOCKED = ' edit-locked="true"'


def read_stack(text: bytes) -> Stack:
    """The stack of an XML text, whose encoding it says itself. ArchiveError when it is none.

    Entities are refused; they have no place here and can blow up. A document type is passed over,
    and never fetched.
    """
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.EntityDeclHandler = refuse_entities
    try:
        parser.Parse(text, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise ArchiveError(
            "The file's list of layers (stack.xml) is damaged.", remedy=REMEDY
        ) from None
    return reader.stack()


@dataclass
class _OpenGroup:
    """A <stack> element that is being read: where it lies, how it looks, and how many layers came
    before it.
    """

    x: int = 0
    y: int = 0
    opacity: float = 1.0
    visible: bool = True
    blend: str = NORMAL
    name: str = ""
    first: int = 0
    isolated: bool = False


@dataclass
class _Reader:
    """Collects layers while expat walks the text, from front to back."""

    size: tuple[int, int] | None = None
    groups: list[_OpenGroup] = field(default_factory=list)
    layers: list[StackLayer] = field(default_factory=list)
    kept: list[tuple[str, int, int]] = field(default_factory=list)
    pictures: list[StackPicture] = field(default_factory=list)
    flattened: bool = False
    notes: list[str] = field(default_factory=list)
    unknown_depth: int = 0

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.size is None:
            if tag != "image":
                raise ValueError("the root is not <image>")
            self.size = (_whole(attributes.get("w", "")), _whole(attributes.get("h", "")))
        elif self.unknown_depth or tag not in _SHOWN:
            self._pass_over(tag, attributes)
        elif tag == "stack":
            self._open(attributes)
        elif tag == "layer":
            self._add(attributes)

    def end(self, tag: str) -> None:
        if self.unknown_depth:
            self.unknown_depth -= 1
        elif tag == "stack" and self.groups:
            closed = self.groups.pop()
            if len(self.layers) == closed.first:
                return
            if len(self.groups) == 1:
                self.kept.append((closed.name, closed.first, len(self.layers)))
            if closed.isolated and self.groups:
                self._isolate(closed)

    def stack(self) -> Stack:
        if self.size is None:
            raise ArchiveError("The file's list of layers (stack.xml) is empty.", remedy=REMEDY)
        self._join_cut()
        last = len(self.layers) - 1
        groups = tuple(
            StackGroup(name, last - end + 1, last - first)
            for name, first, end in reversed(self.kept)
        )
        pictures = tuple(
            replace(one, first=last - one.last, last=last - one.first) for one in self.pictures
        )
        return Stack(
            *self.size,
            tuple(reversed(self.layers)),
            groups,
            self.flattened,
            pictures,
            tuple(self.notes),
        )

    def _isolate(self, group: _OpenGroup) -> None:
        """Leave a group's layers as they are where that looks the same; else they are one picture.

        Layers in normal mode look the same in a group and without it, and a single one takes the
        group's look upon itself.
        """
        first, end = group.first, len(self.layers)
        if not group.visible:
            handed = (_under(one, group.opacity, group.blend) for one in self.layers[first:])
            self.layers[first:] = list(handed)
            return
        parts = self._parts(first)
        if len(parts) <= 1 and end == first + 1 and self.layers[first].blend not in COVERS:
            inside = replace(self.layers[first], blend=NORMAL)
            self.layers[first] = _under(inside, group.opacity, group.blend)
        elif (group.opacity, group.blend) != (1.0, NORMAL) or any(
            part.blend != NORMAL for part in parts
        ):
            self.pictures.append(
                StackPicture(group.name, first, end - 1, group.opacity, group.blend)
            )

    def _parts(self, first: int) -> list[StackPicture]:
        """What is laid over one another from the layer ``first`` on: shown layers, each as one, and
        pictures that are in no other.
        """
        taken: set[int] = set()
        parts = []
        for one in reversed(self.pictures):
            if one.first >= first and one.first not in taken:
                taken.update(range(one.first, one.last + 1))
                parts.append(one)
        for at in range(first, len(self.layers)):
            if at not in taken and self.layers[at].visible:
                parts.append(StackPicture("", at, at, blend=self.layers[at].blend))
        return parts

    def _join_cut(self) -> None:
        """What an operator cuts outside of any group, that is all below it, is one picture."""
        cuts = [part.first for part in self._parts(0) if part.blend in COVERS]
        if cuts:
            name = self.layers[min(cuts)].name
            self.pictures.append(StackPicture(name, min(cuts), len(self.layers) - 1))

    def _pass_over(self, tag: str, attributes: dict[str, str]) -> None:
        """An element that is not drawn, which a note names; what is in it goes with it."""
        if not self.unknown_depth:
            name = attributes.get("name", "") or attributes.get("type", "")
            self._note(f"The file's {tag} {display_name(name)} is not drawn.")
        self.unknown_depth += 1

    def _open(self, attributes: dict[str, str]) -> None:
        if len(self.groups) >= MAX_DEPTH:
            raise ArchiveError(
                "The file's groups are nested too deep.", limit="64 levels are read.", remedy=REMEDY
            )
        if not self.groups:  # of the outermost one, the specification says, attributes count not
            self.groups.append(_OpenGroup())
            return
        own = self._read(attributes, "Group")
        isolated = own.opacity < 1.0 or own.blend != NORMAL
        isolated = isolated or attributes.get("isolation", "auto") == "isolate"
        if own.blend not in OPENRASTER_NAMES.values() and own.blend not in COVERS:
            self._note(
                f"Group {display_name(own.name)} has the blend mode {display_name(own.blend)}, "
                "which is drawn as normal."
            )
            own = replace(own, blend=NORMAL)
        self.flattened = self.flattened or len(self.groups) > 1
        self.groups.append(
            _OpenGroup(
                own.x,
                own.y,
                own.opacity,
                own.visible,
                own.blend,
                own.name,
                len(self.layers),
                isolated,
            )
        )

    def _add(self, attributes: dict[str, str]) -> None:
        if len(self.layers) >= MAX_LAYERS:
            raise ArchiveError(
                f"The file has more than {MAX_LAYERS} layers.",
                limit=f"At most {MAX_LAYERS} are allowed.",
                remedy="Merge some layers and save it again.",
            )
        self.layers.append(self._read(attributes, "Layer"))

    def _read(self, attributes: dict[str, str], kind: str) -> StackLayer:
        """What an element says of itself; where it lies, and whether it is shown, in its group."""
        outer = self.groups[-1] if self.groups else _OpenGroup()
        called = f"{kind} {display_name(attributes.get('name', ''))}"
        locked = attributes.get("edit-locked")
        return StackLayer(
            src=attributes.get("src", ""),
            name=attributes.get("name", ""),
            x=outer.x + int(self._number(attributes, "x", called, _whole, 0)),
            y=outer.y + int(self._number(attributes, "y", called, _whole, 0)),
            opacity=self._number(attributes, "opacity", called, _fraction, 1.0),
            visible=outer.visible and attributes.get("visibility", "visible") != "hidden",
            blend=attributes.get("composite-op", NORMAL),
            locked=None if locked is None else locked.strip().lower() == "true",
            tile=next((attributes[name] for name in _TILES if name in attributes), ""),
            mask=attributes.get(MASK_ATTRIBUTE, ""),
        )

    def _number(
        self,
        attributes: dict[str, str],
        name: str,
        called: str,
        read: Callable[[str], float],
        usual: float,
    ) -> float:
        """An attribute's number; a comma is a point, and what is none is the usual value. Notes say
        so.
        """
        text = attributes.get(name)
        if text is None:
            return usual
        for odd, way in ((False, text), (True, text.replace(",", "."))):
            try:
                number = read(way)
            except ValueError:
                continue
            if odd:
                self._note(f"{called}: the {name} {display_name(text)} was read as {number}.")
            return number
        self._note(f"{called}: the {name} {display_name(text)} cannot be read; {usual} is used.")
        return usual

    def _note(self, sentence: str) -> None:
        if len(self.notes) < _MOST_NOTES:
            self.notes.append(sentence)


def _under(layer: StackLayer, opacity: float, blend: str) -> StackLayer:
    """A layer that takes a group's opacity and mode upon itself."""
    return replace(
        layer,
        opacity=layer.opacity * opacity,
        blend=layer.blend if blend == NORMAL else blend,
    )


def refuse_entities(*_: object) -> NoReturn:
    """What a parser of XML does where entities are declared: they can blow up."""
    raise ArchiveError("The file's list of layers declares entities.", remedy=REMEDY)


def _whole(text: str) -> int:
    number = float(text)
    if not math.isfinite(number) or abs(number) > _FAR_PX:
        raise ValueError(f"{text} is out of range")
    return round(number)


def _fraction(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{text} is not a number")
    return min(1.0, max(0.0, number))


def printable(name: str) -> str:
    """A name without the characters that XML 1.0 has no way to write."""
    return "".join(
        c
        for c in name
        if c in "\t\n\r" or (c >= " " and not 0xD800 <= ord(c) <= 0xDFFF and c not in "￾￿")
    )
