"""Distilling to few steps: the equations on small numbers, and steps of the real trainer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from diffusers import LCMScheduler

from backend.pocket.networks.networks import build_scheduler
from backend.pocket.train.batches import TrainingScenes
from backend.pocket.train.captions import SHARED
from backend.pocket.train.export import export_fresh
from backend.pocket.train.few_steps import (
    MEMBER,
    FewStepsRun,
    FewStepsTrainer,
    build_process,
    foresee,
)

PROCESS = build_process()


def test_foreseeing_is_what_the_sampler_does() -> None:
    scheduler = LCMScheduler()
    state, clean = torch.randn(3, 4, 4, 4), torch.randn(3, 4, 4, 4)
    steps = torch.tensor([0, 19, 999])
    made = foresee(state, steps, clean)
    for row, step in enumerate(steps):
        kept, taken = scheduler.get_scalings_for_boundary_condition_discrete(int(step))
        expected = kept * state[row] + taken * clean[row]
        torch.testing.assert_close(made[row], torch.as_tensor(expected, dtype=torch.float32))


def test_at_the_clean_end_the_state_itself_is_foreseen() -> None:
    state = torch.randn(2, 4, 4, 4)
    made = foresee(state, torch.tensor([-1, 0]), torch.randn_like(state))
    torch.testing.assert_close(made, state)


def test_a_hop_from_a_known_picture_lies_on_its_path() -> None:
    clean, noise = torch.randn(2, 4, 4, 4), torch.randn(2, 4, 4, 4)
    first, last = torch.tensor([999, 259]), torch.tensor([399, -1])
    signal, level = PROCESS.at(first)
    state = signal * clean + level * noise
    signal, level = PROCESS.at(last)
    expected = signal * clean + level * noise
    torch.testing.assert_close(
        PROCESS.hop(state, (first, last), clean), expected, atol=1e-5, rtol=1e-4
    )


def test_its_shares_are_the_schedule_s() -> None:
    kept = build_scheduler().alphas_cumprod
    signal, level = PROCESS.at(torch.tensor([0, 500, -1]))
    torch.testing.assert_close(signal.flatten(), torch.tensor([*kept[[0, 500]].sqrt(), 1.0]))
    torch.testing.assert_close(level.flatten()[2], torch.tensor(0.0))


def test_the_ratio_falls_with_noise() -> None:
    ratios = PROCESS.log_ratio(torch.tensor([-1, 0, 500, 999])).flatten()
    assert ratios[0] == ratios[1]
    assert ratios[1] > ratios[2] > ratios[3]


def test_two_looks_on_the_way_lead_nearer_to_the_end_of_the_path() -> None:
    """Of normally distributed data of deviation d the best guess is a·d²/(a²d² + s²)·x, and the
    path keeps x/√(a²d² + s²)."""
    data = 0.5

    def scale(steps: torch.Tensor) -> torch.Tensor:
        signal, level = PROCESS.at(steps)
        return (signal**2 * data**2 + level**2).sqrt()

    def guess(state: torch.Tensor, steps: torch.Tensor) -> torch.Tensor:
        signal, _ = PROCESS.at(steps)
        return signal * data**2 / scale(steps) ** 2 * state

    first, last = torch.tensor([599, 399]), torch.tensor([499, 299])
    state = torch.ones(2, 1, 1, 1)
    exact = state * scale(last) / scale(first)
    once = PROCESS.hop(state, (first, last), guess(state, first))
    twice = PROCESS.hop_twice(state, (first, last), guess)
    assert ((twice - exact).abs() < (once - exact).abs() / 5).all()


def test_the_student_keeps_both_ends_of_its_teacher(tmp_path: Path) -> None:
    export_fresh(tmp_path / "family", 1)
    run = FewStepsRun(tmp_path, tmp_path / "family", 0.01, 0, False, False, "cpu")
    trainer = FewStepsTrainer(run, _EmptyBatches())
    before = {name: weight.clone() for name, weight in trainer.student.state_dict().items()}
    trainer.train()
    assert (tmp_path / "family" / MEMBER / "diffusion_pytorch_model.safetensors").exists()
    changed = {
        name
        for name, weight in trainer.student.state_dict().items()
        if not torch.equal(weight, before[name])
    }
    assert changed
    assert not any(name.startswith(("conv_in.", "conv_out.")) for name in changed)
    resumed = FewStepsTrainer(replace(run, resume=True), _EmptyBatches())
    for name, weight in trainer.student.state_dict().items():
        assert torch.equal(weight, resumed.student.state_dict()[name])
    assert resumed.pace.spent_s > 0


class _EmptyBatches:
    """Two samples of noise without objects."""

    def draw(self, small: bool, mixed_too: bool, random: np.random.Generator) -> TrainingScenes:
        latents = torch.from_numpy(random.normal(size=(2, 4, 16, 16))).float()
        return TrainingScenes(
            latents,
            torch.zeros(2, 48, dtype=torch.long),
            torch.full((2, 48), SHARED),
            torch.zeros(2, 4, 16, 16),
            torch.zeros(2, 3, 16, 16, dtype=torch.long),
        )
