"""What is seen of a stack of layers: soft visibility, the topmost layer, and the flat picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.blending import Blend, blend_over
from backend.scene.imaging.mask import resize_area
from backend.scene.layer import Layer, Placement
from backend.scene.placing import place, place_alpha
from backend.scene.scene import Pixels, Scene

GREY = (150, 150, 150)
"""What lies under every layer (the released code of Collage Diffusion uses it too)."""


@dataclass(frozen=True, eq=False)
class Sheet:
    """A layer on the canvas: ``colour`` float32 (h, w, 4) in 0..1, premultiplied, and its ``alpha``
    (h, w).

    They differ for a layer that is a mask without a picture: it claims its region (alpha) and
    paints nothing. ``blend`` is how the colour meets what lies below.
    """

    colour: Floats
    alpha: Floats
    blend: Blend = "normal"


def sheet_of(
    picture: Picture | None,
    mask: Picture | None,
    placement: Placement,
    opacity: float,
    size: tuple[int, int],
) -> Sheet:
    """A layer's sheet: picture × painted mask × opacity. ``size`` is (width, height); masks are
    resized to it.
    """
    if picture is None:
        alpha = alpha_of(None, mask, placement, opacity, size)
        return Sheet(np.zeros((size[1], size[0], 4), np.float32), alpha)
    colour = place(picture, placement, *size)
    if mask is not None:
        colour *= _inside(mask, size)[..., None]
    if opacity != 1.0:
        colour *= np.float32(opacity)
    return Sheet(colour, colour[..., 3])


def alpha_of(
    picture: Picture | None,
    mask: Picture | None,
    placement: Placement,
    opacity: float,
    size: tuple[int, int],
) -> Floats:
    """The alpha of :func:`sheet_of` alone: float32 (h, w) in 0..1."""
    shape = (size[1], size[0])
    alpha = (
        np.ones(shape, np.float32) if picture is None else place_alpha(picture, placement, *size)
    )
    if mask is not None:
        alpha = alpha * _inside(mask, size)
    return alpha if opacity == 1.0 else alpha * np.float32(opacity)


def visibility(alphas: Floats) -> Floats:
    """The soft partition of the canvas: alphas (n, h, w) from back to front → (n + 1, h, w), index
    0 = uncovered.

    M_i = a_i · ∏_{j above i} (1 - a_j), and M_0 what none covers; the sum over the first axis is 1.
    """
    parts = np.empty((alphas.shape[0] + 1, *alphas.shape[1:]), np.float32)
    left = np.ones(alphas.shape[1:], np.float32)
    for index in range(alphas.shape[0] - 1, -1, -1):
        np.multiply(alphas[index], left, out=parts[index + 1])
        left = left - parts[index + 1]
    np.clip(left, 0.0, 1.0, out=parts[0])
    return parts


def topmost(alphas: Floats) -> NDArray[np.int64]:
    """The layer that is seen most at each pixel: int (h, w), 1…n from back to front, 0 = uncovered.
    Ties go up.
    """
    return topmost_of(visibility(alphas))


def topmost_of(parts: Floats) -> NDArray[np.int64]:
    """:func:`topmost` of a visibility (n + 1, h, w) that is already there."""
    seen: NDArray[np.int64] = (parts.shape[0] - 1) - np.argmax(parts[::-1], axis=0)
    return seen


def lay_over(below: Floats, sheet: Sheet) -> Floats:
    """A sheet over what lies below (h, w, 4), premultiplied, in 0..1; a new array."""
    return blend_over(below, sheet.colour, sheet.blend)


def ground(size: tuple[int, int], background: Picture | None = None) -> Floats:
    """What lies under all layers, nothing or a picture uint8 (h, w, 3): float32 (h, w, 4) in 0..1,
    premultiplied.
    """
    under = np.zeros((size[1], size[0], 4), np.float32)
    if background is not None:
        under[..., :3] = background.astype(np.float32) / np.float32(255)
        under[..., 3] = 1.0
    return under


def over_grey(flat: Floats) -> Picture:
    """Sheets laid over one another, (h, w, 4) premultiplied, over grey: uint8 (h, w, 3)."""
    grey = np.array(GREY, np.float32) / np.float32(255)
    return to_bytes(flat[..., :3] + grey * (1.0 - flat[..., 3:]))


def flatten(
    sheets: Sequence[Sheet], size: tuple[int, int], background: Picture | None = None
) -> Picture:
    """The sheets from back to front over grey, or over a picture uint8 (h, w, 3): uint8 (h, w, 3).

    ``size`` is (width, height). Grey is seen through, and never blended with.
    """
    flat = ground(size, background)
    for sheet in sheets:
        flat = lay_over(flat, sheet)
    return over_grey(flat)


def flatten_scene(scene: Scene, pixels: Pixels) -> Picture:
    """The scene as it looks in the editor, at canvas size: uint8 (h, w, 3)."""
    size = (scene.width_px, scene.height_px)
    return flatten([layer_sheet(layer, pixels, size) for layer in scene.visible_layers()], size)


def layer_sheet(layer: Layer, pixels: Pixels, size: tuple[int, int]) -> Sheet:
    """The sheet of a layer of a scene at canvas size (width, height)."""
    picture = pixels.picture(layer.picture) if layer.picture else None
    mask = pixels.mask(layer.mask) if layer.mask else None
    return replace(sheet_of(picture, mask, layer.placement, layer.opacity, size), blend=layer.blend)


def to_bytes(values: Floats) -> Picture:
    """0..1 to 0..255, rounded."""
    return (np.clip(values, 0.0, 1.0) * 255.0 + 0.5).astype(np.uint8)


def _inside(mask: Picture, size: tuple[int, int]) -> Floats:
    """A painted mask uint8 (h, w) as inside-ness 0..1 of the given size."""
    return resize_area(mask, *size) * np.float32(1 / 255)
