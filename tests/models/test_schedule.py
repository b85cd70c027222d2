"""The adapter against diffusers' own samplers: levels, strength, one-step truth, history."""

from __future__ import annotations

import json
import math
from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import Tensor

from backend.engine.loop_types import generator_for
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.models.schedule import SAMPLERS, Schedule, first_step, scheduler_values

CPU = torch.device("cpu")
EPSILON: dict[str, Any] = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
}
VELOCITY: dict[str, Any] = {
    **EPSILON,
    "prediction_type": "v_prediction",
    "timestep_spacing": "leading",
}
CONFIGS = [EPSILON, VELOCITY]
NO_SIGNAL: dict[str, Any] = {
    **VELOCITY,
    "rescale_betas_zero_snr": True,
    "timestep_spacing": "trailing",
}
REMEMBERING = [name for name, kind in SAMPLERS.items() if kind.multistep and not kind.stochastic]


def draw(seed: int) -> Tensor:
    return torch.randn(2, 4, 3, 5, generator=generator_for(seed))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("config", CONFIGS)
def test_levels_equal_the_samplers_own_noising(sampler: str, config: dict[str, Any]) -> None:
    steps, x0, noise = 9, draw(1), draw(2)
    schedule = Schedule(sampler, config, steps, CPU)
    kind = SAMPLERS[sampler]
    for k in range(steps):
        oracle = kind.make(**scheduler_values(kind, config))
        oracle.set_timesteps(steps)
        if hasattr(oracle, "set_begin_index"):
            oracle.set_begin_index(k * kind.calls)
        number = k * kind.calls
        known = oracle.add_noise(x0, noise, oracle.timesteps[number : number + 1].repeat(2))
        assert torch.equal(schedule.noise_to(k, x0, noise), known)
    assert schedule.noise_to(steps, x0, noise) is x0


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("config", CONFIGS)
def test_a_network_that_knows_its_answer_lands_on_it(sampler: str, config: dict[str, Any]) -> None:
    """With the true noise or velocity every state of a deterministic sampler lies on its level, and
    the end is x0.
    """
    steps, first, x0, noise = 10, 3, draw(3), draw(4)
    schedule = Schedule(sampler, config, steps, CPU)
    latents = schedule.noise_to(first, x0, noise)
    for k in range(first, steps):
        latents, denoised = _walk(schedule, config, k, latents, x0)
        assert torch.allclose(denoised, x0, atol=2e-4)
        if not schedule.kind.stochastic and k + 1 < steps:
            assert torch.allclose(latents, schedule.noise_to(k + 1, x0, noise), atol=4e-4)
    end = (1 - 0.99915) ** 0.5  # the first training level, at which these end, not at 0
    left = {"ddim": 4 * end, "deis": 4 * end, "tcd": 8 * end}.get(sampler, 4e-3)
    assert float((latents - x0).abs().max()) < left


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_models_whose_first_state_has_no_signal_run_with_every_sampler(sampler: str) -> None:
    """The first network call sees noise alone; the end is x0 all the same."""
    steps, x0, noise = 8, draw(3), draw(4)
    schedule = Schedule(sampler, NO_SIGNAL, steps, CPU)
    assert schedule.sigmas[0] >= 4000 or "karras" in sampler
    assert all(math.isfinite(sigma) for sigma in schedule.sigmas)
    latents = schedule.begin_from_noise(noise)
    for k in range(steps):
        latents, denoised = _walk(schedule, NO_SIGNAL, k, latents, x0)
        assert denoised.isfinite().all()
    assert torch.allclose(latents, x0, atol=0.2 if sampler in ("deis", "tcd") else 0.05)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("config", [EPSILON, NO_SIGNAL])
def test_pure_noise_is_that_of_the_pipelines(sampler: str, config: dict[str, Any]) -> None:
    kind = SAMPLERS[sampler]
    oracle = kind.make(**scheduler_values(kind, config))
    oracle.set_timesteps(5)
    noise = draw(1)
    first = Schedule(sampler, config, 5, CPU).begin_from_noise(noise)
    assert torch.equal(first, noise * oracle.init_noise_sigma)


def _walk(
    schedule: Schedule, config: dict[str, Any], k: int, latents: Tensor, x0: Tensor
) -> tuple[Tensor, Tensor]:
    """A whole step with the true noise or velocity of every state that the network is shown."""
    generators = [generator_for(5), generator_for(6)]
    schedule.scale_input(latents, k)
    predicted = _truth(schedule.level(k), config, latents, x0)
    noise = _noise_in(schedule.level(k), latents, x0)
    latents, denoised = schedule.step(predicted, k, latents, generators)
    if schedule.is_between:
        level = (1.0, float(((latents - x0) / noise).median()))
        schedule.scale_input(latents, k)
        predicted = _truth(level, config, latents, x0)
        latents, _ = schedule.step(predicted, k, latents, generators)
    return latents, denoised


def _noise_in(level: tuple[float, float], latents: Tensor, x0: Tensor) -> Tensor:
    a, s = level
    return (latents - a * x0) / s


def _truth(
    level: tuple[float, float], config: dict[str, Any], latents: Tensor, x0: Tensor
) -> Tensor:
    a, s = level
    noise = _noise_in(level, latents, x0)
    if "prediction_type" not in config:
        return noise
    norm = (a * a + s * s) ** 0.5
    return (a * noise - s * x0) / norm


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_sigmas_fall_to_zero(sampler: str) -> None:
    sigmas = Schedule(sampler, EPSILON, 20, CPU).sigmas
    assert len(sigmas) == 21
    assert sigmas[-1] == 0.0
    assert all(above > below for above, below in pairwise(sigmas))


def test_sigma_is_the_same_quantity_in_both_sample_spaces() -> None:
    exploding, preserving = (Schedule(name, VELOCITY, 20, CPU).sigmas for name in ("euler", "ddim"))
    assert preserving == pytest.approx(exploding, rel=1e-4)


@pytest.mark.parametrize(
    ("steps", "strength"), [(50, 0.8), (50, 0.58), (4, 0.2), (30, 1.0), (30, 0.0), (7, 0.999)]
)
def test_strength_is_that_of_diffusers(steps: int, strength: float) -> None:
    assert first_step(steps, strength) == max(steps - min(int(steps * strength), steps), 0)
    assert first_step(4, 0.2) == 4


def test_steps_beyond_a_samplers_reach_are_refused() -> None:
    for sampler in ("lcm", "tcd"):
        with pytest.raises(RequestError, match="51 steps"):
            Schedule(sampler, EPSILON, 51, CPU)


def test_a_schedule_runs_forward_only() -> None:
    schedule = Schedule("ddim", EPSILON, 5, CPU)
    latents = schedule.scale_input(draw(1), 2)
    schedule.step(draw(2), 2, latents, [generator_for(0), generator_for(1)])
    with pytest.raises(ValueError, match="step 3 is next, not 2"):
        schedule.scale_input(latents, 2)


def test_all_values_are_explicit(bundle: ModelBundle) -> None:
    """diffusers keeps a list of values it was not given; ours is empty, so no clone can lose
    one.
    """
    for kind in SAMPLERS.values():
        made = kind.make(**scheduler_values(kind, bundle.scheduler))
        assert made.config.get("_use_default_values", []) == []
        assert made.config.prediction_type == bundle.card.prediction_type
        assert made.config.get("steps_offset", 1) == 1


def test_the_folders_file_is_not_changed(bundle: ModelBundle) -> None:
    before = json.dumps(bundle.scheduler, sort_keys=True)
    for sampler in SAMPLERS:
        Schedule(sampler, bundle.scheduler, 6, CPU)
    assert json.dumps(bundle.scheduler, sort_keys=True) == before


@pytest.mark.parametrize("sampler", REMEMBERING)
@pytest.mark.parametrize("forgets", [True, False])
def test_forgetting_makes_the_next_step_depend_on_the_state_alone(
    sampler: str, forgets: bool
) -> None:
    """After ``forget`` two runs with different pasts make the same step from the same state,
    otherwise not.
    """
    ends = []
    for past in (7, 8):
        schedule = Schedule(sampler, EPSILON, 10, CPU)
        latents = draw(past)
        for k in range(5):
            schedule.scale_input(latents, k)
            latents, _ = schedule.step(draw(past + k), k, latents, [])
        if forgets:
            schedule.forget()
        schedule.scale_input(draw(1), 5)
        ends.append(schedule.step(draw(2), 5, draw(1), [])[0])
    assert torch.equal(ends[0], ends[1]) == forgets


@pytest.mark.parametrize("sampler", REMEMBERING)
def test_what_is_remembered_can_be_kept_and_given_back(sampler: str) -> None:
    """A fresh schedule that is given the memory of another makes the same next steps."""
    first = Schedule(sampler, EPSILON, 10, CPU)
    latents = draw(1)
    for k in range(5):
        first.scale_input(latents, k)
        latents, _ = first.step(draw(k), k, latents, [])
    second = Schedule(sampler, EPSILON, 10, CPU)
    second.restore(first.memory())
    other = latents
    for k in range(5, 8):
        first.scale_input(latents, k)
        second.scale_input(other, k)
        latents, _ = first.step(draw(k), k, latents, [])
        other, _ = second.step(draw(k), k, other, [])
        assert torch.equal(latents, other)
