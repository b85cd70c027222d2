"""The page's composite against the table that Python's is held to
(``tests/tables/blends.json``).
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from tests.browser.drawings import png
from tests.browser.editor_page import EditorPage

TABLE = json.loads(
    (Path(__file__).parents[1] / "tables" / "blends.json").read_text(encoding="utf-8")
)
SIDE_PX = 120
GREY = 150


def square(colour: list[int]) -> bytes:
    return png(np.full((SIDE_PX, SIDE_PX, 4), colour, np.uint8))


def over_grey(editor: EditorPage) -> np.ndarray:
    """The colour at the middle of the canvas, float (3,), as it looks over the ground."""
    seen = editor.pixels()[256, 256].astype(float)
    return seen[:3] * seen[3] / 255 + GREY * (1 - seen[3] / 255)


def test_every_blend_mode_looks_as_in_python_within_one_step(fresh: EditorPage):
    keys = fresh.page.keyboard
    fresh.part("canvas").focus()
    for layer in fresh.layers():
        fresh.select(layer["id"])
        keys.press("Delete")
    pairs = [(row["below"], row["above"]) for row in TABLE if row["blend"] == "normal"]
    for below, above in (pairs[0], pairs[5], pairs[8], pairs[10]):
        for count, colour in enumerate((below, above), start=1):
            fresh.drop(("square.png", square(colour)), at=(256, 256))
            fresh.wait(f"state.scene.layers.length === {count}")
        fresh.wait_drawn()
        fresh.select(fresh.layers()[-1]["id"])
        if not fresh.part("blend").is_visible():
            fresh.part("layer-more").click()
        for row in (row for row in TABLE if (row["below"], row["above"]) == (below, above)):
            fresh.part("blend").select_option(row["blend"])
            wanted = np.array(row["over_grey"])
            assert fresh.until(
                lambda wanted=wanted: np.abs(over_grey(fresh) - wanted).max() <= 1.5
            ), row
        fresh.part("canvas").focus()
        for _ in range(2):
            fresh.select(fresh.layers()[-1]["id"])
            keys.press("Delete")
