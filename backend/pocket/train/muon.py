"""Muon: momentum whose matrices are made orthogonal before each step (K. Jordan, 2024), for the weights of a network.

torch's own ``torch.optim.Muon`` takes matrices only; a convolution's kernel is one too, once its taps are laid side by
side. Steps are scaled to the size of Adam's (0.2 √max(rows, columns), J. Liu and others, 2025), so that one learning
rate serves both kinds of weight.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor, nn

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""The quintic whose repeated use drives singular values towards 1; Jordan's numbers."""
ROUNDS = 5
STEP_LIKE_ADAM = 0.2


@torch.no_grad()
def orthogonal(matrix: Tensor) -> Tensor:
    """float (rows, columns) to the same shape, singular values near 1 (0.7 to 1.2), by Newton-Schulz in bfloat16."""
    a, b, c = COEFFICIENTS
    tall = matrix.shape[0] > matrix.shape[1]
    x = (matrix.T if tall else matrix).bfloat16()
    x = x / (x.norm() + 1e-7)
    for _ in range(ROUNDS):
        gram = x @ x.T
        x = a * x + (b * gram + c * gram @ gram) @ x
    return (x.T if tall else x).to(matrix.dtype)


class Muon(torch.optim.Optimizer):
    """Nesterov momentum, made orthogonal, with decoupled decay. Parameters need two dimensions or more."""

    def __init__(self, parameters: Iterable[nn.Parameter], lr: float, momentum: float = 0.95, decay: float = 0.01):
        super().__init__(list(parameters), {"lr": lr, "momentum": momentum, "decay": decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Move every parameter that has a gradient; ``closure`` is not supported."""
        for group in self.param_groups:
            for parameter in group["params"]:
                if parameter.grad is None:
                    continue
                memory = self.state[parameter].setdefault("momentum", torch.zeros_like(parameter))
                memory.lerp_(parameter.grad, 1 - group["momentum"])
                aim = torch.lerp(parameter.grad, memory, group["momentum"]).flatten(1)
                size = STEP_LIKE_ADAM * max(aim.shape) ** 0.5
                parameter.mul_(1 - group["lr"] * group["decay"])
                parameter.add_(orthogonal(aim).view_as(parameter), alpha=-group["lr"] * size)
