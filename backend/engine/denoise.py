"""The loop: a generator of Steps, with controls that act through their three doors."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.engine.conditioning import Conditioning
from backend.engine.loop_types import (
    BatchRows,
    Control,
    Moment,
    Network,
    Predict,
    Step,
    explain_memory,
)
from backend.models.attention import Unet
from backend.models.schedule import Schedule

Pull = Callable[[Tensor, int], tuple[Tensor, Tensor]]
"""(latents (b, c, h, w) of state k, k) → the guided prediction, and scale · (cond - uncond), both
of that shape.
"""


def guide(predicted: Tensor, rows: BatchRows, scale: float) -> Tensor:
    """uncond + scale · (cond - uncond) of a batch [uncond…, cond…]; the batch itself when it has no
    such half.
    """
    if not rows.guided:
        return predicted
    uncond, cond = predicted[rows.uncond], predicted[rows.cond]
    return uncond + scale * (cond - uncond)


@dataclass(frozen=True)
class Start:
    """Where a run begins: ``latents`` (b, c, h, w) are state ``first``; samplers draw from a
    generator per row.
    """

    latents: Tensor = field(repr=False)
    first: int
    generators: tuple[torch.Generator, ...] = field(repr=False)


def denoise(
    unet: Unet,
    schedule: Schedule,
    conditioning: Conditioning,
    start: Start,
    controls: Sequence[Control] = (),
) -> Generator[Step, None, None]:
    """Yield state k+1 after each step k = first…N-1.

    All controls patch the network for the length of the run, and every patch is undone when the run
    ends, fails or is closed. Their ``wrap`` and ``edit`` doors act in the order of the tuple; a
    later one sees what an earlier one made.
    """
    moment = Moment(conditioning.rows)
    height_lat, width_lat = start.latents.shape[-2:]
    network = Network(unet, moment, height_lat, width_lat)
    with ExitStack() as patches:
        for control in controls:
            patches.enter_context(control.patch(network))
        predict = predictor(unet, schedule, conditioning)
        for control in controls:
            predict = control.wrap(predict)
        latents = start.latents
        for k in range(start.first, schedule.steps):
            moment.k, moment.sigma = k, schedule.sigmas[k]
            latents, denoised = _advance(predict, schedule, latents, k, start.generators)
            latents = _apply_edits(controls, schedule, latents, k + 1)
            yield Step(k, schedule.steps, start.first, latents, denoised)


@torch.no_grad()
def _advance(
    predict: Predict,
    schedule: Schedule,
    latents: Tensor,
    k: int,
    generators: Sequence[torch.Generator],
) -> tuple[Tensor, Tensor]:
    with explain_memory():
        return schedule.step(predict(latents, k), k, latents, generators)


@torch.no_grad()
def _apply_edits(
    controls: Sequence[Control], schedule: Schedule, latents: Tensor, k: int
) -> Tensor:
    """State k after the controls; a changed state invalidates what a multistep sampler
    remembers.
    """
    edited = latents
    for control in controls:
        edited = control.edit(edited, k)
    if edited is not latents:
        schedule.forget()
    return edited


def predictor(unet: Unet, schedule: Schedule, conditioning: Conditioning) -> Predict:
    """A prediction under these words: one network call for all rows, then guidance; no gradient
    passes through it.
    """
    words, rows, scale = conditioning.stack(), conditioning.rows, conditioning.guidance_scale

    def predict(latents: Tensor, k: int) -> Tensor:
        seen = schedule.scale_input(_double_rows(latents, rows), k)
        with torch.inference_mode():  # some 2 % faster than no_grad alone
            predicted = unet(
                seen, schedule.timesteps[k], encoder_hidden_states=words, return_dict=False
            )[0]
        return guide(predicted, rows, scale)

    return predict


def pull_of(unet: Unet, schedule: Schedule, conditioning: Conditioning) -> Pull:
    """As ``denoise.predictor``, with the pull beside it; without guidance the pull is the
    prediction itself.
    """
    words, rows, scale = conditioning.stack(), conditioning.rows, conditioning.guidance_scale

    def pull(latents: Tensor, k: int) -> tuple[Tensor, Tensor]:
        doubled = torch.cat([latents] * rows.halves)
        seen = schedule.scale_input(doubled, k)
        predicted = unet(
            seen, schedule.timesteps[k], encoder_hidden_states=words, return_dict=False
        )[0]
        if not rows.guided:
            return predicted, predicted
        uncond, cond = predicted[rows.uncond], predicted[rows.cond]
        pull = scale * (cond - uncond)
        return uncond + pull, pull

    return pull


def _double_rows(latents: Tensor, rows: BatchRows) -> Tensor:
    return torch.cat([latents, latents]) if rows.guided else latents
