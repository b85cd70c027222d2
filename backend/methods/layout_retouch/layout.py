"""Stage 1: the plain model lays the picture out, the personalised one draws it (Layout-and-Retouch,
section 3.2.1).
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import torch
from torch import Tensor

from backend.controls.keep_features import KeepFeatures
from backend.controls.layer_noise import LayerNoise
from backend.controls.plain_around import PlainAround
from backend.controls.step_blend import StepBlend
from backend.engine.attention_maps import MapMean
from backend.engine.conditioning import embed
from backend.engine.denoise import Start, denoise, predictor
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control, Step, generator_for
from backend.engine.noise import SharedNoise, draw
from backend.engine.reference_branch import FeatureSpan, ReferencePath
from backend.methods.layout_retouch.job import DrawnLayout, RetouchJob
from backend.models.attention import detail_sites
from backend.models.schedule import Schedule
from backend.training.prompts import plain_prompt
from backend.training.subject_run import OVER


def draw_layout(job: RetouchJob, seed: int) -> Generator[Step, None, DrawnLayout]:
    """Stage 1: step-blended denoising of one seed, or remembered. What it feels on the way is kept
    for stage 2.
    """
    drawn, bundle = job.drawn, job.bundle
    embedded, tokens = drawn.embed(job.plan.prompt)
    words, key = drawn.conditioning(embedded, "layout"), job.key(f"layout {seed}")
    found = bundle.recorded.find(key, -1)
    schedule, until = drawn.schedule(), job.step_at(job.options.plain_share)
    begin, held = _begin(job, schedule, seed)
    if found is not None:
        return DrawnLayout(Trajectory(found[:-1]), found[-1], words, key, held)
    plainly = embed(bundle, plain_prompt(job.plan.prompt, drawn.subject.class_word))
    plain = predictor(bundle.unet, schedule, drawn.conditioning(plainly, "layout"))
    maps, states = (
        MapMean(tokens, "layout", until, job.competing_tokens(job.plan.prompt)),
        [begin] * (job.first + 1),
    )
    felt = layout_reference(job, DrawnLayout(Trajectory(tuple(states)), begin, words, key, held))
    # a learned word alone spoils nothing around itself; plain words there would only ask for a
    # second one of its class
    around = job.step_at(job.options.around_share) if drawn.subject.weights else until
    watching = PlainAround(plain, maps, until, around, OVER)
    controls: list[Control] = [StepBlend(plain, drawn.adapter, until), watching, *held]
    if job.options.layout_states == "own":
        controls.append(KeepFeatures(felt, bundle.recorded, until))
    with closing(
        denoise(bundle.unet, schedule, words, Start(begin, job.first, _streams(seed)), controls)
    ) as steps:
        for step in steps:
            states.append(step.latents)
            yield step
    mean = maps.mean()
    seen = torch.zeros(1, 1, 1, device=begin.device) if mean is None else mean
    bundle.recorded.keep(key, -1, (*states, seen))
    return DrawnLayout(Trajectory(tuple(states)), seen, words, key, held)


def _begin(job: RetouchJob, schedule: Schedule, seed: int) -> tuple[Tensor, tuple[Control, ...]]:
    """The first state of a seed, and what holds the rest of the picture when one layer is drawn."""
    plan, cell_px = job.plan, job.bundle.card.cell_px
    shape = (
        1,
        job.bundle.unet.config.in_channels,
        plan.height_px // cell_px,
        plan.width_px // cell_px,
    )
    noise = draw(
        torch.zeros(shape, device=job.bundle.device, dtype=job.bundle.dtype), _streams(seed)
    )
    if job.region is None:
        return noise, ()
    clean = job.region.clean
    held = LayerNoise(clean, job.region.start_steps, schedule, SharedNoise(noise))
    return schedule.noise_to(job.first, clean, noise), (held,)


def _streams(seed: int) -> tuple[torch.Generator, ...]:
    return (generator_for(seed),)


def layout_reference(job: RetouchJob, layout: DrawnLayout) -> ReferencePath:
    """What stage 2 asks of a layout: its features where they are blended."""
    begin = max(job.step_at(job.options.blend_share), job.step_at(job.options.copy_share))
    blended = (
        tuple(site.module for site in detail_sites(job.bundle.unet))
        if job.options.mask != "none"
        else ()
    )
    spans = (FeatureSpan(begin, job.step_at(1.0), blended),) if blended else ()
    return ReferencePath(
        f"{layout.key} {job.options.layout_states} {begin}", layout.path, layout.words, spans
    )
