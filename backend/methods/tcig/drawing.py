"""The two stages on the shared loops."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.conditioning import build_conditioning
from backend.engine.decode import as_bytes, decode
from backend.engine.denoise import denoise
from backend.engine.loop_types import Control, FitProgress, Run, Step
from backend.engine.optimise import DrawsCodes, optimise, picture_of
from backend.engine.sampling import prepare_from_pictures
from backend.methods.tcig.attention import attention
from backend.methods.tcig.initial_sample import draw_initial_samples, initial_sample_steps
from backend.methods.tcig.mixed import fill
from backend.methods.tcig.painting import TcigPainting, read_painting
from backend.methods.tcig.start import build_fit, build_start_picture
from backend.models.bundle import ModelBundle
from backend.models.vqgan import vqgan_of
from backend.plan.events import Image, Images, Stage1Image, Stage1Images
from backend.plan.plan import Plan
from backend.scene.scene import Picture, Pixels


class _Stage1Start(NamedTuple):
    """What stage 2 goes on from: a draft a candidate, their places in the plan, and the
    iterations they took.
    """

    stage1_images: tuple[Picture, ...]
    places: tuple[int, ...] = ()
    fitted: int = 0


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps, Stage1Images at the end of stage 1, more Steps, then Images, for each chunk of
    ``plan.batch`` candidates.

    From the plan's own draft there is stage 2 alone.
    """
    painting = read_painting(plan, bundle, pixels)
    given = None if plan.stage1 is None else pixels.picture(plan.stage1)[..., :3]
    for offset in range(0, len(plan.seeds), plan.batch):
        numbers = range(offset, min(offset + plan.batch, len(plan.seeds)))
        if given is None:
            run_start = yield from _first_stage(painting, bundle, pixels, numbers)
        else:
            run_start = _Stage1Start((given,) * len(numbers))
        pictures = run_start.stage1_images
        if painting.options.refine and painting.first < plan.steps:
            seeds = tuple(plan.seeds[number] for number in numbers)
            latents = yield from _refine(painting, bundle, (pictures, seeds), run_start.fitted)
            pictures = decode(bundle, latents)
        origins = run_start.places or (None,) * len(pictures)
        yield Images(
            tuple(
                Image(number, picture, stage1_index=origin)
                for number, picture, origin in zip(numbers, pictures, origins, strict=True)
            ),
            painting.notes,
        )


def _first_stage(
    painting: TcigPainting, bundle: ModelBundle, pixels: Pixels, numbers: range
) -> Generator[Step | Stage1Images, None, _Stage1Start]:
    """Stage 1 of the candidates with these numbers. A draft of an earlier chunk is made again,
    but told of once.
    """
    places = tuple(number - number % painting.options.per_stage1 for number in numbers)
    order = tuple(dict.fromkeys(places))
    drafts, fitted = yield from _fit_stage1(
        painting, bundle, tuple(painting.plan.seeds[one] for one in order)
    )
    if painting.stack is not None:
        drafts = tuple(fill(painting.plan, pixels, draft) for draft in drafts)
    made = dict(zip(order, drafts, strict=True))
    yield Stage1Images(
        tuple(Stage1Image(place, made[place]) for place in order if place >= numbers.start)
    )
    return _Stage1Start(tuple(made[place] for place in places), places, fitted)


def _fit_stage1(
    painting: TcigPainting, bundle: ModelBundle, seeds: tuple[int, ...]
) -> Generator[Step, None, tuple[tuple[Picture, ...], int]]:
    """Stage 1: one fit a seed, all in one batch; the value is the drafts, uint8 (h, w, 3), and the
    iterations it took.

    Drafts are remembered with the bundle: drawing stage 2 again, in another way, takes none.
    """
    plan, options, network = painting.plan, painting.options, vqgan_of(bundle)
    size, path = (plan.height_px, plan.width_px), f"draft {painting.digest} {seeds}"
    known = bundle.recorded.find(path, 0)
    if known is not None:
        return _as_pictures(network, known[0], size), 0
    count, z = options.iterations + initial_sample_steps(painting), torch.empty(0)
    with closing(_stage_1(painting, bundle, network, seeds)) as steps:
        for k, step in enumerate(steps):
            z = step.latents
            yield painting.count(replace(_resize(step, size), k=k), count)
    bundle.recorded.keep(path, 0, (z,))
    return _as_pictures(network, z, size), count


def _stage_1(
    painting: TcigPainting, bundle: ModelBundle, network: DrawsCodes, seeds: tuple[int, ...]
) -> Generator[FitProgress, None, None]:
    """The dream, where there is one, then the fit; the last Draft's latents are the codes."""
    plan, initial_sample = painting.plan, None
    if initial_sample_steps(painting):
        initial_sample = yield from draw_initial_samples(painting, bundle, seeds)
    start = torch.empty(0) if initial_sample is None else initial_sample
    if painting.options.start in ("place", "regions"):
        start = build_start_picture(painting, network, seeds, initial_sample)
    cells = (-(-plan.height_px // network.reduction), -(-plan.width_px // network.reduction))
    with closing(
        optimise(network, build_fit(painting, network, seeds, cells, start), painting.terms)
    ) as steps:
        yield from steps


def _resize(draft: FitProgress, size: tuple[int, int]) -> FitProgress:
    """A step with its picture at the size of the others, for those who look on."""
    if draft.denoised.shape[-2:] == size:
        return draft
    return replace(
        draft, denoised=functional.interpolate(draft.denoised, size=size, mode="bilinear")
    )


@torch.no_grad()
def _as_pictures(network: DrawsCodes, z: Tensor, size: tuple[int, int]) -> tuple[Picture, ...]:
    """The pictures of codes at the diffusion model's size (bicubic where they differ)."""
    pictures = picture_of(network, z)
    if pictures.shape[-2:] != size:
        pictures = functional.interpolate(pictures, size=size, mode="bicubic", antialias=True)
    return tuple(as_bytes(pictures).cpu().numpy())


def _refine(
    painting: TcigPainting,
    bundle: ModelBundle,
    given: tuple[tuple[Picture, ...], tuple[int, ...]],
    fitted: int,
) -> Generator[Step, None, Tensor]:
    """Stage 2 on ``given``, a draft and a seed for each row; the value is the last latents."""
    plan, (drafts, seeds) = painting.plan, given
    run_start = prepare_from_pictures(bundle, plan, drafts, seeds, painting.first)
    guidance_scale = max(1.0, plan.guidance_scale * painting.dials.guidance)
    conditioning = build_conditioning(
        bundle, plan.prompt, plan.negative, guidance_scale, len(seeds)
    )
    controls: list[Control] = []
    if painting.options.attention:
        pulls = [(layer.attention_positive, layer.attention_negative) for layer in plan.layers]
        controls.append(attention(painting, bundle, run_start.schedule, pulls))
    if painting.stack is not None:
        controls.append(painting.stack.control(run_start, seeds))
    latents = run_start.start.latents
    with closing(
        denoise(bundle.unet, run_start.schedule, conditioning, run_start.start, controls)
    ) as steps:
        for step in steps:
            latents = step.latents
            yield painting.count(step, fitted)
    return latents
