"""Train the text encoder and the UNet together: v-prediction on cached latents, regions, and a
semantic head.
"""

from __future__ import annotations

import copy
import os
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import cast

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL, DDIMScheduler, UNet2DConditionModel
from torch import Tensor, nn
from transformers import CLIPTextModel

from backend.pocket.networks.configs import DRAWN_PX, UNET
from backend.pocket.networks.networks import build_scheduler, build_text_encoder, build_unet
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train.attention import watch_regions
from backend.pocket.train.batches import (
    VOCABULARIES,
    Batches,
    DrawnBatches,
    StoredBatches,
    TrainingScenes,
)
from backend.pocket.train.captions import swap_classes, swap_colours
from backend.pocket.train.export import (
    draw_grid,
    export_family,
    load_family_autoencoder,
    load_trained_autoencoder,
)
from backend.pocket.train.latents import LatentCache
from backend.pocket.train.pool import (
    Assignment,
    PoolMember,
    TrainingFlags,
    agree,
    average_gradients,
    run_pool,
)
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import load_training_set
from backend.pocket.train.schedule import MovingAverage, Pace, late_decay
from backend.pocket.world.batched import BatchedWorld

SMALL_UNTIL = 0.4
"""Up to this progress pictures are of half size: four times cheaper, and there the words already
find their shapes.
"""
LEARNING_RATE, WARM_RATE = 1e-3, 8e-4
FRESH_DECAY, WARM_DECAY = 0.3, 0.3
"""The last share of the time, in which the learning rate falls: most of what is seen of shapes
comes then.
"""
HIGH_NOISE_SHARE, HIGH_NOISE_FROM = 0.5, 400
MASKED_SHARE = 0.22
HEAD_WEIGHT, HEAD_BACKGROUND = 0.1, 0.4
HEAD_SIZES = tuple(len(words) + 1 for words in VOCABULARIES)
MIDDLE_BLOCK, MIDDLE_LEVEL = 1, 2
"""The way up's block after which the middle head looks, and the level whose width that has: forms
are settled there, and what is asked of them there is learned sooner.
"""
HEAD_OUTLINE = 0.5
"""Weight, among the head's words, of the one more channel that tells outlines from insides."""
STRAY_WEIGHT = 0.02
"""Of the attention that an object's words spend outside of the object; a fifth of the loss as it is
at the start.
"""
OBJECT_WEIGHT, OUTLINE_WEIGHT = 0.5, 0.5
AVERAGE = 0.999
"""Decay of the exported moving average: about the last 1,000 updates."""
MIXED_FROM = 0.55
"""From this progress on most samples hold up to four objects of many sizes."""
REPORT_S, EXPORT_S = 300.0, 600.0
CHECK_TIMESTEP = 500
Predict = Callable[[TrainingScenes, Tensor, Tensor], tuple[Tensor, Tensor, Tensor]]


class UnetLearner(nn.Module):
    """The networks that learn: text encoder, UNet, and two heads that name the look under each
    latent cell, from the last features and from those of 16 × 16 cells on the way up.
    """

    def __init__(self) -> None:
        super().__init__()
        tokenizer = build_tokenizer()
        self.text = build_text_encoder(tokenizer)
        self.unet = build_unet()
        widths = UNET["block_out_channels"]
        self.head = nn.Conv2d(widths[0], sum(HEAD_SIZES) + 1, 1)
        self.middle_head = nn.Conv2d(widths[MIDDLE_LEVEL], sum(HEAD_SIZES), 1)


def rough_regions(regions: Tensor, random: np.random.Generator) -> Tensor:
    """Regions as people paint them: the silhouette, a grown one, or the ellipse in its box (one
    choice per batch).
    """
    choice = random.random()
    if choice < 0.3:
        return regions
    if choice < 0.6:
        return F.max_pool2d(regions, 3, 1, 1)
    side = regions.shape[-1]
    line = torch.arange(side, dtype=torch.float32, device=regions.device) + 0.5
    out = []
    for axis in (2, 3):
        present = regions.amax(axis)
        low = torch.where(present > 0, line, 1e3).amin(-1) - 0.5
        high = torch.where(present > 0, line, -1e3).amax(-1) + 0.5
        out.append(
            (line - ((low + high) / 2)[..., None])
            / ((high - low).clamp(min=1) / 2 + 0.3)[..., None]
        )
    across, down = out
    return ((across[..., None, :] ** 2 + down[..., :, None] ** 2) <= 1).float() * regions.amax(
        (2, 3), keepdim=True
    )


def draw_timesteps(random: np.random.Generator, count: int) -> Tensor:
    """Uniform steps 0..999, some of them only from the noisy end, where the layout is decided."""
    steps = random.integers(0, 1000, count)
    noisy = random.integers(HIGH_NOISE_FROM, 1000, count)
    return torch.from_numpy(np.where(random.random(count) < HIGH_NOISE_SHARE, noisy, steps))


def naming_loss(scores: Tensor, looks: Tensor) -> Tensor:
    """Cross-entropy (b, h, w) of head scores (b, sum of ``HEAD_SIZES``, h, w) against looks (b, 3,
    h, w): mean of 3.
    """
    total = torch.zeros_like(scores[:, 0])
    words = scores[:, : sum(HEAD_SIZES)]
    for part, truth in zip(words.split(HEAD_SIZES, 1), looks.unbind(1), strict=True):
        balance = torch.ones(part.shape[1], device=part.device)
        balance[0] = HEAD_BACKGROUND
        total = total + F.cross_entropy(part, truth, balance, reduction="none")
    return total / len(HEAD_SIZES)


def reduce_looks(looks: Tensor, side: int) -> Tensor:
    """Looks (b, 3, h, w) at the centres of fewer cells: (b, 3, side, side)."""
    stride = looks.shape[-1] // side
    return looks[..., stride // 2 :: stride, stride // 2 :: stride]


def outline_cells(regions: Tensor) -> Tensor:
    """Where an object meets something else: 0 or 1 (b, h, w) of regions (b, objects, h, w) of 0
    and 1, on both sides of the line.
    """
    grown = F.max_pool2d(regions, 3, 1, 1)
    shrunk = 1 - F.max_pool2d(1 - regions, 3, 1, 1)
    return (grown - shrunk).amax(1)


class UnetRun(Assignment):
    """The UNet; ``warm`` begins with the family's weights, at full size from the first step, and a
    longer way down.

    On a GPU (``device``) the scenes are drawn there; those on disk then only measure.
    """

    def __call__(self, member: PoolMember) -> None:
        """Train in this process of the crew."""
        folder = self.out / "forms"
        scenes = load_training_set(folder)
        autoencoder = load_trained_autoencoder(self.out)
        side = int(UNET["sample_size"])
        full, small = (
            LatentCache(folder, scenes, autoencoder, cells) for cells in (side, side // 2)
        )
        stored = StoredBatches(scenes, full, small)
        torch.manual_seed(self.seed)
        device = torch.device(self.device)
        UnetTrainer(
            self,
            member,
            stored if device.type == "cpu" else self._draw_batches(device, autoencoder),
            stored,
        ).train()

    def _draw_batches(self, device: torch.device, autoencoder: AutoencoderKL) -> Batches:
        world = BatchedWorld(device, DRAWN_PX, plates_each=256, seed=self.seed)
        return DrawnBatches(world, autoencoder, self.seed)


class UnetTrainer:
    """The loop of one process."""

    def __init__(
        self, run: UnetRun, member: PoolMember, source: Batches, stored: StoredBatches
    ) -> None:
        self.run, self.member, self.source, self.stored = run, member, source, stored
        self.device = torch.device(run.device)
        self.learner = UnetLearner().to(self.device)
        self.average = MovingAverage(_select_shipped(self.learner), AVERAGE)
        self.view = watch_regions(self.learner.unet)
        self.features: list[Tensor] = []
        self.middle: list[Tensor] = []
        self.learner.unet.conv_out.register_forward_pre_hook(
            lambda _, given: self.features.append(given[0])
        )
        self.learner.unet.up_blocks[MIDDLE_BLOCK].register_forward_hook(
            lambda _, given, made: self.middle.append(made)
        )
        self.optimiser = torch.optim.AdamW(
            self.learner.parameters(),
            LEARNING_RATE,
            betas=(0.9, 0.99),
            weight_decay=1e-2,
            fused=True,
        )
        self.schedule: DDIMScheduler = build_scheduler()
        self.step = 0
        if run.warm:
            self._begin_with(run.family)
        self.pace = Pace(run.minutes * 60, self._restore())

    @property
    def small(self) -> bool:
        """Whether this is the part of the curriculum at half size."""
        return not self.run.warm and self.pace.progress < SMALL_UNTIL

    def _rate(self, progress: float) -> float:
        """The learning rate at this point of the time."""
        if self.run.warm:
            return WARM_RATE * late_decay(progress, WARM_DECAY)
        return LEARNING_RATE * late_decay(progress, FRESH_DECAY)

    def _begin_with(self, family: Path) -> None:
        """Take the exported weights as the start of the networks and of their average; the head
        stays fresh.
        """
        unet = UNet2DConditionModel.from_pretrained(
            family / "unet", use_safetensors=True, torch_dtype=torch.float32
        )
        text = CLIPTextModel.from_pretrained(
            family / "text_encoder", use_safetensors=True, dtype=torch.float32
        )
        for network in (self.learner, self.average.network):
            parts = dict(network.named_children())
            parts["unet"].load_state_dict(unet.state_dict())
            parts["text"].load_state_dict(text.state_dict())

    def train(self) -> None:
        """Go on until the time is used up, then write the last checkpoint and the family."""
        random = np.random.default_rng((self.run.seed, self.member.rank, self.step))
        torch.manual_seed(self.run.seed + 7919 * (self.member.rank + 1) + self.step)
        reported = exported = time.monotonic()
        running, samples = 0.0, 0
        while (progress := agree(self.pace.progress, self.member)) < 1:
            for group in self.optimiser.param_groups:
                group["lr"] = self._rate(progress)
            batch = self.source.draw(self.small, self.run.warm or progress >= MIXED_FROM, random)
            samples += len(batch.ids) * self.member.size
            loss = self._learn(batch, random)
            running = loss if running == 0 else 0.98 * running + 0.02 * loss
            self.step += 1
            if not self.member.leads:
                continue
            if self.step % 50 == 0:
                print(
                    (
                        f"{time.strftime('%T')} step {self.step} samples {samples} "
                        f"{progress:.3f} loss {running:.4f}"
                    ),
                    flush=True,
                )
            if time.monotonic() - reported > REPORT_S:
                self._save()
                self._gauge()
                reported = time.monotonic()
            if time.monotonic() - exported > EXPORT_S:
                self._export(f"unet_{self.step:06d}.png")
                exported = time.monotonic()
        if self.member.leads:
            self._save()
            self._gauge()
            self._export("unet_final.png")

    def _predict(
        self, batch: TrainingScenes, noise: Tensor, steps: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Squared error (b, h, w) of the velocity, the last features (b, c, h, w), the error's
        weights (b, h, w).
        """
        noise, steps = noise.to(self.device), steps.to(self.device)
        batch = batch.to(self.device)
        noisy = self.schedule.add_noise(batch.latents, noise, steps)
        target = self.schedule.get_velocity(batch.latents, noise, steps)
        self.features.clear()
        self.middle.clear()
        with use_mixed_precision(self.device.type):
            states = self.learner.text(batch.ids).last_hidden_state
            made = self.learner.unet(noisy, steps, states).sample
        weight = 1 + OBJECT_WEIGHT * (batch.looks[:, 0] > 0).float()
        weight = weight + OUTLINE_WEIGHT * outline_cells(batch.regions)
        return (made.float() - target).square().mean(1), self.features.pop(), weight

    def _learn(self, batch: TrainingScenes, random: np.random.Generator) -> float:
        self.view.regions = rough_regions(batch.regions, random)
        self.view.owners = batch.owners
        wanted = (batch.owners >= 0).any(1)
        masked = torch.from_numpy(random.random(len(wanted)) < MASKED_SHARE).to(self.device)
        self.view.masked_rows = masked & wanted
        error, features, weight = self._predict(
            batch, torch.randn_like(batch.latents), draw_timesteps(random, len(wanted))
        )
        loss = (error * weight).mean() / weight.mean()
        scores = self.learner.head(features.float())
        outlined = F.binary_cross_entropy_with_logits(
            scores[:, -1], outline_cells(batch.regions), reduction="none"
        )
        wrong = naming_loss(scores, batch.looks) + HEAD_OUTLINE * outlined
        middle = self.learner.middle_head(self.middle.pop().float())
        coarse = naming_loss(middle, reduce_looks(batch.looks, middle.shape[-1]))
        named = sum((one * wanted[:, None, None]).mean() for one in (wrong, coarse))
        (loss + HEAD_WEIGHT * named + STRAY_WEIGHT * self.view.stray_loss()).backward()
        parameters = list(self.learner.parameters())
        average_gradients(parameters, self.member)
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        self.average.update(_select_shipped(self.learner))
        return float(loss.detach())

    @torch.no_grad()
    def _gauge(self) -> None:
        """How much the loss at t = 500 grows when classes or colours in the captions are exchanged,
        in percent.
        """
        self.view.regions, small = None, self.small
        print(
            "  " + measure_words(self.stored, self._predict, self.stored.check, small),
            flush=True,
        )

    def _export(self, grid: str) -> None:
        unet, text = (copy.deepcopy(self.average.network[name]).cpu() for name in ("unet", "text"))
        export_family(
            self.run.family,
            cast(UNet2DConditionModel, unet),
            cast(CLIPTextModel, text),
            load_family_autoencoder(self.run.family),
        )
        draw_grid(self.run.family, self.run.out / grid)
        print(f"  exported; grid {grid}", flush=True)

    def _save(self) -> None:
        kept = {
            "learner": self.learner.state_dict(),
            "average": self.average.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "spent_s": self.pace.elapsed_s,
            "step": self.step,
        }
        torch.save(kept, self.run.out / "unet.pt.new")
        os.replace(self.run.out / "unet.pt.new", self.run.out / "unet.pt")

    def _restore(self) -> float:
        path = self.run.out / "unet.pt"
        if not (self.run.resume and path.exists()):
            return 0.0
        kept = torch.load(path, weights_only=True, map_location=self.device)
        self.learner.load_state_dict(kept["learner"])
        self.average.network.load_state_dict(kept["average"])
        self.optimiser.load_state_dict(kept["optimiser"])
        self.step = self.average.updates = kept["step"]
        return float(kept["spent_s"])


@torch.no_grad()
def measure_words(maker: StoredBatches, predict: Predict, scenes: range, small: bool) -> str:
    """A line: the loss at ``CHECK_TIMESTEP`` on these scenes, and its rise in percent with wrong
    words.
    """
    totals = np.zeros(3)
    generator = torch.Generator().manual_seed(0)
    for start in scenes[::16]:
        rows = np.arange(start, min(start + 16, scenes.stop))
        batch = maker.gather(rows, None, small)
        noise = torch.randn(batch.latents.shape, generator=generator)
        steps = torch.full((len(rows),), CHECK_TIMESTEP)
        words = [maker.scenes.words[k] for k in rows]
        for k, change in enumerate((lambda w: w, swap_classes, swap_colours)):
            captions = maker.captions.build([change(w) for w in words], None)
            error, _, weight = predict(
                replace(batch, ids=captions.ids, owners=captions.owners), noise, steps
            )
            totals[k] += float((error * weight).sum() / weight.sum()) * len(rows)
    loss = totals / len(scenes)
    rises = [100 * (value / loss[0] - 1) for value in loss[1:]]
    return (
        f"check loss {loss[0]:.4f}, classes exchanged {rises[0]:+.1f} %, colours {rises[1]:+.1f} %"
    )


def _select_shipped(learner: UnetLearner) -> nn.ModuleDict:
    """The part of the learner that ships."""
    return nn.ModuleDict({"text": learner.text, "unet": learner.unet})


def train(given: TrainingFlags) -> None:
    """The part ``unet``."""
    run_pool(UnetRun.parse(given), given.workers, given.out)
