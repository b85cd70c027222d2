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
from backend.scene.imaging.arrays import Picture

Predict = Callable[[Tensor, int], Tensor]
"""(latents (b, c, h, w) of state k, k) → guided noise prediction of the same shape."""


@dataclass(frozen=True)
class BatchRows:
    """The rows of a network batch: with guidance [uncond…, cond…], else the conditional ones alone.

    Attributes:
        count: rows of each half.
        guided: whether there is an unconditional half.
        paths: names of the denoising paths that share the batch, with their numbers of rows, in the
            order in which they stand within each half; the numbers add up to ``count``.
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
        """The rows of a path, counted from the beginning of a half.

        Args:
            path: its name.

        Raises:
            KeyError: there is no such path.
        """
        start = 0
        for name, count in self.paths:
            if name == path:
                return slice(start, start + count)
            start += count
        raise KeyError(path)


@dataclass
class Moment:
    """Where the loop is: the only mutable value in a run, written by the loop alone.

    Attributes:
        rows: of the batch.
        k: index of the step, 0 (the noisiest) to N-1.
        sigma: k-diffusion's σ of state k.
    """

    rows: BatchRows
    k: int = 0
    sigma: float = 0.0


@dataclass(frozen=True)
class Network:
    """What a control may patch.

    Attributes:
        unet: the UNet.
        moment: the present one.
        height_lat: rows of the latents.
        width_lat: columns of the latents.
    """

    unet: Unet
    moment: Moment
    height_lat: int
    width_lat: int


@dataclass(frozen=True)
class Control:
    """Something that acts inside the loop through three doors; a subclass overrides those it needs.

    Controls act in the order of the tuple. One is frozen, has no random state of its own, and at
    zero strength leaves the run as it is.
    """

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Install processors or hooks for the length of a run.

        Args:
            network: what may be patched.

        Returns:
            A block; when it is left, every patch is undone.
        """
        return nullcontext()

    def wrap(self, predict: Predict) -> Predict:
        """Change what is predicted.

        Args:
            predict: the prediction so far.

        Returns:
            A prediction of the same form.
        """
        return predict

    def edit(self, latents: Tensor, k: int) -> Tensor:
        """Change a state just after the solver's step that led to it.

        Args:
            latents: state k, (b, c, h, w).
            k: the number of the state, 1 to N.

        Returns:
            The state; the same tensor where nothing changes.
        """
        return latents


def keep_picture(picture: Picture) -> Picture:
    """The frame of a step that shows the whole picture."""
    return picture


@dataclass(frozen=True)
class Step:
    """What a loop yields after each step.

    Progress is (k + 1 - first) / (total - first).

    Attributes:
        k: index of the step.
        total: N, or all steps of a run of several parts.
        first: the step that the run began with; image-to-image starts late.
        latents: state k+1, (b, c, h, w).
        denoised: the clean latents that were predicted, (b, c, h, w).
        frame: puts what the step shows, uint8 (h, w, 3) of any size, into the picture that it is a
            window of.
    """

    k: int
    total: int
    first: int
    latents: Tensor = field(repr=False)
    denoised: Tensor = field(repr=False)
    frame: Callable[[Picture], Picture] = field(default=keep_picture, repr=False, kw_only=True)


@dataclass(frozen=True)
class FitProgress(Step):
    """A step of a fit (``optimise``): ``latents`` are code vectors, ``denoised`` pictures (b,
    3, h, w) in 0..1.
    """


Run = Iterator[Step | Result]
"""The steps of a method and, between them, what came out."""


def generator_for(seed: int) -> torch.Generator:
    """A generator on the CPU, so that a seed means the same noise on every device.

    Args:
        seed: any integer.
    """
    return torch.Generator("cpu").manual_seed(seed)


_CPU_WORDS = ("not enough memory", "can't allocate memory", "cannot allocate memory")


@contextmanager
def explain_memory() -> Iterator[None]:
    """Turn an allocation that failed, on any device, into a sentence.

    Raises:
        EngineError: the memory of the device is used up.
    """
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
