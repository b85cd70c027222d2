"""Train the image encoder without labels: two looks at one object must agree, against all other
objects.

A look is a crop of the object, mirrored, turned, larger or smaller, blurred, often on a piece of
another scene. What stays is its shape, its colours and its texture: what makes a subject the same.
The loss is the normalised temperature-scaled cross-entropy of Chen et al. 2020 (SimCLR, equation
1); no class or colour is told.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from transformers import ResNetModel

from backend.pocket.networks.perception import (
    ENCODER,
    build_image_encoder,
    prepare,
    save_image_encoder,
)
from backend.pocket.train.autoencoder import CHECK_SCENES, as_tensor
from backend.pocket.train.export import load_trained_autoencoder
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.reconstructions import Reconstructions
from backend.pocket.train.scenes import SceneSet, load_training_set
from backend.pocket.train.schedule import TrainingPhase, TrainingSchedule
from backend.pocket.train.views import Objects, TrainingViews, choose_objects, look_at, masks_of

BATCH = 48
"""Objects in a step, each seen twice."""
RATE = 2e-3
TEMPERATURE = 0.15
MOVED_SHARE = 0.6
"""Looks that stand on a piece of another scene."""
MOST_TURN_DEG = 15.0
PROJECTION = 64


class EncoderLearner(nn.Module):
    """The encoder and what stands between its features and the loss; that head is thrown away."""

    def __init__(self, encoder: ResNetModel) -> None:
        super().__init__()
        wide = int(ENCODER["hidden_sizes"][-1])
        self.encoder = encoder
        self.head = nn.Sequential(nn.Linear(wide, wide), nn.ReLU(), nn.Linear(wide, PROJECTION))

    def forward(self, pictures: Tensor) -> Tensor:
        """Unit vectors (n, d) of pictures (n, 3, side, side) in 0..1."""
        with use_mixed_precision():
            seen: Tensor = self.head(features_of(self.encoder, pictures))
        return F.normalize(seen.float(), dim=-1)


def features_of(encoder: ResNetModel, pictures: Tensor) -> Tensor:
    """Mean over the last map: float (n, d)."""
    last: Tensor = encoder(prepare(pictures)).last_hidden_state
    return last.mean((2, 3))


def agreement_loss(first: Tensor, second: Tensor, temperature: float = TEMPERATURE) -> Tensor:
    """SimCLR's loss of unit vectors (n, d) whose equal rows show the same object."""
    both = torch.cat([first, second])
    scores = (both @ both.T / temperature).fill_diagonal_(-1e4)
    partner = torch.arange(len(both)).roll(len(first))
    return F.cross_entropy(scores, partner)


class ObjectPairs:
    """Two looks at each of a batch of objects."""

    def __init__(self, views: TrainingViews) -> None:
        self.views, self.random = views, views.random

    def pair(self) -> tuple[Tensor, Tensor]:
        """Pictures (n, 3, side, side) twice; equal rows show the same object."""
        rows, pictures = self.views.rows(BATCH)
        objects, places = choose_objects(self.views.scenes, rows, self.random)
        around = pictures.roll(int(self.random.integers(1, BATCH)), 0)[places]
        return self._look(pictures[places], objects, around), self._look(
            pictures[places], objects, around.flip(0)
        )

    def _look(self, pictures: Tensor, objects: Objects, around: Tensor) -> Tensor:
        count, random = len(pictures), self.random
        boxes = self.views.jitter(objects.boxes_px, (0.9, 1.6), 0.15)
        given = torch.cat([pictures, masks_of(self.views.scenes, objects)], 1)
        flip, turn = (
            random.random(count) < 0.5,
            random.uniform(-MOST_TURN_DEG, MOST_TURN_DEG, count),
        )
        seen, mask = look_at(given, boxes, flip, turn).split([3, 1], 1)
        elsewhere = np.stack([random.uniform(30, 98, count), random.uniform(30, 98, count)], 1)
        elsewhere = np.concatenate([elsewhere, random.uniform(20, 60, (count, 1))], 1)
        ground = look_at(around, elsewhere, flip, np.zeros(count))
        moved = torch.from_numpy(random.random((count, 1, 1, 1)) < MOVED_SHARE)
        seen = torch.where(moved, torch.lerp(ground, seen, mask), seen)
        return self.views.worsen(seen)


@torch.no_grad()
def check(encoder: ResNetModel, scenes: SceneSet) -> float:
    """Share of 32 kept-apart objects that find themselves among all, mirrored and standing on
    another scene.
    """
    rows = np.arange(len(scenes) - CHECK_SCENES, len(scenes) - CHECK_SCENES + 32)
    pictures = as_tensor(scenes.pictures[rows]) * 0.5 + 0.5
    objects, places = choose_objects(scenes, rows, np.random.default_rng(0))
    still, count = np.zeros(len(places)), len(places)
    given = torch.cat([pictures[places], masks_of(scenes, objects)], 1)
    plain = look_at(pictures[places], objects.boxes_px * [1, 1, 1.2], still > 0, still)
    other, mask = look_at(given, objects.boxes_px * [1, 1, 1.4], still == 0, still).split([3, 1], 1)
    other = torch.lerp(plain.roll(1, 0), other, mask)
    a, b = (F.normalize(features_of(encoder, p), dim=-1) for p in (plain, other))
    return float(((b @ a.T).argmax(1) == torch.arange(count)).float().mean())


class EncoderRun(Assignment):
    """The image encoder."""

    def __call__(self, member: PoolMember) -> None:
        """Train in this (single) process and write the family's ``image_encoder``."""
        scenes = load_training_set(self.out / "scenes")
        torch.manual_seed(self.seed)
        network = EncoderLearner(build_image_encoder())
        schedule = TrainingSchedule(
            network,
            TrainingPhase(self.minutes * 60, RATE, self.out / "image_encoder.pt", self.resume),
        )
        learned = schedule.average.network.encoder
        passed = Reconstructions(self.out, scenes, load_trained_autoencoder(self.out))
        looks = ObjectPairs(
            TrainingViews(passed, np.random.default_rng((self.seed, schedule.step, 4)))
        )
        for _ in schedule.steps():
            first, second = network(torch.cat(looks.pair())).chunk(2)
            schedule.learn(agreement_loss(first, second))
            if schedule.step % 200 == 0:
                share = check(learned, scenes)
                print(f"  same object among 32: {share:.3f}", flush=True)
        save_image_encoder(learned, self.family / "image_encoder")
        print(f"same object among 32: {check(learned, scenes):.3f}", flush=True)


def train(given: TrainingFlags) -> None:
    """The part ``image_encoder``."""
    run_pool(EncoderRun.parse(given), 1, given.out)
