"""Training pictures after the autoencoder, with noise on their latents: made when first asked for
and kept on disk.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL
from torch import Tensor

from backend.pocket.train.autoencoder import as_tensor
from backend.pocket.train.latents import open_shared
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import SceneSet

MOST_NOISE = 0.25
"""Largest standard deviation of the noise, on latents of unit variance: about what a young network
leaves.
"""

EVERY = 4
"""Only every fourth scene is passed through the autoencoder: enough variety, a quarter of the time.
"""


def pool(rows: np.ndarray) -> np.ndarray:
    """The scenes nearest below ``rows`` that reconstructions are made of."""
    return rows // EVERY * EVERY


class Reconstructions:
    """uint8 (n, 128, 128, 3) in a memory-mapped file that several trainings fill together.

    What perception learns from beside drawings: the blur and the small errors of the autoencoder,
    never a picture that a generator made. Each scene has one fixed amount of noise, drawn by its
    number.
    """

    def __init__(self, folder: Path, scenes: SceneSet, autoencoder: AutoencoderKL) -> None:
        self.scenes, self.autoencoder = scenes, autoencoder
        self.values = open_shared(folder / "reconstructions.npy", np.uint8, scenes.pictures.shape)
        self.ready = open_shared(
            folder / "reconstructions_ready.npy", np.uint8, scenes.pictures.shape[:1]
        )

    @torch.no_grad()
    def take(self, rows: np.ndarray) -> np.ndarray:
        """uint8 (len(rows), 128, 128, 3)."""
        missing = np.unique(rows[self.ready[rows] == 0])
        if len(missing):
            self.values[missing] = self._make(missing)
            self.ready[missing] = 1
        return np.asarray(self.values[rows])

    def _make(self, rows: np.ndarray) -> np.ndarray:
        amounts = torch.tensor(
            [np.random.default_rng((7, int(row))).uniform(0, MOST_NOISE) for row in rows]
        ).float()
        generator = torch.Generator().manual_seed(int(rows[0]))
        with use_mixed_precision():
            latents = (
                self.autoencoder.encode(as_tensor(self.scenes.pictures[rows]))
                .latent_dist.mode()
                .float()
            )
            latents += (
                torch.randn(latents.shape, generator=generator) * amounts[:, None, None, None]
            )
            made: Tensor = self.autoencoder.decode(latents).sample.float()
        values: np.ndarray = (
            ((made.clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
        )
        return values
