"""Painted masks on their way into the store."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from backend.errors import PictureError
from backend.scene.formats.picture_file import encode_png
from tests.studio.workshop import open_studio


def test_a_painted_mask_comes_back_value_for_value_and_nothing_else_is_taken_for_one(
    tmp_path: Path,
) -> None:
    mask = np.random.default_rng(6).integers(0, 256, (20, 30), np.uint8)
    with open_studio(tmp_path) as studio:
        taken = studio.take_mask(encode_png(mask))
        assert (taken.width_px, taken.height_px) == (30, 20)
        with Image.open(io.BytesIO(studio.picture_png(taken.digest))) as kept:
            np.testing.assert_array_equal(np.asarray(kept), mask)
        for other in (
            encode_png(np.zeros((4, 4, 4), np.uint8)),
            encode_png(np.zeros((4, 4, 3), np.uint8)),
            b"words",
        ):
            with pytest.raises(PictureError):
                studio.take_mask(other)
