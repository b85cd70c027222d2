"""The structure that a plan's layers hold on to: one picture of edges, and how strongly each place is held."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.plan.plan import Plan, PlannedLayer
from backend.plan.raster import Raster
from backend.scene.composite import Floats
from backend.scene.edges import layer_edges
from backend.scene.placing import place, place_alpha
from backend.scene.scene import Pixels

SEEN_SHARE = 0.25
"""A layer's edges count where at least this share of the pixel, or of a neighbour, is the layer's."""


@dataclass(frozen=True, eq=False)
class Structure:
    """``edges`` bool (h, w) and ``weights`` float32 (h, w) in 0..1, both at generation size."""

    edges: NDArray[np.bool_]
    weights: Floats


def structure_of(plan: Plan, flat: Raster, pixels: Pixels) -> Structure:
    """The edges of all layers that have a structure, each where it is seen, and the weight of the topmost layer.

    A layer is looked at alone, so neither the line where its picture ends nor the border of its painted mask nor the
    overlap with its neighbours is an edge. A layer without a picture has no edges and holds nothing.
    """
    shape = (plan.height_px, plan.width_px)
    edges = np.zeros(shape, np.bool_)
    levels = np.zeros(len(plan.layers) + 1, np.float32)
    for number, layer in enumerate(plan.layers, start=1):
        if not holds(layer):
            continue
        near = ndimage.binary_dilation(flat.visibility[number] >= SEEN_SHARE, np.ones((3, 3)))
        edges |= _edges(layer, pixels, shape) & near
        levels[number] = layer.structure.weight
    return Structure(edges, levels[flat.topmost])


def holds(layer: PlannedLayer) -> bool:
    """Whether a layer holds on to its own structure."""
    return layer.structure.kind != "none" and layer.structure.weight > 0 and layer.picture is not None


def _edges(layer: PlannedLayer, pixels: Pixels, shape: tuple[int, int]) -> NDArray[np.bool_]:
    """The edges of one layer's picture on the canvas, painted mask and opacity left aside."""
    if layer.picture is None:
        return np.zeros(shape, np.bool_)
    picture = pixels.picture(layer.picture)
    placed = place(picture, layer.placement, shape[1], shape[0])
    opaque = np.full_like(picture, 255)
    frame = place_alpha(opaque, layer.placement, shape[1], shape[0])
    alpha = placed[..., 3]
    straight = placed[..., :3] / np.maximum(alpha, np.float32(1e-3))[..., None]
    return layer_edges(straight.astype(np.float32), alpha, frame)
