"""The prediction under guidance, and beside it the part that guidance adds: how far the words
pull.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from backend.engine.conditioning import Conditioning
from backend.models.schedule import Schedule

Pull = Callable[[Tensor, int], tuple[Tensor, Tensor]]
"""(latents (b, c, h, w) of state k, k) → the guided prediction, and scale · (cond - uncond), both
of that shape.
"""


def pull_of(unet: nn.Module, schedule: Schedule, conditioning: Conditioning) -> Pull:
    """As ``denoise.predictor``, with the pull beside it; without guidance the pull is the
    prediction itself.
    """
    words, rows, scale = conditioning.stack(), conditioning.rows, conditioning.guidance_scale

    def pull(latents: Tensor, k: int) -> tuple[Tensor, Tensor]:
        doubled = torch.cat([latents] * rows.halves)
        seen = schedule.scale_input(doubled, k)
        predicted = unet(
            seen, schedule.timesteps[k], encoder_hidden_states=words, return_dict=False
        )[0]
        if not rows.guided:
            return predicted, predicted
        uncond, cond = predicted[rows.uncond], predicted[rows.cond]
        pull = scale * (cond - uncond)
        return uncond + pull, pull

    return pull
