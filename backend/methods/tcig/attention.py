"""Every layer's words in its mask, in whatever the diffusion model draws."""

from __future__ import annotations

from collections.abc import Sequence

from backend.controls.region_attention import PromptRegion, RegionAttention
from backend.methods.tcig.painting import TcigPainting
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule


def attention(
    painting: TcigPainting,
    bundle: ModelBundle,
    schedule: Schedule,
    pulls: Sequence[tuple[float, float]],
) -> RegionAttention:
    """``pulls`` are the weights inside and outside of the mask, for each layer of the plan."""
    length = bundle.card.text_length
    regions = tuple(
        PromptRegion(
            tuple(token for token in layer.tokens if token < length), inside, outside, mask
        )
        for layer, mask, (inside, outside) in zip(
            painting.plan.layers, painting.masks, pulls, strict=True
        )
    )
    return RegionAttention(regions, length, schedule.sigmas)
