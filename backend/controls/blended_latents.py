"""Blended latents: outside a mask every state is the source, noised to its level (Blended Latent
Diffusion, 2023).

Algorithm 1 there: z ← z_fg · m + z_bg · (1 - m) after each step, with m at the latents' size.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from torch import Tensor

from backend.engine.loop_types import Control
from backend.engine.noise import NoiseStream
from backend.models.schedule import Schedule


@dataclass(frozen=True)
class BlendedLatents(Control):
    """``mask`` (h, w) in 0..1 at the latents' size, 1 = free; ``source`` (b, c, h, w) is what stays
    where it is 0.
    """

    source: Tensor = field(repr=False, compare=False)
    mask: Tensor = field(repr=False, compare=False)
    schedule: Schedule = field(repr=False, compare=False)
    stream: NoiseStream = field(repr=False, compare=False)

    def edit(self, latents: Tensor, k: int) -> Tensor:
        """State k with the source put back around the mask, at the state's own level."""
        if bool((self.mask == 1).all()):
            return latents
        noise = self.source if k == self.schedule.steps else self.stream.at(k, self.source)
        known = self.schedule.noise_to(k, self.source, noise)
        mask = self.mask.to(latents)
        return latents * mask + known * (1 - mask)
