"""Stage 2: the layout is drawn once more, with the reference's appearance (Layout-and-Retouch,
section 3.2.2).
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.controls.attention_swap import AttentionSwap
from backend.controls.mask_blend import AdaptiveMask, MaskBlend, MaskRules
from backend.controls.step_blend import StepBlend
from backend.engine.attention_maps import MapMean
from backend.engine.conditioning import Conditioning
from backend.engine.cut_out import cut_out
from backend.engine.decode import decode
from backend.engine.denoise import Start, denoise
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control, Step, generator_for
from backend.engine.reference_branch import FeatureSpan, ReferenceBranch, ReferencePath
from backend.methods.layout_retouch.job import DrawnLayout, RetouchJob
from backend.methods.layout_retouch.layout import layout_reference
from backend.models.attention import cross_sites, detail_sites, self_sites
from backend.models.schedule import Schedule
from backend.scene.imaging.inside import is_painted
from backend.training.subject_run import (
    OVER,
    REFERENCE_PROMPT,
    digest,
    invert_reference,
    reference_mask,
)


def retouch(
    job: RetouchJob, layout: DrawnLayout, reference: Trajectory
) -> Generator[Step, None, tuple[Tensor, AdaptiveMask | None]]:
    """Stage 2: the finished latents of one layout, and what was blended by, if anything was."""
    options, drawn, own = job.options, job.drawn, layout.path
    if options.layout_states == "inverted":
        own = yield from invert_reference(
            drawn, decode(job.bundle, own.states[-1])[0], f"{layout.key} inverted"
        )
    said = job.plan.prompt if options.target_words == "prompt" else REFERENCE_PROMPT
    neutral, (embedded, named) = drawn.embed(REFERENCE_PROMPT)[0], drawn.embed(said)
    schedule = drawn.schedule()
    maps = MapMean(named, "target", job.step_at(options.copy_share), job.competing_tokens(said))
    solid = _cut(job, layout)
    partial = options.swap and options.reference_part == "subject"
    shown = reference_mask(drawn, reference) if partial else None
    words, start, sides, swap = _paths(
        job, schedule, replace(layout, path=own), reference, neutral=neutral, embedded=embedded
    )
    mask = _mask(job, maps, solid, sides)
    controls = (
        StepBlend(_nobody, drawn.adapter, 0),
        replace(
            swap, shown=shown, guided=options.guided_reference, weight=options.reference_weight
        ),
        *_blend(job, mask, own),
        *(layout.held if sides else ()),
    )
    latents = start.latents
    with closing(denoise(job.bundle.unet, schedule, words, start, controls)) as steps:
        for step in steps:
            latents = step.latents
            yield replace(step, denoised=step.denoised[-1:])
    job.bundle.recorded.find(
        drawn.reference_key(), -1
    )  # used until now: finished layouts are forgotten before it
    return latents[-1:], mask


def _paths(
    job: RetouchJob,
    schedule: Schedule,
    layout: DrawnLayout,
    reference: Trajectory,
    *,
    neutral: Tensor,
    embedded: Tensor,
) -> tuple[Conditioning, Start, ReferenceBranch | None, AttentionSwap]:
    """The target's words and begin, and how it borrows: from stored paths, or from rows sampled
    beside it.

    ``neutral`` are the words of the reference, ``embedded`` those of the target.
    """
    copied, own = job.step_at(job.options.copy_share), layout.path
    if job.options.reference_branch == "stored":
        sides = _sides(job, schedule, layout, reference, neutral)
        start = Start(own.states[copied], copied, (generator_for(0),))
        return (
            job.drawn.conditioning(embedded, "target"),
            start,
            sides,
            AttentionSwap(0, (), _build_swap(job), sides),
        )
    first = job.first
    said = torch.cat([neutral, layout.words.positive, embedded])
    paths = (("reference", 1), ("layout", 1), ("target", 1))
    words = Conditioning(said, layout.words.negative, job.plan.guidance_scale, 3, paths)
    begin = torch.cat([reference.states[first], own.states[first], own.states[first]])
    streams = (generator_for(0),) * len(begin)  # DDIM draws nothing
    return (
        words,
        Start(begin, first, streams),
        None,
        AttentionSwap(copied, _all_sites(job), _build_swap(job)),
    )


def _sides(
    job: RetouchJob, schedule: Schedule, layout: DrawnLayout, reference: Trajectory, neutral: Tensor
) -> ReferenceBranch:
    """The reference and the layout, replayed; their features are remembered by what they follow
    from.
    """
    copied, plan, drawn = job.step_at(job.options.copy_share), job.plan, job.drawn
    swapped = tuple(f"{name}.{part}" for name in _build_swap(job) for part in ("to_k", "to_v"))
    key = digest(
        [drawn.reference_key(), plan.guidance_scale, plan.negative, copied, job.options.swap]
    )
    spans = (FeatureSpan(copied, job.step_at(1.0), swapped),) if swapped else ()
    paths = {  # the reference last, so that it is the last to be forgotten
        "layout": layout_reference(job, layout),
        "reference": ReferencePath(key, reference, drawn.conditioning(neutral, "reference"), spans),
    }
    return ReferenceBranch(job.bundle.unet, schedule, paths, job.bundle.recorded, drawn.adapter)


def _build_swap(job: RetouchJob) -> tuple[str, ...]:
    return tuple(site.module for site in detail_sites(job.bundle.unet)) if job.options.swap else ()


def _all_sites(job: RetouchJob) -> tuple[str, ...]:
    return tuple(
        site.module for site in (*self_sites(job.bundle.unet), *cross_sites(job.bundle.unet))
    )


def _cut(job: RetouchJob, layout: DrawnLayout) -> NDArray[np.bool_]:
    """What SAM cuts out of the layout where the subject's words looked; (0, 0) where nobody asks or
    nothing is cut.
    """
    if job.options.mask != "adaptive":
        return np.zeros((0, 0), np.bool_)
    return cut_out(job.bundle, decode(job.bundle, layout.path.states[-1])[0], layout.map[0], OVER)


def _mask(
    job: RetouchJob, maps: MapMean, solid: NDArray[np.bool_], sides: ReferenceBranch | None
) -> AdaptiveMask | None:
    if job.options.mask == "none":
        return None
    shape = (job.plan.height_px, job.plan.width_px)
    rules = MaskRules(
        OVER, joining=job.options.joining, background_floor=job.options.background_floor
    )
    within = (
        np.ones(shape, np.float32)
        if job.region is None
        else is_painted(job.region.alpha).astype(np.float32)
    )
    return AdaptiveMask(maps, solid, within, rules, sides)


def _blend(job: RetouchJob, mask: AdaptiveMask | None, layout: Trajectory) -> Iterator[Control]:
    if mask is not None:
        begin = job.step_at(job.options.blend_share)
        held = layout if job.options.hold_around else None
        yield MaskBlend(begin, detail_sites(job.bundle.unet), mask, mask.sides, held)


def _nobody(latents: Tensor, k: int) -> Tensor:
    """The plain model has no part in the retouch."""
    raise AssertionError(f"step {k} is not the plain model's")
