"""What the desk is told beyond pictures: classes of every segmenter, all drafts of a run while
they converge.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from backend.engine.loop_types import FitProgress, Run, Step
from backend.models.bundle import ModelBundle
from backend.models.cache import ModelCache
from backend.models.catalog import Catalog, find_models
from backend.models.deeplab import VOC
from backend.models.members import KINDS, MemberCard
from backend.plan.build import build_plan
from backend.plan.events import Progress
from backend.plan.plan import Plan
from backend.plan.request import build_request
from backend.scene.blobs import MemoryPixels
from backend.scene.scene import Pixels, build_scene
from backend.workers import local
from backend.workers.local import TILE_PX, LocalWorker
from backend.workers.offer import CatalogOffer
from tests.studio.workshop import compose, scene_with, square_picture
from tests.workers.test_local import script


def previews(stage1_images: int, side_px: int) -> Iterator[Progress]:
    """What is told of a run whose only step fits that many drafts: red, then greener and
    greener.
    """
    pixels = MemoryPixels()
    catalog = find_models(())
    scene = build_scene(scene_with(pixels.add_picture(square_picture())))
    plan = build_plan(scene, build_request(compose(steps=1)), catalog.card("pocket"), pixels)

    def draw(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        pictures = torch.zeros(stage1_images, 3, side_px, side_px)
        pictures[0, 0] = 1.0
        for number in range(1, stage1_images):
            pictures[number, 1] = number / stage1_images
        yield FitProgress(0, 1, 0, torch.zeros(stage1_images, 4, 2, 2), pictures)
        yield Step(1, 2, 0, torch.zeros(2, 4, 8, 8), torch.zeros(2, 4, 8, 8))

    events = (
        LocalWorker(catalog, ModelCache(2**32), "cpu", script(draw))
        .submit("job", plan, pixels)
        .events()
    )
    return (event for event in events if isinstance(event, Progress))


@pytest.mark.parametrize(
    ("stage1_images", "side_px", "tile_px"), [(1, 600, 600), (3, 64, 64), (4, 2 * TILE_PX, TILE_PX)]
)
def test_a_preview_of_a_first_stage_shows_every_draft(
    stage1_images: int, side_px: int, tile_px: int
) -> None:
    first = next(previews(stage1_images, side_px))
    assert first.preview is not None
    assert first.preview.stage1_count == stage1_images
    with Image.open(io.BytesIO(first.preview.jpeg)) as shown:
        assert shown.size == (stage1_images * tile_px, tile_px)
        row = np.asarray(shown.convert("RGB"), np.int64)
    middles = row[tile_px // 2, tile_px // 2 :: tile_px]
    assert middles[0][0] > 240
    greens = [int(middle[1]) for middle in middles]
    assert greens == sorted(greens)
    assert all(
        abs(green - 255 * number / stage1_images) < 12
        for number, green in enumerate(greens)
        if number
    )


def test_other_previews_are_the_picture_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "PREVIEW_EVERY_S", 0.0)
    *_, last = previews(2, 32)
    assert last.preview is not None
    assert last.preview.stage1_count == 0


def offer_with(folder: Path, classes: object) -> CatalogOffer:
    """The pocket model with a DeepLab beside its guide; only its config is there."""
    (folder / "deeplab").mkdir()
    config = {"architecture": "deeplabv3_resnet50", "classes": classes}
    (folder / "deeplab" / KINDS["deeplab"].config).write_text(json.dumps(config), "utf-8")
    card = find_models(()).card("pocket")
    member = replace(card.members["guide"], name="deeplab", folder=folder / "deeplab")
    assert isinstance(member, MemberCard)
    return CatalogOffer(
        Catalog((replace(card, members={**card.members, "deeplab": member}),)), "cpu"
    )


def test_classes_are_those_of_every_segmenter_the_guides_first(tmp_path: Path) -> None:
    facts = offer_with(tmp_path, VOC.split(",")).models()[0]
    assert {"mushroom", "rocket", "sheep", "tvmonitor"} <= set(facts.classes)
    assert len(facts.classes) == len(set(facts.classes))
    assert facts.classes.index("mushroom") < facts.classes.index("sheep")
    assert not {"background", "__background__"} & set(facts.classes)


def test_a_list_that_cannot_be_read_leaves_the_others(tmp_path: Path) -> None:
    plain = CatalogOffer(find_models(()), "cpu").models()[0].classes
    assert offer_with(tmp_path, 3).models()[0].classes == plain
