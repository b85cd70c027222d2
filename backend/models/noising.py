"""The noise that a model was trained on, for losses at any of its timesteps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from diffusers import DDIMScheduler
from torch import Tensor

from backend.models.schedule import SAMPLERS, scheduler_values


@dataclass(frozen=True)
class Noising:
    """x_t = a_t x0 + s_t n for t = 0…T-1, with a² + s² = 1; ``velocity`` tells what the network
    predicts.
    """

    kept: Tensor = field(repr=False)
    """a_t² of every t: float32 (T,)."""
    velocity: bool

    @property
    def steps(self) -> int:
        """T, the number of timesteps."""
        return len(self.kept)

    def add_noise(self, x0: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """x_t of clean latents (b, c, h, w) at one timestep a row."""
        a, s = self._levels(timesteps, x0)
        return a * x0 + s * noise

    def target(self, x0: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """What the network should predict: the noise, or the velocity a n - s x0."""
        if not self.velocity:
            return noise
        a, s = self._levels(timesteps, x0)
        return a * noise - s * x0

    def clean(self, predicted: Tensor, noisy: Tensor, timesteps: Tensor) -> Tensor:
        """The clean latents that a prediction means."""
        a, s = self._levels(timesteps, noisy)
        return a * noisy - s * predicted if self.velocity else (noisy - s * predicted) / a

    def _levels(self, timesteps: Tensor, like: Tensor) -> tuple[Tensor, Tensor]:
        kept = self.kept[timesteps.cpu()].view(-1, 1, 1, 1).to(like.device)
        return kept.sqrt().to(like.dtype), (1 - kept).sqrt().to(like.dtype)


def build_noising(config: Mapping[str, Any]) -> Noising:
    """From the configuration of a model's scheduler."""
    scheduler = DDIMScheduler(**scheduler_values(SAMPLERS["ddim"], config))
    return Noising(
        scheduler.alphas_cumprod.to(torch.float32),
        scheduler.config.prediction_type == "v_prediction",
    )
