"""Inversion: the way back is the way forth (algorithms 3.6, point 6)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field

import pytest
import torch
from torch import Tensor, nn

from backend.engine.conditioning import Conditioning
from backend.engine.denoise import Start, denoise
from backend.engine.invert import REFINEMENTS, Trajectory, invert
from backend.engine.loop_types import generator_for
from backend.models.schedule import Schedule

STEPS = 20
SD = {
    "beta_schedule": "scaled_linear",
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "set_alpha_to_one": False,
}


class SmoothNetwork(nn.Module):
    """A smooth function of latents, time and words: a narrow convolution bent by a tangent."""

    def __init__(self, strength: float = 0.3) -> None:
        super().__init__()
        generator = torch.Generator().manual_seed(7)
        self.register_buffer("kernel", torch.randn(4, 4, 3, 3, generator=generator) / 6)
        self.strength = strength
        self.calls = 0

    def forward(
        self, latents: Tensor, timestep: Tensor, encoder_hidden_states: Tensor, return_dict: bool
    ) -> tuple[Tensor]:
        self.calls += 1
        bent = torch.tanh(
            torch.nn.functional.conv2d(latents, self.kernel, padding=1) + float(timestep) / 1000
        )
        return (self.strength * bent + encoder_hidden_states.mean((1, 2))[:, None, None, None],)


@dataclass(frozen=True)
class InvertCase:
    network: SmoothNetwork = field(default_factory=SmoothNetwork)
    prediction: str = "epsilon"
    spacing: str = "leading"

    @property
    def schedule(self) -> Schedule:
        config = {**SD, "prediction_type": self.prediction, "timestep_spacing": self.spacing}
        return Schedule("ddim", config, STEPS, torch.device("cpu"))

    def back(self, clean: Tensor, refinements: int = REFINEMENTS) -> Trajectory:
        found = invert(self.network, self.schedule, words(clean), clean, refinements)
        while True:
            try:
                next(found)
            except StopIteration as stop:
                return stop.value

    def forth(self, begin: Tensor) -> Iterator[Tensor]:
        start = Start(begin, 0, tuple(generator_for(0) for _ in begin))
        return (step.latents for step in denoise(self.network, self.schedule, words(begin), start))


def words(like: Tensor) -> Conditioning:
    phrases = torch.full((1, 3, 6), 0.05)
    return Conditioning(phrases, phrases, 1.0, len(like))


def picture() -> Tensor:
    return torch.randn(2, 4, 6, 5, generator=generator_for(5))


@pytest.mark.parametrize("prediction", ["epsilon", "v_prediction"])
@pytest.mark.parametrize("spacing", ["leading", "trailing"])
def test_the_round_trip_closes(prediction: str, spacing: str) -> None:
    case, clean = InvertCase(prediction=prediction, spacing=spacing), picture()
    *_, end = case.forth(case.back(clean).states[0])
    assert float((end - clean).abs().max()) <= 3e-4


def test_every_stored_state_lies_on_the_way_forth() -> None:
    case, clean = InvertCase(), picture()
    path = case.back(clean)
    assert path.steps == STEPS
    assert torch.equal(path.states[-1], clean)
    for found, walked in zip(path.states[1:], case.forth(path.states[0]), strict=True):
        assert float((found - walked).abs().max()) <= 3e-4


def test_refinement_is_what_closes_it() -> None:
    case, clean = InvertCase(SmoothNetwork(0.6)), picture()
    errors = []
    for refinements in (0, 2, 5):
        *_, end = case.forth(case.back(clean, refinements).states[0])
        errors.append(float((end - clean).abs().max()))
    assert errors[0] > 20 * errors[2]
    assert errors[0] > errors[1] > errors[2]


def test_a_prediction_that_ignores_the_state_needs_no_refinement() -> None:
    case, clean = InvertCase(SmoothNetwork(0.0)), picture()
    path = case.back(clean)
    assert case.network.calls <= 2 * STEPS
    *_, end = case.forth(path.states[0])
    assert float((end - clean).abs().max()) <= 1e-4


def test_steps_tell_how_far_it_is_and_can_be_left_at_any_time() -> None:
    case, clean = InvertCase(), picture()
    with closing(invert(case.network, case.schedule, words(clean), clean)) as steps:
        seen = [next(steps) for _ in range(3)]
    assert [(step.k, step.total, step.first) for step in seen] == [
        (0, STEPS, 0),
        (1, STEPS, 0),
        (2, STEPS, 0),
    ]


def test_other_samplers_have_no_way_back() -> None:
    schedule = Schedule("euler", SD, STEPS, torch.device("cpu"))
    with pytest.raises(ValueError, match="undone"):
        next(invert(SmoothNetwork(), schedule, words(picture()), picture()))
