"""Objects cut by the worker: with a SAM, without one, and while a job holds the device."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from backend.errors import ModelError, RequestError
from backend.models.cache import ModelCache
from backend.models.catalog import Catalog, find_models
from backend.models.members import MemberCard
from backend.models.sam import WEIGHTS, build_sam, save_sam
from backend.plan.build import build_plan
from backend.plan.events import JobStarted
from backend.plan.request import build_request
from backend.scene.blobs import MemoryPixels
from backend.scene.formats.picture_file import decode_picture
from backend.scene.geometry import PixelBox, PixelPoint
from backend.scene.scene import build_scene
from backend.workers import local
from backend.workers.local import LocalWorker
from tests.models.test_sam import TINY
from tests.studio.workshop import compose, scene_with, square_picture

PICTURE = np.random.default_rng(0).integers(0, 256, (48, 80, 3), dtype=np.uint8)


STRIP = Path(__file__).parents[1] / "fixtures" / "cases" / "strip_257x1.png"


@pytest.fixture(scope="module")
def sam(tmp_path_factory: pytest.TempPathFactory) -> MemberCard:
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("family") / "sam"
    save_sam(build_sam(TINY), TINY, folder)
    assert (folder / WEIGHTS).exists()
    return MemberCard("sam", folder, 1)


def worker_with(**members: MemberCard) -> LocalWorker:
    card = replace(find_models(()).cards[0], members=members)
    return LocalWorker(Catalog((card,)), ModelCache(2**32), "cpu")


def test_a_point_and_a_box_give_masks_of_the_pictures_size(sam: MemberCard) -> None:
    worker = worker_with(sam=sam)
    for where in (PixelPoint(40.0, 20.0), PixelBox(10.0, 5.0, 60.0, 40.0)):
        mask = worker.cut("pocket", PICTURE, where)
        assert (mask.shape, mask.dtype) == ((48, 80), np.uint8)
        assert set(np.unique(mask)) <= {0, 255}


@pytest.mark.parametrize("shape", [(1, 257), (257, 1), (1, 8192), (16, 8192), (1, 1), (2, 513)])
def test_a_picture_of_any_aspect_is_cut(sam: MemberCard, shape: tuple[int, int]) -> None:
    worker = worker_with(sam=sam)
    strip = np.full((*shape, 3), 200, np.uint8)
    for where in (PixelPoint(0.5, 0.5), PixelBox(0.0, 0.0, float(shape[1]), float(shape[0]))):
        mask = worker.cut("pocket", strip, where)
        assert (mask.shape, mask.dtype) == (shape, np.uint8)


def test_the_strip_of_257_to_1_is_cut(sam: MemberCard) -> None:
    found = decode_picture(STRIP.read_bytes(), STRIP.name).picture[..., :3]
    high, wide = found.shape[:2]
    mask = worker_with(sam=sam).cut("pocket", found, PixelPoint(wide / 2, high / 2))
    assert mask.shape == (high, wide)


def test_a_family_without_a_sam_says_so() -> None:
    with pytest.raises(ModelError, match="no sam"):
        worker_with().cut("pocket", PICTURE, PixelPoint(1.0, 1.0))


def test_a_running_job_is_told_in_words_and_nothing_waits_for_its_end(
    sam: MemberCard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(local, "PATIENCE_S", 0.05)

    card = replace(find_models(()).cards[0], members={"sam": sam})
    worker = LocalWorker(Catalog((card,)), ModelCache(2**32), "cpu")
    pixels = MemoryPixels()
    scene = build_scene(scene_with(pixels.add_picture(square_picture())))
    plan = build_plan(scene, build_request(compose(count=1)), card, pixels)
    events = worker.run(plan, pixels, threading.Event())
    assert isinstance(next(events), JobStarted)
    with pytest.raises(RequestError, match="busy"):
        worker.cut("pocket", PICTURE, PixelPoint(1.0, 1.0))
    events.close()
    assert worker.cut("pocket", PICTURE, PixelPoint(1.0, 1.0)).shape == (48, 80)
