"""Objects selected in a stored picture: brought to the canvas, cut by the worker, stored as a
mask.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from backend.errors import StoreError
from backend.scene.formats.picture_file import encode_png
from backend.scene.geometry import PixelBox, PixelPoint
from backend.studio.projects.cutting import on_canvas
from tests.studio.workshop import open_studio, save_scene, square_picture


def test_a_point_of_the_canvas_becomes_a_stored_mask_of_the_canvas(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = save_scene(studio)
        shown = np.zeros((64, 64, 4), np.uint8)  # half the canvas' size
        shown[:, :32] = (200, 30, 40, 255)
        shown[:, 32:] = (20, 30, 240, 255)
        digest = studio.take_picture(encode_png(shown), "result.png").digest
        left = studio.select(project, digest, PixelPoint(10, 60))
        assert (left.width_px, left.height_px) == (128, 128)
        again = studio.select(project, digest, PixelBox(40, 100, 60, 120))
        assert again.digest == left.digest
        assert studio.select(project, digest, PixelPoint(120, 60)).digest != left.digest
        assert studio.picture_png(left.digest).startswith(b"\x89PNG")


def test_a_picture_that_nobody_stored_is_refused(tmp_path: Path) -> None:
    with open_studio(tmp_path) as studio:
        project, _ = save_scene(studio)
        with pytest.raises(StoreError):
            studio.select(project, "0" * 64, PixelPoint(1, 1))


def test_what_is_transparent_is_grey_and_the_size_is_the_canvas() -> None:
    seen = on_canvas(square_picture((200, 30, 40), side=48), 96, 72)
    assert seen.shape == (72, 96, 3)
    assert seen[0, 0].tolist() == [128, 128, 128]
    assert seen[36, 48].tolist() == [200, 30, 40]
