"""What guide and SAM learn from: labels under pixels, clicks inside their objects, and losses that
know the truth.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from backend.evaluation.members import deepest_point, mean_ious
from backend.models.judge import JudgeSegmenter as JudgeNetwork
from backend.models.judge_classes import CLASSES
from backend.models.sam import build_sam
from backend.pocket.networks.networks import LABELS, build_guide
from backend.pocket.train.sam import (
    DEEP_PX,
    POCKET_SAM,
    boxes_of,
    build_prompts,
    decode,
    mask_loss,
    overlaps,
    pick_points,
    prompt,
)
from backend.pocket.train.schedule import TrainingPhase, TrainingSchedule


def disc(x: int, y: int, radius: int, side: int = 64) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(side), torch.arange(side), indexing="ij")
    return ((columns - x) ** 2 + (rows - y) ** 2 <= radius**2).float()


def test_the_guide_names_the_world_and_is_not_the_judge() -> None:
    guide = build_guide()
    assert [guide.config.id2label[k] for k in range(len(LABELS))] == ["background", *CLASSES]
    assert not set(guide.state_dict()) & set(JudgeNetwork().state_dict())


def test_clicks_fall_inside_and_mostly_deep() -> None:
    torch.manual_seed(0)
    masks = disc(20, 40, 12).expand(200, -1, -1)
    points = pick_points(masks)
    away = ((points - torch.tensor([20.0, 40.0])) ** 2).sum(1).sqrt()
    assert bool((away <= 12).all())
    assert float((away <= 12 - DEEP_PX).float().mean()) > 0.65
    assert float(away.max()) > 12 - DEEP_PX


def test_a_thin_object_is_clicked_all_the_same() -> None:
    mask = torch.zeros(1, 64, 64)
    mask[0, 30, 10:50] = 1
    x, y = pick_points(mask)[0].tolist()
    assert y == 30
    assert 10 <= x < 50


def test_boxes_hold_their_objects_nearly() -> None:
    torch.manual_seed(0)
    boxes = boxes_of(disc(20, 40, 12).expand(100, -1, -1))
    exact = torch.tensor([8.0, 28.0, 33.0, 53.0])
    assert float((boxes - exact).abs().max()) <= 0.08 * 25 + 1e-4
    assert torch.allclose(boxes.mean(0), exact, atol=0.5)


def test_every_visible_object_is_asked_for_and_no_crumb() -> None:
    instances = torch.zeros(2, 64, 64, dtype=torch.int64)
    instances[0][disc(20, 20, 10) > 0] = 1
    instances[0, 60, 60] = 2
    instances[1][disc(40, 30, 15) > 0] = 3
    asked = build_prompts(torch.zeros(2, 3, 64, 64), instances, np.random.default_rng(1))
    objects = [
        (int(o), int(m.sum()))
        for o, m in zip(asked.owner, asked.masks, strict=True)
        if m[0, 0] == 0
    ]
    assert objects == [(0, int(disc(20, 20, 10).sum())), (1, int(disc(40, 30, 15).sum()))]


def test_the_loss_prefers_the_true_mask() -> None:
    truth = disc(20, 40, 12)[None, None]
    right, shifted = (truth * 2 - 1) * 8, (disc(26, 40, 12)[None, None] * 2 - 1) * 8
    losses = mask_loss(torch.cat([right, shifted, -right], 1), truth)[0]
    assert losses[0] < 0.05 < losses[1] < losses[2]
    assert overlaps(torch.cat([right, -right], 1), truth).tolist() == [[1.0, 0.0]]


def test_many_pictures_decode_as_one_by_one() -> None:
    torch.manual_seed(0)
    network = build_sam(POCKET_SAM).eval()
    instances = torch.stack([disc(40, 40, 20, 128), disc(90, 60, 20, 128)]).long()
    asked = build_prompts(torch.zeros(2, 3, 128, 128), instances, np.random.default_rng(2))
    with torch.no_grad():
        seen = network.image_encoder(torch.randn(2, 3, 128, 128))
        sparse, dense = prompt(network, asked, "two")
        place = network.prompt_encoder.get_dense_pe()
        masks, expected = decode(network, seen[asked.owner], sparse, dense)
        for k, owner in enumerate(asked.owner.tolist()):
            alone, alone_expected = network.mask_decoder.predict_masks(
                seen[owner : owner + 1],
                place,
                sparse[k : k + 1],
                dense[k : k + 1],
            )
            assert torch.allclose(masks[k], alone[0], atol=1e-4)
            assert torch.allclose(expected[k], alone_expected[0], atol=1e-4)


def test_the_deepest_point_is_in_the_thick_part() -> None:
    mask = (disc(20, 40, 12) > 0).numpy()
    mask[38:42, 20:60] = True
    x, y = deepest_point(mask)
    assert abs(x - 20) <= 1
    assert abs(y - 40) <= 1
    assert deepest_point(np.ones((8, 8), bool)) in {(3, 3), (4, 4), (3, 4), (4, 3)}
    single = np.zeros((8, 8), bool)
    single[6, 2] = True
    assert deepest_point(single) == (2, 6)


def test_mean_iou_counts_over_all_pictures() -> None:
    truth = np.array([[[0, 1]], [[1, 1]]])
    found = np.array([[[0, 1]], [[1, 0]]])
    assert mean_ious(found, truth, 3) == [0.5, 2 / 3]


def test_a_course_goes_on_where_it_stopped(tmp_path: Path) -> None:
    torch.manual_seed(0)
    term = TrainingPhase(budget_s=0.2, rate=1e-2, kept=tmp_path / "x.pt")
    first = TrainingSchedule(nn.Linear(2, 1), term)
    for _ in first.steps():
        first.learn(first.network(torch.ones(4, 2)).square().mean())
    assert first.step > 1
    again = TrainingSchedule(
        nn.Linear(2, 1), TrainingPhase(budget_s=100.0, rate=1e-2, kept=term.kept, resume=True)
    )
    assert again.step == first.step
    assert 0.2 <= again.spent_s < 5
    assert torch.equal(again.network.weight, first.network.weight)
    assert torch.equal(again.average.network.weight, first.average.network.weight)
