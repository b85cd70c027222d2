"""The codes of a picture as a sum of parts: a vector for each region, and grids from coarse to
fine.

A grid of free codes alone is fitted place by place, and what comes out is texture that pleases one
network. With large parts in the sum, a few numbers move whole areas together, so forms and colours
are found before details (our addition; VQGAN+CLIP and TCIG fit one grid).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.loop_types import generator_for
from backend.engine.noise import seed_of

Size = tuple[int, int]
"""Codes in a column, codes in a row."""


@dataclass(frozen=True)
class CodePart(ABC):
    """A summand of the codes.

    Attributes:
        values: where it begins, (n, c, …), in deviations of the codebook by channel.
        rate: its learning rate in units of the fit's; a part of rate 0 stays as it is.
    """

    values: Tensor = field(repr=False)
    rate: float = 1.0

    @abstractmethod
    def render(self, values: Tensor, size: Size) -> Tensor:
        """Lay values out over a grid of codes.

        Args:
            values: of the shape of the part's own.
            size: rows and columns.

        Returns:
            (n, c, *size).
        """

    def is_active(self, size: Size) -> bool:
        """Whether it takes part in a grid of this size."""
        return True

    def of(self, rows: slice) -> Self:
        """The same part of these rows alone."""
        return replace(self, values=self.values[rows])


@dataclass(frozen=True)
class Grid(CodePart):
    """A grid, bilinear in between; it takes part where the codes are no coarser.

    Attributes:
        reach: how far each place may move, (h, w) of any size, in units of its values.
    """

    reach: Tensor = field(kw_only=True, repr=False)

    def render(self, values: Tensor, size: Size) -> Tensor:
        """The grid at this size."""
        if values.shape[-2:] != size:
            values = functional.interpolate(values, size=size, mode="bilinear", align_corners=False)
        return values * functional.adaptive_avg_pool2d(self.reach[None], size).to(values)

    def is_active(self, size: Size) -> bool:
        """Not in a coarser grid of codes."""
        return all(own <= asked for own, asked in zip(self.values.shape[-2:], size, strict=True))


@dataclass(frozen=True)
class Regions(CodePart):
    """One vector for each region: values (n, c, r).

    Attributes:
        weights: how much of a place is whose, (r, h, w).
    """

    weights: Tensor = field(kw_only=True, repr=False)

    def render(self, values: Tensor, size: Size) -> Tensor:
        """Every region filled with its vector."""
        weights = functional.adaptive_avg_pool2d(self.weights, size).to(values)
        return torch.einsum("ncr,rhw->nchw", values, weights)


@dataclass(frozen=True)
class Fixed(CodePart):
    """Values (n, c, h, w) that stay as they are.

    Attributes:
        half: the same picture's at half size, for coarser stages.
    """

    half: Tensor = field(kw_only=True, repr=False)
    rate: float = 0.0

    def render(self, values: Tensor, size: Size) -> Tensor:
        """Those of this size; other sizes than the two are a ValueError."""
        for known in (values, self.half):
            if known.shape[-2:] == size:
                return known
        raise ValueError(
            f"codes of {tuple(values.shape)} and {tuple(self.half.shape)} have no size {size}"
        )

    def of(self, rows: slice) -> Self:
        """Both sizes of these rows."""
        return replace(self, values=self.values[rows], half=self.half[rows])


def random_codes(book: Tensor, seeds: Sequence[int], size: Size) -> Tensor:
    """TCIG's "random vector Z": a random entry of the codebook at every place.

    Args:
        book: the codebook, (m, c).
        seeds: n of them, a row each.
        size: rows and columns.

    Returns:
        (n, c, *size).
    """
    rows = [
        torch.randint(len(book), size, generator=generator_for(seed_of(seed, "codes", 0)))
        for seed in seeds
    ]
    return book[torch.stack(rows).to(book.device)].permute(0, 3, 1, 2).contiguous()


def one_grid(book: Tensor, seeds: Sequence[int], size: Size) -> tuple[CodePart, ...]:
    """The paper's start: one grid of random codes.

    Args:
        book: the codebook, (m, c).
        seeds: a row each.
        size: rows and columns.
    """
    everywhere = torch.ones(size, device=book.device)
    return (Grid(random_codes(book, seeds, size) / deviations(book), reach=everywhere),)


def regions_and_grids(
    book: Tensor, full: Tensor, half: Tensor, weights: Tensor, reach: Tensor
) -> tuple[CodePart, ...]:
    """The codes of a picture, and parts that have no effect yet.

    These are a vector for each region, and grids from an eighth of the size to all of it. Finer
    ones move less, so that what is large is settled by what is large.

    Args:
        book: the codebook, (m, c).
        full: the picture's codes, (n, c, h, w).
        half: those of the picture at half size.
        weights: of the regions, (r, h, w) in 0..1.
        reach: how far each place may move, (h, w) in 0..1.
    """
    count, channels = full.shape[:2]
    unit = deviations(book)
    grids = []
    for halvings, rate in ((3, 0.5), (2, 0.4), (1, 0.3), (0, 0.2)):
        sides = [max(1, -(-side // 2**halvings)) for side in full.shape[-2:]]
        grids.append(
            Grid(torch.zeros(count, channels, *sides, device=book.device), rate, reach=reach)
        )
    regions = Regions(
        torch.zeros(count, channels, len(weights), device=book.device), weights=weights * reach
    )
    return (regions, *grids, Fixed(full / unit, half=half / unit))


def deviations(book: Tensor) -> Tensor:
    """The codebook's deviation in each channel.

    Args:
        book: (m, c).

    Returns:
        (c, 1, 1), more than 0.
    """
    return book.std(0).clamp_min(1e-6)[:, None, None]
