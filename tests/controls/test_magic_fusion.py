"""MagicFusion: one model twice is that model; who is followed where, and until when."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from backend.controls.free_u import FreeU
from backend.controls.magic_fusion import MagicFusion, saliency
from backend.engine.denoise import predictor, pull_of
from backend.engine.loop_types import Control
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from tests.controls.test_step_blend import build_subject
from tests.controls.three_paths import Trio

STEPS = 4


def run_fusion(
    bundle: ModelBundle,
    until: int,
    plain: str,
    amount: float = 0.0,
    more_controls: Sequence[Control] = (),
) -> Tensor:
    """The end of a run that is fused with a path's words."""
    trio = Trio(bundle, STEPS)

    def controls(schedule: Schedule) -> list[Control]:
        pulls = (pull_of(bundle.unet, schedule, trio.alone(name)) for name in (plain, "target"))
        return [MagicFusion(*pulls, build_subject(bundle, amount), until), *more_controls]

    return trio.states_alone("target", controls)[-1]


@pytest.mark.parametrize("until", [0, 2, STEPS])
def test_identity_one_model_twice_is_that_model(tiny1: ModelBundle, until: int) -> None:
    assert torch.equal(
        run_fusion(tiny1, until, "target"), Trio(tiny1, STEPS).states_alone("target")[-1]
    )


def test_identity_no_fused_steps_are_the_personal_model(tiny1: ModelBundle) -> None:
    with build_subject(tiny1, 0.3)():
        personal = Trio(tiny1, STEPS).states_alone("target")[-1]
    assert torch.equal(run_fusion(tiny1, 0, "layout", 0.3), personal)
    assert not torch.equal(run_fusion(tiny1, 2, "layout", 0.3), personal)


def test_equation_each_cell_follows_the_more_salient_model() -> None:
    left, right = torch.zeros(1, 2, 8, 8), torch.zeros(1, 2, 8, 8)
    left[..., :4], right[..., 4:] = 5.0, -5.0

    def plain(latents: Tensor, k: int) -> tuple[Tensor, Tensor]:
        return latents * 0 + 1, left

    def personal(latents: Tensor, k: int) -> tuple[Tensor, Tensor]:
        return latents * 0 + 2, right

    wearing = []

    class AdapterApplied:
        def __enter__(self) -> None:
            wearing.append(True)

        def __exit__(self, *_: object) -> None:
            wearing.pop()

    predict = MagicFusion(plain, personal, AdapterApplied, 1).wrap(
        lambda latents, k: latents * 0 + 3 + len(wearing)
    )
    assert predict(torch.zeros(1, 2, 8, 8), 0)[0, 0, 3].tolist() == [1, 1, 1, 1, 2, 2, 2, 2]
    assert predict(torch.zeros(1, 2, 8, 8), 1).unique().tolist() == [4]
    shares = saliency(left)
    assert shares.shape == (1, 1, 8, 8)
    assert float(shares.sum()) == pytest.approx(1.0, abs=1e-5)


def test_the_pull_is_what_guidance_adds(tiny1: ModelBundle) -> None:
    trio = Trio(tiny1, STEPS)
    latents, words = trio.begin[:1], trio.alone("target")
    with torch.no_grad():
        predicted, pull = pull_of(tiny1.unet, trio.schedule, words)(latents, 1)
        guided = predictor(tiny1.unet, trio.schedule, words)(latents, 1)
    assert torch.equal(predicted, guided)
    assert pull.shape == latents.shape
    assert float(pull.abs().max()) > 0


def test_weights_are_restored_and_composition_other_controls_act_too(tiny1: ModelBundle) -> None:
    before = tiny1.unet.conv_out.bias.data
    alone = run_fusion(tiny1, 2, "layout", 0.3)
    assert torch.equal(tiny1.unet.conv_out.bias.data, before)
    assert not torch.equal(run_fusion(tiny1, 2, "layout", 0.3, [FreeU()]), alone)
