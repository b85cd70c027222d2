"""A run of Layout-and-Retouch: layouts, and what becomes of them."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace

import torch

from backend.controls.mask_blend import AdaptiveMask
from backend.engine.decode import decode
from backend.engine.loop_types import Run, Step
from backend.methods.layout_retouch.job import RetouchJob, prepare_job
from backend.methods.layout_retouch.layout import draw_layout
from backend.methods.layout_retouch.retouch import retouch
from backend.models.bundle import ModelBundle
from backend.plan.events import Image, Images
from backend.plan.plan import OneLayer, Plan
from backend.scene.formats.blobs import Contents
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.paste import count_changes, may_change, paste, paste_weights
from backend.training.subject_run import invert_reference

NOT_FOUND = (
    "The subject was found nowhere in this layout, so nothing of the layout was blended back."
)


def run(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    """Steps, then Images, for each seed: a retouched layout, or the layout itself."""
    job = prepare_job(plan, bundle, pixels)
    batches = -(-len(plan.seeds) // plan.batch)
    own = (
        2 * plan.steps - job.first - job.step_at(job.options.copy_share)
        if job.retouches
        else plan.steps - job.first
    )
    total = -(-(plan.steps * job.retouches + own * len(plan.seeds)) // batches)
    done = 0
    with closing(_make(job)) as made:
        for yielded in made:
            if isinstance(yielded, Step):
                yielded = replace(yielded, k=done, total=max(total, done + 1), first=0)
                done += 1
            yield yielded


def _make(job: RetouchJob) -> Generator[Step | Images, None, None]:
    drawn, reference = job.drawn, None
    if job.retouches:
        reference = yield from invert_reference(drawn, drawn.reference, drawn.reference_key())
    for offset, seed in enumerate(job.plan.seeds):
        layout = yield from draw_layout(job, seed)
        latents, mask = layout.path.states[-1], None
        if reference is not None:
            latents, mask = yield from retouch(job, layout, reference)
        image = _paste_back(job, Image(offset, decode(job.bundle, latents)[0]))
        if mask is None:
            yield Images((image,))
        elif mask.blank():
            yield Images((image,), (NOT_FOUND,))
        else:
            yield Images((replace(image, subject_mask=_last_mask(mask, job.plan.steps)),))


def _last_mask(mask: AdaptiveMask, steps: int) -> Picture:
    """The mask that a picture ended with, uint8 (h, w), 255 = the subject."""
    last: Picture = (mask.at(steps)[-1] * 255).round().to(torch.uint8).cpu().numpy()
    return last


def _paste_back(job: RetouchJob, image: Image) -> Image:
    """For a re-roll the image with the source's own pixels put back outside the layer."""
    if job.region is None or not isinstance(job.plan.target, OneLayer):
        return image
    weights = paste_weights(job.region.alpha, job.plan.target.feather_px)
    picture = paste(job.region.source, image.picture, weights)
    allowed = may_change(job.region.alpha, job.plan.target.feather_px)
    changed = count_changes(job.region.source, picture, allowed)
    return replace(image, picture=picture, changed_outside=changed)
