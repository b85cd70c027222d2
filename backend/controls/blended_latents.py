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
    """z ← z · m + z_bg · (1 - m) after every step, z_bg the source at the state's own level.

    Attributes:
        source: clean latents, (b, c, h, w), that stay where the mask is 0.
        mask: m, (h, w) in 0..1 at the latents' size; 1 everywhere changes nothing.
        schedule: whose levels the states have.
        stream: noise of a state, not the generators that the sampler draws from.
    """

    source: Tensor = field(repr=False, compare=False)
    mask: Tensor = field(repr=False, compare=False)
    schedule: Schedule = field(repr=False, compare=False)
    stream: NoiseStream = field(repr=False, compare=False)

    def edit(self, latents: Tensor, k: int) -> Tensor:
        """State k with the source put back around the mask.

        Args:
            latents: state k, (b, c, h, w).
            k: the number of the state, 1 to N; the last one takes the source without noise.
        """
        if bool((self.mask == 1).all()):
            return latents
        noise = self.source if k == self.schedule.steps else self.stream.at(k, self.source)
        known = self.schedule.noise_to(k, self.source, noise)
        mask = self.mask.to(latents)
        return latents * mask + known * (1 - mask)
