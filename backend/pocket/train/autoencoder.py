"""Train the autoencoder: pictures at 128 px to four latent channels at 32 and back."""

from __future__ import annotations

import json
import math
import os
import time

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from backend.pocket.networks.networks import build_small_autoencoder
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

BATCH = 4
LEARNING_RATE = 2.5e-3
EDGE_WEIGHT, KL_WEIGHT, OBJECT_WEIGHT = 0.6, 2e-4, 1.5
CHECK_SCENES = 64
"""The last scenes on disk measure the reconstruction and are not trained on."""


def as_tensor(pictures: np.ndarray) -> Tensor:
    """uint8 (n, h, w, 3) to float32 (n, 3, h, w) in -1..1."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).float() / 127.5 - 1


def reconstruction_loss(made: Tensor, truth: Tensor, weight: Tensor) -> Tensor:
    """Absolute and squared error plus the error of neighbour differences, all weighted per pixel
    (n, 1, h, w).
    """
    error = made - truth
    loss = (weight * (error.abs() + error.square())).mean()
    for axis in (2, 3):
        step = error.diff(dim=axis).abs()
        loss = loss + EDGE_WEIGHT * (step * weight.narrow(axis, 1, step.shape[axis])).mean()
    return loss


def psnr(network: AutoencoderKL, scenes: SceneSet, count: int = CHECK_SCENES) -> float:
    """Mean peak signal-to-noise ratio in dB of the last ``count`` scenes."""
    values = []
    with torch.no_grad():
        for start in range(len(scenes) - count, len(scenes), 8):
            truth = as_tensor(scenes.pictures[start : start + 8])
            made = network.decode(network.encode(truth).latent_dist.mode()).sample.clamp(-1, 1)
            values += [
                10 * math.log10(4 / float((made[k] - truth[k]).square().mean()))
                for k in range(len(truth))
            ]
    return sum(values) / len(values)


@torch.no_grad()
def standardise(network: AutoencoderKL, pictures: Tensor) -> None:
    """Give every latent channel mean 0 and variance 1 over the pictures (n, 3, h, w), without
    changing what is decoded.

    The two 1×1 convolutions around the latents take the change: the encoder's subtracts and
    divides, the other undoes it. One common scale would leave weak channels buried in the
    diffusion's noise.
    """
    means = torch.cat([network.encode(picture[None]).latent_dist.mode() for picture in pictures])
    centre, spread = means.mean((0, 2, 3)), means.std((0, 2, 3))
    count = len(spread)
    into, out = network.quant_conv, network.post_quant_conv
    out.bias.add_(out.weight[:, :, 0, 0] @ centre)
    out.weight *= spread[None, :, None, None]
    into.bias[:count] = (into.bias[:count] - centre) / spread
    into.weight[:count] /= spread[:, None, None, None]
    into.bias[count:] -= 2 * spread.log()


class AutoencoderRun(Assignment):
    """The autoencoder."""

    def __call__(self, member: PoolMember) -> None:
        """Train in this process of the crew."""
        scenes = load_training_set(self.out / "scenes")
        torch.manual_seed(self.seed)
        network = build_small_autoencoder()
        optimiser = torch.optim.AdamW(
            network.parameters(), LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-3
        )
        average = MovingAverage(network, 0.998)
        spent, step = self._restore(network, average, optimiser)
        random = np.random.default_rng((self.seed, member.rank, step))
        torch.manual_seed(self.seed + 7919 * (member.rank + 1) + step)
        pace = Pace(self.minutes * 60, spent)
        while (progress := agree(pace.progress, member)) < 1:
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * cosine(progress)
            loss = self._step(network, scenes, random)
            average_gradients(network.parameters(), member)
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            optimiser.zero_grad()
            average.update(network)
            step += 1
            if member.leads and step % 100 == 0:
                print(
                    f"{time.strftime('%T')} step {step} {progress:.3f} loss {loss:.4f}", flush=True
                )
            if member.leads and step % 400 == 0:
                self._save(network, average, optimiser, pace, step)
                print(f"  psnr {psnr(average.network, scenes, 32):.2f} dB", flush=True)
        if member.leads:
            self._save(network, average, optimiser, pace, step)
            self._finish(average.network, scenes)

    def _step(self, network: AutoencoderKL, scenes: SceneSet, random: np.random.Generator) -> float:
        rows = np.sort(random.choice(len(scenes) - CHECK_SCENES, BATCH, replace=False))
        truth = as_tensor(scenes.pictures[rows])
        weight = 1 + OBJECT_WEIGHT * torch.from_numpy(scenes.instances[rows] > 0)[:, None].float()
        if random.random() < 0.5:
            truth, weight = truth.flip(3), weight.flip(3)
        with use_mixed_precision():
            latents = network.encode(truth).latent_dist
            made = network.decode(
                latents.mean.float() + latents.std.float() * torch.randn_like(latents.mean.float())
            ).sample
        loss = reconstruction_loss(made.float(), truth, weight / weight.mean())
        mean, log_variance = latents.mean.float(), latents.logvar.float()
        kl = 0.5 * (mean.square() + log_variance.exp() - 1 - log_variance).mean()
        (loss + KL_WEIGHT * kl).backward()
        return float(loss.detach())

    def _restore(
        self,
        network: AutoencoderKL,
        average: MovingAverage[AutoencoderKL],
        optimiser: torch.optim.Optimizer,
    ) -> tuple[float, int]:
        path = self.out / "autoencoder.pt"
        if not (self.resume and path.exists()):
            return 0.0, 0
        kept = torch.load(path, weights_only=True)
        network.load_state_dict(kept["network"])
        average.network.load_state_dict(kept["average"])
        average.updates = kept["step"]
        optimiser.load_state_dict(kept["optimiser"])
        return kept["spent_s"], kept["step"]

    def _save(
        self,
        network: AutoencoderKL,
        average: MovingAverage[AutoencoderKL],
        optimiser: torch.optim.Optimizer,
        pace: Pace,
        step: int,
    ) -> None:
        kept = {
            "network": network.state_dict(),
            "average": average.network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "spent_s": pace.elapsed_s,
            "step": step,
        }
        torch.save(kept, self.out / "autoencoder.pt.new")
        os.replace(self.out / "autoencoder.pt.new", self.out / "autoencoder.pt")

    def _finish(self, network: AutoencoderKL, scenes: SceneSet) -> None:
        """Set the scale that makes latents unit variance, and write the network in full
        precision.
        """
        rows = np.arange(0, len(scenes), len(scenes) // 256)
        standardise(network, as_tensor(scenes.pictures[rows]))
        network.register_to_config(scaling_factor=1.0)
        network.save_pretrained(self.out / "vae")
        report = {"psnr_db": round(psnr(network, scenes), 2)}
        (self.out / "autoencoder.json").write_text(json.dumps(report))
        print(report, flush=True)


def train(given: TrainingFlags) -> None:
    """The part ``autoencoder``."""
    run_pool(AutoencoderRun.parse(given), given.workers, given.out)
