"""MultiDiffusion with regions and bootstrapping (Bar-Tal et al., 2023)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from backend.controls.multi_region import MultiRegion, RegionPrompt
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode, encode
from backend.engine.denoise import predictor
from backend.engine.loop_types import Run, generator_for
from backend.engine.noise import seed_of
from backend.engine.sampling import (
    Batch,
    prepare_from_noise,
    sample_batch,
    split_into_batches,
)
from backend.methods.options import parse_options
from backend.models.bundle import ModelBundle
from backend.plan.events import build_images
from backend.plan.phrases import background_words, phrase_in
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.scene.records import Record
from backend.scene.scene import Pixels

PALETTE_SEED = 2023
"""The colours are the same for all plans; which of them stands where follows from a candidate's
seed.
"""


class MultiDiffusionOptions(Record):
    """The one dial of the regions' method."""

    bootstrapping: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.2,
        title="Bootstrapping",
        description=(
            "Share of the steps in which every region sees only itself before plain colours."
        ),
        json_schema_extra={"section": "4.3", "unit": "share of the steps", "step": 0.05},
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
    options = parse_options(MultiDiffusionOptions, plan.options)
    masks = torch.from_numpy(raster(plan, pixels).visibility[1:]).to(bundle.device)
    place = background_words(plan.prompt, [layer.phrase for layer in plan.layers])
    plain = _plain_latents(plan, bundle, round(options.bootstrapping * plan.steps))
    for offset, seeds in split_into_batches(plan):
        batch = prepare_from_noise(bundle, plan, seeds)
        words = build_conditioning(bundle, place, plan.negative, plan.guidance_scale, len(seeds))
        regions = _regions(plan, bundle, batch, masks, plain)
        control = MultiRegion(regions, batch.schedule, batch.stream)
        latents = yield from sample_batch(bundle, batch, words, [control])
        yield build_images(offset, decode(bundle, latents))


def _regions(
    plan: Plan, bundle: ModelBundle, batch: Batch, masks: Tensor, plain: Tensor
) -> tuple[RegionPrompt, ...]:
    """Every layer's words in its mask (n, h, w), before plain colours (s, c, h, w) at first."""
    seeds, sides = batch.seeds, batch.source.shape[-2:]
    regions = []
    for number, (layer, mask) in enumerate(zip(plan.layers, masks, strict=True)):
        phrase = phrase_in(plan.prompt, layer.phrase or layer.class_label)
        words = build_conditioning(bundle, phrase, plan.negative, plan.guidance_scale, len(seeds))
        small = functional.interpolate(mask[None, None], size=sides, mode="nearest")[0, 0].round()
        around = plain[_turns(len(plain), number, seeds)]
        regions.append(RegionPrompt(predictor(bundle.unet, batch.schedule, words), small, around))
    return tuple(regions)


def _turns(count: int, number: int, seeds: tuple[int, ...]) -> Tensor:
    """Which of ``count`` colours surrounds a region in each step, (count, seeds): drawn anew for
    every step.
    """
    draws = (
        np.random.default_rng(seed_of(seed, "plain colours", number)).integers(0, count, count)
        for seed in seeds
    )
    return (
        torch.from_numpy(np.stack(list(draws), axis=1))
        if count
        else torch.zeros(0, len(seeds), dtype=torch.long)
    )


def _plain_latents(plan: Plan, bundle: ModelBundle, count: int) -> Tensor:
    """The latents (count, c, h, w) of random plain colours: as many as there are bootstrapped steps
    (released code).
    """
    colours = np.random.default_rng(PALETTE_SEED).integers(0, 256, (count, 3), np.uint8)
    pictures = (
        np.ascontiguousarray(np.broadcast_to(one, (plan.height_px, plan.width_px, 3)))
        for one in colours
    )
    rows = [
        encode(bundle, picture, [generator_for(PALETTE_SEED + n)])
        for n, picture in enumerate(pictures)
    ]
    return torch.cat(rows) if rows else torch.zeros(0)
