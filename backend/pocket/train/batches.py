"""Training batches of the UNet: from the scenes on disk, or drawn on the device as they are
needed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.networks.configs import DRAWN_PX
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train.attention import MOST_OBJECTS
from backend.pocket.train.captions import CaptionMaker
from backend.pocket.train.latents import LatentCache
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import FORMS, SceneSet, SceneWords
from backend.pocket.world.batched import BatchedWorld
from backend.pocket.world.words import BACKGROUNDS, TEXTURES

BATCH, SMALL_BATCH = 32, 32
"""Samples a step and process on a CPU: at full size, and at half size."""
DEVICE_BATCH = 256
CHECK_ROWS = 64
"""The last scenes of the first kind: never trained on, they measure how much the words matter."""
SHARES = (0.68, 0.18, 0.14)
"""Of scenes with one object, with two, and with one to four of many sizes, once the curriculum has
come so far.

Forms first, crowds last. On 96 pictures with 57,000 samples more, of the first mix (.35 large, .25
mixed, .40 crowded; masks in 55 %) .44 of single objects had the asked outline, of .85, .10, .05
(masks in 30 %) .52; on another 64 this one (masks in 22 %, more noise, the middle head) brought
.41 to .66 in 105,000 (one seed each).
"""

VOCABULARIES = (CLASSES, COLOURS, TEXTURES)
"""What a look is said in; the head of the training names all three under each cell."""


@dataclass(frozen=True)
class TrainingScenes:
    """latents (b, 4, h, w); ids, owners (b, tokens); regions (b, objects, h, w) of 0 and 1.

    ``looks`` int64 (b, 3, h, w): the number of class, colour and texture under each cell, 0 =
    background.
    """

    latents: Tensor
    ids: Tensor
    owners: Tensor
    regions: Tensor
    looks: Tensor

    def to(self, device: torch.device) -> TrainingScenes:
        """The same on a device."""
        parts = (self.latents, self.ids, self.owners, self.regions, self.looks)
        return TrainingScenes(*(part.to(device) for part in parts))


class Batches(Protocol):
    """Where a training takes its samples from."""

    def draw(self, small: bool, mixed_too: bool, random: np.random.Generator) -> TrainingScenes:
        """A random batch, at half size if ``small``; with scenes of many sizes if ``mixed_too``."""
        ...


def label(instances: Tensor, words: list[SceneWords]) -> tuple[Tensor, Tensor]:
    """Looks int64 (b, 3, h, w) and regions float (b, objects, h, w) of instance maps (b, h, w) and
    what they show.
    """
    numbers = torch.zeros(len(words), len(VOCABULARIES), MOST_OBJECTS + 1, dtype=torch.long)
    for row, scene in enumerate(words):
        for k, look in enumerate(scene.looks):
            numbers[row, :, k + 1] = torch.tensor(
                [v.index(w) + 1 for v, w in zip(VOCABULARIES, look, strict=True)]
            )
    shown = instances.flatten(1)[:, None].expand(-1, len(VOCABULARIES), -1)
    looks = numbers.to(instances.device).gather(2, shown).unflatten(-1, instances.shape[1:])
    return looks, F.one_hot(instances, MOST_OBJECTS + 1)[..., 1:].permute(0, 3, 1, 2).float()


class StoredBatches:
    """Batches from the scenes of ``FORMS`` on disk, through caches of their latents."""

    def __init__(self, scenes: SceneSet, cache: LatentCache, small_cache: LatentCache) -> None:
        self.scenes, self.cache, self.small_cache = scenes, cache, small_cache
        first, second, _ = (kind.count for kind in FORMS.kinds)
        self.check = range(first - CHECK_ROWS, first)
        self.ranges = (
            (0, self.check.start),
            (first, first + second),
            (first + second, len(scenes)),
        )
        self.captions = CaptionMaker(build_tokenizer())

    def draw(self, small: bool, mixed_too: bool, random: np.random.Generator) -> TrainingScenes:
        """See ``Batches``."""
        count = SMALL_BATCH if small else BATCH
        kinds = random.choice(len(self.ranges), count, p=SHARES if mixed_too else (1, 0, 0))
        rows = np.array([random.integers(*self.ranges[kind]) for kind in kinds])
        return self.gather(rows, random, small)

    def gather(
        self, rows: np.ndarray, random: np.random.Generator | None, small: bool
    ) -> TrainingScenes:
        """These scenes as a batch, at half size if ``small``; without a generator, captions are
        exact.
        """
        cache = self.small_cache if small else self.cache
        words = [self.scenes.words[k] for k in rows]
        captions = self.captions.build(words, random)
        stride = DRAWN_PX // cache.side
        cells = self.scenes.instances[rows][:, stride // 2 :: stride, stride // 2 :: stride]
        looks, regions = label(torch.from_numpy(cells.astype(np.int64)), words)
        return TrainingScenes(cache.take(rows), captions.ids, captions.owners, regions, looks)


class DrawnBatches:
    """Batches of fresh scenes, drawn and encoded on the device: no two are alike, and nothing waits
    for a disk.
    """

    def __init__(
        self, world: BatchedWorld, autoencoder: AutoencoderKL, seed: int, count: int = DEVICE_BATCH
    ) -> None:
        self.world, self.count = world, count
        self.autoencoder = autoencoder.to(world.device)
        self.captions = CaptionMaker(build_tokenizer())
        self.generator = torch.Generator(world.device).manual_seed(seed)

    @torch.no_grad()
    def draw(self, small: bool, mixed_too: bool, random: np.random.Generator) -> TrainingScenes:
        """See ``Batches``; a batch holds one number of objects."""
        kind = int(random.choice(len(SHARES), p=SHARES)) if mixed_too else 0
        objects = int(random.integers(1, MOST_OBJECTS + 1)) if kind == 2 else kind + 1
        drawn = self.world.draw(self.count, objects, self.generator)
        pictures = drawn.pictures * 2 - 1
        if small:
            pictures = F.avg_pool2d(pictures, 2)
        device = self.world.device
        with use_mixed_precision(device.type):
            latents = self.autoencoder.encode(pictures).latent_dist.mean.float()
        stride = drawn.instances.shape[-1] // latents.shape[-1]
        shown = zip(drawn.layouts.look.tolist(), drawn.places.tolist(), strict=True)
        words = [_words(looks, place) for looks, place in shown]
        captions = self.captions.build(words, random)
        cells = drawn.instances[:, stride // 2 :: stride, stride // 2 :: stride]
        looks, regions = label(cells, words)
        scaled = latents * self.autoencoder.config.scaling_factor
        return TrainingScenes(
            scaled, captions.ids.to(device), captions.owners.to(device), regions, looks
        )


def _words(looks: list[int], place: int) -> SceneWords:
    per_class = len(COLOURS) * len(TEXTURES)
    named = tuple(
        (
            CLASSES[k // per_class],
            COLOURS[k % per_class // len(TEXTURES)],
            TEXTURES[k % len(TEXTURES)],
        )
        for k in looks
    )
    return SceneWords(BACKGROUNDS[place], named)
