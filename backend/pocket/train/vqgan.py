"""Train the VQGAN: first a plain autoencoder, then its vectors snapped to a codebook that follows
them.

No adversary: the pictures are flat and clear, and stage 2 of TCIG redraws what stage 1 leaves soft.
"""

from __future__ import annotations

import json
import math
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from backend.models.vqgan import BETA, Vqgan, nearest_codes
from backend.pocket.networks.vqgan import build_vqgan, save_vqgan
from backend.pocket.train.autoencoder import (
    CHECK_SCENES,
    OBJECT_WEIGHT,
    as_tensor,
    reconstruction_loss,
)
from backend.pocket.train.pool import Assignment, PoolMember, TrainingFlags, run_pool
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import SceneSet, load_training_set
from backend.pocket.train.schedule import MovingAverage, Pace, cosine

BATCH = 4
LEARNING_RATE = 2.5e-3
FREE_SHARE = 0.1
"""Share of the time without a codebook: encoder and decoder agree on vectors before these are
rounded.
"""
RENEWED_UNTIL = 0.7
"""After this share of the time no dead code is renewed, so that the averaged weights hold one book.
"""
CODE_DECAY = 0.99
DEAD = 0.05
"""A code is dead when it is used less than this share of an equal use."""
CLUSTER_PICTURES, CLUSTER_ROUNDS = 48, 12


@dataclass
class Codebook:
    """The moving averages that a codebook follows: how often a code is used, and the sum of what
    fell to it.
    """

    network: Vqgan
    counts: Tensor = field(default_factory=lambda: torch.zeros(0))
    sums: Tensor = field(default_factory=lambda: torch.zeros(0))

    def begin(self, vectors: Tensor) -> None:
        """k-means over vectors (n, c), from random ones of them."""
        book = vectors[torch.randperm(len(vectors))[: len(self.network.codebook)]].clone()
        for _ in range(CLUSTER_ROUNDS):
            counts, sums = _assign_codes(vectors, book)
            lonely = counts < 1
            book = torch.where(lonely[:, None], book, sums / counts.clamp_min(1)[:, None])
            book[lonely] = vectors[torch.randint(len(vectors), (int(lonely.sum()),))]
        counts, sums = _assign_codes(vectors, book)
        share = BATCH / CLUSTER_PICTURES
        self.counts, self.sums = counts * share + 1e-3, sums * share + 1e-3 * book
        self._write()

    def follow(self, z: Tensor, renew: bool) -> None:
        """Move towards vectors (n, c, h, w); with ``renew`` dead codes become vectors of this
        batch.
        """
        vectors = z.detach().permute(0, 2, 3, 1).reshape(-1, z.shape[1])
        counts, sums = _assign_codes(vectors, self.network.codebook)
        self.counts.lerp_(counts, 1 - CODE_DECAY)
        self.sums.lerp_(sums, 1 - CODE_DECAY)
        if renew:
            dead = self.counts < DEAD * len(vectors) / len(self.counts)
            fresh = vectors[torch.randint(len(vectors), (int(dead.sum()),))]
            self.counts[dead], self.sums[dead] = 1.0, fresh
        self._write()

    def _write(self) -> None:
        with torch.no_grad():
            self.network.codebook.copy_(self.sums / self.counts[:, None])


def _assign_codes(vectors: Tensor, book: Tensor) -> tuple[Tensor, Tensor]:
    """How many of the vectors (n, c) are nearest to each code, and their sum."""
    codes = nearest_codes(vectors.T[None, :, :, None], book).flatten()
    counts = torch.bincount(codes, minlength=len(book)).float()
    return counts, torch.zeros_like(book).index_add_(0, codes, vectors)


@torch.no_grad()
def measure(network: Vqgan, scenes: SceneSet, count: int = CHECK_SCENES) -> dict[str, float]:
    """PSNR in dB of the last scenes through the codes, and how many codes they use."""
    values: list[float] = []
    used: set[int] = set()
    for start in range(len(scenes) - count, len(scenes), 8):
        truth = as_tensor(scenes.pictures[start : start + 8])
        z = network.encode(truth)
        used |= set(network.codes(z).unique().tolist())
        made = network.decode(network.snap(z)).clamp(-1, 1)
        values += [
            10 * math.log10(4 / float((a - b).square().mean()))
            for a, b in zip(made, truth, strict=True)
        ]
    return {"psnr_db": round(sum(values) / len(values), 2), "codes_used": len(used)}


@dataclass
class VqganTrainer:
    """Network, averaged network, optimiser and codebook of one run."""

    out: Path
    network: Vqgan = field(default_factory=build_vqgan)
    step: int = 0

    def __post_init__(self) -> None:
        learnt = [
            weight
            for name, weight in self.network.named_parameters()
            if not name.startswith("quantize.")
        ]
        self.network.codebook.requires_grad_(False)
        self.optimiser = torch.optim.AdamW(
            learnt, LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-3
        )
        self.average = MovingAverage(self.network, 0.998)
        self.book = Codebook(self.network)

    def learn(self, truth: Tensor, weight: Tensor, progress: float) -> float:
        """One step on pictures (n, 3, h, w) in -1..1 with a weight per pixel (n, 1, h, w)."""
        for group in self.optimiser.param_groups:
            group["lr"] = LEARNING_RATE * cosine(progress)
        free = progress < FREE_SHARE and not len(self.book.counts)
        with use_mixed_precision():
            z = self.network.encode(truth).float()
            snapped = z if free else self.network.snap(z)
            made = self.network.decode(snapped)
        loss = reconstruction_loss(made.float(), truth, weight / weight.mean())
        held = functional.mse_loss(z, snapped.detach())
        (loss + BETA * held).backward()
        torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimiser.step()
        self.optimiser.zero_grad()
        if not free:
            self.book.follow(z, renew=self.step % 20 == 0 and progress < RENEWED_UNTIL)
        self.average.update(self.network)
        self.step += 1
        return float(loss.detach())

    @torch.no_grad()
    def begin_codebook(self, scenes: SceneSet) -> None:
        """Fill the codebook from the vectors of some pictures."""
        rows = np.linspace(0, len(scenes) - CHECK_SCENES - 1, CLUSTER_PICTURES).astype(int)
        z = torch.cat([self.network.encode(as_tensor(scenes.pictures[row][None])) for row in rows])
        self.book.begin(z.permute(0, 2, 3, 1).reshape(-1, z.shape[1])[::2])
        self.average.network.codebook.copy_(self.network.codebook)

    def save(self, spent_s: float) -> None:
        """Keep everything that a later run needs to go on."""
        kept: dict[str, Any] = {
            "network": self.network.state_dict(),
            "average": self.average.network.state_dict(),
            "optimiser": self.optimiser.state_dict(),
            "counts": self.book.counts,
            "sums": self.book.sums,
            "step": self.step,
            "spent_s": spent_s,
        }
        torch.save(kept, self.out / "vqgan.pt.new")
        os.replace(self.out / "vqgan.pt.new", self.out / "vqgan.pt")

    def restore(self) -> float:
        """Go on from the last checkpoint; the seconds that it had taken."""
        kept = torch.load(self.out / "vqgan.pt", weights_only=True)
        self.network.load_state_dict(kept["network"])
        self.average.network.load_state_dict(kept["average"])
        self.average.updates = kept["step"]
        self.optimiser.load_state_dict(kept["optimiser"])
        self.book.counts, self.book.sums, self.step = kept["counts"], kept["sums"], kept["step"]
        return float(kept["spent_s"])


class VqganRun(Assignment):
    """The VQGAN."""

    def __call__(self, member: PoolMember) -> None:
        """Train in this (single) process."""
        scenes = load_training_set(self.out / "scenes")
        torch.manual_seed(self.seed)
        trainer = VqganTrainer(self.out)
        spent = trainer.restore() if self.resume and (self.out / "vqgan.pt").exists() else 0.0
        random = np.random.default_rng((self.seed, trainer.step))
        pace = Pace(self.minutes * 60, spent)
        while (progress := pace.progress) < 1:
            if progress >= FREE_SHARE and not len(trainer.book.counts):
                trainer.begin_codebook(scenes)
            loss = trainer.learn(*_batch(scenes, random), progress)
            if trainer.step % 100 == 0:
                print(
                    f"{time.strftime('%T')} step {trainer.step} {progress:.3f} loss {loss:.4f}",
                    flush=True,
                )
            if trainer.step % 400 == 0:
                trainer.save(pace.elapsed_s)
                print(f"  {measure(trainer.average.network, scenes, 16)}", flush=True)
        trainer.save(pace.elapsed_s)
        save_vqgan(trainer.average.network, self.family / "vqgan")
        report = measure(trainer.average.network, scenes)
        (self.out / "vqgan.json").write_text(json.dumps(report), encoding="utf-8")
        print(report, flush=True)


def _batch(scenes: SceneSet, random: np.random.Generator) -> tuple[Tensor, Tensor]:
    """Pictures in -1..1 and the weight of each pixel: objects count more than the place."""
    rows = np.sort(random.choice(len(scenes) - CHECK_SCENES, BATCH, replace=False))
    truth = as_tensor(scenes.pictures[rows])
    weight = 1 + OBJECT_WEIGHT * torch.from_numpy(scenes.instances[rows] > 0)[:, None].float()
    return (truth.flip(3), weight.flip(3)) if random.random() < 0.5 else (truth, weight)


def train(given: TrainingFlags) -> None:
    """The part ``vqgan``."""
    run_pool(VqganRun.parse(given), 1, given.out)
