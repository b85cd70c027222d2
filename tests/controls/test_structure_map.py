"""Structure per layer: identity, restoring, the weighting by hand, and parity with diffusers
(algorithms 1.5, 1.9).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionControlNetImg2ImgPipeline
from PIL import Image
from torch import Tensor

from backend.controls.structure_map import StructureMap, weight
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import encode
from backend.engine.denoise import Start, denoise
from backend.engine.loop_types import Control, generator_for
from backend.engine.noise import draw
from backend.models.bundle import ModelBundle
from backend.models.controlnet import controlnet_of
from backend.models.schedule import SAMPLERS, Schedule
from tests.controls.runs import (
    PROMPT,
    Setting,
    attention_in,
    end_of,
    farthest,
    half_start_steps,
    noise_in,
)
from tests.models.controlled import with_controlnet


@pytest.fixture
def model_with_controlnet(tiny1: ModelBundle, tmp_path: Path) -> ModelBundle:
    """The small SD 1.x model with a ControlNet."""
    return with_controlnet(tiny1, tmp_path / "controlnet")


def lines(side_px: int) -> Tensor:
    """A picture of edges (1, 3, h, w)."""
    white = torch.zeros(1, 3, side_px, side_px)
    white[:, :, side_px // 3] = white[:, :, :, side_px // 2] = 1
    return white


def map_in(setting: Setting, weights: Tensor) -> StructureMap:
    return StructureMap(controlnet_of(setting.bundle), lines(setting.side_px), weights)


def uniform(setting: Setting, weight: float) -> Tensor:
    return torch.full((setting.side_px, setting.side_px), weight)


def halves(setting: Setting) -> Tensor:
    weights = uniform(setting, 0.0)
    weights[:, : setting.side_px // 2] = 1
    return weights


def test_identity_weight_zero_is_bit_equal_to_no_controlnet(
    model_with_controlnet: ModelBundle,
) -> None:
    plain = end_of(Setting(model_with_controlnet))
    assert torch.equal(
        end_of(
            Setting(model_with_controlnet), lambda setting: [map_in(setting, uniform(setting, 0.0))]
        ),
        plain,
    )


def test_the_network_is_restored(model_with_controlnet: ModelBundle) -> None:
    end_of(Setting(model_with_controlnet), lambda setting: [map_in(setting, uniform(setting, 1.0))])
    assert not model_with_controlnet.unet._forward_pre_hooks
    setting = Setting(model_with_controlnet)
    conditioning = build_conditioning(model_with_controlnet, PROMPT, "", 3.0, 1)
    run = denoise(
        model_with_controlnet.unet,
        setting.schedule,
        conditioning,
        Start(setting.noise, 1, setting.generators),
        [map_in(setting, halves(setting))],
    )
    next(run)
    assert model_with_controlnet.unet._forward_pre_hooks
    run.close()
    assert not model_with_controlnet.unet._forward_pre_hooks


def test_the_equation_on_four_by_four() -> None:
    """w resized bilinearly between pixel centres: 1 1 0 0 halved is 1 0, and 1 0 doubled is 1 .75
    .25 0.
    """
    weights = torch.tensor([[1.0, 1.0, 0.0, 0.0]]).expand(4, 4)
    assert weight(torch.full((1, 1, 2, 2), 6.0), weights)[0, 0].tolist() == [[6.0, 0.0]] * 2
    coarse = torch.tensor([[1.0, 0.0]]).expand(2, 2)
    assert (
        weight(torch.full((1, 1, 4, 4), 4.0), coarse)[0, 0].tolist() == [[4.0, 3.0, 1.0, 0.0]] * 4
    )


def test_a_uniform_map_is_a_scalar() -> None:
    residual = torch.randn(2, 3, 7, 5, generator=generator_for(1))
    assert torch.equal(weight(residual, torch.full((96, 64), 0.37)), residual * 0.37)


@pytest.mark.parametrize("sampler", ["ddim", "euler_ancestral", "dpmpp_2m"])
def test_a_uniform_map_of_one_is_diffusers_bit_for_bit(
    model_with_controlnet: ModelBundle, sampler: str, tmp_path: Path
) -> None:
    """The pipeline of diffusers on the same folder, picture, edges and seeds; only its last latents
    are compared.
    """
    side_px, steps, first = 64, 6, 2
    picture = np.random.default_rng(4).integers(0, 256, (side_px, side_px, 3), np.uint8)
    pipeline = StableDiffusionControlNetImg2ImgPipeline.from_pretrained(
        model_with_controlnet.card.folder,
        controlnet=controlnet_of(model_with_controlnet).network,
        dtype=torch.float32,
        safety_checker=None,
        local_files_only=True,
    )
    pipeline.set_progress_bar_config(disable=True)
    pipeline.scheduler = SAMPLERS[sampler].make.from_config(pipeline.scheduler.config)
    theirs = pipeline(
        PROMPT,
        negative_prompt="blur",
        image=Image.fromarray(picture),
        control_image=lines(side_px),
        strength=(steps - first) / steps + 1e-6,
        guidance_scale=3.0,
        num_inference_steps=steps,
        num_images_per_prompt=2,
        controlnet_conditioning_scale=1.0,
        generator=[generator_for(3), generator_for(4)],
        output_type="latent",
    ).images
    assert torch.equal(ours(model_with_controlnet, sampler, (steps, first), picture), theirs)


def ours(bundle: ModelBundle, sampler: str, span: tuple[int, int], picture: np.ndarray) -> Tensor:
    """The last latents of our loop, as the collage method starts it."""
    schedule = Schedule(sampler, bundle.scheduler, span[0], bundle.device)
    generators = (generator_for(3), generator_for(4))
    source = encode(bundle, picture, generators)
    start = Start(schedule.noise_to(span[1], source, draw(source, generators)), span[1], generators)
    conditioning = build_conditioning(bundle, PROMPT, "blur", 3.0, 2)
    control = StructureMap(
        controlnet_of(bundle), lines(len(picture)), torch.ones(picture.shape[:2])
    )
    return list(denoise(bundle.unet, schedule, conditioning, start, [control]))[-1].latents


def test_a_half_map_acts_more_on_its_half(model_with_controlnet: ModelBundle) -> None:
    plain = end_of(Setting(model_with_controlnet))
    half = (
        end_of(Setting(model_with_controlnet), lambda setting: [map_in(setting, halves(setting))])
        - plain
    ).abs()
    middle = half.shape[-1] // 2
    assert float(half[..., :middle].mean()) > 2 * float(half[..., middle:].mean()) > 0


def test_outside_its_steps_it_does_not_act(model_with_controlnet: ModelBundle) -> None:
    def late(setting: Setting) -> Sequence[Control]:
        return [
            StructureMap(
                controlnet_of(model_with_controlnet),
                lines(setting.side_px),
                uniform(setting, 1.0),
                first=6,
            )
        ]

    assert torch.equal(
        end_of(Setting(model_with_controlnet), late), end_of(Setting(model_with_controlnet))
    )


def test_composition_with_attention_and_layer_noise(model_with_controlnet: ModelBundle) -> None:
    """It acts beside both, in any order, and each of the three matters."""
    makers: dict[str, Callable[[Setting], Control]] = {
        "attention": attention_in,
        "noise": lambda setting: noise_in(setting, half_start_steps(setting, 4, 1)),
        "structure": lambda setting: map_in(setting, halves(setting)),
    }

    def run_end(*names: str) -> Tensor:
        return end_of(
            Setting(model_with_controlnet),
            lambda setting: [makers[name](setting) for name in names],
        )

    all_three = run_end("attention", "structure", "noise")
    assert torch.equal(run_end("structure", "noise", "attention"), all_three)
    for left_out in makers:
        assert farthest(run_end(*(name for name in makers if name != left_out)), all_three) > 1e-4


def test_two_kinds_of_structure_add_up(model_with_controlnet: ModelBundle) -> None:
    """The same ControlNet at halves of the weight, twice, is once at the whole; their order does
    not matter.
    """

    def run(*weights: Tensor) -> Tensor:
        return end_of(
            Setting(model_with_controlnet),
            lambda setting: [map_in(setting, weight) for weight in weights],
        )

    setting = Setting(model_with_controlnet)
    whole = run(uniform(setting, 1.0))
    assert farthest(run(uniform(setting, 0.5), uniform(setting, 0.5)), whole) < 1e-4
    assert (
        farthest(
            run(halves(setting), uniform(setting, 0.5)), run(uniform(setting, 0.5), halves(setting))
        )
        < 1e-4
    )
    assert farthest(run(uniform(setting, 0.5)), whole) > 1e-4
