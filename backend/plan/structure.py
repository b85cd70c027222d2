"""The structure that a plan's layers hold on to: a picture of each kind, and how strongly each
place is held.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.plan.plan import Plan, PlannedLayer
from backend.plan.raster import Raster
from backend.scene.imaging.arrays import Floats
from backend.scene.imaging.edges import layer_edges, layer_soft_edges
from backend.scene.layer import StructureKind
from backend.scene.placing import place, place_alpha
from backend.scene.scene import Pixels

SEEN_SHARE = 0.25
"""A layer's edges count where at least this share of the pixel, or of a neighbour, is the layer's.
"""
KINDS: tuple[StructureKind, ...] = ("edges", "soft_edges", "depth")


@dataclass(frozen=True, eq=False)
class PlannedStructure:
    """``hint`` float32 (h, w) in 0..1, what the ControlNet of this kind sees, and ``weights``
    float32 (h, w) in 0..1.

    Both at generation size. A depth's hint is empty here: a network makes it of the flat collage.
    """

    kind: StructureKind
    hint: Floats
    weights: Floats

    @property
    def edges(self) -> NDArray[np.bool_]:
        """Where the hint is at least a half."""
        return self.hint >= 0.5


def structures_of(plan: Plan, flat: Raster, pixels: Pixels) -> tuple[PlannedStructure, ...]:
    """One for each kind that any layer holds to."""
    held = {layer.structure.kind for layer in plan.layers if holds(layer)}
    return tuple(structure_of(plan, flat, pixels, kind) for kind in KINDS if kind in held)


def structure_of(
    plan: Plan, flat: Raster, pixels: Pixels, kind: StructureKind = "edges"
) -> PlannedStructure:
    """The edges of all layers that hold to this kind, each where it is seen, and the weight of the
    topmost layer.

    A layer is looked at alone, so neither the line where its picture ends nor the border of its
    painted mask nor the overlap with its neighbours is an edge. A layer without a picture has no
    edges and holds nothing.
    """
    shape = (plan.height_px, plan.width_px)
    hint = np.zeros(shape, np.float32)
    levels = np.zeros(len(plan.layers) + 1, np.float32)
    for number, layer in enumerate(plan.layers, start=1):
        if not holds(layer) or layer.structure.kind != kind:
            continue
        levels[number] = layer.structure.weight
        if kind != "depth":
            near = ndimage.binary_dilation(
                flat.visibility[number] >= SEEN_SHARE, np.ones((3, 3), np.bool_)
            )
            hint = np.maximum(hint, _draw_edges(layer, pixels, shape) * near)
    return PlannedStructure(kind, hint, levels[flat.topmost])


def holds(layer: PlannedLayer) -> bool:
    """Whether a layer holds on to its own structure."""
    return (
        layer.structure.kind != "none" and layer.structure.weight > 0 and layer.picture is not None
    )


def _draw_edges(layer: PlannedLayer, pixels: Pixels, shape: tuple[int, int]) -> Floats:
    """The edges of one layer's picture on the canvas, painted mask and opacity left aside."""
    if layer.picture is None:
        return np.zeros(shape, np.float32)
    picture = pixels.picture(layer.picture)
    placed = place(picture, layer.placement, shape[1], shape[0])
    opaque = np.full_like(picture, 255)
    frame = place_alpha(opaque, layer.placement, shape[1], shape[0])
    alpha = placed[..., 3]
    straight = (placed[..., :3] / np.maximum(alpha, np.float32(1e-3))[..., None]).astype(np.float32)
    if layer.structure.kind == "soft_edges":
        return layer_soft_edges(straight, alpha, frame)
    return layer_edges(straight, alpha, frame).astype(np.float32)
