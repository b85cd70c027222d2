"""Which edges a plan's layers are held to, and how strongly each place is."""

from __future__ import annotations

from typing import Any

import numpy as np

from backend.plan.build import build_plan
from backend.plan.raster import raster
from backend.plan.request import Compose
from backend.plan.structure import Structure, structure_of
from backend.scene.layer import Layer, Placement
from backend.scene.layer import Structure as Asked
from backend.scene.pixels import MemoryPixels
from backend.scene.scene import Scene
from tests.plan.word_card import WordCard

SIDE = 64
HELD = Asked(kind="edges", weight=0.8)


def found(*layers: dict[str, Any]) -> Structure:
    """The structure of layers, each given by its ``rgba`` picture and other fields, at the canvas' own size."""
    pixels = MemoryPixels()
    made = []
    for number, given in enumerate(layers):
        rgba = given.pop("rgba")
        centre = Placement(centre_x_px=given.pop("x", SIDE / 2), centre_y_px=SIDE / 2)
        made.append(Layer(id=f"l{number}", picture=pixels.add_picture(rgba), placement=centre, **given))
    scene = Scene(width_px=SIDE, height_px=SIDE, prompt="a fox", layers=tuple(made))
    plan = build_plan(scene, Compose(), WordCard(), pixels)
    assert (plan.width_px, plan.height_px) == (SIDE, SIDE)
    return structure_of(plan, raster(plan, pixels), pixels)


def plate(side: int, level: int, stripe: bool = False) -> np.ndarray:
    """An opaque square, perhaps with a dark upright stripe in the middle."""
    rgba = np.full((side, side, 4), level, np.uint8)
    if stripe:
        rgba[:, side // 2 - 3 : side // 2 + 3] = 10
    rgba[..., 3] = 255
    return rgba


def cutout(side: int) -> np.ndarray:
    """A bright square with a wide transparent border."""
    rgba = np.full((side, side, 4), 230, np.uint8)
    rgba[..., 3] = 0
    rgba[side // 4 : -side // 4, side // 4 : -side // 4, 3] = 255
    return rgba


def test_the_frame_of_a_pasted_photograph_is_no_edge() -> None:
    held = found({"rgba": plate(SIDE, 60)}, {"rgba": plate(32, 220, stripe=True), "structure": HELD})
    columns = np.nonzero(held.edges.any(axis=0))[0]
    assert set(columns) <= set(range(27, 38))
    assert held.edges.any()


def test_the_silhouette_of_a_cutout_is_one() -> None:
    held = found({"rgba": plate(SIDE, 200)}, {"rgba": cutout(48), "structure": HELD})
    rows = np.nonzero(held.edges.any(axis=1))[0]
    assert rows.min() in (19, 20)
    assert rows.max() in (43, 44)


def test_layers_that_ask_for_nothing_have_no_edges() -> None:
    held = found({"rgba": plate(SIDE, 60, stripe=True)}, {"rgba": cutout(32), "structure": HELD})
    assert not held.edges[:8].any()
    free = found({"rgba": plate(SIDE, 60, stripe=True), "structure": Asked(kind="edges", weight=0.0)})
    assert not free.edges.any()
    assert not free.weights.any()


def test_hidden_edges_are_left_out_and_no_seam_takes_their_place() -> None:
    held = found({"rgba": plate(SIDE, 200, stripe=True), "structure": HELD}, {"rgba": plate(32, 120)})
    assert held.edges[4:12].any()
    assert not held.edges[20:44, 20:44].any()
    columns = set(np.nonzero(held.edges.any(axis=0))[0])
    assert columns <= set(range(27, 38))


def test_the_weight_is_that_of_the_topmost_layer() -> None:
    held = found(
        {"rgba": plate(SIDE, 200), "structure": Asked(kind="edges", weight=0.25)},
        {"rgba": plate(16, 90), "structure": HELD, "x": 16.0},
        {"rgba": plate(16, 90), "x": 48.0},
    )
    assert held.weights[0, 0] == np.float32(0.25)
    assert held.weights[32, 16] == np.float32(0.8)
    assert held.weights[32, 48] == 0
