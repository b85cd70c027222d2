"""The loop: rows, order of the doors, patches undone in every way it can end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor

from backend.engine.conditioning import Conditioning
from backend.engine.denoise import Start, denoise
from backend.engine.loop_types import Control, Network, Predict, Step, generator_for
from backend.models.schedule import Schedule
from tests.engine.known_network import Diary, KnownNetwork, goal_latents

STEPS, FIRST = 8, 2


@dataclass(frozen=True)
class Recorder(Control):
    """Writes down when its doors are used, and can fail at a step."""

    name: str
    diary: Diary
    fails_at: int = -1

    @contextmanager
    def _install(self, network: Network) -> Iterator[None]:
        network.unet.patched += 1
        self.diary.note(f"{self.name} on")
        try:
            yield
        finally:
            network.unet.patched -= 1
            self.diary.note(f"{self.name} off")

    def patch(self, network: Network) -> AbstractContextManager[None]:
        return self._install(network)

    def wrap(self, predict: Predict) -> Predict:
        def wrap_predict(latents: Tensor, k: int) -> Tensor:
            self.diary.note(f"{self.name} predicts {k}")
            if k == self.fails_at:
                raise RuntimeError("asked to fail")
            return predict(latents, k)

        return wrap_predict

    def edit(self, latents: Tensor, k: int) -> Tensor:
        self.diary.note(f"{self.name} edits {k}")
        return latents


@dataclass(frozen=True)
class Adder(Control):
    """Adds a number to the state, once."""

    number: float
    at: int

    def edit(self, latents: Tensor, k: int) -> Tensor:
        return latents + self.number if k == self.at else latents


@dataclass(frozen=True)
class Doubler(Control):
    def edit(self, latents: Tensor, k: int) -> Tensor:
        return latents * 2 if k == FIRST + 1 else latents


def a_run(
    guidance_scale: float = 1.0,
    controls: tuple[Control, ...] = (),
    words: tuple[float, float] = (0.0, 0.0),
) -> tuple[KnownNetwork, Iterator[Step]]:
    """Two candidates on DDIM; ``words`` are the constants of the positive and negative
    embeddings.
    """
    schedule = Schedule("ddim", {"beta_schedule": "scaled_linear"}, STEPS, torch.device("cpu"))
    levels = {int(t): schedule.level(k) for k, t in enumerate(schedule.timesteps)}
    network = KnownNetwork(goal_latents(2), levels)
    positive, negative = (torch.full((1, 3, 6), word) for word in words)
    generators = (generator_for(1), generator_for(2))
    noise = torch.randn(2, 4, 3, 5, generator=generator_for(3))
    start = Start(schedule.noise_to(FIRST, goal_latents(2), noise), FIRST, generators)
    conditioning = Conditioning(positive, negative, guidance_scale, 2)
    return network, denoise(network, schedule, conditioning, start, controls)


def test_steps_count_forward_and_end_at_the_goal() -> None:
    _, run = a_run()
    steps = list(run)
    assert [step.k for step in steps] == list(range(FIRST, STEPS))
    assert {(step.total, step.first) for step in steps} == {(STEPS, FIRST)}
    assert all(torch.allclose(step.denoised, goal_latents(2), atol=1e-4) for step in steps)


@pytest.mark.parametrize(("scale", "rows"), [(1.0, 2), (0.5, 2), (3.0, 4)])
def test_without_guidance_there_is_no_unconditional_half(scale: float, rows: int) -> None:
    network, run = a_run(scale)
    list(run)
    assert set(network.seen) == {rows}


def test_guidance_is_uncond_plus_scale_times_difference() -> None:
    """A constant added to the predicted noise moves x0 by -s/a of it: read the guided constant
    back.
    """
    for scale, wanted in ((1.0, 0.5), (3.0, 0.1 + 3 * (0.5 - 0.1))):
        _, run = a_run(scale, words=(0.5, 0.1))
        step = next(run)
        schedule = Schedule("ddim", {"beta_schedule": "scaled_linear"}, STEPS, torch.device("cpu"))
        a, s = schedule.level(FIRST)
        assert torch.allclose(
            goal_latents(2) - step.denoised, torch.full((2, 4, 3, 5), wanted * s / a), atol=1e-3
        )


def test_doors_are_used_in_the_order_of_the_tuple() -> None:
    diary = Diary()
    _, run = a_run(controls=(Recorder("a", diary), Recorder("b", diary)))
    next(run)
    assert diary.entries == [
        "a on",
        "b on",
        "b predicts 2",
        "a predicts 2",
        "a edits 3",
        "b edits 3",
    ]


def test_a_later_edit_sees_the_earlier_one() -> None:
    plain = next(a_run()[1]).latents
    added_first = next(a_run(controls=(Adder(1.0, FIRST + 1), Doubler()))[1]).latents
    doubled_first = next(a_run(controls=(Doubler(), Adder(1.0, FIRST + 1)))[1]).latents
    assert torch.equal(added_first, (plain + 1.0) * 2)
    assert torch.equal(doubled_first, plain * 2 + 1.0)


def test_edits_name_the_states_one_to_n() -> None:
    diary = Diary()
    _, run = a_run(controls=(Recorder("a", diary),))
    list(run)
    assert [entry for entry in diary.entries if "edits" in entry] == [
        f"a edits {k}" for k in range(FIRST + 1, STEPS + 1)
    ]


def test_patches_are_undone_after_the_last_step() -> None:
    network, run = a_run(controls=(Recorder("a", Diary()), Recorder("b", Diary())))
    list(run)
    assert network.patched == 0


def test_patches_are_undone_after_a_failure() -> None:
    diary = Diary()
    network, run = a_run(controls=(Recorder("a", diary), Recorder("b", diary, fails_at=FIRST + 1)))
    next(run)
    assert network.patched == 2
    with pytest.raises(RuntimeError, match="asked to fail"):
        next(run)
    assert network.patched == 0
    assert diary.entries[-2:] == ["b off", "a off"]


def test_patches_are_undone_on_close() -> None:
    network, run = a_run(controls=(Recorder("a", Diary()),))
    next(run)
    run.close()
    assert network.patched == 0


def test_nothing_is_patched_before_the_first_step() -> None:
    diary = Diary()
    network, _ = a_run(controls=(Recorder("a", diary),))
    assert network.patched == 0
    assert diary.entries == []


def test_gradients_stay_as_they_were() -> None:
    _, run = a_run()
    for step in run:
        assert torch.is_grad_enabled()
        assert not step.latents.requires_grad


def test_a_changed_state_makes_a_multistep_sampler_forget() -> None:
    """Adding 0 changes no number, but the loop cannot know: both ends must differ only by the lost
    history.
    """
    ends = []
    for controls in ((), (Adder(0.0, 5),)):
        schedule = Schedule(
            "dpmpp_2m", {"beta_schedule": "scaled_linear"}, STEPS, torch.device("cpu")
        )
        levels = {int(t): schedule.level(k) for k, t in enumerate(schedule.timesteps)}
        network = KnownNetwork(goal_latents(1), levels)
        words = torch.full((1, 3, 6), 0.3)
        start = Start(torch.randn(1, 4, 3, 5, generator=generator_for(3)), 0, (generator_for(1),))
        *_, last = denoise(network, schedule, Conditioning(words, words, 1.0, 1), start, controls)
        ends.append(last.latents)
    assert not torch.equal(ends[0], ends[1])
