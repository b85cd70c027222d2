"""Where a fit begins, dreamed: a short text-to-image draw in which every layer's words keep to
their mask (ours).

A place is more than a colour, and CLIP knows few places by their colour alone; the diffusion model
has seen them. Of the dream the place is kept as it is, and the objects are fitted: those of the
dream, or colours in their stead.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import torch
from torch import Tensor

from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode
from backend.engine.denoise import denoise
from backend.engine.loop_types import FitProgress
from backend.engine.noise import seed_of
from backend.engine.sampling import prepare_from_noise
from backend.methods.options.tcig import SAMPLED_STARTS
from backend.methods.tcig.attention import attention
from backend.methods.tcig.painting import TcigPainting
from backend.methods.tcig.start import fill_named_colours
from backend.models.bundle import ModelBundle

STEPS = 8
"""Enough to begin with: dreams of twice as many looked the same."""
PULL = 1.0
"""Full weights of region attention, whatever the layers' own: an object that strays would stand in
the place.
"""


def initial_sample_steps(painting: TcigPainting) -> int:
    """How many steps the dream takes; 0 where the options want none."""
    return min(STEPS, painting.plan.steps) if painting.options.start in SAMPLED_STARTS else 0


def draw_initial_samples(
    painting: TcigPainting, bundle: ModelBundle, seeds: tuple[int, ...]
) -> Generator[FitProgress, None, Tensor]:
    """The dreams of these seeds, float (n, 3, h, w) in 0..1; meanwhile the masks are shown, in the
    colours named.
    """
    plan = painting.plan.model_copy(update={"steps": initial_sample_steps(painting)})
    run_start = prepare_from_noise(bundle, plan, tuple(seed_of(seed, "place", 0) for seed in seeds))
    words = build_conditioning(bundle, plan.prompt, plan.negative, plan.guidance_scale, len(seeds))
    control = attention(painting, bundle, run_start.schedule, [(PULL, PULL)] * len(plan.layers))
    latents, shown = (
        run_start.start.latents,
        fill_named_colours(painting).expand(len(seeds), -1, -1, -1),
    )
    with closing(
        denoise(bundle.unet, run_start.schedule, words, run_start.start, [control])
    ) as steps:
        for step in steps:
            latents = step.latents
            yield FitProgress(step.k, step.total, step.first, latents, shown)
    drawn = torch.stack([torch.from_numpy(picture) for picture in decode(bundle, latents)])
    return drawn.permute(0, 3, 1, 2).to(shown) / 255
