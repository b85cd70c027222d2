"""The ControlNet: do edges that are asked for come out, and only in the layers that ask for
them?
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage

from backend.evaluation.asking import run_plan, scene_of_drawing, settings_for
from backend.evaluation.pocket_suite import ATTENTION, PocketSuite
from backend.evaluation.report import ReportRow, build_metric
from backend.evaluation.sheet import Tile
from backend.metrics.outline import edge_f1
from backend.plan.build import build_plan
from backend.plan.plan import Plan
from backend.plan.raster import Raster, raster
from backend.plan.request import Compose
from backend.plan.structure import PlannedStructure, structure_of
from backend.pocket.world.world import Drawing
from backend.scene.layer import Structure as Asked
from backend.scene.pixels import MemoryPixels

REACH_PX = 3
"""Edges count up to this far beyond a layer: the outline itself lies on its border."""


def controlnet_row(suite: PocketSuite) -> ReportRow:
    """Two objects from pure noise, no attention control: edge F1 of both held at weight 1 against
    both free (``edge_f1_gain``), and, in one picture, of the held one against the free one
    (``layer_gain``).
    """
    gains: list[float] = []
    held: list[float] = []
    differences: list[float] = []
    for number, drawing in enumerate(suite.drawings(60_000, (2,))):
        pictures = [
            _draw(suite, drawing, weights, number)
            for weights in ((1.0, 1.0), (0.0, 0.0), (1.0, 0.0))
        ]
        asked, flat = _extract_edges(suite, drawing, number)
        whole, free, mixed = (_scores(picture, asked, flat) for picture in pictures)
        held.append(float(np.nanmean(whole)))
        gains.append(float(np.nanmean(whole) - np.nanmean(free)))
        differences.append(mixed[0] - mixed[1])
        if number < 4:
            lines = np.repeat((asked.edges * 255).astype(np.uint8)[..., None], 3, axis=2)
            names = ("held", "free", "first held")
            tiles = [Tile(picture, name) for picture, name in zip(pictures, names, strict=True)]
            suite.tiles.append([Tile(lines, "edges"), *tiles])
    known = [value for value in differences if not np.isnan(value)]
    metrics = {
        "edge_f1_gain": build_metric(gains),
        "edge_f1": build_metric(held),
        "layer_gain": build_metric(known),
    }
    return ReportRow("controlnet", metrics, len(gains))


def _plan(
    suite: PocketSuite, drawing: Drawing, weights: tuple[float, float], seed: int
) -> tuple[Plan, MemoryPixels]:
    scene, pixels = scene_of_drawing(drawing, list(drawing.cutouts), ATTENTION)
    layers = tuple(
        layer.model_copy(update={"structure": Asked(kind="edges", weight=weight)})
        for layer, weight in zip(scene.layers, weights, strict=True)
    )
    scene = scene.model_copy(update={"layers": layers})
    settings = settings_for(suite.bundle.card.id, seed, {"attention": False})
    return build_plan(scene, Compose(settings=settings), suite.bundle.card, pixels), pixels


def _draw(
    suite: PocketSuite, drawing: Drawing, weights: tuple[float, float], seed: int
) -> NDArray[np.uint8]:
    plan, pixels = _plan(suite, drawing, weights, seed)
    return run_plan(suite.bundle, plan, pixels)[0]


def _extract_edges(
    suite: PocketSuite, drawing: Drawing, seed: int
) -> tuple[PlannedStructure, Raster]:
    """The edges of both objects, and where each is seen."""
    plan, pixels = _plan(suite, drawing, (1.0, 1.0), seed)
    flat = raster(plan, pixels)
    return structure_of(plan, flat, pixels), flat


def _scores(picture: NDArray[np.uint8], asked: PlannedStructure, flat: Raster) -> list[float]:
    """Edge F1 near each object."""
    reach = np.ones((2 * REACH_PX + 1,) * 2, np.bool_)
    places = [ndimage.binary_dilation(flat.topmost == number, reach) for number in (1, 2)]
    return [edge_f1(picture, asked.edges, place) for place in places]
