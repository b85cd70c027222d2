"""TCIG (two-stage controlled image generation, 2024): paint masks, name them, get what obeys them.

Stage 1  the codes of a VQGAN are fitted to the prompt (CLIP) and to the painted masks
         (segmenters): L = α_c L_clip + Σ_i α_si L_segi (section 3.1, equations 1 and 2)
Stage 2  any diffusion model redraws that image by image-to-image (section 3.2)

What deviates from the paper, and why:
- Each layer's own words are a loss term around its mask: CLIP alone mixes objects up (ours).
- Terms are scaled to the gradient of the first one; the paper names no weights.
- The fit begins with a short sample or with colours, not with random codes (``start: random``).
- Words keep to their masks in stage 2; one dial loosens it for masks drawn roughly (ours).
- Layers with a picture lie over the stage-1 image and change as far as their strength says (ours).
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from backend.controls.layer_noise import LayerNoise, build_start_steps, build_strength_map
from backend.controls.region_attention import PromptRegion, RegionAttention
from backend.engine import region_start, sampling
from backend.engine.conditioning import build_conditioning, fit_tokens
from backend.engine.decode import decode
from backend.engine.loop_types import Control, FitProgress, Run, Step
from backend.engine.noise import seed_of
from backend.engine.optimise import DrawsCodes, Fit, LossTerm, draw_codes, optimise, with_size
from backend.methods.options import parse_options
from backend.methods.options.tcig import TcigDials, TcigOptions
from backend.models.bundle import ModelBundle, RecordKey
from backend.models.clip import clip_of
from backend.models.experts import Experts, experts_of
from backend.models.schedule import Schedule, first_step
from backend.models.vqgan import vqgan_of
from backend.objectives.segment_match import SegmentMatch, build_targets, join_masks
from backend.objectives.text_match import PaintedWords, encode_painted_words
from backend.plan.card import paper_px
from backend.plan.events import Image, Images, Stage1Image, Stage1Images
from backend.plan.notes import explain_no_refining
from backend.plan.painted import leave_out_wordless
from backend.plan.phrases import list_texts
from backend.plan.plan import Plan
from backend.plan.raster import fill_painted, raster, require_painted
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.paste import paste
from backend.scene.scene import Pixels

BLUR_PX = 10.0  # how softly strengths pass into each other, of a 512 px picture: as in a collage


@dataclass(frozen=True, eq=False)
class TcigInputs:
    """What all batches of a run share.

    Attributes:
        masks: the visible part of each layer, feathered, (layers, h, w) in 0..1.
        start: what is not painted, then each painted layer, as regions of a fit's start.
        first_step: of stage 2, 0 to N.
        start_steps: the first free step of each latent cell where pictures take part, int (h, w).
        held: how much of each pixel belongs to pictures of strength 0, (h, w) in 0..1.
        losses: the terms of equation (2).
        digest: of all that decides a stage-1 image but its seed.
        notes: what cost a layer or an expert its part; like the two above empty for a given draft.
    """

    plan: Plan
    options: TcigOptions
    bundle: ModelBundle = field(repr=False)
    dials: TcigDials
    masks: Tensor = field(repr=False)
    start: region_start.RegionStart = field(repr=False)
    first_step: int
    start_steps: Tensor | None = field(repr=False)
    held: NDArray[np.float32] = field(repr=False)
    losses: tuple[LossTerm, ...] = field(default=(), repr=False)
    digest: str = ""
    notes: tuple[str, ...] = ()

    @property
    def sample_steps(self) -> int:
        """How many steps the initial sample takes; 0 where none is drawn."""
        return self.options.count_sample_steps(self.plan.steps)

    def with_count(self, step: Step, fitted: int) -> Step:
        """A step of either stage in one count, ``fitted`` steps of stage 1 before stage 2's."""
        total = fitted + (self.plan.steps if self.options.refine else self.first_step)
        k = self.first_step + step.k if isinstance(step, FitProgress) else fitted + step.k
        return replace(step, k=k, total=total, first=self.first_step)


@dataclass(frozen=True, eq=False)
class Stage1Result:
    """An image a candidate, uint8 (h, w, 3), their seeds' places in the plan, and all steps."""

    pictures: tuple[Picture, ...]
    origins: tuple[int | None, ...]
    steps: int = 0


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, Stage1Images, more Steps, then Images, for each batch of ``plan.batch`` candidates.

    Raises:
        RequestError: an option does not fit, or no layer, or one without mask or class, is painted.
        ModelError: the model has no segmenter.
    """
    inputs = prepare_inputs(plan, bundle, pixels)
    for offset, seeds in sampling.split_into_batches(plan, bundle.run.images):
        numbers = range(offset, offset + len(seeds))
        if plan.stage1 is None:
            stage1 = yield from _run_stage1(inputs, pixels, numbers)
        else:
            given = pixels.picture(plan.stage1)[..., :3]
            stage1 = Stage1Result((given,) * len(seeds), (None,) * len(seeds))
        pictures = stage1.pictures
        why: tuple[str, ...] = ()
        if inputs.options.refine:
            why = explain_no_refining(plan.steps, inputs.first_step, inputs.dials.strength)
            pictures = pictures if why else (yield from _refine(inputs, stage1, seeds))
        rows = zip(numbers, pictures, stage1.origins, strict=True)
        images = (Image(number, picture, stage1_index=origin) for number, picture, origin in rows)
        yield Images(tuple(images), (*inputs.notes, *why))


def build_losses(
    inputs: TcigInputs, words: PaintedWords | None, experts: Experts, classes: Sequence[str]
) -> tuple[LossTerm, ...]:
    """Equation (2), L = α_c L_clip + Σ_i α_si L_segi, whose terms ``optimise`` sums.

    Args:
        words: None where they have no weight.
        classes: of the painted layers; empty for one that is drawn by its words alone.
    """
    options, masks = inputs.options, inputs.start.regions[1:]
    losses: list[LossTerm] = []
    if words is not None:  # α_c L_clip, of the prompt and of each layer's own words at its mask
        own_weight = options.text_weight * options.layer_words
        losses.append(LossTerm(words.match_prompt(options.cutouts), options.text_weight))
        losses.append(LossTerm(words.match_layers(1, "crops"), own_weight))
    if options.segment_weight:  # Σ_i α_si L_segi, equation (1), a term an expert
        pictured = inputs.masks.sum(0).clamp(0, 1) - masks.sum(0).clamp(0, 1)
        covered = (masks.sum(0) + pictured).clamp(0, 1)
        for expert, share in experts.route([name for name in classes if name]):
            asked = join_masks(share, masks, classes)
            targets = build_targets(asked, covered, expert.background)
            match = SegmentMatch(expert.segmenter, targets, options.views)
            losses.append(LossTerm(match, options.segment_weight))
    return tuple(losses)


def prepare_inputs(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> TcigInputs:
    """Check options and layers, choose the experts, and build the losses; raises as ``run``."""
    plan, wordless = leave_out_wordless(plan)
    options, painted = parse_options(TcigOptions, plan.options), require_painted(plan)
    dials, flat = options.dials(), raster(plan, pixels)
    sharp = torch.from_numpy(flat.visibility[1:].astype(np.float32)).to(bundle.device)
    masks = region_start.feather(sharp, paper_px(dials.feather_px, bundle.card))
    own = masks[[n for n, layer in enumerate(plan.layers) if layer.picture is None]]
    regions = torch.cat([(1 - own.sum(0, keepdim=True)).clamp(0, 1), own])
    phrases, size = tuple(layer.phrase for layer in painted), (plan.height_px, plan.width_px)
    start = region_start.RegionStart(regions, phrases, size, options.draws)
    first, start_steps = first_step(plan.steps, dials.strength), None
    own_strengths = [dials.strength if one.picture is None else one.strength for one in plan.layers]
    strengths = [dials.strength, *own_strengths]
    held = sampling.find_held_share(flat, strengths, plan.steps, bundle.card)
    if len(painted) < len(plan.layers):
        softened = build_strength_map(flat.topmost, strengths, paper_px(BLUR_PX, bundle.card))
        own_first = build_start_steps(softened, plan.steps, bundle.card.cell_px, "touched")
        first, start_steps = int(own_first.min()), torch.from_numpy(own_first).to(bundle.device)
    inputs = TcigInputs(plan, options, bundle, dials, masks, start, first, start_steps, held)
    if plan.stage1 is not None:
        return inputs
    experts = experts_of(bundle)
    classes, unknown = experts.find_classes(painted)
    texts = list_texts(plan, painted)
    words = encode_painted_words(clip_of(bundle), texts, own) if options.text_weight else None
    losses = build_losses(inputs, words, experts, classes)
    fit_px = region_start.fit_size(vqgan_of(bundle), size, bundle.card.cell_px)
    start = replace(start, size_px=fit_px, matches=words.match_start() if words else None)
    digest, notes = _digest(inputs, classes), (*experts.failures, *wordless, *unknown)
    return replace(inputs, start=start, losses=losses, digest=digest, notes=notes)


def _digest(inputs: TcigInputs, classes: Sequence[str]) -> str:
    plan, shapes = inputs.plan, (inputs.start.regions, inputs.masks)
    facts: list[object] = [plan.prompt, classes, inputs.start.phrases, inputs.options.stage1()]
    if inputs.sample_steps:
        tokens = tuple(layer.tokens for layer in plan.layers)
        facts.append((plan.negative, plan.guidance_scale, plan.sampler, plan.steps, tokens))
    recipe = repr((facts, inputs.masks.shape)).encode()
    shape_bytes = b"".join(one.cpu().numpy().tobytes() for one in shapes)
    return hashlib.sha256(recipe + shape_bytes).hexdigest()


def _run_stage1(
    inputs: TcigInputs, pixels: Pixels, numbers: range
) -> Generator[Step | Stage1Images, None, Stage1Result]:
    """Stage 1 of the candidates with these numbers.

    An image of an earlier batch is made again, but yielded once. Codes are remembered with the
    bundle, so drawing stage 2 again, in another way, takes no steps of stage 1.
    """
    plan, bundle = inputs.plan, inputs.bundle
    origins = tuple(number - number % inputs.options.per_stage1 for number in numbers)
    order, size = tuple(dict.fromkeys(origins)), (plan.height_px, plan.width_px)
    key = RecordKey("stage 1", inputs.digest, tuple(plan.seeds[one] for one in order))
    network, found, fitted, done = vqgan_of(bundle), bundle.recorded.find(key), 0, count()
    if found is None:
        fitted = inputs.options.iterations + inputs.sample_steps
        codes = yield from sampling.relay(
            fit_codes(inputs, network, key.seeds),
            lambda step: inputs.with_count(
                replace(with_size(step, inputs.start.size_px), k=next(done)), fitted
            ),
        )
        found = (codes,)
        bundle.recorded.keep(key, None, found)
    pictures = draw_codes(network, found[0], size)
    if inputs.start_steps is not None:
        pictures = tuple(fill_painted(plan, pixels, picture) for picture in pictures)
    made = dict(zip(order, pictures, strict=True))
    fresh = (Stage1Image(one, made[one]) for one in order if one >= numbers.start)
    yield Stage1Images(tuple(fresh))
    return Stage1Result(tuple(made[one] for one in origins), origins, fitted)


def fit_codes(
    inputs: TcigInputs, network: DrawsCodes, seeds: tuple[int, ...]
) -> Generator[FitProgress, None, Tensor]:
    """Stage 1 proper: the codes z (n, c, h, w) of one fit a seed, all in one batch."""
    sample = (yield from draw_initial_sample(inputs, seeds)) if inputs.sample_steps else None
    fit = build_fit(inputs, network, seeds, sample)
    return (yield from optimise(network, fit, inputs.losses, inputs.bundle.run))


def draw_initial_sample(
    inputs: TcigInputs, seeds: tuple[int, ...]
) -> Generator[FitProgress, None, Tensor]:
    """A short text-to-image sample, each layer's words in its mask: (n, 3, h, w) in 0..1 (ours)."""
    plan, bundle = inputs.plan, inputs.bundle
    plan = plan.model_copy(update={"steps": inputs.sample_steps})
    batch = sampling.prepare_from_noise(bundle, plan, [seed_of(seed, "place", 0) for seed in seeds])
    words = build_conditioning(bundle, plan.prompt, plan.negative, plan.guidance_scale, len(seeds))
    full = [(1.0, 1.0)] * len(plan.layers)  # whatever the layers' own weights: no object may stray
    attend = _attend_to_masks(inputs, batch.schedule, full)
    shown = inputs.start.fill_named_colours().expand(len(seeds), -1, -1, -1)
    latents = yield from sampling.relay(
        sampling.sample_batch(bundle, batch, words, [attend]),
        lambda step: FitProgress(step.k, step.total, step.first, step.latents, shown),
    )
    drawn = torch.stack([torch.from_numpy(picture) for picture in decode(bundle, latents)])
    return region_start.shrink(drawn.permute(0, 3, 1, 2).to(shown) / 255, inputs.start.size_px)


def build_fit(
    inputs: TcigInputs, network: DrawsCodes, seeds: tuple[int, ...], sample: Tensor | None
) -> Fit:
    """What a fit begins with, and in how many steps it goes from coarse to fine."""
    options = inputs.options
    pace = region_start.CoarseToFine(options.iterations, options.half_size, options.learning_rate)
    return inputs.start.build_fit(options.start, network, seeds, sample, pace)


def _refine(
    inputs: TcigInputs, stage1: Stage1Result, seeds: tuple[int, ...]
) -> Generator[Step, None, tuple[Picture, ...]]:
    """Stage 2: image-to-image from the stage-1 images."""
    plan, bundle = inputs.plan, inputs.bundle
    batch = sampling.prepare_from_pictures(bundle, plan, stage1.pictures, seeds, inputs.first_step)
    guidance_scale = max(1.0, plan.guidance_scale * inputs.dials.guidance)
    words = build_conditioning(bundle, plan.prompt, plan.negative, guidance_scale, len(seeds))
    controls: list[Control] = []
    if inputs.options.attention:
        own = [(layer.attention_positive, layer.attention_negative) for layer in plan.layers]
        controls.append(_attend_to_masks(inputs, batch.schedule, own))
    if (held := inputs.start_steps) is not None:
        controls.append(LayerNoise(batch.source, held, batch.schedule, batch.stream))
    steps = sampling.sample_batch(bundle, batch, words, controls)
    count_on = sampling.relay(steps, lambda step: inputs.with_count(step, stage1.steps))
    refined = decode(bundle, (yield from count_on))
    if not inputs.options.keep_pictures:
        return refined
    pairs = zip(stage1.pictures, refined, strict=True)
    return tuple(paste(under, fresh, 1 - inputs.held) for under, fresh in pairs)


def _attend_to_masks(
    inputs: TcigInputs, schedule: Schedule, weights: Sequence[tuple[float, float]]
) -> RegionAttention:
    """Each layer's words in its mask; ``weights`` inside and outside of it, for each layer."""
    rows, bundle = zip(inputs.plan.layers, inputs.masks, weights, strict=True), inputs.bundle
    regions = [PromptRegion(fit_tokens(bundle, one.tokens), *own, mask) for one, mask, own in rows]
    return RegionAttention(tuple(regions), bundle.text_columns, schedule.sigmas)
