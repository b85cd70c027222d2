"""Differential Diffusion (Levin and Fried, 2023): how far each pixel may change is a picture of its
own.

With a change map h in 0..1, state i < N keeps the source, noised to its level by one shared noise,
wherever 1 - h > i / N. The run begins at full noise and takes every step; the last state is the
solver's own, so even pixels that may not change come out a little changed (Collage Diffusion's
per-layer noise holds one state longer).
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn import functional

from backend.controls.layer_noise import LayerNoise, StrengthMap, build_strength_map
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode
from backend.engine.loop_types import Run
from backend.engine.noise import SharedNoise
from backend.engine.sampling import (
    prepare_from_pictures,
    sample_batch,
    split_into_batches,
)
from backend.methods.options import parse_options
from backend.models.bundle import ModelBundle
from backend.plan.events import build_images
from backend.plan.plan import Plan
from backend.plan.raster import raster, strengths_of
from backend.scene.records import Record
from backend.scene.scene import Pixels


class DifferentialOptions(Record):
    """Differential Diffusion has no dial beside its map: the layers' strengths, or their painted
    maps.
    """


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, then Images, for each batch of candidates.

    Args:
        plan: the recipe; its options are this baseline's.
        bundle: the model.
        pixels: of the plan.

    Raises:
        RequestError: an option is unknown or out of range.
    """
    parse_options(DifferentialOptions, plan.options)
    flat = raster(plan, pixels)
    change = build_strength_map(flat.topmost, strengths_of(plan, pixels), 0.0)
    start_steps = torch.from_numpy(last_held(change, plan.steps, bundle.card.cell_px)).to(
        bundle.device
    )
    for offset, seeds in split_into_batches(plan):
        batch = prepare_from_pictures(bundle, plan, (flat.picture,) * len(seeds), seeds, 0)
        hold = LayerNoise(batch.source, start_steps, batch.schedule, SharedNoise(batch.noise))
        words = build_conditioning(
            bundle, plan.prompt, plan.negative, plan.guidance_scale, len(seeds)
        )
        latents = yield from sample_batch(bundle, batch, words, [hold])
        yield build_images(offset, decode(bundle, latents))


def last_held(change: StrengthMap, steps: int, cell_px: int) -> NDArray[np.int64]:
    """The last state i < N in which each latent cell keeps the source, 1 - h > i / N; -1 for never:
    int (h, w).

    The map (H, W) is brought to the latents' size bilinearly, as the released code does.
    """
    sides = [side // cell_px for side in change.shape]
    whole = torch.from_numpy(change[: sides[0] * cell_px, : sides[1] * cell_px])
    small = functional.interpolate(whole[None, None], size=sides, mode="bilinear")[0, 0].numpy()
    index = np.arange(steps).reshape(-1, 1, 1)
    kept: NDArray[np.bool_] = (1.0 - small) > index / steps
    steps_kept: NDArray[np.int64] = kept.sum(axis=0, dtype=np.int64) - 1
    return steps_kept
