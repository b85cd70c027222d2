"""Photoshop files (PSD, PSB) taken apart by psd-tools into an archive of OpenRaster's shape, so
that they are opened as every other file of layers is.

Runs as a process of its own (:mod:`backend.scene.formats.photoshop` starts it): it reads the file
from its standard input and writes the archive to its standard output.
"""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NoReturn
from xml.sax.saxutils import quoteattr

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageCms
from psd_tools import PSDImage
from psd_tools.api.layers import AdjustmentLayer, Group, Layer
from psd_tools.api.mask import Mask as LayerMask
from psd_tools.composite.vector import draw_vector_mask
from psd_tools.constants import BlendMode, ChannelID, Clipping, ColorMode, Resource

from backend.errors import LaminaError
from backend.scene.drawn import straight
from backend.scene.formats.archive import display_name, pack
from backend.scene.formats.colours import find_space, to_srgb
from backend.scene.formats.external_files import MERGED, ON_WHITE, require_size
from backend.scene.formats.group_pictures import BLENDS
from backend.scene.formats.photoshop import (
    ALL_LOCKED,
    EXHAUSTED,
    MEMORY_BYTES,
    NOTES_MEMBER,
    OWN_RESOURCE,
    PHOTOSHOP_MODES,
    REFUSED,
    unpack_own,
)
from backend.scene.formats.stack import MASK_ATTRIBUTE, NORMAL, printable
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.blending import blend_over
from backend.scene.imaging.mask import blur

_MODES = {BlendMode(code): blend_name for blend_name, code in PHOTOSHOP_MODES.items()}
Grey = NDArray[np.uint8]
_FEW = 12


@dataclass(frozen=True, eq=False)
class _SheetPart:
    """A layer of pixels as it will stand in the stack: uint8 (h, w, 4) at canvas pixel (x, y), and
    its mask, uint8 of the canvas' size.
    """

    name: str
    src: str
    picture: Picture
    x: int
    y: int
    opacity: float
    blend: str
    visible: bool
    locked: bool
    mask: Grey | None


@dataclass
class PhotoshopConversion:
    """A Photoshop file on its way into an archive; ``convert`` is its one verb."""

    psd: PSDImage
    lines: list[str] = field(default_factory=list)
    members: list[tuple[str, bytes]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    as_pixels: dict[str, int] = field(default_factory=dict)
    not_drawn: dict[str, list[str]] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)

    def convert(self) -> bytes:
        """The archive: stack.xml, a picture for each layer, masks, the merged picture, notes, and
        what Lamina itself had put into the file.
        """
        merged = self._read_merged()
        size = f'w="{self.psd.width}" h="{self.psd.height}"'
        if len(self.psd):
            self._write_run(list(self.psd), None)
        elif merged is not None:
            self._write_part(
                _SheetPart("Background", "data/0.png", merged, 0, 0, 1.0, NORMAL, True, False, None)
            )
        text = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f"<image {size}><stack>",
            *self.lines,
            "</stack></image>",
        ]
        own = self.psd.image_resources.get_data(OWN_RESOURCE)
        return pack(
            [
                ("mimetype", b"image/openraster"),
                ("stack.xml", "\n".join(text).encode("utf-8")),
                *self.members,
                (NOTES_MEMBER, json.dumps([*self.notes, *self._summaries()]).encode()),
                *(unpack_own(own) if isinstance(own, bytes) else ()),
            ]
        )

    def _write_run(self, siblings: Sequence[Layer], mask: Grey | None) -> None:
        """Neighbours of one group, from back to front, as lines from front to back. What is clipped
        goes with what it is clipped to. ``mask`` is that of the groups around.
        """
        runs: list[list[Layer]] = []
        for layer in siblings:
            if runs and _is_clipped(layer):
                runs[-1].append(layer)
            else:
                runs.append([layer])
        for run in reversed(runs):
            if any(isinstance(layer, Group) for layer in run):
                self._write_groups(run, mask)
            else:
                self._write_clipped(run, mask)

    def _write_groups(self, run: Sequence[Layer], outer: Grey | None) -> None:
        """Neighbours of which one is a group: what is clipped is cut to the outline below it."""
        base = run[0]
        if len(run) > 1:
            inside = _both(self._outline(base), outer)
            for layer in reversed(run[1:]):
                if isinstance(layer, Group):
                    self._write_group(layer, inside)
                elif (part := self._part(layer, inside)) is not None:
                    self._write_part(part)
        if isinstance(base, Group):
            self._write_group(base, outer)
        elif (part := self._part(base, outer)) is not None:
            self._write_part(part)

    def _outline(self, base: Layer) -> Grey:
        """Where a layer or a group leaves something, uint8 of the canvas' size."""
        inside = np.zeros((self.psd.height, self.psd.width), np.uint8)
        image = base.composite(apply_icc=False)
        if image is not None:
            alpha = np.array(image.convert("RGBA"))[..., 3]
            _paste(inside, alpha, base.left, base.top)
        return inside

    def _write_group(self, group: Group, outer: Grey | None) -> None:
        passes = group.blend_mode == BlendMode.PASS_THROUGH
        blend = NORMAL if passes else self._mode(group)
        self.lines.append(
            f"<stack name={quoteattr(printable(group.name))} "
            f'isolation="{"auto" if passes else "isolate"}" opacity="{_opacity(group)!r}" '
            f'composite-op="{blend}" visibility="{_visibility(group.visible)}">'
        )
        self._write_run(list(group), self._mask(group, outer))
        self.lines.append("</stack>")

    def _write_clipped(self, run: Sequence[Layer], outer: Grey | None) -> None:
        """A layer and what is clipped to it: as layers where that looks the same, else as one
        picture over its hidden layers.
        """
        parts = [part for layer in run if (part := self._part(layer, outer)) is not None]
        if len(run) == 1 or not parts:
            for part in parts:
                self._write_part(part)
            return
        base = parts[0]
        inside = self._alpha_on_canvas(base)
        clipped = [_cut(part, inside) for part in parts[1:]]
        if _is_plain(base, inside, clipped):
            for part in (*reversed(clipped), base):
                self._write_part(part)
            return
        self.lines.append(f"<stack name={quoteattr(printable(base.name))}>")
        if base.visible:
            self._write_part(self._clip(base, inside, parts[1:]))
        for part in (*reversed(clipped), base):
            self._write_part(_hide(part))
        self.lines.append("</stack>")
        self.notes.append(
            f"What is clipped to layer {display_name(base.name)} looks as it does only as a whole, "
            "so it came as one layer; its own layers lie hidden under it."
        )

    def _clip(self, base: _SheetPart, inside: Grey, above: Sequence[_SheetPart]) -> _SheetPart:
        """The base with what is clipped to it, in the base's own outline."""
        below = np.ones((*inside.shape, 4), np.float32)
        below[..., :3] = self._on_canvas(base)[..., :3] / np.float32(255)
        for part in above:
            if part.visible:
                cells = self._on_canvas(part).astype(np.float32) / np.float32(255)
                alpha = cells[..., 3:] * np.float32(part.opacity)
                if part.mask is not None:
                    alpha *= (part.mask / np.float32(255))[..., None]
                sheet = np.concatenate([cells[..., :3] * alpha, alpha], axis=-1)
                below = blend_over(below, sheet, BLENDS.get(part.blend, "normal"))
        alpha = inside[..., None] / np.float32(255)
        picture = straight(np.concatenate([below[..., :3] * alpha, alpha], axis=-1))
        return _SheetPart(
            base.name, f"data/whole-of-{base.src[5:]}", picture, 0, 0, base.opacity, base.blend,
            True, base.locked, None,
        )  # fmt: skip

    def _part(self, layer: Layer, outer: Grey | None) -> _SheetPart | None:
        """A layer by its pixels, or None and a word about it."""
        if layer.kind in _BY_PIXELS:
            self.as_pixels[layer.kind] = self.as_pixels.get(layer.kind, 0) + 1
        picture = self._picture(layer)
        if picture is None:
            self._leave_out(f"{_name_kind(layer)} layer", layer)
            return None
        if layer.has_effects():
            self._leave_out("effects of layer", layer)
        locks = layer.locks
        return _SheetPart(
            name=layer.name,
            src=self._name_member(layer),
            picture=picture,
            x=layer.left if picture.size > 4 else 0,
            y=layer.top if picture.size > 4 else 0,
            opacity=_opacity(layer) * layer.fill_opacity / 255,
            blend=self._mode(layer),
            visible=bool(layer.visible),
            locked=locks is not None and int(locks.value) & ALL_LOCKED != 0,
            mask=self._mask(layer, outer),
        )

    def _picture(self, layer: Layer) -> Picture | None:
        """The pixels of a layer, a transparent one where it is an empty sheet, or None."""
        colour = _fill_colour(layer) if self.psd.color_mode == ColorMode.RGB else None
        if colour is not None:
            plain = np.full((max(1, layer.height), max(1, layer.width), 4), 255, np.uint8)
            plain[..., :3] = colour
            return plain
        if isinstance(layer, AdjustmentLayer):
            return None
        if layer.width < 1 or layer.height < 1:
            return np.zeros((1, 1, 4), np.uint8) if layer.kind in ("pixel", "type") else None
        image = layer.topil(apply_icc=False)
        if image is None and layer.kind in _DRAWN_BY_PATH:
            image = layer.composite(layer_filter=lambda one: one is layer, apply_icc=False)
        if image is None:
            return None
        if image.mode in ("CMYK", "LAB"):
            return self._to_rgba(image, layer.topil(channel=ChannelID.TRANSPARENCY_MASK))
        return self._to_rgba(image, None)

    def _to_rgba(self, image: Image.Image, alpha: Image.Image | None) -> Picture:
        """An image in the file's own colours as sRGB; what was done is said once."""
        profile = self.psd.image_resources.get_data(Resource.ICC_PROFILE)
        profile = profile if isinstance(profile, bytes) else b""
        if image.mode == "LAB":
            image, profile = _from_lab(image), b""
            self._say("has Lab colours, which were converted to sRGB.")
        if image.mode in ("P", "1"):
            image = image.convert("RGBA" if image.mode == "P" else "L")
        image.info["icc_profile"] = profile
        grey_alpha = image.getchannel("A") if image.mode == "LA" else alpha
        if image.mode == "LA":
            image = image.convert("L")
        rgba, sentences = to_srgb(image, profile, find_space(image, b""))
        if grey_alpha is not None:
            rgba.putalpha(grey_alpha.convert("L"))
        for sentence in sentences:
            self._say(sentence)
        return np.array(rgba)

    def _mask(self, layer: Layer, outer: Grey | None) -> Grey | None:
        """The mask of a layer within that of its groups, uint8 of the canvas' size."""
        return _both(self._own_mask(layer), outer)

    def _own_mask(self, layer: Layer) -> Grey | None:
        if layer.kind in _DRAWN_BY_PATH and layer.topil(apply_icc=False) is None:
            return None  # what was drawn by its path is cut by its masks already
        mask = layer.mask
        path = None
        if layer.has_vector_mask() and layer.kind != "shape" and not _is_rendered(layer):
            path = self._draw_vector_mask(layer)
        if mask is None:
            return path
        if mask.disabled:
            self._leave_out("switched off mask of layer", layer)
            return path
        return _both(self._read_mask(mask), path)

    def _draw_vector_mask(self, layer: Layer) -> Grey | None:
        """A vector mask, uint8 of the canvas' size; None where it is switched off."""
        vector = layer.vector_mask
        if vector is None or vector.disabled:
            self._leave_out("switched off vector mask of layer", layer)
            return None
        inside = np.clip(draw_vector_mask(layer)[..., 0], 0.0, 1.0)
        mask = layer.mask
        parameters = None if mask is None else mask.parameters
        if parameters is not None and parameters.vector_mask_density is not None:
            inside = 1 - (1 - inside) * (parameters.vector_mask_density / 255)
        drawn: Grey = np.rint(inside * 255).astype(np.uint8)
        return drawn

    def _read_mask(self, mask: LayerMask) -> Grey:
        whole = np.full((self.psd.height, self.psd.width), mask.background_color, np.uint8)
        image = mask.topil()
        if image is not None:
            _paste(whole, np.array(image.convert("L")), mask.left, mask.top)
        parameters = mask.parameters
        if parameters is not None and parameters.user_mask_density is not None:
            density = parameters.user_mask_density
            whole = (255 - (255 - whole.astype(np.uint16)) * density // 255).astype(np.uint8)
        if parameters is not None and parameters.user_mask_feather:
            whole = _soften(whole, parameters.user_mask_feather)
        return whole

    def _write_part(self, part: _SheetPart) -> None:
        mask = ""
        if part.mask is not None:
            mask = f' {MASK_ATTRIBUTE}="{part.src[:-4]}-mask.png"'
            self.members.append((f"{part.src[:-4]}-mask.png", _png(part.mask)))
        locked = ' edit-locked="true"' if part.locked else ""
        self.lines.append(
            f'<layer name={quoteattr(printable(part.name))} src="{part.src}" x="{part.x}" '
            f'y="{part.y}" opacity="{part.opacity!r}" visibility="{_visibility(part.visible)}" '
            f'composite-op="{part.blend}"{mask}{locked}/>'
        )
        self.members.append((part.src, _png(part.picture)))

    def _read_merged(self) -> Picture | None:
        """The file's own picture of all, which goes among the members."""
        if not self.psd.has_preview() and len(self.psd):
            return None
        try:
            image = self.psd.topil(apply_icc=False)
        except (ValueError, TypeError, OSError):
            image = None
        if image is None:
            return None
        picture = self._to_rgba(image, None)
        self.members.append((MERGED, _png(picture)))
        if (picture[..., 3] == 255).all():
            self.members.append((ON_WHITE, b"1"))
        if self.psd.depth > 8:
            self._say(f"has {self.psd.depth} bits a channel, which were rounded to 8.")
        return picture

    def _mode(self, layer: Layer) -> str:
        mode = layer.blend_mode
        return _MODES.get(mode, mode.name.lower().replace("_", " "))

    def _name_member(self, layer: Layer) -> str:
        """``data/<id>.png`` by the id that Photoshop keeps for a layer, else by counting."""
        number = layer.layer_id
        while number < 1 or f"data/{number}.png" in self.used:
            number = max(number, 100_000) + 1
        self.used.add(f"data/{number}.png")
        return f"data/{number}.png"

    def _alpha_on_canvas(self, part: _SheetPart) -> Grey:
        alpha: Grey = self._on_canvas(part)[..., 3]
        if part.mask is not None:
            alpha = (alpha.astype(np.uint16) * part.mask // 255).astype(np.uint8)
        return alpha

    def _on_canvas(self, part: _SheetPart) -> Picture:
        canvas = np.zeros((self.psd.height, self.psd.width, 4), np.uint8)
        _paste(canvas, part.picture, part.x, part.y)
        return canvas

    def _leave_out(self, what: str, layer: Layer) -> None:
        self.not_drawn.setdefault(what, []).append(layer.name)

    def _say(self, sentence: str) -> None:
        note = f"The file {sentence}"
        if note not in self.notes:
            self.notes.append(note)

    def _summaries(self) -> Iterator[str]:
        if self.as_pixels:
            what = " and ".join(
                f"{count} {_BY_PIXELS[kind]}{'s' if count > 1 else ''}"
                for kind, count in self.as_pixels.items()
            )
            yield f"By their pixels came {what}: to be painted and moved, not to be typed."
        for what, names in self.not_drawn.items():
            shown = ", ".join(display_name(name) for name in names[:_FEW])
            more = f" and {len(names) - _FEW} more" if len(names) > _FEW else ""
            yield f"Not drawn: the {what} {shown}{more}."


_DRAWN_BY_PATH = ("shape", "solidcolorfill", "gradientfill", "patternfill")
_BY_PIXELS = {"type": "text layer", "smartobject": "smart object", "shape": "shape"}


def _name_kind(layer: Layer) -> str:
    """What a layer without pixels of its own is."""
    usual = {"smartobject": "smart object", "type": "text", "solidcolorfill": "fill"}
    return usual.get(layer.kind, layer.kind)


def _is_clipped(layer: Layer) -> bool:
    """Whether a layer is clipped; newer programs clip groups too."""
    return bool(layer._record.clipping == Clipping.NON_BASE)


def _opacity(layer: Layer) -> float:
    return layer.opacity / 255


def _visibility(shown: bool) -> str:
    return "visible" if shown else "hidden"


def _fill_colour(layer: Layer) -> tuple[int, int, int] | None:
    """The one colour of a fill layer, where it is one in RGB."""
    if layer.kind != "solidcolorfill":
        return None
    try:
        colour: Any = layer.data  # type: ignore[attr-defined]
        red, green, blue = (float(colour[key]) for key in (b"Rd  ", b"Grn ", b"Bl  "))
    except (KeyError, TypeError, AttributeError, ValueError):
        return None
    return round(red), round(green), round(blue)


def _both(one: Grey | None, other: Grey | None) -> Grey | None:
    """Two masks at once."""
    if one is None or other is None:
        return other if one is None else one
    both: Grey = (one.astype(np.uint16) * other // 255).astype(np.uint8)
    return both


def _is_rendered(layer: Layer) -> bool:
    """Whether the file holds a layer's vector mask as pixels too."""
    mask = layer.mask
    return mask is not None and (mask.has_real() or mask.flags.user_mask_from_render)


def _from_lab(image: Image.Image) -> Image.Image:
    bands = ImageCms.profileToProfile(
        image, ImageCms.createProfile("LAB"), ImageCms.createProfile("sRGB"), outputMode="RGB"
    )
    return bands if bands is not None else image.getchannel(0).convert("RGB")


def _soften(mask: Grey, radius_px: float) -> Grey:
    soft = blur(mask.astype(np.float32), float(radius_px), edge="nearest")
    return np.clip(np.rint(soft), 0, 255).astype(np.uint8)


def _paste(canvas: NDArray[np.uint8], part: NDArray[np.uint8], x: int, y: int) -> None:
    """Put an array where it lies, as far as it lies on the canvas."""
    height_px, width_px = canvas.shape[:2]
    x0, y0 = max(0, x), max(0, y)
    x1, y1 = min(width_px, x + part.shape[1]), min(height_px, y + part.shape[0])
    if x0 < x1 and y0 < y1:
        canvas[y0:y1, x0:x1] = part[y0 - y : y1 - y, x0 - x : x1 - x]


def _cut(part: _SheetPart, inside: Grey) -> _SheetPart:
    """A clipped layer with its base's outline as its mask."""
    return replace(part, mask=_both(part.mask, inside))


def _hide(part: _SheetPart) -> _SheetPart:
    return replace(part, visible=False)


def _is_plain(base: _SheetPart, inside: Grey, clipped: Sequence[_SheetPart]) -> bool:
    """Whether layers cut to their base's outline look as they do when they are clipped to it."""
    if not base.visible or not any(part.visible for part in clipped):
        return True
    hard = bool(((inside == 0) | (inside == 255)).all())
    return hard and base.opacity == 1.0 and base.blend == NORMAL


def _png(picture: NDArray[np.uint8]) -> bytes:
    content = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(picture)).save(content, "PNG", compress_level=1)
    return content.getvalue()


def _limit(seconds: int) -> None:
    """Bounds of this process, where the system has them."""
    try:
        import resource
    except ImportError:
        return
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


def _refuse(error: LaminaError) -> NoReturn:
    print(json.dumps([error.what, error.limit, error.remedy]), file=sys.stderr)
    raise SystemExit(REFUSED)


def main(arguments: Sequence[str]) -> None:
    """Take a file apart within so many seconds of computing; the exit status says how it went."""
    _limit(int(arguments[0]))
    logging.disable(logging.ERROR)
    try:
        psd = PSDImage.open(io.BytesIO(sys.stdin.buffer.read()))
        require_size(psd.width, psd.height)
        content = PhotoshopConversion(psd).convert()
    except LaminaError as error:
        _refuse(error)
    except MemoryError:
        raise SystemExit(EXHAUSTED) from None
    sys.stdout.buffer.write(content)


if __name__ == "__main__":
    main(sys.argv[1:])
