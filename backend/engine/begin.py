"""Where a run of the denoise loop begins, and where it ends."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.engine.decode import Picture, encode
from backend.engine.denoise import Start
from backend.engine.loop_types import Step, generator_for
from backend.engine.noise import FreshNoise, NoiseStream, SharedNoise, draw
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from backend.plan.plan import Plan


@dataclass(frozen=True)
class Beginning:
    """A run that can be started: its new schedule, the clean ``source`` latents (b, c, h, w), the
    noise, the start.
    """

    schedule: Schedule = field(repr=False)
    source: Tensor = field(repr=False)
    noise: Tensor = field(repr=False)
    start: Start = field(repr=False)

    def stream(self, seeds: tuple[int, ...]) -> NoiseStream:
        """Noise for re-noising the source: one trajectory, or new noise where the sampler renews
        its own.
        """
        return FreshNoise(seeds) if self.schedule.kind.stochastic else SharedNoise(self.noise)


def begin_from_pictures(
    bundle: ModelBundle, plan: Plan, pictures: Sequence[Picture], seeds: Sequence[int], first: int
) -> Beginning:
    """Image-to-image: a picture uint8 (h, w, 3) for each seed, noised to state ``first``."""
    generators = tuple(generator_for(seed) for seed in seeds)
    rows = [
        encode(bundle, picture, [one]) for picture, one in zip(pictures, generators, strict=True)
    ]
    return _beginning(bundle, plan, torch.cat(rows), generators, first)


def begin_from_noise(bundle: ModelBundle, plan: Plan, seeds: Sequence[int]) -> Beginning:
    """Text to image: pure noise for each seed."""
    sides = (plan.height_px // bundle.card.cell_px, plan.width_px // bundle.card.cell_px)
    channels = int(bundle.unet.config.in_channels)
    empty = torch.zeros(len(seeds), channels, *sides, device=bundle.device, dtype=bundle.dtype)
    return _beginning(bundle, plan, empty, tuple(generator_for(seed) for seed in seeds), 0)


def _beginning(
    bundle: ModelBundle,
    plan: Plan,
    source: Tensor,
    generators: tuple[torch.Generator, ...],
    first: int,
) -> Beginning:
    schedule = Schedule(plan.sampler, bundle.scheduler, plan.steps, bundle.device)
    noise = draw(source, generators)
    return Beginning(
        schedule, source, noise, Start(schedule.noise_to(first, source, noise), first, generators)
    )


def finished(steps: Generator[Step, None, None], start: Start) -> Generator[Step, None, Tensor]:
    """Pass the steps on; the generator's value is the last latents. Closing it closes the loop."""
    latents = start.latents
    with closing(steps):
        for step in steps:
            latents = step.latents
            yield step
    return latents
