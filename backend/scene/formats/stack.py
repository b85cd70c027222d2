"""OpenRaster's stack.xml: the layers of a picture as every program sees them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace
from typing import NoReturn
from xml.parsers import expat
from xml.sax.saxutils import quoteattr

from backend.errors import ArchiveError
from backend.scene.formats.archive import REMEDY
from backend.scene.scene import MAX_LAYERS

MAX_DEPTH = 64
NORMAL = "svg:src-over"


@dataclass(frozen=True)
class StackLayer:
    """A layer of the stack: its member's name, offset in canvas pixels, opacity 0..1, and whether
    it is shown.
    """

    src: str
    name: str = ""
    x: int = 0
    y: int = 0
    opacity: float = 1.0
    visible: bool = True
    blend: str = NORMAL


@dataclass(frozen=True)
class StackGroup:
    """A group of the stack: its name, and which of the stack's layers it has, ``first`` to ``last``
    from the back.
    """

    name: str
    first: int
    last: int


@dataclass(frozen=True)
class Stack:
    """A picture of width × height pixels; ``layers`` from back to front (the file has them from
    front to back).

    ``groups`` are the outermost ones. ``flattened`` tells that inner ones, or what groups
    themselves looked like (opacity, mode), were handed down to their layers.
    """

    width_px: int
    height_px: int
    layers: tuple[StackLayer, ...]
    groups: tuple[StackGroup, ...] = ()
    flattened: bool = False


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
            f'composite-op="{layer.blend}"/>'
        )
        if index in closed:
            lines.append("</stack>")
    return "\n".join([*lines, "</stack>", "</image>", ""]).encode("utf-8")


def read_stack(text: str) -> Stack:
    """The stack of an XML text; the outermost groups are kept, inner ones dissolved. ArchiveError
    when it is not one.

    Document types and entities are refused; they have no place here and can blow up.
    """
    reader = _Reader()
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.StartDoctypeDeclHandler = _no_doctype
    parser.EntityDeclHandler = _no_doctype
    try:
        parser.Parse(text.encode("utf-8"), True)
    except (expat.ExpatError, ValueError):
        raise ArchiveError(
            "The file's list of layers (stack.xml) is damaged.", remedy=REMEDY
        ) from None
    return reader.stack()


@dataclass
class _OpenGroup:
    """A <stack> element that is being read: what its layers inherit, its name, and how many layers
    came before it.
    """

    x: int = 0
    y: int = 0
    opacity: float = 1.0
    visible: bool = True
    blend: str = NORMAL
    name: str = ""
    first: int = 0


@dataclass
class _Reader:
    """Collects layers while expat walks the text."""

    size: tuple[int, int] | None = None
    groups: list[_OpenGroup] = field(default_factory=list)
    layers: list[StackLayer] = field(default_factory=list)
    kept: list[tuple[str, int, int]] = field(default_factory=list)
    flattened: bool = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        if self.size is None:
            if tag != "image":
                raise ValueError("the root is not <image>")
            self.size = (_whole(attributes.get("w", "")), _whole(attributes.get("h", "")))
        elif tag == "stack":
            self._open(attributes)
        elif tag == "layer":
            self._add(attributes)

    def end(self, tag: str) -> None:
        if tag == "stack" and self.groups:
            closed = self.groups.pop()
            if len(self.groups) == 1 and len(self.layers) > closed.first:
                self.kept.append((closed.name, closed.first, len(self.layers)))

    def stack(self) -> Stack:
        if self.size is None:
            raise ArchiveError("The file's list of layers (stack.xml) is empty.", remedy=REMEDY)
        count = len(self.layers)
        groups = tuple(
            StackGroup(name, count - end, count - 1 - first)
            for name, first, end in reversed(self.kept)
        )
        return Stack(*self.size, tuple(reversed(self.layers)), groups, self.flattened)

    def _open(self, attributes: dict[str, str]) -> None:
        if len(self.groups) >= MAX_DEPTH:
            raise ArchiveError(
                "The file's groups are nested too deep.", limit="64 levels are read.", remedy=REMEDY
            )
        own = self._inherit(attributes)
        looks = own.opacity != 1.0 or own.blend != NORMAL
        self.flattened = self.flattened or len(self.groups) > 1 or (bool(self.groups) and looks)
        self.groups.append(
            _OpenGroup(
                own.x, own.y, own.opacity, own.visible, own.blend, own.name, len(self.layers)
            )
        )

    def _add(self, attributes: dict[str, str]) -> None:
        if len(self.layers) >= MAX_LAYERS:
            raise ArchiveError(
                f"The file has more than {MAX_LAYERS} layers.",
                limit=f"At most {MAX_LAYERS} are allowed.",
                remedy="Merge some layers and save it again.",
            )
        self.layers.append(self._inherit(attributes))

    def _inherit(self, attributes: dict[str, str]) -> StackLayer:
        """What an element says of itself, within its group."""
        own = StackLayer(
            src=attributes.get("src", ""),
            name=attributes.get("name", ""),
            x=_whole(attributes.get("x", "0")),
            y=_whole(attributes.get("y", "0")),
            opacity=_fraction(attributes.get("opacity", "1.0")),
            visible=attributes.get("visibility", "visible") != "hidden",
            blend=attributes.get("composite-op", NORMAL),
        )
        if not self.groups:
            return own
        group = self.groups[-1]
        blend = own.blend if group.blend == NORMAL else group.blend
        return replace(
            own,
            x=own.x + group.x,
            y=own.y + group.y,
            opacity=own.opacity * group.opacity,
            visible=own.visible and group.visible,
            blend=blend,
        )


def _no_doctype(*_: object) -> NoReturn:
    raise ArchiveError("The file's list of layers declares a document type.", remedy=REMEDY)


def _whole(text: str) -> int:
    number = float(text)
    if not math.isfinite(number) or abs(number) > 1e6:
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
