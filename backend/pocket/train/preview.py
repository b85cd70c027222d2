"""Train the preview decoder: from the family's latents straight to pictures, with noise such as
unfinished runs leave.

Its encoder learns the same latents beside it, so that the folder is a whole ``AutoencoderTiny``.
"""

from __future__ import annotations

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from backend.pocket.networks.configs import PREVIEW, UNET
from backend.pocket.train.autoencoder import (
    CHECK_SCENES,
    OBJECT_WEIGHT,
    as_tensor,
    reconstruction_loss,
)
from backend.pocket.train.export import export_member, load_trained_autoencoder
from backend.pocket.train.latents import LatentCache
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import load_training_set
from backend.pocket.train.schedule import TrainingPhase, TrainingSchedule

BATCH = 8
LEARNING_RATE = 2e-3
MOST_NOISE = 0.35
"""Largest standard deviation of the noise: what a run foresees half way is about that far from a
drawing's latents.
"""
ENCODER_WEIGHT = 0.2


def build_preview() -> AutoencoderTiny:
    """A fresh tiny autoencoder of the family's reduction and latent channels."""
    return AutoencoderTiny(**PREVIEW)


class PreviewRun(Assignment):
    """The tiny decoder for previews."""

    def __call__(self, member: PoolMember) -> None:
        """Train in one process, then write ``preview`` into the family."""
        scenes = load_training_set(self.out / "scenes")
        cache = LatentCache(
            self.out, scenes, load_trained_autoencoder(self.out), int(UNET["sample_size"])
        )
        torch.manual_seed(self.seed)
        schedule = TrainingSchedule(
            build_preview(),
            TrainingPhase(self.minutes * 60, LEARNING_RATE, self.out / "preview.pt", self.resume),
        )
        random = np.random.default_rng((self.seed, 5, schedule.step))
        for _ in schedule.steps():
            schedule.learn(self._loss(schedule.network, cache, random))
        learned = schedule.average.network
        print(f"preview {preview_psnr(learned, cache):.2f} dB", flush=True)
        # AutoencoderTiny notes block_out_channels, but does not take it when it is loaded
        export_member(learned, self.family / "preview", ("block_out_channels",))

    def _loss(
        self, network: AutoencoderTiny, cache: LatentCache, random: np.random.Generator
    ) -> Tensor:
        scenes = cache.scenes
        rows = np.sort(random.choice(len(scenes) - CHECK_SCENES, BATCH, replace=False))
        latents, truth = cache.take(rows), as_tensor(scenes.pictures[rows])
        weight = 1 + OBJECT_WEIGHT * torch.from_numpy(scenes.instances[rows] > 0)[:, None].float()
        amounts = torch.from_numpy(random.uniform(0, MOST_NOISE, (BATCH, 1, 1, 1))).float()
        noisy = latents + amounts * torch.randn_like(latents)
        with use_mixed_precision():
            made = network.decoder(noisy)
            encoded = network.encode(truth).latents
        loss = reconstruction_loss(made.float(), truth, weight / weight.mean())
        return loss + ENCODER_WEIGHT * (encoded.float() - latents).square().mean()


@torch.no_grad()
def preview_psnr(network: AutoencoderTiny, cache: LatentCache) -> float:
    """Mean peak signal-to-noise ratio in dB of clean latents, over the scenes that were not trained
    on.
    """
    rows = np.arange(len(cache.scenes) - CHECK_SCENES, len(cache.scenes))
    made = network.decoder(cache.take(rows)).clamp(-1, 1)
    error = (made - as_tensor(cache.scenes.pictures[rows])).square().mean((1, 2, 3))
    return float((10 * torch.log10(4 / error)).mean())


def train(given: TrainingFlags) -> None:
    """The part ``preview``."""
    run_pool(PreviewRun.parse(given), 1, given.out)
