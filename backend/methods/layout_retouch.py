"""Layout-and-Retouch (Kim et al., 2024, arXiv 2407.09779): a personal subject in diverse layouts.

Stage 1  the plain model lays the picture out in the first λ1 steps, the personalised one draws the
         rest (step-blended denoising, section 3.2.1; ``controls/step_blend``)
Stage 2  the layout is drawn once more (section 3.2.2, algorithm 1): up to step λ2 as it is, then
         with keys and values of a reference picture in the decoder's self-attention
         (``controls/attention_swap``), blended back into the layout outside an adaptive mask
         (``controls/mask_blend``)

What deviates from the print, and why:

- Both indices are counted forwards; as printed, 40 of 50 steps would copy, and none have a mask.
- The reference and the layout are replayed from stored states, as in DreamMatcher: exact, and what
  they feel is remembered. So the target *is* the layout up to λ2, and begins there.
- The reference's subject stands beside the target's own keys and values, more weight than one;
  after λ1 the plain model goes on around the subject; outside the mask states are held, too;
  the prompt's words stay; other words compete for the subject's places (ours, all optional).
- Every candidate is made by itself, so it has the same pixels whatever was made before.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, field, replace

import numpy as np
import torch
from torch import Tensor

from backend.controls.attention_swap import SWAPPED, AttentionSwap
from backend.controls.keep_features import KeepFeatures
from backend.controls.layer_noise import HeldPicture, hold_picture
from backend.controls.mask_blend import AdaptiveMask, MaskBlend, MaskRules
from backend.controls.plain_around import PlainAround
from backend.controls.step_blend import StepBlend
from backend.engine import sampling
from backend.engine.attention_maps import MapMean, cut_subject
from backend.engine.conditioning import Conditioning, join_paths
from backend.engine.decode import decode
from backend.engine.denoise import Start, denoise, predictor
from backend.engine.invert import Trajectory
from backend.engine.loop_types import Control, Run, Step, generator_for
from backend.engine.noise import draw
from backend.engine.reference_branch import FeatureSpan, ReferenceBranch, ReferencePath
from backend.methods.options import parse_options
from backend.methods.options.layout_retouch import RetouchOptions
from backend.models.attention import attention_modules, detail_modules, detail_sites
from backend.models.bundle import ModelBundle, RecordKey
from backend.models.schedule import Schedule
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.raster import raster
from backend.scene.blobs import Contents
from backend.training.subject_run import (
    OVER,
    REFERENCE_PROMPT,
    SubjectRun,
    invert_reference,
    reference_mask,
    subject_run,
)

NOT_FOUND = "The subject was found nowhere in this layout, so nothing of it was blended back."


@dataclass(frozen=True, eq=False)
class RetouchInputs:
    """What all candidates share: the subject, where one layer is drawn the picture around it, and
    the step with which a run begins.
    """

    plan: Plan
    options: RetouchOptions
    bundle: ModelBundle = field(repr=False)
    drawn: SubjectRun = field(repr=False)
    target: sampling.PasteTarget | None = field(default=None, repr=False)
    around: HeldPicture | None = field(default=None, repr=False)
    first_step: int = 0

    def step_at(self, share: float) -> int:
        """A share of the steps that are taken, as a step index."""
        return self.first_step + round(share * (self.plan.steps - self.first_step))

    @property
    def copied(self) -> int:
        """λ2, the step up to which the target is the layout."""
        return self.step_at(self.options.copy_share)

    @property
    def swapped(self) -> tuple[str, ...]:
        """The attention modules in which the target looks at the reference."""
        return detail_modules(self.bundle.unet) if self.options.swap else ()


@dataclass(frozen=True, eq=False)
class LayoutImage:
    """Stage 1 of one seed: its states 0…N, each (1, c, h, w), where the subject's words looked,
    (1, h, w), and what held the rest of the picture where one layer is drawn.
    """

    key: RecordKey
    path: Trajectory
    map: Tensor
    words: Conditioning
    held: tuple[Control, ...]


def run(plan: Plan, bundle: ModelBundle, pixels: Contents) -> Run:
    """Steps, then Images, for each seed: a retouched layout, or the layout itself.

    Raises:
        RequestError: the subject cannot be drawn so; before anything is computed.
    """
    inputs = prepare_inputs(plan, bundle, pixels)
    retouches = inputs.options.stage == "retouch"
    own = plan.steps - inputs.first_step + (plan.steps - inputs.copied if retouches else 0)
    batches = -(-len(plan.seeds) // plan.batch)
    total = -(-(plan.steps * retouches + own * len(plan.seeds)) // batches)
    yield from sampling.count_steps(_sample(inputs, retouches), total)


def _sample(inputs: RetouchInputs, retouches: bool) -> Generator[Step | Images, None, None]:
    drawn, bundle, reference = inputs.drawn, inputs.bundle, None
    if retouches:
        reference = yield from invert_reference(drawn, drawn.reference, drawn.reference_key())
    for offset, seed in tuple(enumerate(inputs.plan.seeds))[bundle.run.images :]:
        layout = yield from draw_layout(inputs, seed)
        latents, mask = layout.path.states[-1], None
        if reference is not None:
            latents, mask = yield from draw_retouch(inputs, layout, reference)
        images = sampling.finish_images(offset, decode(bundle, latents), inputs.target)
        yield images if mask is None else _with_mask(images, mask, inputs.plan.steps)


def _with_mask(images: Images, mask: AdaptiveMask, steps: int) -> Images:
    """An image with the mask that it ended with, or with the note that nothing was found."""
    if mask.blank():
        return replace(images, notes=(NOT_FOUND,))
    return replace(images, images=(replace(images.images[0], subject_mask=mask.render(steps)),))


def prepare_inputs(plan: Plan, bundle: ModelBundle, pixels: Contents) -> RetouchInputs:
    """The subject, and for a re-roll the layer's place; raises as ``run``."""
    options = parse_options(RetouchOptions, plan.options)
    drawn = subject_run(plan, bundle, pixels)
    sampling.check_source_size(plan, pixels)
    target = sampling.read_paste_target(plan, pixels, raster(plan, pixels).alphas)
    inputs = RetouchInputs(plan, options, bundle, drawn, target)
    if target is None:
        return inputs
    strengths = np.where(target.inside, plan.layers[0].strength, 0.0)
    around = hold_picture(bundle, target.source, strengths, plan.steps)
    return replace(inputs, around=around, first_step=around.first_step)


def draw_layout(inputs: RetouchInputs, seed: int) -> Generator[Step, None, LayoutImage]:
    """Stage 1: step-blended denoising of one seed, remembered with its features for stage 2."""
    drawn, bundle, options = inputs.drawn, inputs.bundle, inputs.options
    prompt, unet, schedule = inputs.plan.prompt, bundle.unet, drawn.schedule()
    words = drawn.conditioning(drawn.embed(prompt)[0], "layout")
    latents = draw(sampling.empty_latents(bundle, inputs.plan, 1), (generator_for(seed),))
    held: tuple[Control, ...] = ()
    if inputs.around is not None:
        latents, held = inputs.around.begin(schedule, latents)
    key = drawn.layout_key(options.layout(), seed)
    found = bundle.recorded.find(key)
    if found is not None:
        return LayoutImage(key, Trajectory(found[:-1]), found[-1], words, held)
    until = inputs.step_at(options.plain_share)  # λ1
    plain = predictor(unet, schedule, drawn.plain_words("layout"))
    maps = drawn.map_subject(prompt, "layout", until, options.competing_tokens)
    # a learned word alone spoils nothing around itself; plain words there would only ask for a
    # second one of its class
    around = inputs.step_at(options.around_share) if drawn.subject.weights else until
    states = [latents] * (inputs.first_step + 1)
    layout = LayoutImage(key, Trajectory(tuple(states)), latents, words, held)
    features = KeepFeatures(_replay_layout(inputs, layout), bundle.recorded, until)
    controls: tuple[Control, ...] = (
        StepBlend(plain, drawn.adapter, until),  # section 3.2.1
        PlainAround(plain, maps, until, around, OVER),
        *held,
        *((features,) if options.layout_states == "own" else ()),
    )
    start = Start(latents, inputs.first_step, (generator_for(seed),))
    with closing(denoise(unet, schedule, words, start, controls)) as steps:
        for step in steps:
            states.append(step.latents)
            yield step
    mean = maps.mean()
    looked = torch.zeros(1, 1, 1, device=latents.device) if mean is None else mean
    bundle.recorded.keep(key, None, (*states, looked))
    return replace(layout, path=Trajectory(tuple(states)), map=looked)


def draw_retouch(
    inputs: RetouchInputs, layout: LayoutImage, reference: Trajectory
) -> Generator[Step, None, tuple[Tensor, AdaptiveMask | None]]:
    """Stage 2: the layout once more, with the reference's appearance.

    Returns:
        Clean latents, (1, c, h, w), and what was blended by, if anything was.
    """
    options, drawn, unet = inputs.options, inputs.drawn, inputs.bundle.unet
    prompt = inputs.plan.prompt if options.target_words == "prompt" else REFERENCE_PROMPT
    maps = drawn.map_subject(prompt, "target", inputs.copied, options.competing_tokens)
    path = layout.path
    if options.layout_states == "inverted":
        picture = decode(inputs.bundle, path.states[-1])[0]
        key = replace(layout.key, purpose="inverted layout")
        path = yield from invert_reference(drawn, picture, key)
    stored, schedule = options.reference_branch == "stored", drawn.schedule()
    words = drawn.conditioning(drawn.embed(prompt)[0], "target")
    start = Start(path.states[inputs.copied], inputs.copied, (generator_for(0),))
    branch = _replay(inputs, schedule, replace(layout, path=path), reference) if stored else None
    if branch is None:
        words, start = _sample_together(inputs, replace(layout, path=path), reference, words)
    mask = _find_mask(inputs, layout, maps, branch)
    partial = options.swap and options.reference_part == "subject"
    controls: tuple[Control, ...] = (
        StepBlend(None, drawn.adapter, 0),  # the personalised model alone
        AttentionSwap(  # of the layout up to λ2 (sampled branch), then the reference's keys, values
            inputs.copied,
            copied=() if stored else attention_modules(unet),
            swapped=inputs.swapped,
            sides=branch,
            shown=reference_mask(drawn, reference) if partial else None,
            guided=options.guided_reference,
            weight=options.reference_weight,
        ),
        *_blend(inputs, mask, path),  # φ* = M ⊙ φ_t + (1 - M) ⊙ φ_o
        *(layout.held if stored else ()),
    )
    steps = denoise(unet, schedule, words, start, controls)
    latents = yield from sampling.relay(
        sampling.run_to_end(steps, start.latents),
        lambda step: replace(step, denoised=step.denoised[-1:]),
    )
    inputs.bundle.recorded.touch(drawn.reference_key())  # layouts are forgotten before it
    return latents[-1:], mask


def _replay(
    inputs: RetouchInputs, schedule: Schedule, layout: LayoutImage, reference: Trajectory
) -> ReferenceBranch:
    """The layout and the reference from their stored states."""
    drawn, begin = inputs.drawn, inputs.copied
    projections = tuple(f"{name}.{part}" for name in inputs.swapped for part in SWAPPED)
    paths = {  # the reference last, so that it is the last to be forgotten
        "layout": _replay_layout(inputs, layout),
        "reference": drawn.replay_reference(reference, "swapped features", begin, projections),
    }
    return drawn.open_branch(schedule, paths)


def _replay_layout(inputs: RetouchInputs, layout: LayoutImage) -> ReferencePath:
    """What stage 2 asks of a layout: its features where they are blended."""
    begin = max(inputs.step_at(inputs.options.blend_share), inputs.copied)
    blended = detail_modules(inputs.bundle.unet) if inputs.options.mask != "none" else ()
    key = replace(layout.key, purpose=f"layout features {inputs.options.layout_states} {begin}")
    spans = (FeatureSpan(begin, inputs.plan.steps, blended),)
    return ReferencePath(key, layout.path, layout.words, spans)


def _sample_together(
    inputs: RetouchInputs, layout: LayoutImage, reference: Trajectory, words: Conditioning
) -> tuple[Conditioning, Start]:
    """The reference, the layout and the target as rows of one batch, as printed (algorithm 1)."""
    first, begin = inputs.first_step, layout.path.states[inputs.first_step]
    latents = torch.cat([reference.states[first], begin, begin])
    together = join_paths([inputs.drawn.reference_words(), layout.words, words])
    return together, Start(latents, first, (generator_for(0),) * 3)  # DDIM draws nothing


def _find_mask(
    inputs: RetouchInputs, layout: LayoutImage, maps: MapMean, branch: ReferenceBranch | None
) -> AdaptiveMask | None:
    """M of where the words look and what SAM cuts out of the layout; None without blending."""
    options, plan, solid = inputs.options, inputs.plan, np.zeros((0, 0), np.bool_)
    if options.mask == "none":
        return None
    if options.mask == "adaptive":
        picture = decode(inputs.bundle, layout.path.states[-1])[0]
        solid = cut_subject(inputs.bundle, picture, layout.map[0], OVER)
    everywhere = np.ones((plan.height_px, plan.width_px), np.bool_)
    within = everywhere if inputs.target is None else inputs.target.inside
    rules = MaskRules(OVER, joining=options.joining, background_floor=options.background_floor)
    return AdaptiveMask(maps, solid, within, rules, branch)


def _blend(
    inputs: RetouchInputs, mask: AdaptiveMask | None, layout: Trajectory
) -> tuple[MaskBlend, ...]:
    """What draws everything outside of the mask back to the layout."""
    if mask is None:
        return ()
    begin, sites = inputs.step_at(inputs.options.blend_share), detail_sites(inputs.bundle.unet)
    held = layout if inputs.options.hold_around else None
    return (MaskBlend(begin, sites, mask, mask.sides, held),)
