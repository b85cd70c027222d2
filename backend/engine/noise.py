"""Noise from seeds: one generator per candidate, drawn on the CPU, so that neither batch nor device
changes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

from backend.engine.loop_types import generator_for


def draw(like: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
    """Standard normal noise, row i from generator i alone.

    Args:
        like: (b, …), whose shape, precision and device are taken.
        generators: b of them, on the CPU.

    Raises:
        ValueError: there are more or fewer generators than rows.
    """
    if len(generators) != like.shape[0]:
        raise ValueError(f"{len(generators)} generators for {like.shape[0]} rows")
    shape = (1, *like.shape[1:])
    rows = [
        torch.randn(shape, generator=one, device=one.device, dtype=like.dtype) for one in generators
    ]
    return torch.cat([row.to(like.device) for row in rows])


def draw_by_owner(noise: Tensor, owners: Tensor, seeds: Sequence[int | None]) -> Tensor:
    """Noise in which each layer with a seed has its own, the same in every row.

    A layer's noise depends on its seed and the size alone, not on the run, its place in the stack,
    or the other layers.

    Args:
        noise: of the candidates, (b, c, h, w).
        owners: whose each cell is, int (h, w): 0 nobody's, i the layer with ``seeds[i - 1]``.
        seeds: None for layers without one.

    Returns:
        (b, c, h, w).
    """
    mixed = noise
    for number, seed in enumerate(seeds, start=1):
        if seed is not None:
            own = draw(noise[:1], [generator_for(seed_of(seed, "layer", 0))])
            mixed = torch.where(owners == number, own, mixed)
    return mixed


def seed_of(seed: int, purpose: str, number: int) -> int:
    """A seed for one purpose and one number, independent of all others of the same root seed.

    Args:
        seed: the root.
        purpose: what is drawn with it.
        number: of the draw, e.g. a step.

    Returns:
        0 to 2^63 - 1.
    """
    text = f"{purpose} {seed} {number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


class NoiseStream(Protocol):
    """Noise for re-noising a source at a state."""

    def at(self, k: int, like: Tensor) -> Tensor:
        """Noise for state k, of the shape, device and precision of ``like``."""
        ...


@dataclass(frozen=True)
class SharedNoise:
    """The same noise at every state, for deterministic samplers: one trajectory.

    Attributes:
        noise: standard normal, (b, c, h, w).
    """

    noise: Tensor = field(repr=False, compare=False)

    def at(self, k: int, like: Tensor) -> Tensor:
        return self.noise


@dataclass(frozen=True)
class SplitNoise:
    """One stream in some cells; in all others one row of another, the same for every candidate.

    Attributes:
        cells: where the first one counts, bool (h, w).
        inside: its noise.
        outside: the other's.
    """

    cells: Tensor = field(repr=False, compare=False)
    inside: NoiseStream
    outside: NoiseStream

    def at(self, k: int, like: Tensor) -> Tensor:
        return torch.where(self.cells, self.inside.at(k, like), self.outside.at(k, like[:1]))


@dataclass(frozen=True)
class FreshNoise:
    """New noise at every state, for samplers that renew theirs.

    Attributes:
        seeds: the candidates', a row each; the noise follows from seed and state alone.
    """

    seeds: tuple[int, ...]

    def at(self, k: int, like: Tensor) -> Tensor:
        return draw(like, [generator_for(seed_of(seed, "layer noise", k)) for seed in self.seeds])
