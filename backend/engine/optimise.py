"""The other loop: fit the codes of a picture to objectives, as a generator of Drafts.

VQGAN+CLIP (Crowson et al., 2022) with the further terms of TCIG: L = Σ α_i L_i (eq. 2). All rows of the batch are fits
of their own; they share nothing but the call, so a restart does not depend on its neighbours.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from backend.engine.limits import memory_explained
from backend.engine.loop_types import Draft, generator_for
from backend.engine.noise import seed_of
from backend.errors import EngineError

UNCALIBRATED = 10.0
"""Weight of a further term before it is calibrated: L_seg starts near the mask's area, a tenth of L_clip."""
SCALE_RANGE = (0.1, 1e4)
"""A term whose gradient vanishes must not be blown up without end."""


class DrawsCodes(Protocol):
    """What is needed of a VQGAN."""

    @property
    def codebook(self) -> Tensor:
        """(codes, c)."""
        ...

    def snap(self, z: Tensor) -> Tensor:
        """The codes nearest to z (n, c, h, w), straight-through."""
        ...

    def decode(self, z: Tensor) -> Tensor:
        """Pictures (n, 3, f·h, f·w), about -1..1."""
        ...


@dataclass(frozen=True)
class Look:
    """The moment of a fit: step ``k`` of the rows with these ``seeds``; whatever is random follows from it alone."""

    k: int
    seeds: tuple[int, ...]

    def generators(self, purpose: str) -> tuple[torch.Generator, ...]:
        """One generator a row, new for each purpose and step."""
        return tuple(generator_for(seed_of(seed, purpose, self.k)) for seed in self.seeds)


@dataclass(frozen=True)
class Objective(ABC):
    """Something that a picture is judged by while it is fitted: frozen, without random state of its own."""

    @abstractmethod
    def losses(self, pictures: Tensor, look: Look) -> Tensor:
        """One number a row, of pictures (n, 3, h, w) in 0..1, with gradients; row i depends on picture i alone."""


@dataclass(frozen=True)
class Term:
    """An objective with its weight: the share of its gradient in that of the first term, once calibrated."""

    objective: Objective
    weight: float = 1.0


@dataclass(frozen=True)
class Fit:
    """A fit: ``z`` (n, c, h, w) to begin with, a seed a row, and how it goes.

    ``calibrated_at`` is the step at which every further term is scaled, row by row, to the first one's gradient.
    """

    z: Tensor = field(repr=False)
    seeds: tuple[int, ...]
    steps: int
    learning_rate: float
    calibrated_at: int = 10


def random_codes(network: DrawsCodes, seeds: Sequence[int], height: int, width: int) -> Tensor:
    """A random entry of the codebook at every place: (n, c, height, width); TCIG's "random vector Z"."""
    count = len(network.codebook)
    rows = [torch.randint(count, (height, width), generator=generator_for(seed_of(seed, "codes", 0))) for seed in seeds]
    return network.codebook[torch.stack(rows).to(network.codebook.device)].permute(0, 3, 1, 2).contiguous()


def picture_of(network: DrawsCodes, z: Tensor) -> Tensor:
    """Pictures (n, 3, f·h, f·w) in 0..1 of the codes nearest to z, with straight-through gradients."""
    return clamped(network.decode(network.snap(z)) * 0.5 + 0.5)


def optimise(network: DrawsCodes, fit: Fit, terms: Sequence[Term]) -> Generator[Draft, None, None]:
    """Yield the pictures before, and z after, each step k = 0…steps-1.

    After each step z is put back into the box of the codebook, channel by channel. Terms of weight 0 are left out
    altogether, so they change nothing, not even the random numbers.
    """
    acting = tuple(term for term in terms if term.weight != 0)
    z = fit.z.detach().clone().requires_grad_()
    adam = torch.optim.Adam([z], fit.learning_rate)
    low, high = (bound[None, :, None, None] for bound in (network.codebook.amin(0), network.codebook.amax(0)))
    scales = [torch.full((len(z),), UNCALIBRATED if number else 1.0, device=z.device) for number in range(len(acting))]
    for k in range(fit.steps):
        with memory_explained():
            pictures, losses = _judged(network, z, acting, Look(k, fit.seeds))
            if k == fit.calibrated_at and len(acting) > 1:
                scales = _calibrated(losses, z)
            total = sum(
                (scale * term.weight * loss).sum() for scale, term, loss in zip(scales, acting, losses, strict=True)
            )
            _descend(adam, z, total, (low, high))
        yield Draft(k, fit.steps, 0, z.detach().clone(), pictures.detach())


def _judged(network: DrawsCodes, z: Tensor, terms: Sequence[Term], look: Look) -> tuple[Tensor, list[Tensor]]:
    with torch.enable_grad():
        pictures = picture_of(network, z)
        return pictures, [term.objective.losses(pictures, look) for term in terms]


def _calibrated(losses: Sequence[Tensor], z: Tensor) -> list[Tensor]:
    """For each row the factors that give every term a gradient as long as the first one's."""
    norms = [
        torch.autograd.grad(loss.sum(), z, retain_graph=True)[0].flatten(1).norm(dim=1).detach() for loss in losses
    ]
    return [
        (norms[0] / norm.clamp_min(1e-12)).clamp(*SCALE_RANGE) if number else torch.ones_like(norm)
        for number, norm in enumerate(norms)
    ]


def _descend(adam: torch.optim.Adam, z: Tensor, total: Any, box: tuple[Tensor, Tensor]) -> None:
    if not isinstance(total, Tensor):
        return  # no term acts: nothing pulls
    (z.grad,) = torch.autograd.grad(total, z)
    if not bool(torch.isfinite(z.grad).all()):
        raise EngineError(
            "The fit ran into numbers that are not finite.", remedy="Lower the learning rate, or try another seed."
        )
    adam.step()
    with torch.no_grad():
        z.copy_(torch.minimum(torch.maximum(z, box[0]), box[1]))


def clamped(values: Tensor) -> Tensor:
    """Values in 0..1, with a gradient that is blocked only where it would lead farther out."""
    inside: Tensor = _Clamp.apply(values)
    return inside


class _Clamp(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, values: Tensor) -> Tensor:
        ctx.save_for_backward(values)
        return values.clamp(0, 1)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        (values,) = ctx.saved_tensors
        # descent moves against the gradient: a negative one above 1, or a positive one below 0, leads outwards
        outwards = ((values > 1) & (gradients[0] < 0)) | ((values < 0) & (gradients[0] > 0))
        return gradients[0].masked_fill(outwards, 0.0)
