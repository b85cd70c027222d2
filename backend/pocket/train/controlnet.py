"""Train the ControlNet on edge maps: a copy of the UNet's lower half, beside the UNet that stays as
it is.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, DDIMScheduler, UNet2DConditionModel
from torch import Tensor
from transformers import CLIPTextModel

from backend.pocket.networks.configs import EDGE_CHANNELS, UNET
from backend.pocket.networks.networks import build_scheduler
from backend.pocket.networks.tokenizer import build_tokenizer
from backend.pocket.train.attention import watch_regions
from backend.pocket.train.captions import CaptionMaker
from backend.pocket.train.edge_maps import EdgeMaps, hints
from backend.pocket.train.export import export_member, load_trained_autoencoder
from backend.pocket.train.latents import LatentCache
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import load_training_set
from backend.pocket.train.schedule import (
    MovingAverage,
    Pace,
    cosine,
    restore_checkpoint,
    save_checkpoint,
)
from backend.pocket.train.unet import draw_timesteps

BATCH = 16
LEARNING_RATE = 7e-4
EMPTY_PROMPT_SHARE = 0.3
"""Share of the samples without words: there the edges must say what is drawn (the ControlNet paper
takes half).
"""
NOISY_SHARE, NOISY_FROM = 0.4, 550
"""Share of the samples from the noisy end only, on top of the UNet's own: outlines are settled
there.
"""
EDGE_WEIGHT = 3.0
"""What the error weighs more in the cells that hold an edge and beside them."""
CHECK_ROWS = 64
"""The last scenes: never trained on, they measure what the edges explain."""
CHECK_TIMESTEP = 600
SAVE_EVERY = 200


class Noisy(NamedTuple):
    """Clean latents (b, c, h, w), the noise that is mixed into them, and each one's timestep
    (b,).
    """

    latents: Tensor
    noise: Tensor
    steps: Tensor


def build_controlnet(unet: UNet2DConditionModel) -> ControlNetModel:
    """A ControlNet that begins as a copy of the UNet's lower half and adds nothing yet."""
    return ControlNetModel.from_unet(unet, conditioning_embedding_out_channels=EDGE_CHANNELS)


def load_frozen(family: Path) -> tuple[UNet2DConditionModel, CLIPTextModel]:
    """UNet and text encoder of the family in full precision, without gradients."""
    unet = UNet2DConditionModel.from_pretrained(
        family / "unet", use_safetensors=True, torch_dtype=torch.float32
    )
    text = CLIPTextModel.from_pretrained(
        family / "text_encoder", use_safetensors=True, dtype=torch.float32
    )
    return unet.eval().requires_grad_(False), text.eval().requires_grad_(False)


class ControlnetRun(Assignment):
    """The ControlNet; ``warm`` begins with the family's own instead of a copy of its UNet."""

    def __call__(self, member: PoolMember) -> None:
        """Train in one process, then write ``controlnet`` into the family."""
        ControlnetTrainer(self).train()


class ControlnetTrainer:
    """The loop of the training."""

    def __init__(self, run: ControlnetRun) -> None:
        torch.manual_seed(run.seed)
        self.run = run
        self.scenes = load_training_set(run.out / "scenes")
        self.latents = LatentCache(
            run.out, self.scenes, load_trained_autoencoder(run.out), int(UNET["sample_size"])
        )
        self.edges = EdgeMaps(run.out, self.scenes)
        self.captions = CaptionMaker(build_tokenizer())
        self.unet, self.text = load_frozen(run.family)
        self.network = self._first().train()
        watch_regions(self.unet)
        watch_regions(self.network)
        self.average = MovingAverage(self.network, 0.995)
        self.optimiser = torch.optim.AdamW(
            self.network.parameters(),
            LEARNING_RATE,
            betas=(0.9, 0.99),
            weight_decay=1e-2,
            fused=True,
        )
        self.schedule: DDIMScheduler = build_scheduler()
        self.pace = Pace(run.minutes * 60, self._restore())

    def _first(self) -> ControlNetModel:
        if not self.run.warm:
            return build_controlnet(self.unet)
        folder = self.run.family / "controlnet"
        return ControlNetModel.from_pretrained(
            folder, use_safetensors=True, torch_dtype=torch.float32
        )

    def train(self) -> None:
        """Go on until the time is used up, then write the last checkpoint and the member."""
        step = self.average.updates
        random = np.random.default_rng((self.run.seed, 3, step))
        torch.manual_seed(self.run.seed + 13 + step)
        running = 0.0
        while (progress := self.pace.progress) < 1:
            for group in self.optimiser.param_groups:
                group["lr"] = LEARNING_RATE * cosine(progress)
            loss = self._learn(random)
            running = loss if running == 0 else 0.98 * running + 0.02 * loss
            step += 1
            if step % 50 == 0:
                print(
                    f"{time.strftime('%T')} step {step} {progress:.3f} loss {running:.4f}",
                    flush=True,
                )
            if step % SAVE_EVERY == 0:
                self._save()
                print(f"  {self.measure()}", flush=True)
        self._save()
        report = self.measure()
        (self.run.out / "controlnet.json").write_text(json.dumps(report))
        print(f"  {report}", flush=True)
        export_member(self.average.network, self.run.family / "controlnet")

    def _learn(self, random: np.random.Generator) -> float:
        rows = np.sort(random.choice(len(self.scenes) - CHECK_ROWS, BATCH, replace=False))
        ids = self._ids(rows, random)
        self.optimiser.zero_grad()
        error = self._error(
            self.network, rows, ids, hint=hints(self.edges.take(rows), random), random=random
        )
        error.mean().backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.average.update(self.network)
        return float(error.detach().mean())

    def _ids(self, rows: np.ndarray, random: np.random.Generator) -> Tensor:
        """Captions (b, tokens), some of them empty."""
        ids = self.captions.build([self.scenes.words[row] for row in rows], random).ids
        empty_ids = torch.tensor(self.captions.say([], "")[0])
        return torch.where(
            torch.from_numpy(random.random(len(rows)) < EMPTY_PROMPT_SHARE)[:, None], empty_ids, ids
        )

    def _error(
        self,
        network: ControlNetModel,
        rows: np.ndarray,
        ids: Tensor,
        *,
        hint: Tensor,
        random: np.random.Generator,
    ) -> Tensor:
        """Squared error of the velocity per sample, with edges (b, 3, h, w) and random steps."""
        latents = self.latents.take(rows)
        noise, steps = torch.randn_like(latents), draw_timesteps(random, len(rows))
        noisy = torch.from_numpy(random.integers(NOISY_FROM, 1000, len(rows)))
        steps = torch.where(torch.from_numpy(random.random(len(rows)) < NOISY_SHARE), noisy, steps)
        weight = 1 + EDGE_WEIGHT * F.max_pool2d(
            F.adaptive_max_pool2d(hint[:, 0], latents.shape[-1]), 3, 1, 1
        )
        error = self._velocity_error(network, Noisy(latents, noise, steps), ids, hint)
        return (error * weight).sum((1, 2)) / weight.sum((1, 2))

    def _velocity_error(
        self,
        network: ControlNetModel | None,
        state: Noisy,
        ids: Tensor,
        hint: Tensor,
    ) -> Tensor:
        """Squared error (b, h, w)."""
        noisy = self.schedule.add_noise(state.latents, state.noise, state.steps)
        extra = {}
        with use_mixed_precision():
            words = self.text(ids).last_hidden_state
            if network is not None:
                down, middle = network(noisy, state.steps, words, hint, return_dict=False)
                extra = {
                    "down_block_additional_residuals": down,
                    "mid_block_additional_residual": middle,
                }
            made = self.unet(noisy, state.steps, words, return_dict=False, **extra)[0]
        target = self.schedule.get_velocity(state.latents, state.noise, state.steps)
        return (made.float() - target).square().mean(1)

    @torch.no_grad()
    def measure(self) -> dict[str, float]:
        """The loss at ``CHECK_TIMESTEP`` on scenes never trained on: with all edges, and without a
        ControlNet.
        """
        totals = {"with_edges": 0.0, "without": 0.0}
        generator = torch.Generator().manual_seed(0)
        for start in range(len(self.scenes) - CHECK_ROWS, len(self.scenes), BATCH):
            rows = np.arange(start, start + BATCH)
            latents = self.latents.take(rows)
            noise = torch.randn(latents.shape, generator=generator)
            state = Noisy(latents, noise, torch.full((BATCH,), CHECK_TIMESTEP))
            ids = self.captions.build([self.scenes.words[row] for row in rows], None).ids
            white = (
                torch.from_numpy(self.edges.take(rows) > 0)[:, None].float().expand(-1, 3, -1, -1)
            )
            for name, network in (("with_edges", self.average.network), ("without", None)):
                totals[name] += (
                    float(self._velocity_error(network, state, ids, white).mean((1, 2)).sum())
                    / CHECK_ROWS
                )
        return {name: round(total, 4) for name, total in totals.items()}

    def _save(self) -> None:
        path = self.run.out / "controlnet.pt"
        save_checkpoint(path, self.network, self.average, self.optimiser, self.pace)

    def _restore(self) -> float:
        path = self.run.out / "controlnet.pt"
        if not (self.run.resume and path.exists()):
            return 0.0
        return restore_checkpoint(path, self.network, self.average, self.optimiser)


def train(given: TrainingFlags) -> None:
    """The part ``controlnet``."""
    run_pool(ControlnetRun.parse(given), 1, given.out)
