"""BLD: Blended Latent Diffusion (Avrahami et al., 2023), one object after the other over a drawn
place.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor
from torch.nn import functional

from backend.controls.blended_latents import BlendedLatents
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode
from backend.engine.loop_types import Run, Step
from backend.engine.sampling import (
    prepare_from_noise,
    prepare_from_pictures,
    sample_batch,
    split_into_batches,
)
from backend.methods.options import parse_options
from backend.models.bundle import ModelBundle
from backend.plan.events import build_images
from backend.plan.phrases import background_words, phrase_in
from backend.plan.plan import Plan, PlannedLayer
from backend.plan.raster import raster
from backend.scene.imaging.arrays import Picture
from backend.scene.records import Record
from backend.scene.scene import Pixels


class BlendedOptions(Record):
    """Blended Latent Diffusion has no dial of its own."""


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """The place without its objects; then each layer, back to front, from noise in its mask.

    Args:
        plan: the recipe; its options are this baseline's.
        bundle: the model.
        pixels: of the plan.

    Raises:
        RequestError: an option is unknown or out of range.
    """
    parse_options(BlendedOptions, plan.options)
    masks = torch.from_numpy(raster(plan, pixels).alphas).to(bundle.device)
    for offset, seeds in split_into_batches(plan):
        pictures = yield from _place(plan, bundle, seeds)
        for layer, mask in zip(plan.layers, masks, strict=True):
            pictures = yield from _object(plan, bundle, pictures, seeds, layer, mask)
        yield build_images(offset, pictures)


def _place(
    plan: Plan, bundle: ModelBundle, seeds: tuple[int, ...]
) -> Generator[Step, None, tuple[Picture, ...]]:
    place = background_words(plan.prompt, [layer.phrase for layer in plan.layers])
    batch = prepare_from_noise(bundle, plan, seeds)
    words = build_conditioning(bundle, place, plan.negative, plan.guidance_scale, len(seeds))
    latents = yield from sample_batch(bundle, batch, words)
    return decode(bundle, latents)


def _object(
    plan: Plan,
    bundle: ModelBundle,
    pictures: tuple[Picture, ...],
    seeds: tuple[int, ...],
    layer: PlannedLayer,
    mask: Tensor,
) -> Generator[Step, None, tuple[Picture, ...]]:
    """The pictures, one for each seed, with one object more."""
    batch = prepare_from_pictures(bundle, plan, pictures, seeds, 0)
    sides = batch.source.shape[-2:]
    small = functional.interpolate(mask[None, None], size=sides, mode="nearest")[0, 0]
    control = BlendedLatents(batch.source, small, batch.schedule, batch.stream)
    phrase = phrase_in(plan.prompt, layer.phrase or layer.class_label)
    words = build_conditioning(bundle, phrase, plan.negative, plan.guidance_scale, len(seeds))
    latents = yield from sample_batch(bundle, batch, words, [control])
    return decode(bundle, latents)
