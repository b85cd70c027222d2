"""A real little network that knows the answer: it returns the noise that separates its input from
one clean latent.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor, nn


class KnownNetwork(nn.Module):
    """Predicts noise for DDIM's states so that every row is drawn to its own ``goal``; conditions
    shift the answer.

    Called like a UNet. The prediction of a row is (x - a·goal) / s plus the mean of the row's
    words, so guidance can be read off. ``seen`` keeps the number of rows of each call.
    """

    def __init__(self, goal: Tensor, levels: dict[int, tuple[float, float]]) -> None:
        super().__init__()
        self.register_buffer("goal", goal)
        self._levels = levels
        self.seen: list[int] = []
        self.patched = 0

    def forward(
        self, latents: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, return_dict: bool
    ) -> tuple[Tensor]:
        self.seen.append(len(latents))
        a, s = self._levels[int(timestep)]
        goal = self.goal.repeat(len(latents) // len(self.goal), 1, 1, 1)
        return (
            (latents - a * goal) / s + encoder_hidden_states.mean(dim=(1, 2))[:, None, None, None],
        )


@dataclass
class Diary:
    """What happened, in order."""

    entries: list[str] = field(default_factory=list)

    def note(self, entry: str) -> None:
        self.entries.append(entry)


def goal_latents(count: int) -> Tensor:
    """(count, 4, 3, 5), each row different."""
    return torch.arange(count * 60, dtype=torch.float32).reshape(count, 4, 3, 5) / 100
