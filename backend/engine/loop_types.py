"""What controls and methods share: rows, the present moment, the network, a control's three doors,
steps.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Predict = Callable[[Tensor, int], Tensor]
"""(latents (b, c, h, w) of state k, k) → guided noise prediction of the same shape."""


@dataclass(frozen=True)
class Rows:
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
        """The rows of a path, counted from the beginning of a half; a KeyError for a path that is
        not there.
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

    rows: Rows
    k: int = 0
    sigma: float = 0.0


@dataclass(frozen=True)
class Network:
    """What a control may patch: the UNet, the present moment, and the size of the latents."""

    unet: nn.Module
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
    """State k+1 of the loop, after step ``k`` of ``total``; ``denoised`` is the prediction of the
    clean latents.

    ``first`` is the step the run began with (img2img starts late), so progress is (k + 1 - first) /
    (total - first).
    """

    k: int
    total: int
    first: int
    latents: Tensor = field(repr=False)
    denoised: Tensor = field(repr=False)


@dataclass(frozen=True)
class Draft(Step):
    """A step of a fit (``optimise``): ``latents`` are code vectors, ``denoised`` pictures (b, 3, h,
    w) in 0..1.
    """


@dataclass(frozen=True)
class Pictures:
    """The finished pictures of some candidates, in the order of the plan's seeds from ``offset``
    on.

    uint8 (h, w, 3). ``changed_outside`` counts, for a re-roll, the pixels beyond the feathered mask
    that differ from the source; it is None for whole pictures. ``drafts`` names, for a method of
    two stages, the draft of each picture by its place among the plan's seeds; it is empty
    otherwise. ``notes`` are sentences that a person should read. ``masks``, where a method has one
    for each picture, say where its object was found: uint8 (h, w), 255 = inside. ``heat``, where a
    method has it for each picture, says where the words of its layers looked: by layer, a small
    grey picture uint8 (h, w), each from its own darkest to its brightest.
    """

    offset: int
    pictures: tuple[NDArray[np.uint8], ...] = field(repr=False)
    changed_outside: tuple[int | None, ...] = ()
    drafts: tuple[int, ...] = ()
    notes: tuple[str, ...] = ()
    masks: tuple[NDArray[np.uint8], ...] = field(default=(), repr=False)
    heat: tuple[Mapping[str, NDArray[np.uint8]], ...] = field(default=(), repr=False)


@dataclass(frozen=True)
class Drafted:
    """The end of a first stage: pictures uint8 (h, w, 3) that a second one goes on from.

    ``places`` are the positions of their seeds in the plan; each draft of a run is told of once.
    """

    places: tuple[int, ...]
    pictures: tuple[NDArray[np.uint8], ...] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Looks:
    """Learned looks by layer, as pictures uint8 (h, w, 4): finished ones, or such as can be gone on
    with.

    ``shown`` are uint8 (h, w, 3) of what each finished look draws alone.
    """

    pictures: Mapping[str, NDArray[np.uint8]] = field(repr=False)
    shown: Mapping[str, NDArray[np.uint8]] = field(repr=False)
    finished: bool


@dataclass(frozen=True, eq=False)
class Parts:
    """A picture taken apart: objects by layer as uint8 (h, w, 4) of the picture's size, and the
    place behind them.

    ``plate`` is uint8 (h, w, 3); ``missing`` are the layers that were looked for and not found.
    """

    objects: Mapping[str, NDArray[np.uint8]] = field(repr=False)
    plate: NDArray[np.uint8] = field(repr=False)
    missing: tuple[str, ...] = ()


Happening = Step | Drafted | Pictures | Looks | Parts
Run = Iterator[Happening]


def generator_for(seed: int) -> torch.Generator:
    """A CPU generator: noise is drawn on the CPU, so a seed means the same noise on every
    device.
    """
    return torch.Generator("cpu").manual_seed(seed)
