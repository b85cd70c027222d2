"""Train the guide, a semantic segmenter in the transformers layout: the expert that TCIG follows.

It shares nothing with the judge but the drawn world: another architecture, another order of scenes,
other chance. The first part of the time goes to pictures of half size, where a step costs a quarter
and shapes are learned as well.
"""

from __future__ import annotations

import copy
import json
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import SegformerForSemanticSegmentation

from backend.models.judge_classes import CLASSES
from backend.models.segmenter import Segmenter, load_segmenter, save_normal
from backend.pocket.networks.configs import DRAWN_PX
from backend.pocket.networks.networks import GUIDE_SEED, build_guide, normalise
from backend.pocket.train.autoencoder import CHECK_SCENES, as_tensor
from backend.pocket.train.export import load_trained_autoencoder, move_files
from backend.pocket.train.judge import labels_of, worsen
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.reconstructions import Reconstructions, pool
from backend.pocket.train.scenes import LARGE, SceneSet, load_training_set
from backend.pocket.train.schedule import TrainingPhase, TrainingSchedule

BATCH = 16
HALF_SIZE_SHARE = 0.5
"""Share of the time at half size; there the batch is twice as large and objects are large ones
only.
"""
LEARNING_RATE = 2.5e-3
THROUGH_AUTOENCODER = 0.35
BACKGROUND_WEIGHT = 0.5
LABEL_STEP = 2
"""Labels are compared at half the picture's size; finer ones cost memory and teach edges alone."""


@dataclass
class GuideBatches:
    """Batches of pictures and labels, in an order that only the seed decides."""

    passed: Reconstructions
    random: np.random.Generator

    def draw(self, half: bool) -> tuple[Tensor, Tensor]:
        """Pictures (n, 3, h, w) in 0..1 and class labels int64 (n, h/2, w/2), h = 64 at half size,
        else 128.
        """
        scenes = self.passed.scenes
        count, last = (
            (2 * BATCH, min(LARGE, len(scenes))) if half else (BATCH, len(scenes) - CHECK_SCENES)
        )
        rows = np.sort(self.random.choice(last, count, replace=False))
        through = self.random.random() < THROUGH_AUTOENCODER
        rows = pool(rows) if through else rows
        pictures = as_tensor(self.passed.take(rows) if through else scenes.pictures[rows])
        labels = torch.from_numpy(labels_of(scenes, rows)[0])
        if half:
            pictures, labels = F.avg_pool2d(pictures, 2), labels[:, 1::2, 1::2]
        if self.random.random() < 0.5:
            pictures, labels = pictures.flip(3), labels.flip(2)
        labels = labels[:, LABEL_STEP // 2 :: LABEL_STEP, LABEL_STEP // 2 :: LABEL_STEP]
        return (worsen(pictures, self.random) + 1) / 2, labels


def guide_loss(network: nn.Module, pictures: Tensor, labels: Tensor) -> Tensor:
    """Cross-entropy of the class under each pixel of pictures in 0..1; the background counts for
    less.
    """
    with use_mixed_precision():
        logits: Tensor = network(normalise(pictures)).logits
    logits = F.interpolate(
        logits.float(), size=labels.shape[-2:], mode="bilinear", align_corners=False
    )
    balance = torch.ones(len(CLASSES) + 1)
    balance[0] = BACKGROUND_WEIGHT
    return F.cross_entropy(logits, labels, balance)


@torch.inference_mode()
def mean_iou(segmenter: Segmenter, scenes: SceneSet) -> float:
    """Mean over the classes of the intersection over union on the scenes that are never trained
    on.
    """
    rows = np.arange(len(scenes) - CHECK_SCENES, len(scenes))
    truth = labels_of(scenes, rows)[0]
    found = segmenter.logits((as_tensor(scenes.pictures[rows]) + 1) / 2).argmax(1).numpy()
    shares = []
    for k in np.unique(truth):
        shares.append(((found == k) & (truth == k)).sum() / ((found == k) | (truth == k)).sum())
    return float(np.mean(shares))


def save_guide(network: SegformerForSemanticSegmentation, folder: Path) -> None:
    """Write the guide in the transformers layout, half precision; each file is renamed into place
    whole.
    """
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    copy.deepcopy(network).half().save_pretrained(fresh, safe_serialization=True)
    save_normal(fresh, DRAWN_PX)
    move_files(fresh, folder)


class GuideRun(Assignment):
    """The guide."""

    def __call__(self, member: PoolMember) -> None:
        """Train in this (single) process."""
        scenes = load_training_set(self.out / "scenes")
        passed = Reconstructions(self.out, scenes, load_trained_autoencoder(self.out))
        torch.manual_seed(GUIDE_SEED + self.seed)
        network = build_guide()
        schedule = TrainingSchedule(
            network,
            TrainingPhase(self.minutes * 60, LEARNING_RATE, self.out / "guide.pt", self.resume),
        )
        batches = GuideBatches(
            passed, np.random.default_rng((GUIDE_SEED, self.seed, schedule.step))
        )
        for progress in schedule.steps():
            pictures, labels = batches.draw(half=progress < HALF_SIZE_SHARE)
            schedule.learn(guide_loss(network, pictures, labels))
        save_guide(schedule.average.network, self.family / "guide")
        segmenter = load_segmenter(self.family / "guide", torch.device("cpu"), torch.float32)
        report = {"miou": round(mean_iou(segmenter, scenes), 3)}
        (self.out / "guide.json").write_text(json.dumps(report))
        print(report, flush=True)


def train(given: TrainingFlags) -> None:
    """The part ``guide``."""
    run_pool(GuideRun.parse(given), 1, given.out)
