"""DreamMatcher (Nam et al., 2024): the reference's values, put where the target shows the same
parts.

In the decoder's self-attention queries and keys stay the target's, so its structure does; the
reference's values are warped onto it: V = M ⊙ V_r(F) + (1 - M) ⊙ V_t. The flow F follows from the
decoder's features of both pictures, centred together (and reduced to 256 principal directions where
there are more): each target cell takes the reference cell with the highest cosine. M leaves out
cells whose match is background, or does not lead back to where it came from.

The features of a step match the next one: the layers that use them come before the last of them are
known.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.loop_types import Control, Network, Predict
from backend.engine.reference_branch import ReferenceBranch
from backend.models.attention import Hook, Site, Unet, detail_sites, grid, install_hooks

DIRECTIONS = 256
"""Principal directions of each block's features, as in the paper."""
FAR = 0.4
"""A match leads back if it ends within this share of the side, times the foreground's share (the
authors' code).
"""

Sides = tuple[int, int]


@dataclass(frozen=True, eq=False)
class Flow:
    """For each target cell in rows the reference cell it matches (int64 (n,)), and float M (n, 1)
    in 0..1.
    """

    source: Tensor = field(repr=False)
    mask: Tensor = field(repr=False)


class Matching(Protocol):
    """Where flows come from."""

    def watching(self, network: Network) -> AbstractContextManager[None]:
        """Whatever must be read from the network's calls."""
        ...

    def flow(self, sides_lat: Sides) -> Flow | None:
        """The present flow on a grid; None before anything is known."""
        ...


@dataclass(frozen=True, eq=False)
class FixedMatching:
    """Every cell matches its own place in the reference, with M = ``amount``."""

    amount: float

    def watching(self, network: Network) -> AbstractContextManager[None]:
        """Nothing to read."""
        return nullcontext()

    def flow(self, sides_lat: Sides) -> Flow | None:
        """The same place."""
        cells = sides_lat[0] * sides_lat[1]
        return Flow(torch.arange(cells), torch.full((cells, 1), self.amount))


class FeatureMatching:
    """Flows between the target's features and the reference's. It belongs to one run.

    Args:
        sides: the reference path; it must record ``feature_modules`` at every step that is watched.
        foreground: where the reference shows the subject, float (h, w) in 0..1.
        first: the first step that is watched.
    """

    def __init__(self, sides: ReferenceBranch, foreground: Tensor, first: int) -> None:
        self._sides, self._foreground, self._first = sides, foreground, first
        self._growing: dict[str, tuple[Tensor, Tensor]] = {}
        self._whole: tuple[tuple[Tensor, Tensor], ...] = ()
        self._flows: dict[Sides, Flow] = {}

    def flow(self, sides_lat: Sides) -> Flow | None:
        """The flow of the last watched step."""
        if not self._whole:
            return None
        if sides_lat not in self._flows:
            self._flows[sides_lat] = find_flow(self._whole, self._foreground, sides_lat)
        return self._flows[sides_lat]

    @contextmanager
    def watching(self, network: Network) -> Iterator[None]:
        """Read the target's features of every call, and the reference's beside them."""
        names = feature_modules(network.unet)
        with ExitStack() as installed:
            for name in names:
                keep = self._build_store_hook(name, network, len(names))
                installed.callback(
                    network.unet.get_submodule(name).register_forward_hook(keep).remove
                )
            yield

    def _build_store_hook(self, name: str, network: Network, count: int) -> Hook:
        def keep(_: Any, __: tuple[Tensor, ...], output: Tensor) -> None:
            rows = network.moment.rows
            if self._sides.recording or network.moment.k < self._first:
                return
            target: Tensor = output.unflatten(0, (rows.halves, rows.count))[-1, rows.of("target")]
            self._growing[name] = target, self._sides.feature("reference", name)[-1]
            if len(self._growing) == count:
                self._whole, self._growing, self._flows = tuple(self._growing.values()), {}, {}

        return keep


@dataclass(frozen=True)
class ValueWarp(Control):
    """V = M ⊙ V_r(F) + (1 - M) ⊙ V_t in the decoder's self-attention (DreamMatcher).

    One target at a time.

    Attributes:
        begin: the first step whose values are warped.
        sites: where; nothing happens without any.
        matching: where the flow F and its mask M come from.
        sides: the reference path, which holds ``to_v`` at these sites.
    """

    begin: int
    sites: tuple[Site, ...]
    matching: Matching
    sides: ReferenceBranch = field(repr=False, compare=False)

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Change what the sites' values are."""
        return self._install(network) if self.sites else nullcontext()

    def wrap(self, predict: Predict) -> Predict:
        """See to it that the side paths are at the step that is predicted."""

        def run_reference(latents: Tensor, k: int) -> Tensor:
            self.sides.advance(k)
            return predict(latents, k)

        return run_reference

    @contextmanager
    def _install(self, network: Network) -> Iterator[None]:
        hooks = {f"{site.module}.to_v": self._hook(site, network) for site in self.sites}
        with install_hooks(network.unet, hooks), self.matching.watching(network):
            yield

    def _hook(self, site: Site, network: Network) -> Hook:
        module = f"{site.module}.to_v"
        sides_lat = grid(network.height_lat, network.width_lat, site.level)

        def warp(_: object, __: tuple[Tensor, ...], output: Tensor) -> Tensor | None:
            rows, k = network.moment.rows, network.moment.k
            flow = None if k < self.begin or self.sides.recording else self.matching.flow(sides_lat)
            if flow is None:
                return None
            halves: Tensor = output.unflatten(0, (rows.halves, rows.count)).clone()
            target = halves[:, rows.of("target")]
            halves[:, rows.of("target")] = warp_values(
                target, self.sides.feature("reference", module), flow
            )
            return halves.flatten(0, 1)

        return warp


def warp_values(target: Tensor, reference: Tensor, flow: Flow) -> Tensor:
    """M ⊙ V_r(F) + (1 - M) ⊙ V_t; with M = 1 exactly V_r(F), with M = 0 exactly V_t.

    Args:
        target: V_t, (…, n, channels).
        reference: V_r, of that shape.
        flow: F and M of the n cells.
    """
    mask = flow.mask.to(target)
    return mask * reference[..., flow.source.to(target.device), :] + (1 - mask) * target


def feature_modules(unet: Unet) -> tuple[str, ...]:
    """What is compared: the last residual block of each decoder level that has detail sites.

    Args:
        unet: the network.

    Returns:
        Names of modules, from coarse to fine.
    """
    levels = dict.fromkeys(int(site.name.split(".")[1]) for site in detail_sites(unet))
    return tuple(
        f"up_blocks.{level}.resnets.{len(unet.up_blocks[level].resnets) - 1}" for level in levels
    )


def find_flow(
    pairs: tuple[tuple[Tensor, Tensor], ...], foreground: Tensor, sides_lat: Sides
) -> Flow:
    """For each target cell the reference cell of the highest cosine, and whether to trust it.

    Args:
        pairs: features of target and reference, each (1, c, h, w) of any size.
        foreground: where the reference shows the subject, float (h, w) in 0..1.
        sides_lat: rows and columns of the flow's grid.

    Returns:
        F and M; M is 0 where the match is background, or does not lead back to where it came from.
    """
    compared = [_compare(*pair, sides_lat) for pair in pairs]
    target, reference = (torch.cat([pair[who] for pair in compared], dim=1) for who in (0, 1))
    alike = target @ reference.T
    source, back = alike.argmax(1), alike.argmax(0)
    shown = (
        functional.interpolate(foreground[None, None].float(), size=sides_lat, mode="area")
        .flatten()
        .to(alike)
    )
    width_lat = sides_lat[1]
    here, ends = torch.arange(len(source), device=source.device), back[source]
    distances = torch.hypot(
        (here // width_lat - ends // width_lat).float(),
        (here % width_lat - ends % width_lat).float(),
    )
    kept = (distances < FAR * sides_lat[0] * shown.mean()).to(alike)
    return Flow(source, (kept * shown[source])[:, None])


def _compare(target: Tensor, reference: Tensor, sides_lat: Sides) -> tuple[Tensor, Tensor]:
    """Unit vectors (n, d) of both pictures' cells in the directions in which they differ most."""
    both = torch.cat([target, reference]).float()
    cells = functional.interpolate(both, size=sides_lat, mode="bilinear").flatten(2).transpose(1, 2)
    centred = cells - cells.mean((0, 1))
    if centred.shape[-1] > DIRECTIONS:
        flat = centred.flatten(0, 1)
        _, directions = torch.linalg.eigh(flat.T @ flat)
        centred = centred @ directions[:, -DIRECTIONS:]
    unit = functional.normalize(centred, dim=-1)
    return unit[0], unit[1]
