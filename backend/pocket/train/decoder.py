"""Train only the decoder further: sharper pictures from the same latents, so that the UNet stays
valid.

The latents are given a little noise, because a UNet's latents are never quite those of a drawing.
"""

from __future__ import annotations

import os
import time

import numpy as np
import torch
from diffusers import AutoencoderKL

from backend.pocket.train.autoencoder import (
    BATCH,
    CHECK_SCENES,
    OBJECT_WEIGHT,
    as_tensor,
    psnr,
    reconstruction_loss,
)
from backend.pocket.train.export import load_trained_autoencoder
from backend.pocket.train.pool import (
    Assignment,
    PoolMember,
    TrainingFlags,
    agree,
    average_gradients,
    run_pool,
)
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import SceneSet, load_training_set
from backend.pocket.train.schedule import MovingAverage, Pace, cosine

LEARNING_RATE = 1.5e-3
MOST_NOISE = 0.12
"""Largest standard deviation of the noise on latents of unit variance."""


class DecoderRun(Assignment):
    """The autoencoder's decoder alone, on noisy latents."""

    def __call__(self, member: PoolMember) -> None:
        """Train in this process of the crew; the leader replaces ``vae`` in ``out`` at the end."""
        scenes, network = load_training_set(self.out / "scenes"), load_trained_autoencoder(self.out)
        learning = [*network.decoder.parameters(), *network.post_quant_conv.parameters()]
        for parameter in learning:
            parameter.requires_grad_(True)
        optimiser = torch.optim.AdamW(learning, LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-3)
        average = MovingAverage(network, 0.998)
        random = np.random.default_rng((self.seed, member.rank, 1))
        torch.manual_seed(self.seed + 104_729 * (member.rank + 1))
        pace, step = Pace(self.minutes * 60), 0
        while (progress := agree(pace.progress, member)) < 1:
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * cosine(progress)
            loss = self._step(network, scenes, random)
            average_gradients(learning, member)
            torch.nn.utils.clip_grad_norm_(learning, 1.0)
            optimiser.step()
            optimiser.zero_grad()
            average.update(network)
            step += 1
            if member.leads and step % 100 == 0:
                print(
                    f"{time.strftime('%T')} step {step} {progress:.3f} loss {loss:.4f}", flush=True
                )
        if member.leads:
            self._finish(average.network, scenes)

    def _step(self, network: AutoencoderKL, scenes: SceneSet, random: np.random.Generator) -> float:
        rows = np.sort(random.choice(len(scenes) - CHECK_SCENES, BATCH, replace=False))
        truth = as_tensor(scenes.pictures[rows])
        weight = 1 + OBJECT_WEIGHT * torch.from_numpy(scenes.instances[rows] > 0)[:, None].float()
        with use_mixed_precision():
            with torch.no_grad():
                latents = network.encode(truth).latent_dist.mean.float()
            noise = float(random.uniform(0, MOST_NOISE)) * torch.randn_like(latents)
            made = network.decode(latents + noise).sample
        loss = reconstruction_loss(made.float(), truth, weight / weight.mean())
        loss.backward()
        return float(loss.detach())

    def _finish(self, network: AutoencoderKL, scenes: SceneSet) -> None:
        before = psnr(load_trained_autoencoder(self.out), scenes)
        network.save_pretrained(self.out / "vae.new")
        for path in (self.out / "vae.new").iterdir():
            os.replace(path, self.out / "vae" / path.name)
        print(
            f"reconstruction {before:.2f} dB before, {psnr(network, scenes):.2f} dB after",
            flush=True,
        )


def train(given: TrainingFlags) -> None:
    """The part ``decoder``."""
    run_pool(DecoderRun.parse(given), given.workers, given.out)
