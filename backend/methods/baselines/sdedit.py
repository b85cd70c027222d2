"""SI: SDEdit from the flat composite (Meng et al., 2022): paint the masks in plain colours, noise
that, denoise it.
"""

from __future__ import annotations

import colorsys
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor
from pydantic import Field

from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode
from backend.engine.loop_types import Run
from backend.engine.sampling import (
    prepare_from_pictures,
    sample_batch,
    split_into_batches,
)
from backend.methods.options import parse_options
from backend.models.bundle import ModelBundle
from backend.models.schedule import first_step
from backend.plan.events import build_images
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.scene.imaging.arrays import Picture
from backend.scene.records import Record
from backend.scene.scene import Pixels


class SdeditOptions(Record):
    """How far the composite may change."""

    strength: Annotated[float, Field(ge=0.0, le=1.0)] = Field(
        0.8,
        title="Strength",
        description="How far the flat composite may change.",
        json_schema_extra={"section": "SDEdit 3", "unit": "share of the steps", "step": 0.05},
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
    options = parse_options(SdeditOptions, plan.options)
    flat = flat_composite(plan, pixels)
    first = min(first_step(plan.steps, options.strength), plan.steps - 1)
    for offset, seeds in split_into_batches(plan):
        batch = prepare_from_pictures(bundle, plan, (flat,) * len(seeds), seeds, first)
        words = build_conditioning(
            bundle, plan.prompt, plan.negative, plan.guidance_scale, len(seeds)
        )
        latents = yield from sample_batch(bundle, batch, words)
        yield build_images(offset, decode(bundle, latents))


def flat_composite(plan: Plan, pixels: Pixels) -> Picture:
    """The layers' visible masks in plain colours over what lies under them: uint8 (h, w, 3)."""
    flat = raster(plan, pixels)
    picture: NDArray[np.float32] = flat.picture.astype(np.float32) * flat.visibility[0][..., None]
    for number, (layer, visible) in enumerate(zip(plan.layers, flat.visibility[1:], strict=True)):
        picture += visible[..., None] * np.asarray(plain_colour(layer.phrase, number), np.float32)
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8)


def plain_colour(phrase: str, number: int) -> tuple[int, int, int]:
    """The colour that a phrase names, as a person would paint it; else a hue of the layer's own."""
    named = [word for word in phrase.lower().split() if word in ImageColor.colormap]
    if named:
        red, green, blue = ImageColor.getrgb(named[0])[:3]
        return red, green, blue
    red_frac, green_frac, blue_frac = colorsys.hsv_to_rgb(
        number * 0.618 % 1.0, 0.6, 0.8
    )  # golden section: far apart
    return round(red_frac * 255), round(green_frac * 255), round(blue_frac * 255)
