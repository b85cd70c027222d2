"""A short run of the loop on a bundle, for tests of controls."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from backend.controls.layer_noise import LayerNoise
from backend.controls.region_attention import PromptRegion, RegionAttention
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import encode
from backend.engine.denoise import Start, denoise
from backend.engine.loop_types import Control, Step, generator_for
from backend.engine.noise import FreshNoise, SharedNoise, draw
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule

PROMPT = "a red cat and a blue house"


@dataclass(frozen=True)
class Setting:
    """Everything of a run but its controls."""

    bundle: ModelBundle
    sampler: str = "ddim"
    steps: int = 6
    first: int = 1
    seeds: tuple[int, ...] = (3,)
    guidance_scale: float = 3.0
    side_px: int = 64
    schedule: Schedule = field(init=False)
    source: Tensor = field(init=False)
    noise: Tensor = field(init=False)
    generators: tuple[torch.Generator, ...] = field(init=False)

    def __post_init__(self) -> None:
        generators = tuple(generator_for(seed) for seed in self.seeds)
        picture = np.random.default_rng(4).integers(
            0, 256, (self.side_px, self.side_px, 3), np.uint8
        )
        source = encode(self.bundle, picture, generators)
        device = torch.device("cpu")
        object.__setattr__(
            self, "schedule", Schedule(self.sampler, self.bundle.scheduler, self.steps, device)
        )
        object.__setattr__(self, "source", source)
        object.__setattr__(self, "noise", draw(source, generators))
        object.__setattr__(self, "generators", generators)

    @property
    def side_lat(self) -> int:
        return self.side_px // self.bundle.card.cell_px


def steps_of(
    setting: Setting, make: Callable[[Setting], Sequence[Control]] = lambda setting: ()
) -> list[Step]:
    """All steps of the run with the controls that ``make`` builds for it."""
    conditioning = build_conditioning(
        setting.bundle, PROMPT, "blur", setting.guidance_scale, len(setting.seeds)
    )
    begin = setting.schedule.noise_to(setting.first, setting.source, setting.noise)
    start = Start(begin, setting.first, setting.generators)
    return list(denoise(setting.bundle.unet, setting.schedule, conditioning, start, make(setting)))


def end_of(
    setting: Setting, make: Callable[[Setting], Sequence[Control]] = lambda setting: ()
) -> Tensor:
    """The last state of the run."""
    return steps_of(setting, make)[-1].latents


def farthest(one: Tensor, other: Tensor) -> float:
    """The largest difference, in units of the larger of 1 and the largest value (random networks
    overshoot).
    """
    return float((one - other).abs().max() / max(1.0, float(other.abs().max())))


def half_regions(side: int, positive: float, negative: float) -> tuple[PromptRegion, PromptRegion]:
    """Two layers: words 1-2 on the left half, words 4-5 on the right."""
    left = torch.zeros(side, side)
    left[:, : side // 2] = 1
    return PromptRegion((1, 2), positive, negative, left), PromptRegion(
        (4, 5), positive, negative, 1 - left
    )


def attention_in(setting: Setting, positive: float = 0.7, negative: float = 0.9) -> RegionAttention:
    """Region attention of the two halves."""
    regions = half_regions(setting.side_px, positive, negative)
    return RegionAttention(regions, setting.bundle.card.text_length, setting.schedule.sigmas)


def half_start_steps(setting: Setting, left: int, right: int) -> Tensor:
    """The first free step of the cells of either half."""
    start_steps = torch.full((setting.side_lat, setting.side_lat), right)
    start_steps[:, : setting.side_lat // 2] = left
    return start_steps


def noise_in(setting: Setting, start_steps: Tensor) -> LayerNoise:
    """Per-layer noise with the stream that suits the sampler."""
    stream = (
        FreshNoise(setting.seeds)
        if setting.schedule.kind.stochastic
        else SharedNoise(setting.noise)
    )
    return LayerNoise(setting.source, start_steps, setting.schedule, stream)
