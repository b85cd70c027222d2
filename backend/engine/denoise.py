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
    """Classifier-free guidance: ε = ε_u + s · (ε_c - ε_u).

    Args:
        predicted: of a batch [uncond…, cond…], (rows, c, h, w).
        rows: of that batch.
        scale: s.

    Returns:
        (count, c, h, w); the batch itself where it has no unconditional half.
    """
    if not rows.guided:
        return predicted
    uncond, cond = predicted[rows.uncond], predicted[rows.cond]
    return uncond + scale * (cond - uncond)


@dataclass(frozen=True)
class Start:
    """Where a run begins.

    Attributes:
        latents: state ``first``, (b, c, h, w).
        first: the first step that is taken, 0 to N.
        generators: one a row, from which a stochastic sampler draws.
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
    """The loop: from state ``start.first`` to the clean latents.

    Every control patches the network for the length of the run, and every patch is undone when the
    run ends, fails or is closed. Their ``wrap`` and ``edit`` doors act in the order of the tuple; a
    later one sees what an earlier one made.

    Args:
        unet: the network.
        schedule: a fresh one: it remembers where its run is.
        conditioning: words for as many rows as the latents have.
        start: the first state.
        controls: what acts in the loop.

    Yields:
        After each step k = first…N-1 state k+1.

    Raises:
        EngineError: the memory is used up, or two controls want one attention site.
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
    """State k+1 and the clean latents foreseen; some samplers ask twice on the way."""
    with explain_memory():
        latents, denoised = schedule.step(predict(latents, k), k, latents, generators)
        if schedule.is_between:
            latents, denoised = schedule.step(predict(latents, k), k, latents, generators)
        return latents, denoised


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
    """A prediction under these words: one call of the network for all rows, then guidance.

    Args:
        unet: the network.
        schedule: the run's; it scales what the network sees.
        conditioning: the words.

    Returns:
        (latents (b, c, h, w) of state k, k) → ε of that shape; no gradient passes through it.
    """
    words, rows, scale = conditioning.stack(), conditioning.rows, conditioning.guidance_scale

    def predict(latents: Tensor, k: int) -> Tensor:
        seen = schedule.scale_input(_double_rows(latents, rows), k)
        with torch.inference_mode():  # some 2 % faster than no_grad alone
            predicted = unet(
                seen, schedule.timestep(k), encoder_hidden_states=words, return_dict=False
            )[0]
        return guide(predicted, rows, scale)

    return predict


def pull_of(unet: Unet, schedule: Schedule, conditioning: Conditioning) -> Pull:
    """As ``predictor``, and beside the prediction how far the words pull it.

    Args:
        unet: the network.
        schedule: the run's.
        conditioning: the words.

    Returns:
        (latents (b, c, h, w) of state k, k) → ε and s · (ε_c - ε_u), each of that shape; without
        guidance the pull is the prediction itself.
    """
    words, rows, scale = conditioning.stack(), conditioning.rows, conditioning.guidance_scale

    def pull(latents: Tensor, k: int) -> tuple[Tensor, Tensor]:
        doubled = torch.cat([latents] * rows.halves)
        seen = schedule.scale_input(doubled, k)
        predicted = unet(
            seen, schedule.timestep(k), encoder_hidden_states=words, return_dict=False
        )[0]
        if not rows.guided:
            return predicted, predicted
        uncond, cond = predicted[rows.uncond], predicted[rows.cond]
        pull = scale * (cond - uncond)
        return uncond + pull, pull

    return pull


def _double_rows(latents: Tensor, rows: BatchRows) -> Tensor:
    return torch.cat([latents, latents]) if rows.guided else latents
