"""diffusers' own pipeline over a bundle's networks: oracle of the equality tests, baseline of the speed suite."""

from __future__ import annotations

from typing import Any

from diffusers import StableDiffusionImg2ImgPipeline

from backend.models.bundle import ModelBundle
from backend.models.schedule import SAMPLERS, scheduler_values


def reference_img2img(bundle: ModelBundle, sampler: str) -> Any:
    """A ``StableDiffusionImg2ImgPipeline`` sharing the bundle's networks, with a scheduler of its own."""
    kind = SAMPLERS[sampler]
    pipeline = StableDiffusionImg2ImgPipeline(
        vae=bundle.vae,
        text_encoder=bundle.text_encoder,
        tokenizer=bundle.tokenizer,
        unet=bundle.unet,
        scheduler=kind.make(**scheduler_values(kind, bundle.scheduler)),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
