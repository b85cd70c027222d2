"""Train the tiny SAM: every object of a scene is asked for by a click, by two clicks, or by a box.

Losses as in Segment Anything (Kirillov et al., 2023), section 3 and appendix A: mask, dice and the
expected overlap; of the three proposals for a click only the best one learns. Plain cross-entropy
stands for the focal loss: the drawn objects are large. A dense head on the encoder (object or not,
border or not) is taught beside it and thrown away.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from segment_anything.modeling import Sam as SamNetwork
from torch import Tensor, nn

from backend.models.sam import SamConfig, build_sam, load_sam, save_sam
from backend.pocket.networks.configs import DRAWN_PX
from backend.pocket.train.autoencoder import CHECK_SCENES, as_tensor
from backend.pocket.train.export import load_trained_autoencoder
from backend.pocket.train.judge import worsen
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.reconstructions import Reconstructions, pool
from backend.pocket.train.scenes import SceneSet, load_training_set
from backend.pocket.train.schedule import TrainingPhase, TrainingSchedule

SAM_SEED = 5003
POCKET_SAM = SamConfig(
    side_px=DRAWN_PX,
    patch_px=8,
    encoder_width=96,
    encoder_depth=3,
    encoder_heads=3,
    encoder_mlp_ratio=2.0,
    global_layers=(0, 1, 2),
    window=0,
    stem=(16, 48, 96),
    prompt_width=96,
    decoder_mlp=192,
    decoder_heads=4,
    iou_width=96,
)
BATCH = 12
LEARNING_RATE = 2e-3
THROUGH_AUTOENCODER = 0.35
DENSE_WEIGHT, OVERLAP_WEIGHT, OTHERS_WEIGHT = 0.5, 0.5, 0.05
"""Of the dense head, of the expected overlap, and of the proposals that were not the best (else
they never wake up).
"""
SMALLEST_FRAC = 0.004
"""Share of the picture under which what is left of an object is not asked for: 65 px of 128 × 128.
"""
BACKGROUND_SHARE = 0.1
"""How often a scene's background is asked for, too: the grid of the automatic masks clicks on it.
"""
DEEP_SHARE, DEEP_PX = 0.7, 4
"""How often a click keeps at least so far from the border, where the object has such a place."""
BOX_JITTER = 0.08
"""Largest error of a box's side, as a share of the box."""
Kind = Literal["point", "two", "box"]
KINDS: tuple[Kind, ...] = ("point", "two", "box")
KIND_SHARES = (0.6, 0.15, 0.25)


@dataclass(frozen=True)
class ObjectPrompts:
    """A batch of pictures (n, 3, h, w) in -1..1 with p prompts: the picture of each, its mask, the
    others' union.

    ``owner`` int64 (p,); ``masks`` and ``others`` float (p, h, w) of 0 and 1; ``instances`` int64
    (n, h, w).
    """

    pictures: Tensor
    instances: Tensor
    owner: Tensor
    masks: Tensor
    others: Tensor


def build_prompts(
    pictures: Tensor, instances: Tensor, random: np.random.Generator
) -> ObjectPrompts:
    """Every visible object as a prompt, and now and then the background."""
    owner, masks = [], []
    least = SMALLEST_FRAC * instances[0].numel()
    for k, shown in enumerate(instances):
        numbers = [int(v) for v in shown.unique() if v > 0 or random.random() < BACKGROUND_SHARE]
        kept = [shown == number for number in numbers if int((shown == number).sum()) >= least]
        owner += [k] * len(kept)
        masks += kept
    stacked = torch.stack(masks).float()
    mine = torch.tensor(owner)
    return ObjectPrompts(pictures, instances, mine, stacked, 1 - stacked)


def pick_points(masks: Tensor) -> Tensor:
    """One pixel (x, y) in each mask (p, h, w), away from its border in most cases: float (p, 2)."""
    around = F.pad(1 - masks[:, None], (DEEP_PX,) * 4, value=1.0)
    deep = 1 - F.max_pool2d(around, 2 * DEEP_PX + 1, 1)[:, 0]
    use = (torch.rand(len(masks)) < DEEP_SHARE) & (deep.flatten(1).sum(1) > 0)
    places = torch.where(use[:, None, None], deep, masks).flatten(1)
    places = torch.where(places.sum(1, keepdim=True) > 0, places, torch.ones_like(places))
    found = torch.multinomial(places, 1)[:, 0]
    return torch.stack([found % masks.shape[2], found // masks.shape[2]], 1).float()


def boxes_of(masks: Tensor) -> Tensor:
    """Boxes x0, y0, x1, y1 around masks (p, h, w), each side moved a little: float (p, 4)."""
    sides = []
    for axis in (1, 2):
        hit = masks.amax(axis) > 0
        first = hit.float().argmax(1)
        last = hit.shape[1] - hit.flip(1).float().argmax(1)
        sides.append((first.float(), last.float()))
    exact = torch.stack([sides[0][0], sides[1][0], sides[0][1], sides[1][1]], 1)
    size = (exact[:, 2:] - exact[:, :2]).repeat(1, 2)
    return exact + (torch.rand_like(exact) * 2 - 1) * BOX_JITTER * size


def prompt(network: SamNetwork, asked: ObjectPrompts, kind: Kind) -> tuple[Tensor, Tensor]:
    """Sparse and dense prompt embeddings; outside of autocast, because places need all digits."""
    if kind == "box":
        sparse, dense = network.prompt_encoder(points=None, boxes=boxes_of(asked.masks), masks=None)
        return sparse, dense
    points, labels = pick_points(asked.masks)[:, None], torch.ones(len(asked.masks), 1)
    if kind == "two":
        points = torch.cat([points, pick_points(asked.others)[:, None]], 1)
        labels = torch.cat([labels, torch.zeros_like(labels)], 1)
    sparse, dense = network.prompt_encoder(points=(points, labels), boxes=None, masks=None)
    return sparse, dense


def decode(
    network: SamNetwork, embeddings: Tensor, sparse: Tensor, dense: Tensor
) -> tuple[Tensor, Tensor]:
    """All four masks (p, 4, h/2, w/2) and expected overlaps (p, 4) of embeddings (p, c, g, g): a
    picture a prompt.

    The decoder's own forward takes one picture with many prompts; these are many pictures with one
    prompt each.
    """
    decoder = network.mask_decoder
    tokens = torch.cat([decoder.iou_token.weight, decoder.mask_tokens.weight]).expand(
        len(sparse), -1, -1
    )
    place = network.prompt_encoder.get_dense_pe().expand(len(sparse), -1, -1, -1)
    answers, seen = decoder.transformer(embeddings + dense, place, torch.cat([tokens, sparse], 1))
    seen = decoder.output_upscaling(seen.transpose(1, 2).reshape(embeddings.shape))
    weights = [mlp(answers[:, 1 + k]) for k, mlp in enumerate(decoder.output_hypernetworks_mlps)]
    masks = torch.einsum("pkc,pchw->pkhw", torch.stack(weights, 1), seen)
    return masks.float(), decoder.iou_prediction_head(answers[:, 0]).float()


def mask_loss(logits: Tensor, truth: Tensor) -> Tensor:
    """Cross-entropy plus dice of each mask (p, k, h, w) against shares (p, 1, h, w): (p, k)."""
    truth = truth.expand_as(logits)
    entropy = F.binary_cross_entropy_with_logits(logits, truth, reduction="none").mean((2, 3))
    inside = logits.sigmoid()
    dice = 1 - (2 * (inside * truth).sum((2, 3)) + 1) / (inside.sum((2, 3)) + truth.sum((2, 3)) + 1)
    return entropy + dice


@torch.no_grad()
def overlaps(logits: Tensor, truth: Tensor) -> Tensor:
    """True intersection over union of masks (p, k, h, w) with shares (p, 1, h, w): (p, k)."""
    found, asked = logits > 0, truth > 0.5
    return (found & asked).sum((2, 3)) / (found | asked).sum((2, 3)).clamp_min(1)


class SamLearner(nn.Module):
    """The SAM and the head that is thrown away."""

    def __init__(self, config: SamConfig) -> None:
        super().__init__()
        self.sam = build_sam(config)
        self.fine = 4
        self.dense = nn.Conv2d(config.prompt_width, 2 * self.fine**2, 1)

    def forward(self, asked: ObjectPrompts, kind: Kind) -> Tensor:
        """The loss of one batch."""
        shown = (asked.pictures * 127.5 + 127.5 - self.sam.pixel_mean) / self.sam.pixel_std
        prompts = prompt(self.sam, asked, kind)
        with use_mixed_precision():
            embeddings = self.sam.image_encoder(shown)
            dense = F.pixel_shuffle(self.dense(embeddings), self.fine)
            logits, expected = decode(self.sam, embeddings[asked.owner].float(), *prompts)
        truth = F.avg_pool2d(asked.masks[:, None], asked.masks.shape[-1] // logits.shape[-1])
        losses = mask_loss(logits, truth)
        loss = losses[:, 0].mean()
        if kind == "point":
            proposals = losses[:, 1:]
            loss = loss + proposals.amin(1).mean() + OTHERS_WEIGHT * proposals.mean()
        asked_for = slice(None) if kind == "point" else slice(0, 1)
        off = expected[:, asked_for] - overlaps(logits[:, asked_for], truth)
        return (
            loss
            + OVERLAP_WEIGHT * off.square().mean()
            + DENSE_WEIGHT * dense_loss(dense.float(), asked.instances)
        )


def dense_loss(found: Tensor, instances: Tensor) -> Tensor:
    """Object or not, and border between two things or not, at half size: (n, 2, h/2, w/2) against
    (n, h, w).
    """
    values = instances[:, None].float()
    border = F.max_pool2d(values, 3, 1, 1) != -F.max_pool2d(-values, 3, 1, 1)
    both = F.avg_pool2d(torch.cat([(values > 0).float(), border.float()], 1), 2)
    return F.binary_cross_entropy_with_logits(found, both)


@dataclass
class SamBatches:
    """Batches of scenes, in an order that only the seed decides."""

    passed: Reconstructions
    random: np.random.Generator

    def draw(self) -> tuple[ObjectPrompts, Kind]:
        """Pictures, what is asked for in them, and how."""
        scenes = self.passed.scenes
        rows = np.sort(self.random.choice(len(scenes) - CHECK_SCENES, BATCH, replace=False))
        through = self.random.random() < THROUGH_AUTOENCODER
        rows = pool(rows) if through else rows
        pictures = as_tensor(self.passed.take(rows) if through else scenes.pictures[rows])
        instances = torch.from_numpy(scenes.instances[rows].astype(np.int64))
        if self.random.random() < 0.5:
            pictures, instances = pictures.flip(3), instances.flip(2)
        kind = KINDS[int(self.random.choice(len(KINDS), p=KIND_SHARES))]
        return build_prompts(worsen(pictures, self.random), instances, self.random), kind


@torch.inference_mode()
def click_iou(sam: SamNetwork, scenes: SceneSet) -> float:
    """Mean overlap of the most promising of three proposals after one click, on scenes never
    trained on.
    """
    rows = np.arange(len(scenes) - CHECK_SCENES, len(scenes))
    torch.manual_seed(SAM_SEED)
    asked = build_prompts(
        as_tensor(scenes.pictures[rows]),
        torch.from_numpy(scenes.instances[rows].astype(np.int64)),
        np.random.default_rng(SAM_SEED),
    )
    embeddings = sam.image_encoder(
        (asked.pictures * 127.5 + 127.5 - sam.pixel_mean) / sam.pixel_std
    )
    logits, expected = decode(sam, embeddings[asked.owner], *prompt(sam, asked, "point"))
    logits = F.interpolate(
        logits, size=asked.masks.shape[-2:], mode="bilinear", align_corners=False
    )
    best = 1 + expected[:, 1:].argmax(1)
    return float(overlaps(logits, asked.masks[:, None])[torch.arange(len(best)), best].mean())


class SamRun(Assignment):
    """Segment Anything."""

    def __call__(self, member: PoolMember) -> None:
        """Train in this (single) process."""
        scenes = load_training_set(self.out / "scenes")
        passed = Reconstructions(self.out, scenes, load_trained_autoencoder(self.out))
        torch.manual_seed(SAM_SEED + self.seed)
        learner = SamLearner(POCKET_SAM)
        schedule = TrainingSchedule(
            learner,
            TrainingPhase(self.minutes * 60, LEARNING_RATE, self.out / "sam.pt", self.resume),
        )
        batches = SamBatches(passed, np.random.default_rng((SAM_SEED, self.seed, schedule.step)))
        for _ in schedule.steps():
            schedule.learn(learner(*batches.draw()))
        save_sam(schedule.average.network.sam, POCKET_SAM, self.family / "sam")
        loaded = load_sam(self.family / "sam", torch.device("cpu"), torch.float32)
        report = {"click_iou": round(click_iou(loaded.network, scenes), 3)}
        (self.out / "sam.json").write_text(json.dumps(report))
        print(report, flush=True)


def train(given: TrainingFlags) -> None:
    """The part ``sam``."""
    run_pool(SamRun.parse(given), 1, given.out)
