"""Cross-attention control: each layer's words are drawn to its region and pushed out of the rest.

Collage Diffusion, section 4.2 (after eDiff-I's paint-with-words). With scores S = Q·Kᵀ/√d of a cross-attention site,
layer i with visible mask m_i, and token column j among its words:

    S'_j = S_j + y(σ) · max(0, max S_j) · (v_pos_i · m_i - v_neg_i · (1 - m_i)),     y(σ) = log(1 + log(1 + σ))

The maximum is taken per picture and per column over all heads and pixels of the site (the paper leaves its domain
open); a negative one counts as 0, for it would turn both terms round. Only the conditional rows are changed, and
columns that belong to no layer stay as they are. Layers with words of their own in the negative prompt are the one
exception: in the unconditional rows those words keep to their region in the same way.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.loop_types import Control, Moment, Network
from backend.models.attention import Attend, cross_sites, grid, processors_replaced


@dataclass(frozen=True)
class Region:
    """A layer's words and where it is seen.

    ``tokens`` are positions in the token row, ``positive`` and ``negative`` the weights v_pos and v_neg, ``mask`` is
    float32 (h, w) in 0..1 at any size that shows the whole picture.
    """

    tokens: tuple[int, ...]
    positive: float
    negative: float
    mask: Tensor = field(repr=False, compare=False)


@dataclass(frozen=True)
class RegionAttention(Control):
    """The control of all layers. ``sigmas[k]`` is the σ that step k reckons with; ``text_length`` the token row.

    ``unwanted`` are the layers' own words in the negative prompt.
    """

    regions: tuple[Region, ...]
    text_length: int
    sigmas: tuple[float, ...] = field(repr=False)
    unwanted: tuple[Region, ...] = ()

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Take over every cross-attention site; nothing at all when every weight is 0."""
        every = (*self.regions, *self.unwanted)
        if not any(region.tokens and (region.positive or region.negative) for region in every):
            return nullcontext()
        return processors_replaced(network.unet, self._attends(network))

    def _attends(self, network: Network) -> Mapping[str, Attend]:
        strengths = tuple(sigma_strength(sigma) for sigma in self.sigmas)
        sites = cross_sites(network.unet)
        device = next(network.unet.parameters()).device
        by_level: dict[int, Attend] = {}
        for level in {site.level for site in sites}:
            sides = grid(network.height_lat, network.width_lat, level)
            wanted, unwanted = (
                column_weights(regions, sides, self.text_length).to(device) if regions else None
                for regions in (self.regions, self.unwanted)
            )
            by_level[level] = _SiteAttention(wanted, unwanted, strengths, network.moment)
        return {site.name: by_level[site.level] for site in sites}


def sigma_strength(sigma: float) -> float:
    """y(σ): how strongly the bias acts at a noise level; 1.32 at σ = 14.6, 0.03 at 0.03."""
    return math.log1p(math.log1p(sigma))


def column_weights(regions: tuple[Region, ...], sides: tuple[int, int], text_length: int) -> Tensor:
    """v_pos·m - v_neg·(1 - m) per site pixel and token column: float32 (n, text_length), 0 for all other columns.

    Masks are reduced by area, so that a thin object keeps its share of a coarse cell. A column that several layers
    share takes the greatest of their values at each pixel, in whatever order they come: the word belongs wherever one
    of them is. (The paper gives every layer words of its own.)
    """
    weights = torch.full((sides[0] * sides[1], text_length), -math.inf)
    for region in regions:
        mask = functional.interpolate(region.mask[None, None].float(), size=sides, mode="area").flatten()
        column = region.positive * mask - region.negative * (1 - mask)
        tokens = list(region.tokens)
        weights[:, tokens] = torch.maximum(weights[:, tokens], column[:, None])
    return weights.masked_fill_(weights == -math.inf, 0.0)


def biased_attention(query: Tensor, key: Tensor, value: Tensor, weights: Tensor, bias: tuple[float, float]) -> Tensor:
    """Attention with S' = S + y · max(0, max S) · weights, in single precision.

    ``query`` is (b, heads, n, d), ``key`` and ``value`` (b, heads, tokens, d), ``weights`` (n, tokens); ``bias`` is
    (y, scale of the scores). The maximum is per picture and column.
    """
    strength, scale = bias
    scores = torch.matmul(query.float() * scale, key.float().transpose(-1, -2))
    peaks = scores.amax(dim=(1, 2)).clamp_min_(0.0)[:, None, None, :]
    scores.addcmul_(weights, peaks, value=strength)
    return torch.matmul(torch.softmax(scores, dim=-1).to(value.dtype), value)


@dataclass(frozen=True)
class _SiteAttention:
    """The attention of the sites of one level. Rows for which there are no weights keep the stock kernel."""

    wanted: Tensor | None = field(repr=False)
    unwanted: Tensor | None = field(repr=False)
    strengths: tuple[float, ...]
    moment: Moment

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        rows = self.moment.rows
        bias = (self.strengths[self.moment.k], scale)
        if not rows.guided:
            return _attended(query, key, value, self.wanted, bias)
        halves = ((rows.uncond, self.unwanted), (rows.cond, self.wanted))
        return torch.cat([_attended(query[half], key[half], value[half], weights, bias) for half, weights in halves])


def _attended(query: Tensor, key: Tensor, value: Tensor, weights: Tensor | None, bias: tuple[float, float]) -> Tensor:
    if weights is None:
        return functional.scaled_dot_product_attention(query, key, value)
    return biased_attention(query, key, value, weights, bias)
