"""Train the CLIP pair on scenes with their captions and on single objects with their phrases.

Both groups are contrasted by themselves (a scene of one red car would also agree with another
crop's ``red car``). Every picture also meets one sentence that is wrong in a single word, or in who
wears which colour. Linear heads that name class, colour, texture and place from the same embedding
help the image tower on; they are thrown away afterwards.
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.model import CLIP
from torch import Tensor, nn

from backend.models.judge_classes import CLASSES, COLOURS
from backend.pocket.networks.perception import DIMENSION, build_clip, prepare, read_text, save_clip
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train.autoencoder import CHECK_SCENES, as_tensor
from backend.pocket.train.captions import CaptionMaker
from backend.pocket.train.export import load_trained_autoencoder
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.reconstructions import Reconstructions
from backend.pocket.train.scenes import SceneSet, SceneWords, load_training_set
from backend.pocket.train.schedule import TrainingPhase, TrainingSchedule
from backend.pocket.train.sentences import ScenePair, objects_pair, scene_pair
from backend.pocket.train.views import TrainingViews, choose_objects, look_at, whole
from backend.pocket.world.words import BACKGROUNDS, TEXTURES

BATCH = 28
"""Scenes, and as many single objects, in a step."""
RATE = 2e-3
HEADS_WEIGHT = 0.5
MOST_SCALE = math.log(60.0)
PAIRS = len(CLASSES) * len(COLOURS)


class Heads(nn.Module):
    """What the embedding must tell: class, colour, texture of an object; place and (class, colour)
    pairs of a scene.
    """

    def __init__(self) -> None:
        super().__init__()
        self.look = nn.Linear(DIMENSION, len(CLASSES) + len(COLOURS) + len(TEXTURES))
        self.place = nn.Linear(DIMENSION, len(BACKGROUNDS))
        self.pairs = nn.Linear(DIMENSION, PAIRS)

    def object_loss(self, features: Tensor, looks: list[tuple[str, str, str]]) -> Tensor:
        """Cross-entropy of the three names of single objects."""
        scores = self.look(features).split([len(CLASSES), len(COLOURS), len(TEXTURES)], 1)
        truth = torch.tensor(
            [(CLASSES.index(c), COLOURS.index(o), TEXTURES.index(t)) for c, o, t in looks]
        )
        return sum((F.cross_entropy(s, truth[:, k]) for k, s in enumerate(scores)), torch.zeros(()))

    def scene_loss(self, features: Tensor, scenes: list[SceneWords]) -> Tensor:
        """Cross-entropy of the place and of the pairs that are present, each share of a scene's
        objects.
        """
        places = torch.tensor([BACKGROUNDS.index(words.background) for words in scenes])
        there = torch.zeros(len(scenes), PAIRS)
        for k, words in enumerate(scenes):
            for class_, colour, _ in words.looks:
                there[k, CLASSES.index(class_) * len(COLOURS) + COLOURS.index(colour)] = 1
        there = there / there.sum(1, keepdim=True).clamp_min(1)
        return F.cross_entropy(self.place(features), places) + F.cross_entropy(
            self.pairs(features), there
        )


class ClipLearner(nn.Module):
    """The pair and its heads, trained together."""

    def __init__(self, clip: CLIP) -> None:
        super().__init__()
        self.clip, self.heads = clip, Heads()


def contrast(pictures: Tensor, right: Tensor, wrong: Tensor, scale: Tensor, same: Tensor) -> Tensor:
    """CLIP's symmetric loss (Radford et al. 2021, figure 3) with the wrong sentences as further
    columns.

    pictures, right, wrong: unit vectors (n, d). same: bool (n, 2 n), sentences equal to a picture's
    right one; they are left out of its competition.
    """
    count = len(pictures)
    scores = scale * pictures @ torch.cat([right, wrong]).T
    scores = scores.masked_fill(same & ~torch.eye(count, 2 * count, dtype=torch.bool), -1e4)
    truth = torch.arange(count)
    return (F.cross_entropy(scores, truth) + F.cross_entropy(scores[:, :count].T, truth)) / 2


def equal_rows(right: Tensor, wrong: Tensor) -> Tensor:
    """bool (n, 2 n): which of all sentences have the same tokens (n, t) as each right one."""
    return (right[:, None] == torch.cat([right, wrong])[None]).all(2)


class ClipExample:
    """One step's losses."""

    def __init__(self, views: TrainingViews, maker: CaptionMaker) -> None:
        self.views, self.maker, self.random = views, maker, views.random

    def loss(self, network: ClipLearner) -> Tensor:
        """Scenes and objects, contrasted and named."""
        rows, pictures = self.views.rows(BATCH)
        words = [self.views.scenes.words[row] for row in rows]
        pairs = scene_pair(words, self.maker, self.random)
        object_rows, object_pictures = self.views.rows(BATCH)
        objects, places = choose_objects(self.views.scenes, object_rows, self.random)
        chosen = zip(objects.rows, objects.numbers, strict=True)
        looks = [self.views.scenes.words[row].looks[number] for row, number in chosen]
        phrases = objects_pair(looks, self.maker, self.random)
        boxes = self.views.jitter(objects.boxes_px, (0.95, 1.4), 0.12)
        flip, still = self.random.random(len(boxes)) < 0.5, np.zeros(len(boxes))
        crops = look_at(object_pictures[places], boxes, flip, still)
        mirrored = whole(pictures).flip(3) if self.random.random() < 0.5 else whole(pictures)
        seen = self.views.worsen(torch.cat([mirrored, crops]))
        with use_mixed_precision():
            raw = network.clip.encode_image(prepare(seen)).float()
        scene_raw, object_raw = raw[: len(rows)], raw[len(rows) :]
        named = network.heads.scene_loss(scene_raw, words) + network.heads.object_loss(
            object_raw, looks
        )
        clip = network.clip
        met = self._contrast(clip, scene_raw, pairs) + self._contrast(clip, object_raw, phrases)
        return met + HEADS_WEIGHT * named

    def _contrast(self, clip: CLIP, raw: Tensor, pair: ScenePair) -> Tensor:
        ids = torch.cat([pair.right, pair.wrong])
        with use_mixed_precision():
            encoded = read_text(clip, ids)
        right, wrong = F.normalize(encoded.float(), dim=-1).chunk(2)
        scale = clip.logit_scale.clamp(max=MOST_SCALE).exp()
        return contrast(
            F.normalize(raw, dim=-1), right, wrong, scale, equal_rows(pair.right, pair.wrong)
        )


@torch.no_grad()
def check(clip: CLIP, scenes: SceneSet, maker: CaptionMaker) -> float:
    """Share of the kept-apart scenes whose own caption wins among 32."""
    rows = np.arange(len(scenes) - CHECK_SCENES, len(scenes))
    ids = maker.build([scenes.words[row] for row in rows], None).ids
    seen = F.normalize(
        clip.encode_image(prepare(whole(as_tensor(scenes.pictures[rows]) * 0.5 + 0.5))), dim=-1
    )
    encoded = F.normalize(read_text(clip, ids), dim=-1)
    hits = [
        ((a @ b.T).argmax(1) == torch.arange(len(a))).float()
        for a, b in zip(seen.split(32), encoded.split(32), strict=True)
    ]
    return float(torch.cat(hits).mean())


class ClipRun(Assignment):
    """CLIP."""

    def __call__(self, member: PoolMember) -> None:
        """Train in this (single) process and write the family's ``clip``."""
        scenes, tokenizer = load_training_set(self.out / "scenes"), build_tokenizer()
        torch.manual_seed(self.seed)
        network = ClipLearner(build_clip(tokenizer))
        schedule = TrainingSchedule(
            network, TrainingPhase(self.minutes * 60, RATE, self.out / "clip.pt", self.resume)
        )
        learned = schedule.average.network.clip
        passed = Reconstructions(self.out, scenes, load_trained_autoencoder(self.out))
        random, maker = (
            np.random.default_rng((self.seed, schedule.step, 3)),
            CaptionMaker(tokenizer),
        )
        example = ClipExample(TrainingViews(passed, random), maker)
        for _ in schedule.steps():
            schedule.learn(example.loss(network))
            if schedule.step % 200 == 0:
                share = check(learned, scenes, maker)
                print(f"  right caption among 32: {share:.3f}", flush=True)
        save_clip(learned, tokenizer, self.family / "clip")
        print(f"right caption among 32: {check(learned, scenes, maker):.3f}", flush=True)


def train(given: TrainingFlags) -> None:
    """The part ``clip``."""
    run_pool(ClipRun.parse(given), 1, given.out)
