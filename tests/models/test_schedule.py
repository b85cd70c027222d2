"""The adapter against diffusers' own samplers: levels, strength, one-step truth, history."""

from __future__ import annotations

import json
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
            oracle.set_begin_index(k)
        known = oracle.add_noise(x0, noise, oracle.timesteps[k : k + 1].repeat(2))
        assert torch.equal(schedule.noise_to(k, x0, noise), known)
    assert schedule.noise_to(steps, x0, noise) is x0


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("config", CONFIGS)
def test_a_network_that_knows_its_answer_lands_on_it(sampler: str, config: dict[str, Any]) -> None:
    """With the true noise or velocity every state of a deterministic sampler lies on its level, and
    the end is x0.
    """
    steps, x0, noise = 12, draw(3), draw(4)
    schedule = Schedule(sampler, config, steps, CPU)
    first = 3
    latents = schedule.noise_to(first, x0, noise)
    generators = [generator_for(5), generator_for(6)]
    for k in range(first, steps):
        schedule.scale_input(latents, k)
        latents, denoised = schedule.step(
            _truth(schedule, config, k, latents, x0), k, latents, generators
        )
        assert torch.allclose(denoised, x0, atol=2e-4)
        if not schedule.kind.stochastic and k + 1 < steps:
            assert torch.allclose(latents, schedule.noise_to(k + 1, x0, noise), atol=2e-4)
    left = (
        (1 - 0.99915) ** 0.5 if sampler == "ddim" else 1e-3
    )  # DDIM ends at the first training level, not at 0
    assert float((latents - x0).abs().max()) < 4 * left


def _truth(
    schedule: Schedule, config: dict[str, Any], k: int, latents: Tensor, x0: Tensor
) -> Tensor:
    a, s = schedule.level(k)
    noise = (latents - a * x0) / s
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
    with pytest.raises(RequestError, match="51 steps"):
        Schedule("lcm", EPSILON, 51, CPU)


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
        assert made.config.steps_offset == 1


def test_the_folders_file_is_not_changed(bundle: ModelBundle) -> None:
    before = json.dumps(bundle.scheduler, sort_keys=True)
    for sampler in SAMPLERS:
        Schedule(sampler, bundle.scheduler, 6, CPU)
    assert json.dumps(bundle.scheduler, sort_keys=True) == before


@pytest.mark.parametrize("sampler", ["dpmpp_2m", "unipc"])
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
        for k in range(4):
            schedule.scale_input(latents, k)
            latents, _ = schedule.step(draw(past + k), k, latents, [])
        if forgets:
            schedule.forget()
        state = schedule.scale_input(draw(1), 4)
        ends.append(schedule.step(draw(2), 4, state, [])[0])
    assert torch.equal(ends[0], ends[1]) == forgets
