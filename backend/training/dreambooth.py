"""DreamBooth (Ruiz et al., 2023): the whole UNet learns a subject, and keeps its class as it was.

The loss is that of the model's own training, on the references under a sentence with the subject's
token, plus

    λ · E_{n, t} [ (target - D(x_t, t, c_class))² ]

on pictures of the class that the plain model drew, under the class word alone: prior preservation
(their equation 2). With low rank (Hu et al., 2022; in diffusers' DreamBooth) only factors of
changes of the attentions are trained.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import closing

import torch
from torch import Tensor, nn

from backend.engine.conditioning import build_conditioning
from backend.engine.denoise import Start, denoise
from backend.engine.loop_types import Step, generator_for
from backend.engine.noise import draw, seed_of
from backend.models.adapter import DOWN, UP, WHOLE
from backend.models.bundle import ModelBundle
from backend.models.schedule import Schedule
from backend.training.adapters import SubjectRules

DREAMBOOTH = SubjectRules(steps=300, vector_rate=0.1, weight_rate=0.001, prior_count=8)
DREAMBOOTH_LORA = SubjectRules(steps=160, vector_rate=0.1, weight_rate=0.02, prior_count=8)

PRIOR_STEPS, PRIOR_GUIDANCE = 20, 5.0
"""How the plain model draws its class: a third of what a person would ask for, for it is only to
be remembered.
"""
PRIOR_BATCH = 4
"""Pictures of the class that are drawn at a time."""


def build_whole_weights(
    unet: nn.Module, rank: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """A change of every parameter."""
    return {
        name: torch.zeros_like(value, dtype=torch.float32)
        for name, value in unet.named_parameters()
    }


def build_low_rank_weights(
    unet: nn.Module, rank: int, generator: torch.Generator
) -> dict[str, Tensor]:
    """Two factors for each projection of every attention: A (rank, in) uniform within 1/√in, B
    (out, rank) zero.
    """
    weights: dict[str, Tensor] = {}
    for name, value in unet.named_parameters():
        if (
            any(f".attn{number}.to_{part}" in name for number in (1, 2) for part in "qkvo")
            and value.ndim == 2
        ):
            place = name.removesuffix(WHOLE)
            bound = value.shape[1] ** -0.5
            down = (torch.rand(rank, value.shape[1], generator=generator) * 2 - 1) * bound
            weights[place + DOWN] = down.to(value.device)
            weights[place + UP] = torch.zeros(value.shape[0], rank, device=value.device)
    return weights


def draw_class(
    bundle: ModelBundle, class_word: str, rules: SubjectRules, like: Tensor
) -> Generator[Step, None, Tensor]:
    """Draw pictures of the class with the plain model.

    Args:
        bundle: the model, without any adapter.
        class_word: what is drawn.
        rules: how many pictures, and their seed.
        like: latents (1, c, h, w) of the wanted size.

    Returns:
        The generator's value: latents (prior_count, c, h, w), none where the rules ask for none.
    """
    found = []
    for first in range(0, rules.prior_count, PRIOR_BATCH):
        places = range(first, min(first + PRIOR_BATCH, rules.prior_count))
        generators = tuple(generator_for(seed_of(rules.seed, "prior", place)) for place in places)
        schedule = Schedule("ddim", bundle.scheduler, PRIOR_STEPS, bundle.device)
        words = build_conditioning(bundle, f"a {class_word}", "", PRIOR_GUIDANCE, len(places))
        noise = draw(like.expand(len(places), -1, -1, -1), generators)
        latents = noise
        with closing(denoise(bundle.unet, schedule, words, Start(noise, 0, generators))) as steps:
            for step in steps:
                latents = step.latents
                yield step
        found.append(latents)
    return torch.cat(found) if found else like[:0]
