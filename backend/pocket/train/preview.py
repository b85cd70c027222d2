"""Train the preview decoder: from the family's latents straight to pictures, with noise such as unfinished runs leave.

Its encoder learns the same latents beside it, so that the folder is a whole ``AutoencoderTiny``.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, ModelMixin
from torch import Tensor

from backend.pocket.configs import PREVIEW, UNET
from backend.pocket.train.autoencoder import CHECK_SCENES, OBJECT_WEIGHT, as_tensor, reconstruction_loss
from backend.pocket.train.crew import Seat, run_crew
from backend.pocket.train.export import load_trained_autoencoder, move_files
from backend.pocket.train.latents import LatentCache
from backend.pocket.train.moving import MovingAverage
from backend.pocket.train.pace import Pace, cosine
from backend.pocket.train.scenes import load_training_set

BATCH = 8
LEARNING_RATE = 2e-3
MOST_NOISE = 0.35
"""Largest standard deviation of the noise: what a run foresees half way is about that far from a drawing's latents."""
ENCODER_WEIGHT = 0.2


def build_preview() -> AutoencoderTiny:
    """A fresh tiny autoencoder of the family's reduction and latent channels."""
    return AutoencoderTiny(**PREVIEW)


@dataclass(frozen=True)
class PreviewRun:
    """What a training is told: folder of scenes and latents, folder of the family, minutes, seed, whether to go on."""

    out: Path
    family: Path
    minutes: float
    seed: int
    resume: bool

    def __call__(self, seat: Seat) -> None:
        """Train in one process, then write ``preview`` into the family."""
        scenes = load_training_set(self.out / "scenes")
        cache = LatentCache(self.out, scenes, load_trained_autoencoder(self.out), int(UNET["sample_size"]))
        torch.manual_seed(self.seed)
        network = build_preview()
        optimiser = torch.optim.AdamW(network.parameters(), LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-3)
        average = MovingAverage(network, 0.995)
        pace, step = Pace(self.minutes * 60, self._restore(network, average, optimiser)), average.updates
        random = np.random.default_rng((self.seed, 5, step))
        while (progress := pace.progress) < 1:
            for group in optimiser.param_groups:
                group["lr"] = LEARNING_RATE * cosine(progress)
            optimiser.zero_grad()
            loss = self._loss(network, cache, random)
            loss.backward()
            torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
            optimiser.step()
            average.update(network)
            step += 1
            if step % 100 == 0:
                print(f"{time.strftime('%T')} step {step} {progress:.3f} loss {float(loss.detach()):.4f}", flush=True)
                self._save(network, average, optimiser, pace)
        self._save(network, average, optimiser, pace)
        print(f"preview {preview_psnr(average.network, cache):.2f} dB", flush=True)
        # AutoencoderTiny notes block_out_channels, but does not take it when it is loaded
        export_member(average.network, self.family / "preview", ("block_out_channels",))

    def _loss(self, network: AutoencoderTiny, cache: LatentCache, random: np.random.Generator) -> Tensor:
        scenes = cache.scenes
        rows = np.sort(random.choice(len(scenes) - CHECK_SCENES, BATCH, replace=False))
        latents, truth = cache.take(rows), as_tensor(scenes.pictures[rows])
        weight = 1 + OBJECT_WEIGHT * torch.from_numpy(scenes.instances[rows] > 0)[:, None].float()
        amounts = torch.from_numpy(random.uniform(0, MOST_NOISE, (BATCH, 1, 1, 1))).float()
        noisy = latents + amounts * torch.randn_like(latents)
        with torch.autocast("cpu", torch.bfloat16):
            made = network.decoder(noisy)
            encoded = network.encode(truth).latents
        loss = reconstruction_loss(made.float(), truth, weight / weight.mean())
        return loss + ENCODER_WEIGHT * (encoded.float() - latents).square().mean()

    def _save(
        self, network: AutoencoderTiny, average: MovingAverage, optimiser: torch.optim.Optimizer, pace: Pace
    ) -> None:
        kept = {
            "network": network.state_dict(),
            "average": average.network.state_dict(),
            "optimiser": optimiser.state_dict(),
            "spent_s": pace.elapsed_s,
            "step": average.updates,
        }
        torch.save(kept, self.out / "preview.pt.new")
        os.replace(self.out / "preview.pt.new", self.out / "preview.pt")

    def _restore(self, network: AutoencoderTiny, average: MovingAverage, optimiser: torch.optim.Optimizer) -> float:
        path = self.out / "preview.pt"
        if not (self.resume and path.exists()):
            return 0.0
        kept = torch.load(path, weights_only=True)
        network.load_state_dict(kept["network"])
        average.network.load_state_dict(kept["average"])
        average.updates = kept["step"]
        optimiser.load_state_dict(kept["optimiser"])
        return float(kept["spent_s"])


@torch.no_grad()
def preview_psnr(network: AutoencoderTiny, cache: LatentCache) -> float:
    """Mean peak signal-to-noise ratio in dB of clean latents, over the scenes that were not trained on."""
    rows = np.arange(len(cache.scenes) - CHECK_SCENES, len(cache.scenes))
    made = network.decoder(cache.take(rows)).clamp(-1, 1)
    error = (made - as_tensor(cache.scenes.pictures[rows])).square().mean((1, 2, 3))
    return float((10 * torch.log10(4 / error)).mean())


def export_member(network: ModelMixin, folder: Path, unread: tuple[str, ...] = ()) -> None:
    """Write a member in half precision; each file is renamed into place whole.

    Left out of the config: where the network came from, and the fields ``unread``.
    """
    fresh = folder.with_name(f"{folder.name}.{os.getpid()}.new")
    network.half().save_pretrained(fresh, safe_serialization=True)
    config, left_out = fresh / "config.json", {"_name_or_path", *unread}
    record = {name: value for name, value in json.loads(config.read_text()).items() if name not in left_out}
    config.write_text(json.dumps(record, indent=2) + "\n")
    folder.mkdir(parents=True, exist_ok=True)
    move_files(fresh, folder)


def train(given: argparse.Namespace) -> None:
    """The part ``preview``."""
    run_crew(PreviewRun(given.out, given.family, given.minutes, given.seed, given.resume), 1, given.out)
