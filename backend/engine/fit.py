"""A subject of one picture fitted to its place in another: which cell of the first belongs to each cell there."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import ndimage
from torch import Tensor
from torch.nn import functional

Inside = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Fit:
    """``shown`` is where the first picture shows the subject, ``place`` where the second has it: bool, any sizes.

    Each connected part of the place takes the whole subject: boxes are laid upon each other, and a cell takes the
    subject's cell that lies nearest. Where either mask is empty, all cells are taken from their own place.
    """

    shown: Inside = field(repr=False)
    place: Inside = field(repr=False)
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    known: dict[tuple[int, int], tuple[Tensor, Tensor]] = field(default_factory=dict, repr=False)

    def cells(self, sides_lat: tuple[int, int]) -> tuple[Tensor, Tensor]:
        """For a grid: int64 (n,) the first picture's cell of each cell, and bool (n,) which of them count."""
        if sides_lat not in self.known:
            index, taken = fitted_cells(*(_reduced(one, sides_lat) for one in (self.shown, self.place)))
            self.known[sides_lat] = (index.to(self.device), taken.to(self.device))
        return self.known[sides_lat]


def fitted_cells(shown: Inside, place: Inside) -> tuple[Tensor, Tensor]:
    """The same of two masks on one grid (h, w)."""
    index = np.arange(shown.size).reshape(shown.shape)
    if not shown.any() or not place.any():
        return torch.from_numpy(index.ravel()), torch.ones(shown.size, dtype=torch.bool)
    nearest = ndimage.distance_transform_edt(~shown, return_distances=False, return_indices=True)
    labels, count = ndimage.label(place, np.ones((3, 3), np.bool_))
    own = _box(shown)
    for label in range(1, count + 1):
        part = labels == label
        there = [_moved(axis, span, over) for axis, span, over in zip(np.nonzero(part), _box(part), own, strict=True)]
        index[part] = np.ravel_multi_index(tuple(nearest[:, there[0], there[1]]), shown.shape)
    return torch.from_numpy(index.ravel()), torch.from_numpy(place.ravel().copy())


def _moved(cells: NDArray[np.int64], span: tuple[int, int], over: tuple[int, int]) -> NDArray[np.int64]:
    """Cells of one span laid over another one (first, number), by their middles."""
    share = (cells - span[0] + 0.5) / span[1]
    return over[0] + np.minimum((share * over[1]).astype(np.int64), over[1] - 1)


def _box(inside: Inside) -> tuple[tuple[int, int], ...]:
    """(first, number) of rows and of columns."""
    sides = (np.flatnonzero(inside.any(axis)) for axis in (1, 0))
    return tuple((int(side[0]), int(side[-1] - side[0] + 1)) for side in sides)


def _reduced(inside: Inside, sides_lat: tuple[int, int]) -> Inside:
    """Cells that are covered by half or more; on a grid too coarse for that, those that are covered most."""
    unit = torch.from_numpy(inside.astype(np.float32))[None, None]
    covered = functional.interpolate(unit, size=sides_lat, mode="area")[0, 0].numpy()
    most = float(covered.max())
    return np.asarray(covered >= min(0.5, most), np.bool_) if most > 0 else np.zeros(sides_lat, np.bool_)
