"""Latents of the training scenes, encoded when they are first asked for and kept in half precision
on disk.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import AutoencoderKL
from torch import Tensor

from backend.pocket.networks.configs import SMALL_AUTOENCODER, reduction
from backend.pocket.train.autoencoder import as_tensor
from backend.pocket.train.precision import use_mixed_precision
from backend.pocket.train.scenes import SceneSet

LATENT_CELL_PX = reduction(SMALL_AUTOENCODER)


class LatentCache:
    """Scaled latents float16 (n, 4, side, side) in a memory-mapped file that several processes fill
    together.

    A smaller ``side`` encodes smaller pictures: the drawings reduced by averaging.
    """

    def __init__(
        self, folder: Path, scenes: SceneSet, autoencoder: AutoencoderKL, side: int
    ) -> None:
        self.scenes, self.autoencoder, self.side = scenes, autoencoder, side
        self.shrink = scenes.pictures.shape[1] // (side * LATENT_CELL_PX)
        shape = (len(scenes), autoencoder.config.latent_channels, side, side)
        self.values = open_shared(folder / f"latents_{side}.npy", np.float16, shape)
        self.ready = open_shared(folder / f"latents_{side}_ready.npy", np.uint8, shape[:1])

    @torch.no_grad()
    def take(self, rows: np.ndarray) -> Tensor:
        """float32 (len(rows), 4, h, w), unit variance over the world."""
        missing = rows[self.ready[rows] == 0]
        if len(missing):
            pictures = F.avg_pool2d(as_tensor(self.scenes.pictures[missing]), self.shrink)
            with use_mixed_precision():
                moments = self.autoencoder.encode(pictures).latent_dist
            self.values[missing] = (
                (moments.mean.float() * self.autoencoder.config.scaling_factor).half().numpy()
            )
            self.ready[missing] = 1
        return torch.from_numpy(self.values[rows].astype(np.float32))


def open_shared(path: Path, kind: type, shape: tuple[int, ...]) -> np.memmap:
    """Open the array, or make it full of zeros where there is none, or one of another number of
    scenes.
    """
    if not path.exists() or np.load(path, mmap_mode="r").shape != shape:
        np.lib.format.open_memmap(path, "w+", kind, shape).flush()
    mapped: np.memmap[tuple[int, ...], np.dtype[Any]] = np.load(path, mmap_mode="r+")
    return mapped
