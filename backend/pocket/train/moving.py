"""A moving average of a network's weights: what is exported."""

from __future__ import annotations

import copy
from typing import Generic, TypeVar

import torch
from torch import nn

Network = TypeVar("Network", bound=nn.Module)


class MovingAverage(Generic[Network]):
    """Keeps an averaged copy; the decay grows with the number of updates so that early averages are
    not stale.
    """

    def __init__(self, network: Network, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.network: Network = copy.deepcopy(network)
        self.network.eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, network: Network) -> None:
        """Take one step towards the network's weights."""
        self.updates += 1
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        mine, theirs = self.network.state_dict(), network.state_dict()
        names = [name for name, value in mine.items() if value.dtype.is_floating_point]
        torch._foreach_lerp_(
            [mine[name] for name in names], [theirs[name] for name in names], 1 - decay
        )
