"""Blend modes against the table that the page is held to as well (``tests/tables/blends.json``)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from backend.scene.blobs import MemoryPixels
from backend.scene.composite import flatten_scene
from backend.scene.imaging.blending import OPENRASTER_NAMES, Blend
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

TABLE = json.loads(
    (Path(__file__).parents[2] / "tables" / "blends.json").read_text(encoding="utf-8")
)
SIDE_PX = 16


def blend_row(row: dict[str, Any]) -> np.ndarray:
    """The two colours of a row as two layers of a scene, flattened."""
    pixels = MemoryPixels()
    middle = Placement(centre_x_px=SIDE_PX / 2, centre_y_px=SIDE_PX / 2)
    layers = []
    for name, blend in (("below", "normal"), ("above", row["blend"])):
        picture = np.full((SIDE_PX, SIDE_PX, 4), row[name], np.uint8)
        layers.append(
            Layer(id=name, picture=pixels.add_picture(picture), placement=middle, blend=blend)
        )
    return flatten_scene(Scene(width_px=SIDE_PX, height_px=SIDE_PX, layers=tuple(layers)), pixels)


@pytest.mark.parametrize("blend", get_args(Blend))
def test_every_mode_follows_the_table_within_one_step(blend: str) -> None:
    rows = [row for row in TABLE if row["blend"] == blend]
    assert len(rows) >= 12
    for row in rows:
        assert np.abs(blend_row(row) - np.round(row["over_grey"])).max() <= 1.0, row


def test_every_mode_has_a_name_in_openraster() -> None:
    assert set(OPENRASTER_NAMES) == set(get_args(Blend))
