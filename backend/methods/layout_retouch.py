"""Layout-and-Retouch (Kim et al., 2024): a personal subject in diverse layouts.

Stage 1  the plain model lays the picture out in the first steps, the personalised one draws the rest (section 3.2.1)
Stage 2  the layout is drawn once more: first as it is, then with keys and values of a reference picture in the
         decoder's self-attention, blended back into the layout outside an adaptive mask (section 3.2.2)

Side paths are replayed from stored states, as DreamMatcher does: the reference from its inversion, the layout from its
own making, which needs no inversion and is exact. So the target *is* the layout up to step λ2 and begins there, and
what the side paths feel is remembered: the next candidate costs one path. Every candidate is made by itself, so that it
has the same pixels whatever was made before.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.controls.attention_swap import AttentionSwap
from backend.controls.keep_features import KeepFeatures
from backend.controls.layer_noise import LayerNoise, release_map
from backend.controls.mask_blend import AdaptiveMask, MaskBlend, MaskRules, joined_mask
from backend.controls.step_blend import StepBlend
from backend.controls.watch_words import WatchWords
from backend.engine.attention_maps import MapMean, found_words
from backend.engine.conditioning import Conditioning, embed
from backend.engine.cut_out import cut_out
from backend.engine.decode import decode, encode_mean
from backend.engine.denoise import Start, denoise, predictor
from backend.engine.fit import Fit
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control, Pictures, Run, Step, generator_for
from backend.engine.noise import SharedNoise, draw
from backend.engine.paste import changed_pixels, paste_weights, pasted
from backend.engine.side_paths import SidePath, SidePaths, Span
from backend.engine.subject_run import (
    OVER,
    REFERENCE_PROMPT,
    SubjectRun,
    digest,
    inverted,
    shown_in_reference,
    subject_run,
)
from backend.engine.subject_words import plain_prompt
from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.layout_retouch import RetouchOptions
from backend.models.attention import cross_sites, detail_sites, self_sites
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import raster
from backend.scene.scene import Picture, Pixels

NOT_FOUND = "The subject was found nowhere in this layout, so nothing of the layout was blended back."


@dataclass(frozen=True, eq=False)
class _Region:
    """The layer that a re-roll is about: what it starts from and where it may change."""

    source: Picture
    clean: Tensor
    release: Tensor
    alpha: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class _Layout:
    """A layout's states, where the subject's words looked (1, h, w), and its words."""

    path: Trajectory
    map: Tensor
    words: Conditioning
    key: str
    held: tuple[Control, ...]


@dataclass(frozen=True, eq=False)
class _Job:
    """What all candidates share. ``first`` is the step at which a run begins."""

    drawn: SubjectRun
    options: RetouchOptions
    region: _Region | None
    first: int

    @property
    def plan(self) -> Plan:
        return self.drawn.plan

    @property
    def bundle(self) -> ModelBundle:
        return self.drawn.bundle

    def step_at(self, share: float) -> int:
        """A share of the steps that are taken, as a step index."""
        return self.first + round(share * (self.plan.steps - self.first))

    @property
    def retouches(self) -> bool:
        return self.options.stage == "retouch"

    def key(self, what: str) -> str:
        """A name for what follows from the plan, but not from its seeds and the later stages' options."""
        left_out: Any = {"notes": True, "seeds": True, "batch": True, "options": True, "subject": {"reference"}}
        facts = self.plan.model_dump(mode="json", exclude=left_out)
        return digest({**facts, "plain": self.options.plain_share, "what": what})


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, then Pictures, for each seed: a retouched layout, or the layout itself."""
    job = _prepared(plan, bundle, pixels)
    batches = -(-len(plan.seeds) // plan.batch)
    own = 2 * plan.steps - job.first - job.step_at(job.options.copy_share) if job.retouches else plan.steps - job.first
    total = -(-(plan.steps * job.retouches + own * len(plan.seeds)) // batches)
    done = 0
    with closing(_made(job)) as made:
        for happening in made:
            if isinstance(happening, Step):
                happening = replace(happening, k=done, total=max(total, done + 1), first=0)
                done += 1
            yield happening


def _made(job: _Job) -> Generator[Step | Pictures, None, None]:
    drawn, reference = job.drawn, None
    if job.retouches:
        reference = yield from inverted(drawn, drawn.reference, drawn.reference_key())
    for offset, seed in enumerate(job.plan.seeds):
        layout = yield from _layout(job, seed)
        latents, mask = layout.path.states[-1], None
        if reference is not None:
            latents, mask = yield from _retouched(job, layout, reference)
        yield _told(_finished(job, decode(job.bundle, latents), offset), mask, job.plan.steps)


def _told(made: Pictures, mask: AdaptiveMask | None, steps: int) -> Pictures:
    """A picture with the mask that it ended with, or with the note that nothing was found."""
    if mask is None or mask.blank():
        return made if mask is None else replace(made, notes=(NOT_FOUND,))
    last = (mask.at(steps)[-1] * 255).round().to(torch.uint8).cpu().numpy()
    return replace(made, masks=(last,))


def _prepared(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> _Job:
    options = parse_options(RetouchOptions, plan.options)
    drawn = subject_run(plan, bundle, pixels)
    region = _region(plan, bundle, pixels) if isinstance(plan.target, OneLayer) else None
    return _Job(drawn, options, region, 0 if region is None else int(region.release.min()))


def _region(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> _Region:
    """A layer's place in a finished picture: its cells are free for its share of the steps, all others never."""
    assert isinstance(plan.target, OneLayer)
    source = pixels.picture(plan.target.source)[..., :3]
    if source.shape[:2] != (plan.height_px, plan.width_px):
        raise RequestError(
            f"The picture to re-roll in has {source.shape[1]} × {source.shape[0]} px.",
            limit=f"The plan makes {plan.width_px} × {plan.height_px} px.",
            remedy="Pick a candidate of this size.",
        )
    alpha = raster(plan, pixels).alphas[0]
    freedom = np.where(alpha > 0, plan.layers[0].noise, 0.0)
    release = torch.from_numpy(release_map(freedom, plan.steps, bundle.card.cell_px, "filled")).to(bundle.device)
    return _Region(source, encode_mean(bundle, source), release, alpha)


def _layout(job: _Job, seed: int) -> Generator[Step, None, _Layout]:
    """Stage 1: step-blended denoising of one seed, or remembered. What it feels on the way is kept for stage 2."""
    drawn, bundle = job.drawn, job.bundle
    spoken, tokens = drawn.embed(job.plan.prompt)
    words, key = drawn.conditioning(spoken, "layout"), job.key(f"layout {seed}")
    found = bundle.recorded.find(key, -1)
    schedule, until = drawn.schedule(), job.step_at(job.options.plain_share)
    begin, held = _begin(job, schedule, seed)
    if found is not None:
        return _Layout(Trajectory(found[:-1]), found[-1], words, key, held)
    plainly = embed(bundle, plain_prompt(job.plan.prompt, drawn.subject.class_word))
    plain = predictor(bundle.unet, schedule, drawn.conditioning(plainly, "layout"))
    maps, states = MapMean(tokens, "layout", first=until), [begin] * (job.first + 1)
    felt = _layout_side(job, _Layout(Trajectory(tuple(states)), begin, words, key, held))
    controls: list[Control] = [StepBlend(plain, drawn.worn, until), WatchWords(maps), *held]
    if job.options.layout_states == "own":
        controls.append(KeepFeatures(felt, bundle.recorded, until))
    with closing(denoise(bundle.unet, schedule, words, Start(begin, job.first, _streams(seed)), controls)) as steps:
        for step in steps:
            states.append(step.latents)
            yield step
    mean = maps.mean()
    seen = torch.zeros(1, 1, 1, device=begin.device) if mean is None else mean
    bundle.recorded.keep(key, -1, (*states, seen))
    return _Layout(Trajectory(tuple(states)), seen, words, key, held)


def _begin(job: _Job, schedule: Schedule, seed: int) -> tuple[Tensor, tuple[Control, ...]]:
    """The first state of a seed, and what holds the rest of the picture when one layer is drawn."""
    plan, cell_px = job.plan, job.bundle.card.cell_px
    shape = (1, job.bundle.unet.config.in_channels, plan.height_px // cell_px, plan.width_px // cell_px)
    noise = draw(torch.zeros(shape, device=job.bundle.device, dtype=job.bundle.dtype), _streams(seed))
    if job.region is None:
        return noise, ()
    clean = job.region.clean
    held = LayerNoise(clean, job.region.release, schedule, SharedNoise(noise))
    return schedule.noise_to(job.first, clean, noise), (held,)


def _streams(seed: int) -> tuple[torch.Generator, ...]:
    return (generator_for(seed),)


def _retouched(
    job: _Job, layout: _Layout, reference: Trajectory
) -> Generator[Step, None, tuple[Tensor, AdaptiveMask | None]]:
    """Stage 2: the finished latents of one layout, and what was blended by, if anything was."""
    options, drawn, own = job.options, job.drawn, layout.path
    if options.layout_states == "inverted":
        own = yield from inverted(drawn, decode(job.bundle, own.states[-1])[0], f"{layout.key} inverted")
    neutral, tokens = drawn.embed(REFERENCE_PROMPT)
    spoken, named = neutral, tokens
    if options.target_words == "prompt":
        spoken, named = drawn.embed(job.plan.prompt)
    schedule = drawn.schedule()
    maps = MapMean(named, "target", first=job.step_at(options.copy_share))
    solid = _cut(job, layout)
    fit = _fit(job, layout, solid, reference)
    words, start, sides, swap = _paths(job, schedule, (replace(layout, path=own), reference), (neutral, spoken))
    mask = _mask(job, maps, solid, sides)
    controls = (
        StepBlend(_nobody, drawn.worn, 0),
        replace(swap, fit=fit),
        *_blend(job, mask),
        *(layout.held if sides else ()),
    )
    latents = start.latents
    with closing(denoise(job.bundle.unet, schedule, words, start, controls)) as steps:
        for step in steps:
            latents = step.latents
            yield replace(step, denoised=step.denoised[-1:])
    job.bundle.recorded.find(drawn.reference_key(), -1)  # used until now: finished layouts are forgotten before it
    return latents[-1:], mask


def _paths(
    job: _Job, schedule: Schedule, sources: tuple[_Layout, Trajectory], spoken: tuple[Tensor, Tensor]
) -> tuple[Conditioning, Start, SidePaths | None, AttentionSwap]:
    """The target's words and begin, and how it borrows: from stored paths, or from rows sampled beside it.

    ``sources`` are the layout and the reference's states, ``spoken`` the words of the reference and the target.
    """
    layout, reference = sources
    copied, own = job.step_at(job.options.copy_share), layout.path
    if job.options.side_paths == "stored":
        sides = _sides(job, schedule, layout, (reference, spoken[0]))
        start = Start(own.states[copied], copied, (generator_for(0),))
        return job.drawn.conditioning(spoken[1], "target"), start, sides, AttentionSwap(0, (), _swapped(job), sides)
    first = job.first
    said = torch.cat([spoken[0], layout.words.positive, spoken[1]])
    paths = (("reference", 1), ("layout", 1), ("target", 1))
    words = Conditioning(said, layout.words.negative, job.plan.guidance_scale, 3, paths)
    begin = torch.cat([reference.states[first], own.states[first], own.states[first]])
    streams = (generator_for(0),) * len(begin)  # DDIM draws nothing
    return words, Start(begin, first, streams), None, AttentionSwap(copied, _all_sites(job), _swapped(job))


def _sides(job: _Job, schedule: Schedule, layout: _Layout, reference: tuple[Trajectory, Tensor]) -> SidePaths:
    """The reference and the layout, replayed; their features are remembered by what they follow from."""
    copied, plan, drawn = job.step_at(job.options.copy_share), job.plan, job.drawn
    swapped = tuple(f"{name}.{part}" for name in _swapped(job) for part in ("to_k", "to_v"))
    path, neutral = reference
    key = digest([drawn.reference_key(), plan.guidance_scale, plan.negative, copied, job.options.swap])
    spans = (Span(copied, job.step_at(1.0), swapped),) if swapped else ()
    paths = {  # the reference last, so that it is the last to be forgotten
        "layout": _layout_side(job, layout),
        "reference": SidePath(key, path, drawn.conditioning(neutral, "reference"), spans),
    }
    return SidePaths(job.bundle.unet, schedule, paths, job.bundle.recorded, drawn.worn)


def _layout_side(job: _Job, layout: _Layout) -> SidePath:
    """What stage 2 asks of a layout: its features where they are blended."""
    begin = max(job.step_at(job.options.blend_share), job.step_at(job.options.copy_share))
    blended = tuple(site.module for site in detail_sites(job.bundle.unet)) if job.options.mask != "none" else ()
    spans = (Span(begin, job.step_at(1.0), blended),) if blended else ()
    return SidePath(f"{layout.key} {job.options.layout_states} {begin}", layout.path, layout.words, spans)


def _swapped(job: _Job) -> tuple[str, ...]:
    return tuple(site.module for site in detail_sites(job.bundle.unet)) if job.options.swap else ()


def _all_sites(job: _Job) -> tuple[str, ...]:
    return tuple(site.module for site in (*self_sites(job.bundle.unet), *cross_sites(job.bundle.unet)))


def _cut(job: _Job, layout: _Layout) -> NDArray[np.bool_]:
    """What SAM cuts out of the layout where the subject's words looked; (0, 0) where nobody asks or nothing is cut."""
    asked = job.options.mask == "adaptive" or (job.options.swap and job.options.reference_part == "subject")
    if not asked:
        return np.zeros((0, 0), np.bool_)
    return cut_out(job.bundle, decode(job.bundle, layout.path.states[-1])[0], layout.map[0], OVER)


def _fit(job: _Job, layout: _Layout, solid: NDArray[np.bool_], reference: Trajectory) -> Fit | None:
    """The reference's subject fitted to where the layout has it; None where all of the reference is taken."""
    if not job.options.swap or job.options.reference_part == "whole":
        return None
    words = found_words(layout.map[0], (job.plan.height_px, job.plan.width_px), OVER)
    place = joined_mask(words, solid if solid.size else None, job.options.joining)
    if job.region is not None:
        inside = job.region.alpha > 0
        place = place & inside if (place & inside).any() else inside
    return Fit(shown_in_reference(job.drawn, reference), place, job.bundle.device)


def _mask(job: _Job, maps: MapMean, solid: NDArray[np.bool_], sides: SidePaths | None) -> AdaptiveMask | None:
    if job.options.mask == "none":
        return None
    shape = (job.plan.height_px, job.plan.width_px)
    rules = MaskRules(OVER, joining=job.options.joining, background_floor=job.options.background_floor)
    within = np.ones(shape, np.float32) if job.region is None else (job.region.alpha > 0).astype(np.float32)
    cut = solid if job.options.mask == "adaptive" else np.zeros((0, 0), np.bool_)
    return AdaptiveMask(maps, cut, within, rules, sides)


def _blend(job: _Job, mask: AdaptiveMask | None) -> Iterator[Control]:
    if mask is not None:
        begin = job.step_at(job.options.blend_share)
        yield MaskBlend(begin, detail_sites(job.bundle.unet), mask, mask.sides)


def _nobody(latents: Tensor, k: int) -> Tensor:
    """The plain model has no part in the retouch."""
    raise AssertionError(f"step {k} is not the plain model's")


def _finished(job: _Job, made: tuple[Picture, ...], offset: int) -> Pictures:
    """A candidate; for a re-roll with the source's own pixels put back outside the layer."""
    if job.region is None or not isinstance(job.plan.target, OneLayer):
        return Pictures(offset, made, (None,))
    weights = paste_weights(job.region.alpha, job.plan.target.feather_px)
    whole = tuple(pasted(job.region.source, picture, weights) for picture in made)
    return Pictures(offset, whole, tuple(changed_pixels(job.region.source, picture, weights) for picture in whole))
