"""The pixels and masks of a plan at generation size."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from backend.errors import RequestError
from backend.plan.plan import Cover, OneLayer, Plan, PlannedLayer
from backend.scene.composite import (
    Sheet,
    alpha_of,
    ground,
    lay_over,
    over_grey,
    sheet_of,
    topmost_of,
    visibility,
)
from backend.scene.imaging.arrays import Floats, Picture
from backend.scene.imaging.mask import resize_area
from backend.scene.scene import Pixels

WHOLLY_HELD = 0.999
"""A share from here on is 1: a partition in single precision does not sum up exactly."""


@dataclass(frozen=True, eq=False)
class Raster:
    """What a plan's layers look like. Layers go from back to front; index 0 of ``visibility`` is
    what none covers.

    ``picture`` uint8 (h, w, 3) over grey or over the source; ``alphas`` float32 (n, h, w): picture
    × mask × opacity; ``visibility`` float32 (n + 1, h, w), a soft partition; ``topmost`` int (h,
    w), 1…n, 0 = uncovered.
    """

    picture: NDArray[np.uint8]
    alphas: Floats
    visibility: Floats
    topmost: NDArray[np.int64]


def raster(plan: Plan, pixels: Pixels) -> Raster:
    """Lay out the plan's layers over grey, or over the picture that is re-rolled in."""
    size = (plan.width_px, plan.height_px)
    target = plan.target
    flat = ground(
        size, pixels.picture(target.source)[..., :3] if isinstance(target, OneLayer) else None
    )
    alphas = np.empty((len(plan.layers), plan.height_px, plan.width_px), np.float32)
    for index, layer in enumerate(plan.layers):
        sheet = _sheet(layer, pixels, size)
        if isinstance(target, OneLayer):
            sheet = _cut(sheet, target.above, pixels, size)
        flat = lay_over(flat, sheet)
        alphas[index] = sheet.alpha
    parts = visibility(alphas)
    return Raster(over_grey(flat), alphas, parts, topmost_of(parts))


def stack_pictures(plan: Plan, pixels: Pixels) -> tuple[tuple[NDArray[np.uint8], Floats], ...]:
    """For every layer i the picture of layers 1…i, uint8 (h, w, 3), and the layer's own alpha,
    float32 (h, w).
    """
    size = (plan.width_px, plan.height_px)
    flat = ground(
        size,
        pixels.picture(plan.target.source)[..., :3] if isinstance(plan.target, OneLayer) else None,
    )
    made = []
    for layer in plan.layers:
        sheet = _sheet(layer, pixels, size)
        flat = lay_over(flat, sheet)
        made.append((over_grey(flat), sheet.alpha))
    return tuple(made)


def read_strength_maps(plan: Plan, pixels: Pixels) -> tuple[NDArray[np.float64] | None, ...]:
    """For every layer its painted freedom, float64 (h, w) in 0..1 at generation size; None where
    none was painted.

    A grey g is the number g / 255. Sixteenths of a grey are told apart, so that a uniform map stays
    uniform when it is resized.
    """
    size = (plan.width_px, plan.height_px)
    found: list[NDArray[np.float64] | None] = []
    for layer in plan.layers:
        if layer.strength_map is None:
            found.append(None)
            continue
        grey = resize_area(pixels.mask(layer.strength_map), *size).astype(np.float64)
        found.append(np.rint(grey * 16) / 16 / 255)
    return tuple(found)


def strengths_of(plan: Plan, pixels: Pixels) -> tuple[float | NDArray[np.float64], ...]:
    """The strength of uncovered pixels, then of each layer: a number, or its painted map (h, w)."""
    uncovered = 0.0 if isinstance(plan.target, OneLayer) else plan.target.uncovered_strength
    painted = read_strength_maps(plan, pixels)
    own = (
        layer.strength if strength is None else strength
        for layer, strength in zip(plan.layers, painted, strict=True)
    )
    return (uncovered, *own)


def find_wholly_held(
    parts: Floats, strengths: Sequence[float | NDArray[np.float64]], steps: int
) -> Floats:
    """How much of each pixel belongs to layers that a run never sets free: float32 (h, w) in 0..1.

    ``parts`` is a visibility (n + 1, h, w), ``strengths`` are of what no layer covers and then of
    each layer; a strength h is held where ⌊N·h⌋ = 0 for N ``steps``.
    """
    share = np.zeros(parts.shape[1:], np.float32)
    for visible, strength in zip(parts, strengths, strict=True):
        share += visible * (np.floor(steps * np.asarray(strength)) == 0)
    share[share > WHOLLY_HELD] = 1.0
    return share


def fill_painted(plan: Plan, pixels: Pixels, picture: Picture) -> Picture:
    """The plan's stack over ``picture``, uint8 (h, w, 3), which also fills every painted layer."""
    size = (plan.width_px, plan.height_px)
    under = ground(size, picture)
    flat = under
    for layer in plan.layers:
        own = pixels.picture(layer.picture) if layer.picture else None
        mask = pixels.mask(layer.mask) if layer.mask else None
        sheet = sheet_of(own, mask, layer.placement, layer.opacity, size)
        colour: NDArray[np.float32] = (
            under * sheet.alpha[..., None] if own is None else sheet.colour
        )
        flat = lay_over(flat, replace(sheet, colour=colour, blend=layer.blend))
    return over_grey(flat)


def require_painted(plan: Plan) -> tuple[PlannedLayer, ...]:
    """The layers without a picture, from back to front; a RequestError when there is none, or one
    without a mask.
    """
    if isinstance(plan.target, OneLayer):
        raise RequestError(
            "TCIG draws whole pictures.",
            remedy="Choose Collage Diffusion to make one layer of a picture again.",
        )
    painted = tuple(layer for layer in plan.layers if layer.picture is None)
    if not painted:
        reasons = " ".join(note.text for note in plan.notes if note.layer_id)
        raise RequestError(
            "No painted mask takes part.",
            limit=reasons or ("Every layer holds a picture." if plan.layers else ""),
            remedy="Paint a mask and name its class; for pictures alone choose Collage Diffusion.",
        )
    for layer in painted:
        if layer.mask is None:
            raise RequestError(
                (
                    f"“{layer.phrase or layer.class_label or layer.id}” has neither a mask "
                    "nor a picture."
                ),
                limit="As it stands it would claim the whole canvas.",
                remedy="Paint where it should be, or hide the layer.",
            )
    return painted


def _sheet(layer: PlannedLayer, pixels: Pixels, size: tuple[int, int]) -> Sheet:
    picture = pixels.picture(layer.picture) if layer.picture else None
    mask = pixels.mask(layer.mask) if layer.mask else None
    return replace(sheet_of(picture, mask, layer.placement, layer.opacity, size), blend=layer.blend)


def _cut(sheet: Sheet, above: tuple[Cover, ...], pixels: Pixels, size: tuple[int, int]) -> Sheet:
    """The part of a sheet that the layers above it leave to be seen."""
    left = np.ones((size[1], size[0]), np.float32)
    for cover in above:
        picture = pixels.picture(cover.picture) if cover.picture else None
        mask = pixels.mask(cover.mask) if cover.mask else None
        left *= 1.0 - alpha_of(picture, mask, cover.placement, cover.opacity, size)
    return Sheet(sheet.colour * left[..., None], sheet.alpha * left, sheet.blend)


def split_into_cells(pixels: NDArray[Any], cell_px: int) -> NDArray[Any]:
    """A map of pixels (H, W) by latent cell: (h, cell_px, w, cell_px), whole ones."""
    rows, columns = (side // cell_px for side in pixels.shape)
    whole = pixels[: rows * cell_px, : columns * cell_px]
    return whole.reshape(rows, cell_px, columns, cell_px)


def cell_centres(pixels: NDArray[Any], cell_px: int) -> NDArray[Any]:
    """A map of pixels (H, W) at the centre of every latent cell: (h, w)."""
    return split_into_cells(pixels, cell_px)[:, cell_px // 2, :, cell_px // 2]


def cells_owned(inside: NDArray[np.bool_], cell_px: int) -> NDArray[np.bool_]:
    """The latent cells (h, w) whose centre lies inside (H, W); without one, all that it touches."""
    centres: NDArray[np.bool_] = cell_centres(inside, cell_px)
    if centres.any():
        return centres
    return np.asarray(split_into_cells(inside, cell_px).any(axis=(1, 3)))
