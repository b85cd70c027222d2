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
    """Standard normal noise of the shape (b, …) of ``like``; row i comes from generator i alone."""
    if len(generators) != like.shape[0]:
        raise ValueError(f"{len(generators)} generators for {like.shape[0]} rows")
    shape = (1, *like.shape[1:])
    rows = [
        torch.randn(shape, generator=one, device=one.device, dtype=like.dtype) for one in generators
    ]
    return torch.cat([row.to(like.device) for row in rows])


def draw_by_owner(noise: Tensor, owners: Tensor, seeds: Sequence[int | None]) -> Tensor:
    """Noise (b, c, h, w) in which each layer with a seed has its own, the same in every row.

    ``owners`` (h, w) tells whose cell it is: 0 nobody's, i the layer with ``seeds[i - 1]``. A
    layer's noise depends on its seed and the size alone, not on the run, its place in the stack, or
    the other layers.
    """
    mixed = noise
    for number, seed in enumerate(seeds, start=1):
        if seed is not None:
            own = draw(noise[:1], [generator_for(seed_of(seed, "layer", 0))])
            mixed = torch.where(owners == number, own, mixed)
    return mixed


def seed_of(seed: int, purpose: str, number: int) -> int:
    """A seed for one purpose and one number, independent of all others of the same root seed."""
    text = f"{purpose} {seed} {number}".encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8], "big") >> 1


class NoiseStream(Protocol):
    """Noise for re-noising a source at a state."""

    def at(self, k: int, like: Tensor) -> Tensor:
        """Noise for state k, of the shape, device and precision of ``like``."""
        ...


@dataclass(frozen=True)
class SharedNoise:
    """The same noise at every state: the source stays on one trajectory (for deterministic
    samplers).
    """

    noise: Tensor = field(repr=False, compare=False)

    def at(self, k: int, like: Tensor) -> Tensor:
        return self.noise


@dataclass(frozen=True)
class SplitNoise:
    """One stream in some cells, bool (h, w); in all others one row of another, the same for every
    candidate.
    """

    cells: Tensor = field(repr=False, compare=False)
    inside: NoiseStream
    outside: NoiseStream

    def at(self, k: int, like: Tensor) -> Tensor:
        return torch.where(self.cells, self.inside.at(k, like), self.outside.at(k, like[:1]))


@dataclass(frozen=True)
class FreshNoise:
    """New noise at every state, a function of the candidate's seed and k only (for samplers that
    renew theirs).
    """

    seeds: tuple[int, ...]

    def at(self, k: int, like: Tensor) -> Tensor:
        return draw(like, [generator_for(seed_of(seed, "layer noise", k)) for seed in self.seeds])
