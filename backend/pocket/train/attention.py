"""Attention for training: explicit products (faster than the fused one on a CPU), and text seen
through regions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F
from diffusers import ControlNetModel, UNet2DConditionModel
from diffusers.models.attention_processor import Attention
from torch import Tensor

from backend.pocket.train.captions import OPEN, SHARED

HIDDEN = -1e4
MOST_OBJECTS = 4


@dataclass
class RegionView:
    """What the cross-attention of the next forward pass may see; ``None`` = everything."""

    regions: Tensor | None = None
    owners: Tensor | None = None
    masked_rows: Tensor | None = None
    inside: list[Tensor] = field(default_factory=list)
    """What each cross-attention of the last pass left: ``object_shares`` (b, objects)."""

    def bias(self, positions: int) -> Tensor | None:
        """Additive scores (b, 1, positions, tokens): 0 = seen, ``HIDDEN`` = not.

        An object's words are seen inside its region only. All other words, the end and the padding
        are seen outside of every region only: the encoder is causal, so they know all the objects.
        The start token is seen everywhere.
        """
        if self.regions is None or self.owners is None or self.masked_rows is None:
            return None
        side = math.isqrt(positions)
        inside = F.adaptive_max_pool2d(self.regions, side).flatten(2)
        owned = (
            F.one_hot(self.owners.clamp(min=0), MOST_OBJECTS).float()
            * (self.owners >= 0)[..., None]
        )
        seen = torch.einsum("bkp,btk->bpt", inside, owned)
        outside = 1 - inside.amax(1)
        seen = (
            seen
            + outside[:, :, None] * (self.owners == SHARED)[:, None, :]
            + (self.owners == OPEN)[:, None, :]
        )
        hidden = (seen < 0.5) & self.masked_rows[:, None, None]
        return (hidden.float() * HIDDEN)[:, None]

    def watch(self, maps: Tensor) -> None:
        """Keep the shares of attention maps (b, heads, positions, tokens)."""
        if self.regions is not None and self.owners is not None and torch.is_grad_enabled():
            self.inside.append(object_shares(maps.float().mean(1), self.regions, self.owners))

    def stray_loss(self) -> Tensor:
        """Mean of (1 - share)^2 over layers, free samples and their spoken objects, and forget the
        maps; a scalar.

        Source: TokenCompose (Wang et al. 2023), the token loss, with an object's whole phrase in
        place of its noun.
        """
        assert self.regions is not None
        assert self.owners is not None
        assert self.masked_rows is not None
        shares = torch.stack(self.inside)
        self.inside.clear()
        wanted = (
            self.owners[:, :, None] == torch.arange(MOST_OBJECTS, device=self.owners.device)
        ).any(1)
        counted = (wanted & (self.regions.amax((2, 3)) > 0) & ~self.masked_rows[:, None]).float()
        return ((1 - shares).square() * counted).sum() / (len(shares) * counted.sum()).clamp(min=1)


def object_shares(maps: Tensor, regions: Tensor, owners: Tensor) -> Tensor:
    """The share (b, objects) of the attention to an object's words that falls into its region.

    ``maps`` (b, positions, tokens) sum to 1 over tokens; ``regions`` (b, objects, h, w) of 0 and 1;
    ``owners`` (b, tokens).
    """
    side = math.isqrt(maps.shape[1])
    region = F.adaptive_max_pool2d(regions, side).flatten(2)
    owned = F.one_hot(owners.clamp(min=0), MOST_OBJECTS).float() * (owners >= 0)[..., None]
    looked = torch.einsum("bpt,btk->bkp", maps, owned)
    return (looked * region).sum(-1) / looked.sum(-1).clamp(min=1e-6)


class ExplicitAttention:
    """A diffusers attention processor: softmax(q k / sqrt(d) + bias) v, written out."""

    def __init__(self, view: RegionView) -> None:
        self.view = view

    def __call__(
        self,
        attn: Attention,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """hidden_states (b, positions, channels) to the same shape; ``attention_mask`` and ``temb``
        stay unused.
        """
        cross = encoder_hidden_states is not None
        source = encoder_hidden_states if cross else hidden_states
        projected: tuple[Tensor, ...] = (
            attn.to_q(hidden_states),
            attn.to_k(source),
            attn.to_v(source),
        )
        q, k, v = (
            part.view(*part.shape[:-1], attn.heads, part.shape[-1] // attn.heads).transpose(1, 2)
            for part in projected
        )
        scores = q @ k.transpose(-1, -2) * attn.scale
        bias = self.view.bias(hidden_states.shape[1]) if cross else None
        if bias is not None:
            scores = scores + bias.to(scores.dtype)
        maps = scores.softmax(-1)
        if cross:
            self.view.watch(maps)
        mixed = (maps.to(v.dtype) @ v).transpose(1, 2).flatten(2)
        result: Tensor = attn.to_out[1](attn.to_out[0](mixed))
        return result


def watch_regions(unet: UNet2DConditionModel | ControlNetModel) -> RegionView:
    """Install the processors; the caller fills the returned view before each forward pass."""
    view = RegionView()
    unet.set_attn_processor(ExplicitAttention(view))
    return view
