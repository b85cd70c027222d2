"""MultiDiffusion with regions and bootstrapping (Bar-Tal et al., 2023)."""

from __future__ import annotations

from typing import Annotated

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from backend.controls.multi_region import MultiRegion, RegionPrompt
from backend.engine.begin import Beginning, begin_from_noise, finished
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode, encode
from backend.engine.denoise import denoise, predictor
from backend.engine.loop_types import Pictures, Run, generator_for
from backend.engine.noise import seed_of
from backend.methods.options import parse_options
from backend.models.bundle import ModelBundle
from backend.plan.background import background_words
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.scene.layer import Record
from backend.scene.scene import Pixels


class MultiDiffusionOptions(Record):
    """The one dial of the regions' method."""

    bootstrapping: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.2,
        title="Bootstrapping",
        description="Share of the steps in which every region sees only itself before a plain colour.",
        json_schema_extra={"section": "4.3", "unit": "share of the steps", "step": 0.05},
    )


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, then Pictures, for each chunk of candidates."""
    options = parse_options(MultiDiffusionOptions, plan.options)
    masks = torch.from_numpy(raster(plan, pixels).visibility[1:]).to(bundle.device)
    place = background_words(plan.prompt, [layer.phrase for layer in plan.layers])
    for offset in range(0, len(plan.seeds), plan.batch):
        seeds = plan.seeds[offset : offset + plan.batch]
        begun = begin_from_noise(bundle, plan, seeds)
        words = build_conditioning(bundle, place, plan.negative, plan.guidance_scale, len(seeds))
        control = MultiRegion(
            _regions(plan, bundle, begun, masks),
            round(options.bootstrapping * plan.steps),
            begun.schedule,
            begun.stream(seeds),
        )
        steps = denoise(bundle.unet, begun.schedule, words, begun.start, [control])
        latents = yield from finished(steps, begun.start)
        yield Pictures(offset, decode(bundle, latents), (None,) * len(seeds))


def _regions(plan: Plan, bundle: ModelBundle, begun: Beginning, masks: Tensor) -> tuple[RegionPrompt, ...]:
    count, sides = len(begun.source), begun.source.shape[-2:]
    regions = []
    for number, (layer, mask) in enumerate(zip(plan.layers, masks, strict=True)):
        phrase = layer.phrase or layer.class_label
        words = build_conditioning(bundle, phrase, plan.negative, plan.guidance_scale, count)
        small = functional.interpolate(mask[None, None], size=sides, mode="nearest")[0, 0].round()
        plain = _plain_latents(plan, bundle, number)
        regions.append(RegionPrompt(predictor(bundle.unet, begun.schedule, words), small, plain))
    return tuple(regions)


def _plain_latents(plan: Plan, bundle: ModelBundle, number: int) -> Tensor:
    """The latents (1, c, h, w) of a random plain colour; the same for all candidates of a plan."""
    seed = seed_of(plan.seeds[0], "plain colour", number)
    colour = np.random.default_rng(seed).integers(0, 256, 3, np.uint8)
    picture = np.broadcast_to(colour, (plan.height_px, plan.width_px, 3))
    return encode(bundle, np.ascontiguousarray(picture), [generator_for(seed)])
