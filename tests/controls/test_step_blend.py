"""Step-blended denoising: who predicts when (algorithms 3.6, point 1)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from backend.controls.step_blend import StepBlend
from backend.engine.denoise import predictor
from backend.engine.reference_branch import AdapterScope
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from tests.controls.three_paths import Trio

STEPS = 4


def build_subject(bundle: ModelBundle, amount: float) -> AdapterScope:
    """A subject that adds to one bias of the network."""
    bias = bundle.unet.conv_out.bias

    @contextmanager
    def apply() -> Iterator[None]:
        plain = bias.data
        bias.data = plain + amount
        try:
            yield
        finally:
            bias.data = plain

    return apply


def run_blend(
    bundle: ModelBundle, until: int, amount: float = 0.3, plain: str = "layout"
) -> Tensor:
    """The end of a personalised run that begins with the plain words of another path."""
    trio = Trio(bundle, STEPS)

    def controls(schedule: Schedule) -> list[StepBlend]:
        plainly = predictor(bundle.unet, schedule, trio.alone(plain))
        return [StepBlend(plainly, build_subject(bundle, amount), until)]

    return trio.states_alone("target", controls)[-1]


def test_identity_at_zero_and_at_all_steps_one_model_draws_alone(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    with build_subject(tiny1, 0.3)():
        personal = trio.states_alone("target")[-1]
    vanilla = Trio(tiny1, STEPS, words={**trio.words, "target": trio.words["layout"]}).states_alone(
        "target"
    )[-1]
    assert torch.equal(run_blend(tiny1, 0), personal)
    assert torch.equal(run_blend(tiny1, STEPS), vanilla)
    assert not torch.equal(personal, vanilla)


def test_composition_between_the_limits_both_have_a_part(tiny1: ModelBundle) -> None:
    ends = [run_blend(tiny1, until) for until in range(STEPS + 1)]
    assert all(not torch.equal(one, other) for one, other in pairwise(ends))


@pytest.mark.parametrize("until", [0, 1, 3, STEPS])
def test_identical_models_and_words_make_the_border_irrelevant(
    tiny1: ModelBundle, until: int
) -> None:
    wanted = Trio(tiny1, STEPS).states_alone("target")[-1]
    assert torch.equal(run_blend(tiny1, until, amount=0.0, plain="target"), wanted)


def test_equation_the_first_steps_are_the_plain_ones(tiny1: ModelBundle) -> None:
    """A 4x4 example: constants instead of networks tell who predicted."""
    calls: list[str] = []

    @contextmanager
    def apply() -> Iterator[None]:
        calls.append("dressed")
        yield

    def plain(latents: Tensor, k: int) -> Tensor:
        calls.append(f"plain {k}")
        return latents * 0 + 1

    predict = StepBlend(plain, apply, 2).wrap(lambda latents, k: latents * 0 + 2)
    made = [float(predict(torch.zeros(1, 1, 4, 4), k).mean()) for k in range(4)]
    assert made == [1, 1, 2, 2]
    assert calls == ["plain 0", "plain 1", "dressed", "dressed"]


def test_weights_are_restored_between_steps_and_after_a_failure(tiny1: ModelBundle) -> None:
    before = tiny1.unet.conv_out.bias.data
    run_blend(tiny1, 1)
    assert torch.equal(tiny1.unet.conv_out.bias.data, before)

    def failing(latents: Tensor, k: int) -> Tensor:
        raise RuntimeError("asked to fail")

    predict = StepBlend(failing, build_subject(tiny1, 1.0), 0).wrap(failing)
    with pytest.raises(RuntimeError, match="asked"):
        predict(torch.zeros(1, 4, 4, 4), 0)
    assert torch.equal(tiny1.unet.conv_out.bias.data, before)
