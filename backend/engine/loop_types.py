"""What controls and methods share: rows, the present moment, the network, a control's three
doors, steps,
and what a loop says when the memory is used up.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.errors import EngineError
from backend.models.attention import Unet
from backend.plan.events import Result

Predict = Callable[[Tensor, int], Tensor]
"""(latents (b, c, h, w) of state k, k) → guided noise prediction of the same shape."""


@dataclass(frozen=True)
class BatchRows:
    """Names the rows of a network batch: with guidance the order is [uncond…, cond…], each
    ``count`` long.

    Where several denoising paths share a batch, ``paths`` names them and their numbers of rows, in
    the order in which they stand within each half; they add up to ``count``.
    """

    count: int
    guided: bool
    paths: tuple[tuple[str, int], ...] = ()

    @property
    def halves(self) -> int:
        return 2 if self.guided else 1

    @property
    def total(self) -> int:
        return self.count * self.halves

    @property
    def cond(self) -> slice:
        return slice(self.count if self.guided else 0, self.total)

    @property
    def uncond(self) -> slice:
        return slice(0, self.count if self.guided else 0)

    def of(self, path: str) -> slice:
        """The rows of a path, counted from the beginning of a half; a KeyError for a path that
        is not there.
        """
        start = 0
        for name, count in self.paths:
            if name == path:
                return slice(start, start + count)
            start += count
        raise KeyError(path)


@dataclass
class Moment:
    """Where the loop is. The only mutable value in a run; the loop writes it, attention processors
    read it.

    ``k`` is the forward step index (0 = noisiest), ``sigma`` k-diffusion's sigma of state k.
    """

    rows: BatchRows
    k: int = 0
    sigma: float = 0.0


@dataclass(frozen=True)
class Network:
    """What a control may patch: the UNet, the present moment, and the size of the latents."""

    unet: Unet
    moment: Moment
    height_lat: int
    width_lat: int


@dataclass(frozen=True)
class Control:
    """Something that acts inside the loop. Order is the order of the tuple; identity at zero
    strength.

    A subclass overrides the doors that it needs. It is frozen and has no random state of its own.
    """

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Install processors or hooks for the length of a run; always undone."""
        return nullcontext()

    def wrap(self, predict: Predict) -> Predict:
        """A prediction function from a prediction function."""
        return predict

    def edit(self, latents: Tensor, k: int) -> Tensor:
        """Change state k just after the solver's step from k-1 to k (so k = 1…N)."""
        return latents


@dataclass(frozen=True)
class Step:
    """State k+1 of the loop, after step ``k`` of ``total``; ``denoised`` is the prediction of
    the clean latents.

    ``first`` is the step the run began with (img2img starts late), so progress is (k + 1 - first) /
    (total - first).
    """

    k: int
    total: int
    first: int
    latents: Tensor = field(repr=False)
    denoised: Tensor = field(repr=False)


@dataclass(frozen=True)
class FitProgress(Step):
    """A step of a fit (``optimise``): ``latents`` are code vectors, ``denoised`` pictures (b,
    3, h, w) in 0..1.
    """


Run = Iterator[Step | Result]
"""The steps of a method and, between them, what came out."""


def generator_for(seed: int) -> torch.Generator:
    """A CPU generator: noise is drawn on the CPU, so a seed means the same noise on every
    device.
    """
    return torch.Generator("cpu").manual_seed(seed)


_CPU_WORDS = ("not enough memory", "can't allocate memory", "cannot allocate memory")


@contextmanager
def explain_memory() -> Iterator[None]:
    """Turn an allocation that failed, on any device, into an EngineError."""
    try:
        yield
    except (torch.OutOfMemoryError, MemoryError) as error:
        raise _memory_error() from error
    except RuntimeError as error:
        if any(words in str(error).lower() for words in _CPU_WORDS):
            raise _memory_error() from error
        raise


def _memory_error() -> EngineError:
    return EngineError(
        "The memory of this device is used up.",
        remedy="Make fewer candidates at a time, or a smaller picture.",
    )
