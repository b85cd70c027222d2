"""Blend modes: how a layer's colour meets what lies under it (W3C Compositing and Blending, section
10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from backend.scene.imaging.arrays import Floats

Blend = Literal[
    "normal",
    "multiply",
    "screen",
    "overlay",
    "soft_light",
    "darken",
    "lighten",
    "color_dodge",
    "color_burn",
    "hard_light",
    "difference",
    "hue",
    "saturation",
    "color",
    "luminosity",
    "add",
    "soft_light_krita",
]
Cover = Literal["dst_in", "dst_out", "src_atop", "dst_atop"]
"""Operators that cut: what a sheet leaves of what lies below it, also where it is not itself."""

_LUMA = np.array([0.3, 0.59, 0.11], np.float32)
"""The weights of W3C Compositing and Blending, section 10.2."""
_TINY = np.float32(1e-6)
"""What counts as black, or as white, where a mode divides."""


def _screen(below: Floats, above: Floats) -> Floats:
    return below + above - below * above


def _hard_light(below: Floats, above: Floats) -> Floats:
    return np.where(above <= 0.5, below * 2 * above, _screen(below, 2 * above - 1))


def _soft_light(below: Floats, above: Floats) -> Floats:
    lifted = np.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, np.sqrt(below))
    darker = below - (1 - 2 * above) * below * (1 - below)
    return np.where(above <= 0.5, darker, below + (2 * above - 1) * (lifted - below))


def _soft_light_krita(below: Floats, above: Floats) -> Floats:
    """Krita's default soft light, as in Photoshop: the root is taken of dark colours too."""
    lighter = below + (2 * above - 1) * (np.sqrt(below) - below)
    return np.where(above > 0.5, lighter, below - (1 - 2 * above) * below * (1 - below))


def _color_dodge(below: Floats, above: Floats) -> Floats:
    lifted = np.minimum(1, below / np.maximum(1 - above, _TINY))
    return np.where(below <= _TINY, np.float32(0), lifted)


def _color_burn(below: Floats, above: Floats) -> Floats:
    return 1 - _color_dodge(1 - below, 1 - above)


def _luma(colour: Floats) -> Floats:
    light: Floats = (colour * _LUMA).sum(axis=-1, keepdims=True)
    return light


def _range(colour: Floats) -> Floats:
    """How far the bands of a colour lie apart, (h, w, 1): its saturation."""
    spread: Floats = np.ptp(colour, axis=-1, keepdims=True)
    return spread


def _with_luma(colour: Floats, light: Floats) -> Floats:
    """The colour moved to a lightness, and drawn towards grey as far as it leaves 0..1."""
    moved = colour + (light - _luma(colour))
    least, most = moved.min(axis=-1, keepdims=True), moved.max(axis=-1, keepdims=True)
    down = np.where(least < 0, light / np.maximum(light - least, _TINY), np.float32(1))
    up = np.where(most > 1, (1 - light) / np.maximum(most - light, _TINY), np.float32(1))
    drawn: Floats = light + (moved - light) * np.minimum(down, up)
    return drawn


def _with_range(colour: Floats, saturation: Floats) -> Floats:
    """The colour with its least band at 0 and its largest at the saturation."""
    least = colour.min(axis=-1, keepdims=True)
    stretched: Floats = (colour - least) * (saturation / np.maximum(_range(colour), _TINY))
    return stretched


_MODES: Mapping[Blend, Callable[[Floats, Floats], Floats]] = MappingProxyType(
    {
        "multiply": lambda below, above: below * above,
        "screen": _screen,
        "overlay": lambda below, above: _hard_light(above, below),
        "soft_light": _soft_light,
        "darken": np.minimum,
        "lighten": np.maximum,
        "color_dodge": _color_dodge,
        "color_burn": _color_burn,
        "hard_light": _hard_light,
        "difference": lambda below, above: np.abs(below - above),
        "hue": lambda below, above: _with_luma(_with_range(above, _range(below)), _luma(below)),
        "saturation": lambda below, above: _with_luma(
            _with_range(below, _range(above)), _luma(below)
        ),
        "color": lambda below, above: _with_luma(above, _luma(below)),
        "luminosity": lambda below, above: _with_luma(below, _luma(above)),
        "soft_light_krita": _soft_light_krita,
    }
)

OPENRASTER_NAMES: Mapping[Blend, str] = MappingProxyType(
    {
        "normal": "svg:src-over",
        "multiply": "svg:multiply",
        "screen": "svg:screen",
        "overlay": "svg:overlay",
        "soft_light": "svg:soft-light",
        "darken": "svg:darken",
        "lighten": "svg:lighten",
        "color_dodge": "svg:color-dodge",
        "color_burn": "svg:color-burn",
        "hard_light": "svg:hard-light",
        "difference": "svg:difference",
        "hue": "svg:hue",
        "saturation": "svg:saturation",
        "color": "svg:color",
        "luminosity": "svg:luminosity",
        "add": "svg:plus",
        "soft_light_krita": "krita:soft_light",
    }
)


COVERS: Mapping[str, Cover] = MappingProxyType(
    {
        "svg:dst-in": "dst_in",
        "svg:dst-out": "dst_out",
        "svg:src-atop": "src_atop",
        "svg:dst-atop": "dst_atop",
    }
)
"""OpenRaster's names of the operators that cut."""


def blend_over(below: Floats, above: Floats, blend: Blend) -> Floats:
    """A sheet over another, both (h, w, 4) in 0..1, premultiplied; a new array.

    The colour of ``above`` is blended only where ``below`` is there: over nothing every mode is
    normal. To add is to add light and coverage alike (the operator "lighter").
    """
    if blend == "add":
        added: Floats = np.minimum(below + above, np.float32(1))
        return added
    result: Floats = above + below * (1.0 - above[..., 3:])
    if blend == "normal":
        return result
    both = above[..., 3:] * below[..., 3:]
    mixed = _MODES[blend](_straight(below), _straight(above))
    result[..., :3] += both * mixed - above[..., :3] * below[..., 3:]
    return result


def cover_over(below: Floats, above: Floats, cover: Cover) -> Floats:
    """What two sheets as in :func:`blend_over` leave of each other under an operator that cuts; a
    new array (Porter and Duff, 1984).
    """
    a, b = above[..., 3:], below[..., 3:]
    if cover == "dst_in":
        return below * a
    if cover == "dst_out":
        return below * (1 - a)
    if cover == "src_atop":
        return above * b + below * (1 - a)
    return above * (1 - b) + below * a


def _straight(sheet: Floats) -> Floats:
    """The colour of a premultiplied sheet, (h, w, 3); 0 where nothing is."""
    alpha = sheet[..., 3:]
    colour: Floats = np.divide(
        sheet[..., :3], alpha, out=np.zeros_like(sheet[..., :3]), where=alpha > 0
    )
    return np.minimum(colour, np.float32(1))
