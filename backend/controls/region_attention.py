"""Cross-attention control: each layer's words are drawn to its region and pushed out of the rest.

Collage Diffusion, section 4.2 (after eDiff-I's paint-with-words). With scores S = Q·Kᵀ/√d of a
cross-attention site, layer i with visible mask m_i, and token column j among its words:

    S'_j = S_j + y(σ) · max(0, max S_j) · (v_pos_i · m_i - v_neg_i · (1 - m_i)),
    y(σ) = log(1 + log(1 + σ))

The maximum is taken per picture and per column over all heads and pixels of the site (the paper
leaves its domain open); a negative one counts as 0, for it would turn both terms round. Only the
conditional rows are changed, and columns that belong to no layer stay as they are. Layers with
words of their own in the negative prompt are the one exception: in the unconditional rows those
words keep to their region in the same way.

The law "ediff" is paint-with-words (eDiff-I, Balaji et al., 2022, section 4.3): y(σ) = log(1 + σ),
and the maximum is that of all columns of the site together (the released imitations take that of
the whole batch; a picture must not depend on its neighbours).

Beyond the paper: a layer's words may act in some of the steps only. In the others their scores
count as -∞, unless another layer that shares them acts.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.loop_types import Control, Moment, Network
from backend.models.attention import Attend, cross_sites, grid, replace_processors

UNWANTED = 2.0
"""v_neg of a layer's negative words: more than twice the default of its wanted ones."""
ALWAYS = 1_000_000
"""More steps than any run has."""
Law = Literal["collage", "ediff"]


class Bias(NamedTuple):
    """How strong a bias is.

    Attributes:
        strength: y(σ) of the step, 0 or more.
        scale: of the scores, 1/√d.
        peak: whose maximum counts: each token column's own, or that of all columns of the site.
    """

    strength: float
    scale: float
    peak: Literal["column", "site"] = "column"


@dataclass(frozen=True)
class PromptRegion:
    """A layer's words and where it is seen.

    Attributes:
        tokens: positions in the token row, 0 to text_length - 1.
        positive: v_pos, how firmly the words are held to the region, 0 or more.
        negative: v_neg, how firmly they are kept out of the rest, 0 or more.
        mask: float32 (h, w) in 0..1, at any size that shows the whole picture.
        first: the words act in the steps ``first`` ≤ k < ``end``, in all of them by default.
        end: the step from which on they act no more.
    """

    tokens: tuple[int, ...]
    positive: float
    negative: float
    mask: Tensor = field(repr=False, compare=False)
    first: int = 0
    end: int = ALWAYS

    @property
    def is_active(self) -> bool:
        """Whether it changes anything at all."""
        limited = self.first > 0 or self.end < ALWAYS
        return bool(self.tokens) and bool(self.positive or self.negative or limited)


@dataclass(frozen=True)
class RegionAttention(Control):
    """All layers' words, each in its region (Collage Diffusion, section 4.2).

    S' = S + y(σ) · max(0, max S) · (v_pos · m - v_neg · (1 - m))

    Attributes:
        regions: the layers, for the conditional rows.
        text_length: columns of the token row, with begin and end.
        sigmas: the σ that each step k = 0…N-1 reckons with.
        unwanted: the layers' own words in the negative prompt, for the unconditional rows.
        law: how the bias grows with σ and the scores: Collage Diffusion's or eDiff-I's.
    """

    regions: tuple[PromptRegion, ...]
    text_length: int
    sigmas: tuple[float, ...] = field(repr=False)
    unwanted: tuple[PromptRegion, ...] = ()
    law: Law = "collage"

    def patch(self, network: Network) -> AbstractContextManager[None]:
        """Take over every cross-attention site; nothing at all where no region changes anything.

        Args:
            network: the UNet and the size of its latents.

        Raises:
            EngineError: a site belongs to another control, or has parts that are not known.
        """
        if not any(region.is_active for region in (*self.regions, *self.unwanted)):
            return nullcontext()
        return replace_processors(network.unet, self._attends(network))

    def _attends(self, network: Network) -> Mapping[str, Attend]:
        strengths = tuple(sigma_strength(sigma, self.law) for sigma in self.sigmas)
        sites = cross_sites(network.unet)
        device = next(network.unet.parameters()).device
        by_level: dict[int, Attend] = {}
        for level in {site.level for site in sites}:
            sides = grid(network.height_lat, network.width_lat, level)
            wanted, unwanted = (
                self._active_columns(regions, sides, device) if regions else None
                for regions in (self.regions, self.unwanted)
            )
            by_level[level] = _SiteAttention(wanted, unwanted, strengths, self.law, network.moment)
        return {site.name: by_level[site.level] for site in sites}

    def _active_columns(
        self, regions: tuple[PromptRegion, ...], sides: tuple[int, int], device: torch.device
    ) -> tuple[_ActiveColumns, ...]:
        """How the layers act in each step; steps in which the same layers act share it."""
        made: dict[tuple[bool, ...], _ActiveColumns] = {}
        steps = []
        for k in range(len(self.sigmas)):
            in_force = tuple(region.first <= k < region.end for region in regions)
            if in_force not in made:
                active_steps = tuple(
                    region for region, does in zip(regions, in_force, strict=True) if does
                )
                active = {token for region in active_steps for token in region.tokens}
                inactive = sorted({token for region in regions for token in region.tokens} - active)
                made[in_force] = _ActiveColumns(
                    column_weights(active_steps, sides, self.text_length).to(device),
                    tuple(inactive),
                )
            steps.append(made[in_force])
        return tuple(steps)


def sigma_strength(sigma: float, law: Law = "collage") -> float:
    """y(σ), how strongly the bias acts at a noise level.

    Args:
        sigma: σ of the step, 0 or more.
        law: log(1 + log(1 + σ)) for "collage", log(1 + σ) for "ediff".

    Returns:
        1.32 at σ = 14.6 and 0.03 at σ = 0.03; for "ediff" 2.75 and 0.03.
    """
    return math.log1p(math.log1p(sigma)) if law == "collage" else math.log1p(sigma)


def column_weights(
    regions: tuple[PromptRegion, ...], sides: tuple[int, int], text_length: int
) -> Tensor:
    """v_pos·m - v_neg·(1 - m) of each site pixel and token column.

    Masks are reduced by area, so that a thin object keeps its share of a coarse cell. A column that
    several layers share takes the greatest of their values at each pixel, in whatever order they
    come: the word belongs wherever one of them is. (The paper gives every layer words of its own.)

    Args:
        regions: the layers that act.
        sides: rows and columns of the site's grid.
        text_length: columns of the token row.

    Returns:
        float32 (rows · columns, text_length); 0 in the columns of no layer.
    """
    weights = torch.full((sides[0] * sides[1], text_length), -math.inf)
    for region in regions:
        mask = functional.interpolate(
            region.mask[None, None].float(), size=sides, mode="area"
        ).flatten()
        column = region.positive * mask - region.negative * (1 - mask)
        tokens = list(region.tokens)
        weights[:, tokens] = torch.maximum(weights[:, tokens], column[:, None])
    return weights.masked_fill_(weights == -math.inf, 0.0)


def attend_with_bias(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    weights: Tensor,
    bias: Bias,
    inactive: tuple[int, ...] = (),
) -> Tensor:
    """Attention with S' = S + y · max(0, max S) · weights, in single precision.

    Args:
        query: (b, heads, n, d).
        key: (b, heads, tokens, d).
        value: (b, heads, tokens, d).
        weights: (n, tokens), v_pos·m - v_neg·(1 - m).
        bias: y, the scale of the scores, and whether the maximum is per picture and column or per
            picture.
        inactive: columns whose scores count as -∞.

    Returns:
        (b, heads, n, d), in the precision of ``value``.
    """
    strength, scale, domain = bias
    scores = torch.matmul(query.float() * scale, key.float().transpose(-1, -2))
    peaks = scores.amax(dim=(1, 2) if domain == "column" else (1, 2, 3), keepdim=True).clamp_min_(
        0.0
    )
    scores.addcmul_(weights, peaks, value=strength)
    if inactive:
        scores[..., list(inactive)] = -math.inf
    return torch.matmul(torch.softmax(scores, dim=-1).to(value.dtype), value)


@dataclass(frozen=True, eq=False)
class _ActiveColumns:
    """How the layers act in a step: weights (n, tokens), and the columns of those that do not."""

    weights: Tensor
    inactive: tuple[int, ...]


@dataclass(frozen=True)
class _SiteAttention:
    """The attention of the sites of one level, by step. Rows in which no layer acts keep the
    stock kernel.
    """

    wanted: tuple[_ActiveColumns, ...] | None = field(repr=False)
    unwanted: tuple[_ActiveColumns, ...] | None = field(repr=False)
    strengths: tuple[float, ...]
    law: Law
    moment: Moment

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, scale: float) -> Tensor:
        rows, k = self.moment.rows, self.moment.k
        bias = Bias(self.strengths[k], scale, "column" if self.law == "collage" else "site")
        wanted, unwanted = (
            None if active is None else active[k] for active in (self.wanted, self.unwanted)
        )
        if not rows.guided:
            return _attend(query, key, value, wanted, bias)
        halves = ((rows.uncond, unwanted), (rows.cond, wanted))
        return torch.cat(
            [_attend(query[half], key[half], value[half], active, bias) for half, active in halves]
        )


def _attend(
    query: Tensor, key: Tensor, value: Tensor, active: _ActiveColumns | None, bias: Bias
) -> Tensor:
    if active is None:
        return functional.scaled_dot_product_attention(query, key, value)
    return attend_with_bias(query, key, value, active.weights, bias, active.inactive)
