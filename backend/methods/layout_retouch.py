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

import hashlib
from collections.abc import Generator, Iterator
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.controls.attention_swap import AttentionSwap
from backend.controls.layer_noise import LayerNoise, release_map
from backend.controls.mask_blend import AdaptiveMask, MaskBlend, MaskRules
from backend.controls.step_blend import StepBlend
from backend.controls.watch_words import WatchWords
from backend.engine.attention_maps import MapMean
from backend.engine.conditioning import Conditioning, embed
from backend.engine.cut_out import cut_out
from backend.engine.decode import decode, encode_mean
from backend.engine.denoise import Start, denoise, predictor
from backend.engine.invert import Trajectory, invert
from backend.engine.loop_types import Control, Pictures, Run, Step, generator_for
from backend.engine.noise import SharedNoise, draw
from backend.engine.paste import changed_pixels, paste_weights, pasted
from backend.engine.personalise import fitted
from backend.engine.side_paths import Dressed, SidePath, SidePaths, Span, worn_steps
from backend.engine.subject_words import MARK, embed_subject, marked, plain_prompt
from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.layout_retouch import RetouchOptions
from backend.models.attention import cross_sites, detail_sites, self_sites
from backend.models.bundle import ModelBundle
from backend.models.personal import Subject, check_fits, dressed, pictured_subject
from backend.models.schedule import Schedule
from backend.plan.plan import OneLayer, Plan
from backend.plan.raster import raster
from backend.scene.scene import Picture, Pixels, canonical_json

REFERENCE_PROMPT = f"a {MARK}"
"""y_r, the neutral words; the paper says "a photo of <*>", but not every model draws photographs."""


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

    plan: Plan
    options: RetouchOptions
    bundle: ModelBundle
    subject: Subject
    reference: Picture = field(repr=False)
    worn: Dressed = field(repr=False)
    region: _Region | None
    first: int

    def step_at(self, share: float) -> int:
        """A share of the steps that are taken, as a step index."""
        return self.first + round(share * (self.plan.steps - self.first))

    @property
    def retouches(self) -> bool:
        return self.options.stage == "retouch"

    def schedule(self) -> Schedule:
        return Schedule(self.plan.sampler, self.bundle.scheduler, self.plan.steps, self.bundle.device)

    def conditioning(self, spoken: Tensor, path: str) -> Conditioning:
        negative = embed(self.bundle, self.plan.negative)
        return Conditioning(spoken, negative, self.plan.guidance_scale, 1, ((path, 1),))

    def key(self, what: str) -> str:
        """A name for what follows from the plan, but not from its seeds and the later stages' options."""
        left_out: Any = {"notes": True, "seeds": True, "batch": True, "options": True, "subject": {"reference"}}
        facts = self.plan.model_dump(mode="json", exclude=left_out)
        return _digest({**facts, "plain": self.options.plain_share, "what": what})

    def reference_key(self) -> str:
        """A name for the reference's states: of the pictures' size, the steps, the subject and its reference alone."""
        plan = self.plan
        return _digest([plan.width_px, plan.height_px, plan.steps, plan.subject and plan.subject.model_dump()])


def _digest(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()


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
    reference = (yield from _inverted(job, job.reference, job.reference_key())) if job.retouches else None
    for offset, seed in enumerate(job.plan.seeds):
        layout = yield from _layout(job, seed)
        latents = layout.path.states[-1]
        if reference is not None:
            latents = yield from _retouched(job, layout, reference)
        yield _finished(job, decode(job.bundle, latents), offset)


def _prepared(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> _Job:
    options = parse_options(RetouchOptions, plan.options)
    if plan.sampler != "ddim":
        raise RequestError(
            f"Layout-and-Retouch cannot use the sampler {plan.sampler}.",
            limit="It walks back from pictures, and only DDIM can be walked back.",
            remedy="Choose ddim.",
        )
    if plan.subject is None:
        raise RequestError("Layout-and-Retouch draws a subject, and none was chosen.", remedy="Choose a subject.")
    subject = pictured_subject(pixels.picture(plan.subject.subject))
    check_fits(subject, bundle)
    marked(plan.prompt, subject.class_word)  # refuses a prompt without the subject before anything is drawn
    reference = fitted(pixels.picture(plan.subject.reference), plan.width_px, plan.height_px)
    region = _region(plan, bundle, pixels) if isinstance(plan.target, OneLayer) else None
    first = 0 if region is None else int(region.release.min())
    return _Job(plan, options, bundle, subject, reference, dressed(bundle.unet, subject), region, first)


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


def _inverted(job: _Job, picture: Picture, key: str) -> Generator[Step, None, Trajectory]:
    """A picture's states, by inversion with empty words, or remembered."""
    found = job.bundle.recorded.find(key, -1)
    if found is not None:
        return Trajectory(found)
    empty = embed(job.bundle, "")
    words = Conditioning(empty, empty, 1.0, 1)
    clean = encode_mean(job.bundle, picture)
    path = yield from worn_steps(job.worn, invert(job.bundle.unet, job.schedule(), words, clean))
    job.bundle.recorded.keep(key, -1, path.states)
    return path


def _layout(job: _Job, seed: int) -> Generator[Step, None, _Layout]:
    """Stage 1: step-blended denoising of one seed, or remembered."""
    spoken, tokens = embed_subject(job.bundle, job.plan.prompt, job.subject)
    words, key = job.conditioning(spoken, "layout"), job.key(f"layout {seed}")
    found = job.bundle.recorded.find(key, -1)
    schedule, until = job.schedule(), job.step_at(job.options.plain_share)
    begin, held = _begin(job, schedule, seed)
    if found is not None:
        return _Layout(Trajectory(found[:-1]), found[-1], words, key, held)
    plainly = embed(job.bundle, plain_prompt(job.plan.prompt, job.subject.class_word))
    plain = predictor(job.bundle.unet, schedule, job.conditioning(plainly, "layout"))
    maps = MapMean(tokens, "layout", first=until)
    controls = (StepBlend(plain, job.worn, until), WatchWords(maps), *held)
    states = [begin] * (job.first + 1)
    with closing(denoise(job.bundle.unet, schedule, words, Start(begin, job.first, _streams(seed)), controls)) as steps:
        for step in steps:
            states.append(step.latents)
            yield step
    mean = maps.mean()
    seen = torch.zeros(1, 1, 1, device=begin.device) if mean is None else mean
    job.bundle.recorded.keep(key, -1, (*states, seen))
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


def _retouched(job: _Job, layout: _Layout, reference: Trajectory) -> Generator[Step, None, Tensor]:
    """Stage 2: the finished latents of one layout."""
    options = job.options
    own = layout.path
    if options.layout_states == "inverted":
        picture = decode(job.bundle, own.states[-1])[0]
        own = yield from _inverted(job, picture, f"{layout.key} inverted")
    neutral, tokens = embed_subject(job.bundle, REFERENCE_PROMPT, job.subject)
    spoken, named = neutral, tokens
    if options.target_words == "prompt":
        spoken, named = embed_subject(job.bundle, job.plan.prompt, job.subject)
    schedule, copied = job.schedule(), job.step_at(options.copy_share)
    maps = MapMean(named, "target", first=copied)
    if options.side_paths == "sampled":
        first = job.first
        spoken = torch.cat([neutral, layout.words.positive, spoken])
        paths = (("reference", 1), ("layout", 1), ("target", 1))
        words = Conditioning(spoken, layout.words.negative, job.plan.guidance_scale, 3, paths)
        begin = torch.cat([reference.states[first], own.states[first], own.states[first]])
        sides, swap = None, AttentionSwap(copied, _all_sites(job), _swapped(job))
    else:
        first, words, begin = copied, job.conditioning(spoken, "target"), own.states[copied]
        sides = _sides(job, schedule, replace(layout, path=own), (reference, neutral))
        swap = AttentionSwap(0, (), _swapped(job), sides)
    controls = (
        StepBlend(_nobody, job.worn, 0),
        swap,
        *_blend(job, layout, maps, sides),
        *(layout.held if sides else ()),
    )
    streams = (generator_for(0),) * len(begin)  # DDIM draws nothing
    latents = begin
    with closing(denoise(job.bundle.unet, schedule, words, Start(begin, first, streams), controls)) as steps:
        for step in steps:
            latents = step.latents
            yield replace(step, denoised=step.denoised[-1:])
    return latents[-1:]


def _sides(job: _Job, schedule: Schedule, layout: _Layout, reference: tuple[Trajectory, Tensor]) -> SidePaths:
    """The reference and the layout, replayed; their features are remembered by what they follow from."""
    copied, begin, end = (job.step_at(share) for share in (job.options.copy_share, job.options.blend_share, 1.0))
    swapped = tuple(f"{name}.{part}" for name in _swapped(job) for part in ("to_k", "to_v"))
    blended = tuple(site.module for site in detail_sites(job.bundle.unet)) if job.options.mask != "none" else ()
    path, neutral = reference
    key = f"{layout.key} {job.options.layout_states} {begin}"
    paths = {
        "reference": SidePath(
            _digest([job.reference_key(), job.plan.guidance_scale, job.plan.negative, copied, job.options.swap]),
            path,
            job.conditioning(neutral, "reference"),
            (Span(copied, end, swapped),) if swapped else (),
        ),
        "layout": SidePath(key, layout.path, layout.words, (Span(max(begin, copied), end, blended),)),
    }
    return SidePaths(job.bundle.unet, schedule, paths, job.bundle.recorded, job.worn)


def _swapped(job: _Job) -> tuple[str, ...]:
    return tuple(site.module for site in detail_sites(job.bundle.unet)) if job.options.swap else ()


def _all_sites(job: _Job) -> tuple[str, ...]:
    return tuple(site.module for site in (*self_sites(job.bundle.unet), *cross_sites(job.bundle.unet)))


def _blend(job: _Job, layout: _Layout, maps: MapMean, sides: SidePaths | None) -> Iterator[Control]:
    if job.options.mask == "none":
        return
    shape = (job.plan.height_px, job.plan.width_px)
    rules = MaskRules(joining=job.options.joining, background_floor=job.options.background_floor)
    within = np.ones(shape, np.float32) if job.region is None else (job.region.alpha > 0).astype(np.float32)
    solid = np.zeros((0, 0), np.bool_)
    if job.options.mask == "adaptive":
        solid = cut_out(job.bundle, decode(job.bundle, layout.path.states[-1])[0], layout.map[0], rules.threshold)
    masks = AdaptiveMask(maps, solid, within, rules, sides)
    yield MaskBlend(job.step_at(job.options.blend_share), detail_sites(job.bundle.unet), masks, sides)


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
