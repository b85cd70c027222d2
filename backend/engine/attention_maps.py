"""Where words look: cross-attention maps of some tokens, averaged over heads, sites and steps.

The maps are read beside the attention, from the same inputs, so whoever owns a site's processor is
not disturbed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from backend.engine.loop_types import Control, Network
from backend.models.attention import AttentionModule, Site, Unet, cross_sites, grid
from backend.models.bundle import ModelBundle
from backend.models.sam import sam_of

MAP_SIDE = 16
"""MasaCtrl reads the 16 × 16 maps of a 64 × 64 latent; others are too coarse for a place or too
noisy.
"""


def map_sites(unet: Unet, height_lat: int, width_lat: int) -> tuple[Site, ...]:
    """The decoder's cross-attention sites whose grid's shorter side is nearest to 16.

    Args:
        unet: the network.
        height_lat: rows of the latents.
        width_lat: columns of the latents.
    """
    decoder = [site for site in cross_sites(unet) if site.in_decoder]
    distances = {
        site.level: abs(min(grid(height_lat, width_lat, site.level)) - MAP_SIDE) for site in decoder
    }
    level = min(distances, key=lambda one: (distances[one], one))
    return tuple(site for site in decoder if site.level == level)


class Asides(Protocol):
    """Whoever calls the network on another path's behalf, and says so."""

    @property
    def recording(self) -> bool:
        """Whether the present call is such a one."""
        ...


@dataclass
class Aside:
    """Says that the present call of the network is not the run's own."""

    recording: bool = False


class MapMeans:
    """The running means of the probability that a path's pixels give to groups of tokens.

    They belong to one run, and only the conditional rows are read.

    Args:
        groups: positions in the token row, a group a map.
        path: whose rows are read; all of them where it is empty.
        first: the step from which on they are read.
    """

    def __init__(self, groups: Sequence[Sequence[int]], path: str, first: int) -> None:
        self._groups, self._path, self._first = [list(tokens) for tokens in groups], path, first
        self._sum: Tensor | None = None
        self._count = 0

    def means(self) -> Tensor | None:
        """float32 (groups, rows, h, w) on the grid of the sites; None before the first map."""
        return None if self._sum is None else self._sum / self._count

    def memory(self) -> tuple[tuple[str, Tensor], ...]:
        """The sum and the count of all maps so far, by their names; nothing before the first."""
        if self._sum is None:
            return ()
        return ("sum", self._sum), ("count", torch.tensor(self._count))

    def restore(self, total: Tensor, count: Tensor) -> None:
        """Go on from what ``memory`` gave.

        Args:
            total: the sum.
            count: of the maps, one number.
        """
        self._sum, self._count = total, int(count)

    @contextmanager
    def watching(self, network: Network, sides: Asides | None = None) -> Iterator[None]:
        """Read the maps of every call until the end of the block.

        Args:
            network: the UNet and the present moment.
            sides: other paths, whose calls are not read.
        """
        sites = map_sites(network.unet, network.height_lat, network.width_lat)
        with ExitStack() as installed:
            for site in sites:
                read = partial(
                    self._read,
                    network,
                    sides,
                    grid(network.height_lat, network.width_lat, site.level),
                )
                module = network.unet.get_submodule(site.module)
                installed.callback(module.register_forward_pre_hook(read, with_kwargs=True).remove)
            yield

    @torch.no_grad()
    def _read(
        self,
        network: Network,
        sides: Asides | None,
        sides_lat: tuple[int, int],
        attention: AttentionModule,
        arguments: tuple[Tensor, ...],
        named: dict[str, Any],
    ) -> None:
        moment = network.moment
        if moment.k < self._first or (sides is not None and sides.recording):
            return
        rows = moment.rows
        half = (rows.halves, rows.count)
        own = rows.of(self._path) if self._path else slice(0, rows.count)
        given: tuple[Tensor, Tensor] = (arguments[0], named["encoder_hidden_states"])
        pixels, words = (value.unflatten(0, half)[-1, own] for value in given)
        shares = token_shares(attention, pixels, words)
        seen: Tensor = torch.stack(
            [shares[..., tokens].sum(-1) for tokens in self._groups]
        ).unflatten(2, sides_lat)
        self._sum = seen if self._sum is None else self._sum + seen
        self._count += 1


class MapMean(MapMeans):
    """The running mean of one group of tokens.

    Args:
        tokens: positions in the token row.
        path: whose rows are read; all of them where it is empty.
        first: the step from which on they are read.
        competing_tokens: other words, none of which may look at a place more than the group.
    """

    def __init__(
        self, tokens: Sequence[int], path: str, first: int, competing_tokens: Sequence[int] = ()
    ) -> None:
        super().__init__([tokens, *([token] for token in competing_tokens)], path, first)

    def mean(self) -> Tensor | None:
        """float32 (rows, h, w) on the grid of the sites; None before the first map."""
        means = self.means()
        return None if means is None else suppress_competing(means)


@dataclass(frozen=True)
class WatchWords(Control):
    """Fills ``maps`` while a run goes on; the run itself is what it would be without.

    Attributes:
        maps: the running means, which belong to one run.
    """

    maps: MapMeans = field(repr=False, compare=False)

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Read the maps of every call.

        Args:
            network: the UNet and the size of its latents.
        """
        return self.maps.watching(network)


def suppress_competing(means: Tensor) -> Tensor:
    """The first map, and 0 where another, each by its own mean, is greater (ours).

    Words of a companion look at their own object more than the subject's do, which look at every
    object a little. A row in which nothing would be left is as it was.

    Args:
        means: (groups, rows, h, w).

    Returns:
        (rows, h, w).
    """
    focus = means / means.mean((2, 3), keepdim=True).clamp_min(torch.finfo(means.dtype).tiny)
    won = (focus[:1] >= focus).all(0)
    return means[0] * (won | ~won.any((1, 2), keepdim=True))


def token_shares(attention: AttentionModule, pixels: Tensor, words: Tensor) -> Tensor:
    """The share of attention that each pixel gives to each token: softmax(Q·Kᵀ/√d), head mean.

    Args:
        attention: the module, whose projections are used.
        pixels: (rows, n, channels).
        words: (rows, tokens, width).

    Returns:
        float32 (rows, n, tokens); each pixel's shares sum to 1.
    """
    query = functional.linear(pixels, attention.to_q.weight, attention.to_q.bias)
    key = functional.linear(words, attention.to_k.weight, attention.to_k.bias)
    heads = attention.heads
    query, key = (
        part.view(*part.shape[:-1], heads, part.shape[-1] // heads).transpose(1, 2).float()
        for part in (query, key)
    )
    scores = torch.matmul(query, key.transpose(-1, -2)) * query.shape[-1] ** -0.5
    return torch.softmax(scores, dim=-1).mean(1)


def threshold_map(mean: Tensor, sides_px: tuple[int, int], threshold: float) -> NDArray[np.bool_]:
    """M^c: a map brought to 0..1, cut at a threshold and enlarged (nearest).

    Args:
        mean: (h, w).
        sides_px: height and width of the answer.
        threshold: 0..1.

    Returns:
        bool, all false for a flat map.
    """
    low, high = mean.min(), mean.max()
    if not bool(high > low):
        return np.zeros(sides_px, np.bool_)
    over = ((mean - low) / (high - low) > threshold).float()
    return (
        functional.interpolate(over[None, None], size=sides_px, mode="nearest")[0, 0]
        .bool()
        .cpu()
        .numpy()
    )


def cut_subject(
    bundle: ModelBundle, picture: NDArray[np.uint8], looked: Tensor, threshold: float
) -> NDArray[np.bool_]:
    """M_SAM: what Segment Anything cuts out of a picture where a map of words says the subject is.

    SAM is asked at the peak of the map, and with the box of what lies over the threshold
    (Layout-and-Retouch does not say how it asks). The cut with the highest expected overlap times
    overlap with the map is taken.

    Args:
        bundle: whose member SAM is asked.
        picture: uint8 (h, w, 3).
        looked: the map, (rows, columns).
        threshold: what of the map, brought to 0..1, is the subject.

    Returns:
        bool (h, w); (0, 0) where there is no SAM or the map says nothing.
    """
    height_px, width_px = picture.shape[:2]
    words = threshold_map(looked, (height_px, width_px), threshold)
    if "sam" not in bundle.members or not words.any():
        return np.zeros((0, 0), np.bool_)
    sam = sam_of(bundle)
    sam.set_picture(picture)
    height_lat, width_lat = looked.shape
    row, column = divmod(int(looked.argmax()), width_lat)
    y, x = np.nonzero(words)
    cuts = (
        sam.at_point((column + 0.5) / width_lat * width_px, (row + 0.5) / height_lat * height_px),
        sam.in_box(float(x.min()), float(y.min()), float(x.max() + 1), float(y.max() + 1)),
    )
    overlaps: list[float] = [
        int(np.count_nonzero(cut.mask & words)) / max(1, int(np.count_nonzero(cut.mask | words)))
        for cut in cuts
    ]
    best = max(range(len(cuts)), key=lambda index: cuts[index].expected_iou * overlaps[index])
    return cuts[best].mask


def grey_maps(means: Tensor) -> NDArray[np.uint8]:
    """Maps as grey pictures, each from its own darkest to its brightest.

    Args:
        means: (groups, rows, h, w).

    Returns:
        uint8 of that shape.
    """
    low, high = (
        edge(means.flatten(2), dim=2).values[..., None, None] for edge in (torch.min, torch.max)
    )
    grey = (means - low) / (high - low).clamp_min(1e-12) * 255
    return grey.round().to(torch.uint8).cpu().numpy()


def name_attention_maps(
    watched: Sequence[MapMeans], names: Sequence[str]
) -> tuple[dict[str, NDArray[np.uint8]], ...]:
    """For each row, by name, where a group of tokens looked.

    Args:
        watched: one watcher, or none.
        names: of its groups; those without a name are left out.

    Returns:
        Grey pictures uint8 (h, w) by name, a mapping a row; nothing before the first map.
    """
    means = watched[0].means() if watched else None
    if means is None:
        return ()
    grey, named = grey_maps(means), [(number, name) for number, name in enumerate(names) if name]
    return tuple(
        {name: grey[number, row] for number, name in named} for row in range(grey.shape[1])
    )
