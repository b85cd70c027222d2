"""TCIG (2023): paint masks, name them, get a picture that obeys them.

Stage 1  the codes of a VQGAN are fitted to the prompt (CLIP) and to the painted masks (segmenters), section 3.1
Stage 2  any diffusion model redraws that draft by image-to-image, section 3.2; ours may also hold every layer's words
         to its mask (region attention), and one dial, freedom, loosens it for masks that are drawn roughly
"""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.transforms.functional import gaussian_blur

from backend.controls.region_attention import Region, RegionAttention
from backend.engine.begin import begin_from_pictures
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import as_bytes, decode
from backend.engine.denoise import denoise
from backend.engine.loop_types import Draft, Drafted, Pictures, Run, Step
from backend.engine.optimise import DrawsCodes, Fit, Term, optimise, picture_of, random_codes
from backend.errors import RequestError
from backend.methods.options import parse_options
from backend.methods.options.tcig import PAPER_SIDE_PX, TcigOptions
from backend.models.bundle import ModelBundle
from backend.models.clip import clip_of
from backend.models.experts import Experts, experts_of
from backend.models.schedule import Schedule, first_step
from backend.models.vqgan import vqgan_of
from backend.objectives.segment_match import SegmentMatch, Targets
from backend.objectives.text_match import TextMatch
from backend.plan.plan import OneLayer, Plan, PlannedLayer
from backend.plan.raster import raster
from backend.scene.scene import Picture, Pixels


class Dials(NamedTuple):
    """What freedom stands for: strength of stage 2, feather of the masks, and a factor on the guidance scale."""

    strength: float
    feather_px: float
    guidance: float


def dials_of(options: TcigOptions) -> Dials:
    """The three dials behind freedom (strength 0.35…0.7 is the range that suits image-to-image), or those by hand."""
    if options.by_hand:
        return Dials(options.strength, options.feather_px, options.guidance)
    return Dials(0.35 + 0.35 * options.freedom, 24.0 * options.freedom, 0.75 + 0.5 * options.freedom)


class _Begun(NamedTuple):
    """What stage 2 goes on from: a draft a candidate, their places in the plan, and the iterations they took."""

    drafts: tuple[Picture, ...]
    places: tuple[int, ...] = ()
    fitted: int = 0


@dataclass(frozen=True)
class _Painting:
    """What all chunks of a run share. ``masks`` (layers, h, w) are the visible parts, feathered, in 0..1.

    ``digest`` names all that decides a draft but its seed. Both it and the terms are empty where a draft is given.
    """

    plan: Plan
    options: TcigOptions
    dials: Dials
    masks: Tensor = field(repr=False)
    terms: tuple[Term, ...] = field(repr=False)
    first: int
    digest: str

    def counted(self, step: Step, fitted: int) -> Step:
        """A step of either stage in one count: ``fitted`` iterations of stage 1 come before the steps of stage 2."""
        total = fitted + (self.plan.steps if self.options.refine else self.first)
        k = self.first + step.k if isinstance(step, Draft) else fitted + step.k
        return replace(step, k=k, total=total, first=self.first)


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, Drafted at the end of stage 1, more Steps, then Pictures, for each chunk of ``plan.batch`` candidates.

    From the plan's own draft there is stage 2 alone.
    """
    painting = _prepared(plan, bundle, pixels)
    given = None if plan.draft is None else pixels.picture(plan.draft)[..., :3]
    for offset in range(0, len(plan.seeds), plan.batch):
        numbers = range(offset, min(offset + plan.batch, len(plan.seeds)))
        if given is None:
            begun = yield from _first_stage(painting, bundle, numbers)
        else:
            begun = _Begun((given,) * len(numbers))
        pictures = begun.drafts
        if painting.options.refine and painting.first < plan.steps:
            seeds = tuple(plan.seeds[number] for number in numbers)
            latents = yield from _refined(painting, bundle, (pictures, seeds), begun.fitted)
            pictures = decode(bundle, latents)
        yield Pictures(offset, pictures, (None,) * len(pictures), begun.places)


def _first_stage(painting: _Painting, bundle: ModelBundle, numbers: range) -> Generator[Step | Drafted, None, _Begun]:
    """Stage 1 of the candidates with these numbers. A draft of an earlier chunk is made again, but told of once."""
    places = tuple(number - number % painting.options.per_draft for number in numbers)
    order = tuple(dict.fromkeys(places))
    drafts, fitted = yield from _drafted(painting, bundle, tuple(painting.plan.seeds[one] for one in order))
    made = dict(zip(order, drafts, strict=True))
    fresh = tuple(place for place in order if place >= numbers.start)
    yield Drafted(fresh, tuple(made[place] for place in fresh))
    return _Begun(tuple(made[place] for place in places), places, fitted)


def _drafted(
    painting: _Painting, bundle: ModelBundle, seeds: tuple[int, ...]
) -> Generator[Step, None, tuple[tuple[Picture, ...], int]]:
    """Stage 1: one fit a seed, all in one batch; the value is the drafts, uint8 (h, w, 3), and the iterations it took.

    Drafts are remembered with the bundle: drawing stage 2 again, in another way, takes none.
    """
    plan, options, network = painting.plan, painting.options, vqgan_of(bundle)
    size, path = (plan.height_px, plan.width_px), f"draft {painting.digest} {seeds}"
    known = bundle.recorded.find(path, 0)
    if known is not None:
        return _as_pictures(network, known[0], size), 0
    cells = (-(-plan.height_px // network.reduction), -(-plan.width_px // network.reduction))
    fit = Fit(random_codes(network, seeds, *cells), seeds, options.iterations, options.learning_rate)
    z = fit.z
    with closing(optimise(network, fit, painting.terms)) as steps:
        for step in steps:
            z = step.latents
            yield painting.counted(step, options.iterations)
    bundle.recorded.keep(path, 0, (z,))
    return _as_pictures(network, z, size), options.iterations


@torch.no_grad()
def _as_pictures(network: DrawsCodes, z: Tensor, size: tuple[int, int]) -> tuple[Picture, ...]:
    """The pictures of codes at the diffusion model's size (bicubic where they differ)."""
    pictures = picture_of(network, z)
    if pictures.shape[-2:] != size:
        pictures = functional.interpolate(pictures, size=size, mode="bicubic", antialias=True)
    return tuple(as_bytes(pictures).cpu().numpy())


def _refined(
    painting: _Painting, bundle: ModelBundle, given: tuple[tuple[Picture, ...], tuple[int, ...]], fitted: int
) -> Generator[Step, None, Tensor]:
    """Stage 2 on ``given``, a draft and a seed for each row; the value is the last latents."""
    plan, (drafts, seeds) = painting.plan, given
    begun = begin_from_pictures(bundle, plan, drafts, seeds, painting.first)
    guidance_scale = max(1.0, plan.guidance_scale * painting.dials.guidance)
    conditioning = build_conditioning(bundle, plan.prompt, plan.negative, guidance_scale, len(seeds))
    controls = [_attention(painting, bundle, begun.schedule)] if painting.options.attention else []
    latents = begun.start.latents
    with closing(denoise(bundle.unet, begun.schedule, conditioning, begun.start, controls)) as steps:
        for step in steps:
            latents = step.latents
            yield painting.counted(step, fitted)
    return latents


def _attention(painting: _Painting, bundle: ModelBundle, schedule: Schedule) -> RegionAttention:
    length = bundle.card.text_length
    regions = tuple(
        Region(
            tuple(token for token in layer.tokens if token < length),
            layer.attention_positive,
            layer.attention_negative,
            mask,
        )
        for layer, mask in zip(painting.plan.layers, painting.masks, strict=True)
    )
    return RegionAttention(regions, length, schedule.sigmas)


def _prepared(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> _Painting:
    """Check options and layers, choose the experts, and build the terms of equation (2)."""
    options = parse_options(TcigOptions, plan.options)
    _check_painted(plan)
    dials = dials_of(options)
    masks = torch.from_numpy(raster(plan, pixels).visibility[1:].astype(np.float32)).to(bundle.device)
    soft = feathered(masks, dials.feather_px * bundle.card.native_px / PAPER_SIDE_PX)
    first = first_step(plan.steps, dials.strength)
    if plan.draft is not None:
        return _Painting(plan, options, dials, soft, (), first, "")
    experts = experts_of(bundle)
    classes = tuple(_class_of(layer, experts) for layer in plan.layers)
    terms = (*_text_terms(plan, bundle, options), *_segment_terms(experts, classes, soft, options))
    return _Painting(plan, options, dials, soft, terms, first, _digest(plan, options, classes, soft))


def _digest(plan: Plan, options: TcigOptions, classes: Sequence[str], masks: Tensor) -> str:
    stage_2 = {"freedom", "by_hand", "strength", "feather_px", "guidance", "attention", "refine", "per_draft"}
    words = [plan.prompt, *classes, *(layer.phrase for layer in plan.layers)]
    said = repr((words, masks.shape, options.model_dump(exclude=stage_2)))
    return hashlib.sha256(said.encode() + masks.cpu().numpy().tobytes()).hexdigest()


def _check_painted(plan: Plan) -> None:
    if isinstance(plan.target, OneLayer):
        raise RequestError(
            "TCIG draws whole pictures.", remedy="Choose Collage Diffusion to make one layer of a picture again."
        )
    if not plan.layers:
        said = " ".join(note.text for note in plan.notes if note.layer_id)
        raise RequestError("No painted mask takes part.", limit=said, remedy="Paint a mask and name its class.")
    for layer in plan.layers:
        if layer.picture is not None:
            raise RequestError(
                f"The layer {_called(layer)} holds a picture.",
                limit="TCIG draws painted masks.",
                remedy="Hide it, or choose Collage Diffusion.",
            )


def _class_of(layer: PlannedLayer, experts: Experts) -> str:
    """The class that a layer asks for: its own label, else the one in its phrase; a RequestError when it has none."""
    if layer.class_label.strip():
        return layer.class_label.strip()
    found = experts.class_in(layer.phrase)
    if found:
        return found
    if layer.phrase.strip():
        raise experts.unknown_class(layer.phrase)
    raise RequestError(
        f"The painted mask {_called(layer)} has no class.", remedy="Choose its class, or write a phrase that names it."
    )


def _called(layer: PlannedLayer) -> str:
    return f"“{layer.phrase or layer.class_label or layer.layer_id}”"


def _text_terms(plan: Plan, bundle: ModelBundle, options: TcigOptions) -> tuple[Term, ...]:
    if options.text_weight == 0:
        return ()
    clip = clip_of(bundle)
    prompt = plan.prompt.strip() or ", ".join(layer.phrase or layer.class_label for layer in plan.layers)
    with torch.no_grad():
        words = clip.encode_text([prompt])[0]
    return (Term(TextMatch(clip, words, options.cutouts, clip.seeing.side_px), options.text_weight),)


def _segment_terms(experts: Experts, classes: Sequence[str], masks: Tensor, options: TcigOptions) -> tuple[Term, ...]:
    """One term an expert (equation 2); layers of one class are one mask."""
    if options.segment_weight == 0:
        return ()
    covered = masks.sum(0).clamp(0, 1)
    terms = []
    for expert, share in experts.routed(classes):
        asked: dict[int, Tensor] = {}
        for name, channel in share:
            mask = sum(
                (mask for mask, own in zip(masks, classes, strict=True) if own == name), torch.zeros_like(covered)
            )
            asked[channel] = (asked.get(channel, 0) + mask).clamp(0, 1)
        targets = build_targets(asked, covered, expert.background)
        terms.append(Term(SegmentMatch(expert.segmenter, targets, options.views), options.segment_weight))
    return tuple(terms)


def build_targets(asked: dict[int, Tensor], covered: Tensor, background: int | None) -> Targets:
    """What one expert should find: its classes under their masks (h, w), background where nothing is painted.

    ``covered`` is where any layer is. Under the layers of other experts its background is not counted, for it may call
    them what it likes.
    """
    masks = torch.stack(list(asked.values()))
    counted = torch.ones_like(masks)
    channels = tuple(asked)
    if background is not None:
        own = masks.sum(0).clamp(0, 1)
        masks = torch.cat([masks, (1 - covered)[None]])
        counted = torch.cat([counted, (1 - (covered - own).clamp(0, 1))[None]])
        channels = (*channels, background)
    return Targets(channels, masks, counted)


def feathered(masks: Tensor, sigma_px: float) -> Tensor:
    """Masks (n, h, w) softened by a Gaussian of this deviation; as they are below a third of a pixel."""
    if sigma_px < 1 / 3 or not len(masks):
        return masks
    radius = min(int(3 * sigma_px), min(masks.shape[-2:]) - 1)
    return gaussian_blur(masks, [2 * radius + 1] * 2, [sigma_px] * 2).clamp(0, 1)
