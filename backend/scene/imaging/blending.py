"""Blend modes: how a layer's colour meets what lies under it (W3C Compositing and Blending, section
10).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

import numpy as np

from backend.scene.imaging.arrays import Floats

Blend = Literal["normal", "multiply", "screen", "overlay", "soft_light", "darken", "lighten"]


def _screen(below: Floats, above: Floats) -> Floats:
    return below + above - below * above


def _hard_light(below: Floats, above: Floats) -> Floats:
    return np.where(above <= 0.5, below * 2 * above, _screen(below, 2 * above - 1))


def _soft_light(below: Floats, above: Floats) -> Floats:
    lifted = np.where(below <= 0.25, ((16 * below - 12) * below + 4) * below, np.sqrt(below))
    darker = below - (1 - 2 * above) * below * (1 - below)
    return np.where(above <= 0.5, darker, below + (2 * above - 1) * (lifted - below))


_MODES: Mapping[Blend, Callable[[Floats, Floats], Floats]] = MappingProxyType(
    {
        "multiply": lambda below, above: below * above,
        "screen": _screen,
        "overlay": lambda below, above: _hard_light(above, below),
        "soft_light": _soft_light,
        "darken": np.minimum,
        "lighten": np.maximum,
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
    }
)


def blend_over(below: Floats, above: Floats, blend: Blend) -> Floats:
    """A sheet over another, both (h, w, 4) in 0..1, premultiplied; a new array.

    The colour of ``above`` is blended only where ``below`` is there: over nothing every mode is
    normal.
    """
    result: Floats = above + below * (1.0 - above[..., 3:])
    if blend == "normal":
        return result
    both = above[..., 3:] * below[..., 3:]
    mixed = _MODES[blend](_straight(below), _straight(above))
    result[..., :3] += both * mixed - above[..., :3] * below[..., 3:]
    return result


def _straight(sheet: Floats) -> Floats:
    """The colour of a premultiplied sheet, (h, w, 3); 0 where nothing is."""
    alpha = sheet[..., 3:]
    colour: Floats = np.divide(
        sheet[..., :3], alpha, out=np.zeros_like(sheet[..., :3]), where=alpha > 0
    )
    return np.minimum(colour, np.float32(1))
