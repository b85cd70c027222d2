"""Stacks of placed layers against the table that the page is held to as well
(``tests/tables/stacks.json``).

After a wanted change of the composite: ``python -c "from tests.scene.formats.test_stacks import
write_table; write_table()"``.
"""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from backend.scene.blobs import MemoryPixels
from backend.scene.composite import flatten_scene
from backend.scene.imaging.blending import OPENRASTER_NAMES
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene

PLACE = Path(__file__).parents[2] / "tables" / "stacks.json"
TABLE: list[dict[str, Any]] = (
    json.loads(PLACE.read_text(encoding="utf-8")) if PLACE.exists() else []
)
WIDTH_PX, HEIGHT_PX = 40, 32


def scatter(width_px: int, height_px: int, bands: int) -> np.ndarray:
    """Pixels that differ from all their neighbours, by a formula that the page's test has too:
    uint8 (h, w, bands).
    """
    y, x, band = np.mgrid[:height_px, :width_px, :bands]
    return ((x * 37 + y * 91 + band * 53 + x * y * 7) % 256).astype(np.uint8)


def flat_of(row: dict[str, Any]) -> np.ndarray:
    """The layers of a row as they look: uint8 (h, w, 3)."""
    pixels = MemoryPixels()
    layers = []
    for index, each in enumerate(row["layers"]):
        picture = pixels.add_picture(scatter(*each["size"], 4))
        mask = pixels.add_mask(scatter(WIDTH_PX, HEIGHT_PX, 1)[..., 0]) if each["masked"] else None
        placement = Placement.model_validate(each["placement"])
        look = {"opacity": each["opacity"], "blend": each["blend"]}
        layers.append(
            Layer(id=f"l{index}", picture=picture, mask=mask, placement=placement, **look)
        )
    return flatten_scene(
        Scene(width_px=WIDTH_PX, height_px=HEIGHT_PX, layers=tuple(layers)), pixels
    )


def random_layer(random: np.random.Generator, kind: int) -> dict[str, Any]:
    """Kinds: 0 upright, 1 turned and enlarged, 2 turned and shrunk (blocks and filter), 3 a quarter
    turn in place.
    """
    low, high = ((0.4, 2.5), (1.0, 3.0), (0.1, 0.6), (1.0, 1.0))[kind]
    size = [int(side) for side in random.integers(7, 70, 2)]
    placement = {
        "centre_x_px": 20 + size[0] / 2 if kind == 3 else float(random.uniform(5, 35)),
        "centre_y_px": 10 + size[1] / 2 if kind == 3 else float(random.uniform(5, 27)),
        "scale_x": float(random.uniform(low, high)),
        "scale_y": float(random.uniform(low, high)),
        "rotation_deg": (
            0.0,
            float(random.uniform(-180, 180)),
            float(random.uniform(-180, 180)),
            90.0,
        )[kind],
        "flip_x": bool(random.random() < 0.5),
        "flip_y": bool(random.random() < 0.2),
    }
    blend = str(random.choice(list(OPENRASTER_NAMES)))
    opacity, masked = float(random.choice([1.0, 0.7, 0.35])), bool(random.random() < 0.4)
    return {
        "size": size,
        "placement": placement,
        "opacity": opacity,
        "blend": blend,
        "masked": masked,
    }


def write_table() -> None:
    """Four layers by themselves, two stacks of eight, as they look now."""
    random = np.random.default_rng(4)
    rows: list[dict[str, Any]] = [{"layers": [random_layer(random, kind)]} for kind in range(4)]
    rows += [{"layers": [random_layer(random, kind % 4) for kind in range(8)]} for _ in range(2)]
    for row in rows:
        row["over_grey"] = base64.b64encode(flat_of(row).tobytes()).decode()
    PLACE.write_text(
        "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]\n", encoding="utf-8"
    )


@pytest.mark.parametrize("index", range(6))
def test_every_stack_looks_as_the_table_says(index: int) -> None:
    wanted = np.frombuffer(base64.b64decode(TABLE[index]["over_grey"]), np.uint8)
    seen = flat_of(TABLE[index]).reshape(-1).astype(int)
    assert np.abs(seen - wanted).max() <= 1
    assert wanted.std() > 2
