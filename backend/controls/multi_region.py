"""MultiDiffusion with regions (Bar-Tal et al., 2023): one latent, a prompt for each region,
predictions averaged.

Equation (5) there, for regions: the step that agrees best with all regions' steps is their mean,
weighted by the masks. All regions take the same solver step from the same state, so the mean of the
steps is the step of the mean prediction.

Bootstrapping (section 4.3): in the first steps a region's own view has, outside its mask, a plain
colour noised to the state's level instead of the rest of the picture, so that the object grows
inside its mask. The colour is another one at each step, so that the object does not take it for its
own.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.engine.loop_types import Control, Predict
from backend.engine.noise import NoiseStream
from backend.models.schedule import Schedule


@dataclass(frozen=True)
class RegionPrompt:
    """A region with words of its own.

    Attributes:
        predict: the prediction under its words.
        mask: (h, w) in 0..1 at the latents' size.
        plain: latents of the plain colours that surround it in its s bootstrapped steps,
            (s, b, c, h, w).
    """

    predict: Predict = field(repr=False, compare=False)
    mask: Tensor = field(repr=False, compare=False)
    plain: Tensor = field(repr=False, compare=False)


@dataclass(frozen=True)
class MultiRegion(Control):
    """ε = Σ_i m_i ⊙ ε_i / Σ_i m_i; what no region covers follows the loop's own prompt.

    Attributes:
        regions: the first steps, as many as one has plain colours, show it alone.
        schedule: whose levels the plain colours are noised to.
        stream: their noise.
    """

    regions: tuple[RegionPrompt, ...]
    schedule: Schedule = field(repr=False, compare=False)
    stream: NoiseStream = field(repr=False, compare=False)

    def wrap(self, predict: Predict) -> Predict:
        """The mean of all predictions by the masks; ``predict`` itself when there is no region.

        Args:
            predict: the prediction under the loop's own prompt.
        """
        if not any(bool(region.mask.any()) for region in self.regions):
            return predict

        def blend(latents: Tensor, k: int) -> Tensor:
            masks = [region.mask.to(latents) for region in self.regions]
            rest = (1 - torch.stack(masks).sum(0)).clamp(min=0)
            weight, mean = rest, rest * predict(latents, k)
            for region, mask in zip(self.regions, masks, strict=True):
                mean = mean + mask * region.predict(self._view(region, mask, latents, k), k)
                weight = weight + mask
            return mean / weight

        return blend

    def _view(self, region: RegionPrompt, mask: Tensor, latents: Tensor, k: int) -> Tensor:
        if k >= len(region.plain):
            return latents
        plain = region.plain[k].to(latents).expand_as(latents)
        return latents * mask + self.schedule.noise_to(k, plain, self.stream.at(k, plain)) * (
            1 - mask
        )
