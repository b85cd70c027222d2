"""Paint-with-words (eDiff-I, Balaji et al., 2022): text to image with every layer's words drawn to
its mask.

The scores get 0.1 · w · log(1 + σ) · max(S) inside a word's mask; the tenth is the released
imitations' (the paper does not tell its own). Masks come down by area, as everywhere here, not
bilinearly.
"""

from __future__ import annotations

from typing import Annotated

import torch
from pydantic import Field

from backend.controls.region_attention import PromptRegion, RegionAttention
from backend.engine.conditioning import build_conditioning, fit_tokens
from backend.engine.decode import decode
from backend.engine.loop_types import Run
from backend.engine.sampling import (
    prepare_from_noise,
    sample_batch,
    split_into_batches,
)
from backend.methods.options import parse_options
from backend.models.bundle import ModelBundle
from backend.plan.events import build_images
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.scene.records import Record
from backend.scene.scene import Pixels

TENTH = 0.1


class PaintedWordsOptions(Record):
    """How strongly the masks draw."""

    weight: Annotated[float, Field(ge=0.0, le=5.0)] = Field(
        1.0,
        title="Weight",
        description=(
            "How strongly words are drawn to their masks; eDiff-I never pushes them "
            "out of the rest."
        ),
        json_schema_extra={"section": "eDiff-I 4.3", "unit": "×", "step": 0.1},
    )


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, then Images, for each batch of candidates.

    Args:
        plan: the recipe; its options are this baseline's.
        bundle: the model.
        pixels: of the plan.

    Raises:
        RequestError: an option is unknown or out of range.
    """
    options = parse_options(PaintedWordsOptions, plan.options)
    length, drawn_in = bundle.text_columns, TENTH * options.weight
    regions = tuple(
        PromptRegion(fit_tokens(bundle, layer.tokens), drawn_in, 0.0, torch.from_numpy(mask))
        for layer, mask in zip(plan.layers, raster(plan, pixels).visibility[1:], strict=True)
    )
    for offset, seeds in split_into_batches(plan):
        batch = prepare_from_noise(bundle, plan, seeds)
        words = build_conditioning(
            bundle, plan.prompt, plan.negative, plan.guidance_scale, len(seeds)
        )
        control = RegionAttention(regions, length, batch.schedule.sigmas, law="ediff")
        latents = yield from sample_batch(bundle, batch, words, [control])
        yield build_images(offset, decode(bundle, latents))
