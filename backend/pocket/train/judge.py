"""Train the judge on drawings made worse: blurred, noisy, or passed through the autoencoder with
noisy latents.
"""

from __future__ import annotations

import json

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from backend.models.judge import Judge, JudgeSegmenter, load_judge, save_judge
from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.train.autoencoder import CHECK_SCENES, as_tensor
from backend.pocket.train.export import load_trained_autoencoder
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.reconstructions import Reconstructions, pool
from backend.pocket.train.scenes import SceneSet, load_training_set
from backend.pocket.train.schedule import TrainingPhase, TrainingSchedule

BATCH = 32
LEARNING_RATE, WARM_RATE = 3e-3, 2e-3
THROUGH_AUTOENCODER, BLURRED = 0.4, 0.25
BACKGROUND_WEIGHT = 0.5


def labels_of(scenes: SceneSet, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Class and colour labels int64 (n, h, w) of training scenes."""
    instances = scenes.instances[rows]
    classes, colours = np.zeros(instances.shape, np.int64), np.zeros(instances.shape, np.int64)
    for k, row in enumerate(rows):
        looks = scenes.words[row].looks
        names = np.array([0, *(CLASSES.index(look[0]) + 1 for look in looks)])
        paints = np.array([0, *(COLOURS.index(look[1]) + 1 for look in looks)])
        classes[k], colours[k] = names[instances[k]], paints[instances[k]]
    return classes, colours


def worsen(pictures: Tensor, random: np.random.Generator) -> Tensor:
    """Pictures (n, 3, h, w) in -1..1 as a young network might make them: blurred, noisy, too dark
    or too bright.
    """
    if random.random() < BLURRED:
        side = pictures.shape[-1]
        small = int(side * random.uniform(0.35, 0.9))
        pictures = F.interpolate(pictures, size=(small, small), mode="area")
        pictures = F.interpolate(pictures, size=(side, side), mode="bilinear", align_corners=False)
    pictures = pictures * float(random.uniform(0.8, 1.15)) + float(random.uniform(-0.12, 0.12))
    return (pictures + torch.randn_like(pictures) * float(random.uniform(0, 0.12))).clamp(-1, 1)


def measure(judge: Judge, scenes: SceneSet, autoencoder: AutoencoderKL) -> dict[str, float]:
    """Mean IoU of the classes and shares of object pixels named rightly, on drawings and through
    the autoencoder.
    """
    rows = np.arange(len(scenes) - CHECK_SCENES, len(scenes))
    classes, colours = labels_of(scenes, rows)
    plain = np.asarray(scenes.pictures[rows])
    with torch.no_grad():
        made = autoencoder.decode(autoencoder.encode(as_tensor(plain)).latent_dist.mode()).sample
    blurred = ((made.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    report = {}
    for name, pictures in (("drawings", plain), ("through_autoencoder", blurred)):
        found, painted = judge.look(pictures)
        inside = classes > 0
        shares = [
            ((found == k) & (classes == k)).sum() / ((found == k) | (classes == k)).sum()
            for k in range(len(CLASSES) + 1)
            if (classes == k).any()
        ]
        report[f"{name}_iou"] = round(float(np.mean(shares)), 3)
        report[f"{name}_class"] = round(float((found == classes)[inside].mean()), 3)
        report[f"{name}_colour"] = round(float((painted == colours)[inside].mean()), 3)
    return report


class JudgeRun(Assignment):
    """The judge; ``warm`` begins with the family's own."""

    def __call__(self, member: PoolMember) -> None:
        """Train in this (single) process."""
        scenes, autoencoder = (
            load_training_set(self.out / "scenes"),
            load_trained_autoencoder(self.out),
        )
        passed = Reconstructions(self.out, scenes, autoencoder)
        torch.manual_seed(self.seed)
        network = (
            load_judge(self.family / "judge").segmenter.requires_grad_(True)
            if self.warm
            else JudgeSegmenter()
        )
        rate = WARM_RATE if self.warm else LEARNING_RATE
        schedule = TrainingSchedule(
            network.train(),
            TrainingPhase(self.minutes * 60, rate, self.out / "judge.pt", self.resume),
        )
        random = np.random.default_rng((self.seed, schedule.step, self.warm))
        for _ in schedule.steps():
            schedule.learn(self._loss(network, passed, random))
        save_judge(schedule.average.network, self.family / "judge")
        report = measure(Judge(schedule.average.network), scenes, autoencoder)
        (self.out / "judge.json").write_text(json.dumps(report))
        print(report, flush=True)

    def _loss(
        self, network: JudgeSegmenter, passed: Reconstructions, random: np.random.Generator
    ) -> Tensor:
        scenes = passed.scenes
        rows = np.sort(random.choice(len(scenes) - CHECK_SCENES, BATCH, replace=False))
        through = random.random() < THROUGH_AUTOENCODER
        rows = pool(rows) if through else rows
        classes, colours = (
            torch.from_numpy(v[:, 2::4, 2::4].copy()) for v in labels_of(scenes, rows)
        )
        pictures = worsen(
            as_tensor(passed.take(rows) if through else scenes.pictures[rows]), random
        )
        if random.random() < 0.5:
            pictures, classes, colours = pictures.flip(3), classes.flip(2), colours.flip(2)
        with use_mixed_precision():
            painted: Tensor
        named: Tensor
        named, painted = network(pictures)
        balance = torch.ones(len(CLASSES) + 1)
        balance[0] = BACKGROUND_WEIGHT
        loss = F.cross_entropy(named.float(), classes, balance)
        return loss + F.cross_entropy(painted.float(), colours - 1, ignore_index=-1)


def train(given: TrainingFlags) -> None:
    """The part ``judge``."""
    run_pool(JudgeRun.parse(given), 1, given.out)
