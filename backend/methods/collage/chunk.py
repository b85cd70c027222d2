"""Candidates that run together: how they begin, and the loop under the collage's words and
controls.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from backend.controls.layer_noise import LayerNoise
from backend.controls.watch_words import WatchWords
from backend.engine.attention_maps import MapMeans
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import encode
from backend.engine.denoise import Start, denoise
from backend.engine.looks import embed_with_looks
from backend.engine.loop_types import Control, Step, generator_for
from backend.engine.noise import FreshNoise, NoiseStream, SharedNoise, draw, owned_noise
from backend.methods.collage.laying import Laid, levelled
from backend.methods.collage.words import region_attention, structure_map
from backend.methods.options.collage import CollageOptions
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from backend.plan.plan import Plan, WholePicture


@dataclass(frozen=True, eq=False)
class Chunk:
    """Candidates that run together: clean ``source`` (b, c, h, w), its noise, what held cells get,
    where they begin.
    """

    schedule: Schedule
    source: torch.Tensor
    noise: torch.Tensor
    stream: NoiseStream
    start: Start
    watched: MapMeans | None = None


def begun(collage: Laid, bundle: ModelBundle, seeds: tuple[int, ...]) -> Chunk:
    """Encode the collage and noise it, once for each seed.

    A layer with a seed of its own begins with that noise in every candidate. (What a stochastic
    sampler adds later still comes from the candidate's seed.)
    """
    plan = collage.plan
    schedule = Schedule(plan.sampler, bundle.scheduler, plan.steps, bundle.device)
    generators = tuple(generator_for(seed) for seed in seeds)
    source = encode(bundle, collage.flat.picture, generators)
    owners = torch.from_numpy(_cells(collage.flat.topmost, bundle.card.cell_px)).to(bundle.device)
    own_seeds = [
        None if number == varied(plan) else one.seed
        for number, one in enumerate(plan.layers, start=1)
    ]
    noise = owned_noise(draw(source, generators), owners, own_seeds)
    start = Start(schedule.noise_to(collage.first, source, noise), collage.first, generators)
    return Chunk(schedule, source, noise, _stream(collage.options, schedule, seeds, noise), start)


def steps(collage: Laid, bundle: ModelBundle, chunk: Chunk) -> Generator[Step, None, None]:
    """The loop over a chunk, under the collage's words and controls."""
    plan, options = collage.plan, collage.options
    controls: list[Control] = []
    if options.attention:
        controls.append(region_attention(collage, bundle, chunk.schedule))
    controls.extend(structure_map(structure, collage, bundle) for structure in collage.structures)
    if levelled(plan, options):
        controls.append(LayerNoise(chunk.source, collage.release, chunk.schedule, chunk.stream))
    if chunk.watched is not None:
        controls.append(WatchWords(chunk.watched))
    words = build_conditioning(
        bundle, plan.prompt, plan.negative, plan.guidance_scale, len(chunk.source)
    )
    if collage.looks:
        spoken = embed_with_looks(bundle, plan.prompt, sorted(collage.looks.items()))
        words = replace(words, positive=spoken)
    return denoise(bundle.unet, chunk.schedule, words, chunk.start, controls)


def varied(plan: Plan) -> int | None:
    """The number, from 1, of the layer in which alone the candidates differ. (Its own seed then has
    no say.)
    """
    wanted = plan.target.varied if isinstance(plan.target, WholePicture) else None
    return next(
        (number for number, layer in enumerate(plan.layers, start=1) if layer.id == wanted),
        None,
    )


def _cells(pixels: NDArray[np.int64], cell_px: int) -> NDArray[np.int64]:
    """The value at the centre of every latent cell."""
    rows, columns = (side // cell_px for side in pixels.shape)
    return np.ascontiguousarray(
        pixels[cell_px // 2 :: cell_px, cell_px // 2 :: cell_px][:rows, :columns]
    )


def _stream(
    options: CollageOptions, schedule: Schedule, seeds: tuple[int, ...], noise: torch.Tensor
) -> NoiseStream:
    """Deterministic samplers keep held parts on one trajectory; the others renew their noise as
    they do their own.
    """
    fresh = (
        schedule.kind.stochastic
        if options.noise_stream == "auto"
        else options.noise_stream == "fresh"
    )
    return FreshNoise(seeds) if fresh else SharedNoise(noise)
