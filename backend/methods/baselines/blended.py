"""BLD: Blended Latent Diffusion (Avrahami et al., 2023), one object after the other over a drawn
place.
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from torch import Tensor
from torch.nn import functional

from backend.controls.blended_latents import BlendedLatents
from backend.engine.begin import begin_from_noise, begin_from_pictures, finished
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import Picture, decode
from backend.engine.denoise import denoise
from backend.engine.loop_types import Run, Step
from backend.methods.options import parse_options
from backend.models.bundle import ModelBundle
from backend.plan.background import background_words, phrase_in
from backend.plan.events import build_images
from backend.plan.plan import Plan, PlannedLayer
from backend.plan.raster import raster
from backend.scene.layer import Record
from backend.scene.scene import Pixels


class BlendedOptions(Record):
    """Blended Latent Diffusion has no dial of its own."""


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """The place from the prompt without its objects; then each layer, from back to front, from
    noise in its mask.
    """
    parse_options(BlendedOptions, plan.options)
    masks = torch.from_numpy(raster(plan, pixels).alphas).to(bundle.device)
    for offset in range(0, len(plan.seeds), plan.batch):
        seeds = plan.seeds[offset : offset + plan.batch]
        pictures = yield from _place(plan, bundle, seeds)
        for layer, mask in zip(plan.layers, masks, strict=True):
            pictures = yield from _object(plan, bundle, (pictures, seeds), layer, mask)
        yield build_images(offset, pictures)


def _place(
    plan: Plan, bundle: ModelBundle, seeds: tuple[int, ...]
) -> Generator[Step, None, tuple[Picture, ...]]:
    place = background_words(plan.prompt, [layer.phrase for layer in plan.layers])
    begun = begin_from_noise(bundle, plan, seeds)
    words = build_conditioning(bundle, place, plan.negative, plan.guidance_scale, len(seeds))
    latents = yield from finished(
        denoise(bundle.unet, begun.schedule, words, begun.start), begun.start
    )
    return decode(bundle, latents)


def _object(
    plan: Plan,
    bundle: ModelBundle,
    before: tuple[tuple[Picture, ...], tuple[int, ...]],
    layer: PlannedLayer,
    mask: Tensor,
) -> Generator[Step, None, tuple[Picture, ...]]:
    """The pictures with one object more; ``before`` are the pictures so far and their seeds."""
    pictures, seeds = before
    begun = begin_from_pictures(bundle, plan, pictures, seeds, 0)
    small = functional.interpolate(mask[None, None], size=begun.source.shape[-2:], mode="nearest")[
        0, 0
    ]
    control = BlendedLatents(begun.source, small, begun.schedule, begun.stream(seeds))
    phrase = phrase_in(plan.prompt, layer.phrase or layer.class_label)
    words = build_conditioning(bundle, phrase, plan.negative, plan.guidance_scale, len(seeds))
    latents = yield from finished(
        denoise(bundle.unet, begun.schedule, words, begun.start, [control]), begun.start
    )
    return decode(bundle, latents)
