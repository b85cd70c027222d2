"""Which edges a plan's layers are held to, and how strongly each place is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from backend.plan.build import build_plan
from backend.plan.raster import raster
from backend.plan.request import Compose
from backend.plan.structure import PlannedStructure, structures_of
from backend.scene.blobs import MemoryPixels
from backend.scene.imaging.edges import soft_edges
from backend.scene.layer import Layer, Placement
from backend.scene.layer import Structure as Asked
from backend.scene.scene import Scene
from tests.plan.word_card import WordCard

SIDE = 64
HELD = Asked(kind="edges", weight=0.8)
NOTHING = PlannedStructure(
    "edges", np.zeros((SIDE, SIDE), np.float32), np.zeros((SIDE, SIDE), np.float32)
)


def edges_of(*layers: dict[str, Any]) -> PlannedStructure:
    """The edges of layers; see ``every``."""
    return next((one for one in every(*layers) if one.kind == "edges"), NOTHING)


def every(*layers: dict[str, Any]) -> tuple[PlannedStructure, ...]:
    """The structure of layers, each given by its ``rgba`` picture and other fields, at the canvas'
    own size.
    """
    pixels = MemoryPixels()
    made = []
    for number, given in enumerate(layers):
        rgba = given.pop("rgba")
        centre = Placement(centre_x_px=given.pop("x", SIDE / 2), centre_y_px=SIDE / 2)
        made.append(
            Layer(id=f"l{number}", picture=pixels.add_picture(rgba), placement=centre, **given)
        )
    scene = Scene(width_px=SIDE, height_px=SIDE, prompt="a fox", layers=tuple(made))
    plan = build_plan(scene, Compose(), WordCard(), pixels)
    assert (plan.width_px, plan.height_px) == (SIDE, SIDE)
    return structures_of(plan, raster(plan, pixels), pixels)


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
    held = edges_of(
        {"rgba": plate(SIDE, 60)}, {"rgba": plate(32, 220, stripe=True), "structure": HELD}
    )
    columns = np.nonzero(held.edges.any(axis=0))[0]
    assert set(columns) <= set(range(27, 38))
    assert held.edges.any()


def test_the_silhouette_of_a_cutout_is_one() -> None:
    held = edges_of({"rgba": plate(SIDE, 200)}, {"rgba": cutout(48), "structure": HELD})
    rows = np.nonzero(held.edges.any(axis=1))[0]
    assert rows.min() in (19, 20)
    assert rows.max() in (43, 44)


def test_layers_that_ask_for_nothing_have_no_edges() -> None:
    held = edges_of({"rgba": plate(SIDE, 60, stripe=True)}, {"rgba": cutout(32), "structure": HELD})
    assert not held.edges[:8].any()
    free = edges_of(
        {"rgba": plate(SIDE, 60, stripe=True), "structure": Asked(kind="edges", weight=0.0)}
    )
    assert not free.edges.any()
    assert not free.weights.any()


def test_hidden_edges_are_left_out_and_no_seam_takes_their_place() -> None:
    held = edges_of(
        {"rgba": plate(SIDE, 200, stripe=True), "structure": HELD}, {"rgba": plate(32, 120)}
    )
    assert held.edges[4:12].any()
    assert not held.edges[20:44, 20:44].any()
    columns = set(np.nonzero(held.edges.any(axis=0))[0])
    assert columns <= set(range(27, 38))


def test_the_weight_is_that_of_the_topmost_layer() -> None:
    held = edges_of(
        {"rgba": plate(SIDE, 200), "structure": Asked(kind="edges", weight=0.25)},
        {"rgba": plate(16, 90), "structure": HELD, "x": 16.0},
        {"rgba": plate(16, 90), "x": 48.0},
    )
    assert held.weights[0, 0] == np.float32(0.25)
    assert held.weights[32, 16] == np.float32(0.8)
    assert held.weights[32, 48] == 0


def test_every_kind_has_its_own_map_and_weights() -> None:
    """Layers of three kinds: each kind's weights are where its layer lies, and only edges are drawn
    here.
    """
    soft, deep = Asked(kind="soft_edges", weight=0.5), Asked(kind="depth", weight=0.7)
    kinds = every(
        {"rgba": plate(SIDE, 200), "structure": deep},
        {"rgba": plate(24, 220, stripe=True), "structure": soft, "x": 16.0},
        {"rgba": plate(24, 220, stripe=True), "structure": HELD, "x": 48.0},
    )
    assert [one.kind for one in kinds] == ["edges", "soft_edges", "depth"]
    edges, softened, depth = kinds
    for one, (at, weight) in zip(kinds, ((48, 0.8), (16, 0.5), (2, 0.7)), strict=True):
        assert one.weights[32, at] == np.float32(weight)
        assert (one.weights > 0).sum() < SIDE * SIDE
    assert not edges.edges[:, :32].any()
    assert edges.edges[:, 32:].any()
    assert not softened.hint[:, 32:].any()
    assert softened.hint[:, :32].any()
    assert not depth.hint.any()


def test_soft_edges_grow_with_the_step_and_end_at_one() -> None:
    """Steps of an eighth, a quarter and more: a quarter and a half of full strength, and no more
    than it.
    """
    steps = np.zeros((64, 64), np.float32)
    steps[:, 16:], steps[:, 32:], steps[:, 48:] = 255 / 8, 255 * 3 / 8, 255
    row = soft_edges(steps)[32]
    peaks = [row[at - 4 : at + 4].max() for at in (16, 32, 48)]
    assert peaks[0] == pytest.approx(peaks[1] / 2, rel=1e-3)
    assert peaks[1] == pytest.approx(0.5, abs=0.15)
    assert peaks[2] == 1
    assert row[[4, 24, 40, 60]].max() < 0.01
