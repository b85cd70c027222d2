"""diffusers' own pipeline over a bundle's networks: oracle of the equality tests, baseline of the
speed suite.
"""

from __future__ import annotations

from typing import Any

from diffusers import StableDiffusionImg2ImgPipeline, StableDiffusionXLImg2ImgPipeline

from backend.models.bundle import ModelBundle
from backend.models.schedule import SAMPLERS, scheduler_values


def reference_img2img(bundle: ModelBundle, sampler: str) -> Any:
    """A ``StableDiffusionImg2ImgPipeline`` (or XL's) sharing the bundle's networks, with a
    scheduler of its own.
    """
    kind = SAMPLERS[sampler]
    parts = {
        "vae": bundle.vae,
        "text_encoder": bundle.text_encoder,
        "tokenizer": bundle.tokenizer,
        "unet": bundle.unet,
        "scheduler": kind.make(**scheduler_values(kind, bundle.scheduler)),
        "feature_extractor": None,
    }
    if bundle.second_text is None:
        pipeline: Any = StableDiffusionImg2ImgPipeline(
            **parts, safety_checker=None, requires_safety_checker=False
        )
    else:
        second = {
            "text_encoder_2": bundle.second_text.encoder,
            "tokenizer_2": bundle.second_text.tokenizer,
        }
        pipeline = StableDiffusionXLImg2ImgPipeline(**parts, **second, add_watermarker=False)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
