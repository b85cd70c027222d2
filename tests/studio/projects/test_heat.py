"""Where words looked, kept with a candidate's scores."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from backend.plan.events import Image
from backend.plan.layer_score import LayerScore
from backend.studio.projects.candidates import scores_with_maps
from backend.studio.storage.disk import Disk
from backend.studio.storage.pixel_files import PixelFiles

BLACK = np.zeros((8, 8, 3), np.uint8)


def test_every_layer_that_was_watched_has_its_grey_picture_in_the_store(tmp_path: Path) -> None:
    pixels = PixelFiles(tmp_path, Disk())
    grey = np.arange(64, dtype=np.uint8).reshape(8, 8)
    scores = (LayerScore(layer_id="cat", iou=0.5), LayerScore(layer_id="back"))
    maps = {"cat": grey, "star": grey.T.copy()}
    cat, back, star = scores_with_maps(pixels, Image(0, BLACK, scores, attention_maps=maps))
    assert (cat.layer_id, cat.iou, back.heat) == ("cat", 0.5, "")
    assert np.array_equal(pixels.mask(cat.heat), grey)
    assert (star.layer_id, star.iou) == ("star", None)
    assert np.array_equal(pixels.mask(star.heat), grey.T)


def test_without_maps_the_scores_stay_as_they_are(tmp_path: Path) -> None:
    scores = (LayerScore(layer_id="cat"),)
    assert scores_with_maps(PixelFiles(tmp_path, Disk()), Image(0, BLACK, scores)) == scores
