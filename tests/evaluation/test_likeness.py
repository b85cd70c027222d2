"""Layers of a drawn world against themselves, against an empty place and against each other's
words.
"""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.evaluation.asking import settings_for
from backend.evaluation.collage_scenes import random_cases
from backend.evaluation.likeness import layer_likeness
from backend.models.catalog import find_models
from backend.plan.build import build_plan
from backend.plan.raster import raster
from backend.plan.request import Compose


class Thumbnail:
    """Pictures as their centred 4 × 4 thumbnails; every phrase is a white one."""

    def encode_image(self, pictures: Tensor) -> Tensor:
        small = torch.nn.functional.adaptive_avg_pool2d(pictures, 4).flatten(1)
        return torch.nn.functional.normalize(small - small.mean(1, keepdim=True), dim=-1)

    def encode_text(self, texts: list[str]) -> Tensor:
        return torch.nn.functional.normalize(torch.arange(48.0).repeat(len(texts), 1), dim=-1)


@pytest.mark.slow
def test_a_layer_is_most_like_its_own_picture() -> None:
    card = find_models([]).card("pocket")
    case = random_cases(3, 1, card.native_px)[0]
    objects = case.scene.model_copy(update={"layers": case.scene.layers[1:]})
    plan = build_plan(objects, Compose(settings=settings_for("pocket", 0, {})), card, case.pixels)
    alone = raster(plan, case.pixels)
    composed = np.where((alone.topmost > 0)[..., None], alone.picture, case.plate)
    found: dict[str, list[list[float]]] = defaultdict(list)
    for name, values in layer_likeness(
        Thumbnail(), plan, case.pixels, case.plate, [composed, case.plate]
    ):  # type: ignore[arg-type]
        found[name].append(values)
    assert len(found["text_similarity"]) == len(found["image_similarity"]) == len(plan.layers)
    for whole, empty in found["image_similarity"]:
        assert whole > empty
        assert whole == pytest.approx(1, abs=0.1)
