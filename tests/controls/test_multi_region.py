"""MultiDiffusion's regions: the mean of predictions, and regions that see only themselves at
first.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import torch
from torch import Tensor

from backend.controls.multi_region import MultiRegion, RegionPrompt
from backend.engine.conditioning import build_conditioning
from backend.engine.denoise import predictor
from backend.engine.noise import SharedNoise
from backend.models.bundle import ModelBundle
from tests.controls.runs import PROMPT, Setting, attention_in, end_of, farthest, steps_of

NEVER = torch.zeros(0, 1, 1, 1, 1)
"""No bootstrapped step."""


@dataclass
class Says:
    """A prediction that is always one number; keeps what it was shown."""

    value: float
    seen: list[Tensor] = field(default_factory=list)

    def __call__(self, latents: Tensor, k: int) -> Tensor:
        self.seen.append(latents)
        return torch.full_like(latents, self.value)


def regions_in(setting: Setting, words: tuple[str, str]) -> MultiRegion:
    """Left and right halves under words of their own."""
    left = torch.zeros(setting.side_lat, setting.side_lat)
    left[:, : setting.side_lat // 2] = 1
    count = len(setting.seeds)
    prompts = tuple(
        RegionPrompt(
            predictor(
                setting.bundle.unet,
                setting.schedule,
                build_conditioning(setting.bundle, text, "blur", setting.guidance_scale, count),
            ),
            mask,
            NEVER,
        )
        for text, mask in zip(words, (left, 1 - left), strict=True)
    )
    return MultiRegion(prompts, setting.schedule, SharedNoise(setting.noise))


def test_identity_without_regions(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1)
    empty = RegionPrompt(Says(3.0), torch.zeros(16, 16), NEVER)
    for regions in ((), (empty,)):
        predict = Says(1.0)
        assert (
            MultiRegion(regions, setting.schedule, SharedNoise(setting.noise)).wrap(predict)
            is predict
        )


def test_regions_of_the_same_words_are_the_plain_run(tiny1: ModelBundle) -> None:
    plain = end_of(Setting(tiny1))
    assert (
        farthest(end_of(Setting(tiny1), lambda s: [regions_in(s, (PROMPT, PROMPT))]), plain) < 1e-4
    )
    assert (
        farthest(end_of(Setting(tiny1), lambda s: [regions_in(s, ("red", "blue"))]), plain) > 1e-3
    )


def test_processors_are_restored_for_they_were_never_touched(tiny1: ModelBundle) -> None:
    before = dict(tiny1.unet.attn_processors)
    steps_of(Setting(tiny1), lambda s: [regions_in(s, ("red", "blue"))])
    assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)


def test_the_equation_on_four_by_four_cells(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1)
    one, other = torch.zeros(4, 4), torch.zeros(4, 4)
    one[:2], other[1:3] = 1, 1
    regions = (RegionPrompt(Says(2.0), one, NEVER), RegionPrompt(Says(4.0), other, NEVER))
    predict = MultiRegion(regions, setting.schedule, SharedNoise(torch.zeros(1, 4, 4, 4))).wrap(
        Says(1.0)
    )
    found = predict(torch.randn(1, 4, 4, 4), 0)[0, 0]
    assert found.tolist() == [[2.0] * 4, [3.0] * 4, [4.0] * 4, [1.0] * 4]


def test_a_region_sees_only_itself_while_it_is_bootstrapped(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1)
    mask = torch.zeros(4, 4)
    mask[:, :2] = 1
    says, plain, noise, state = (
        Says(0.0),
        torch.tensor([0.7, -0.2]).view(2, 1, 1, 1, 1).expand(2, 1, 4, 4, 4),
        torch.randn(1, 4, 4, 4),
        torch.randn(1, 4, 4, 4),
    )
    control = MultiRegion((RegionPrompt(says, mask, plain),), setting.schedule, SharedNoise(noise))
    predict = control.wrap(Says(1.0))
    for k in (0, 1, 2):
        predict(state, k)
    *alone, later = says.seen
    assert torch.equal(later, state)
    for k, seen in enumerate(alone):
        assert torch.equal(seen[..., :2], state[..., :2])
        assert torch.allclose(seen[..., 2:], setting.schedule.noise_to(k, plain[k], noise)[..., 2:])


def test_composition_with_attention(tiny1: ModelBundle) -> None:
    """Each region's own prediction runs through the patched sites; the order of the tuple does not
    matter here.
    """
    ends = [
        end_of(Setting(tiny1), make)
        for make in (
            lambda s: [regions_in(s, (PROMPT, PROMPT)), attention_in(s)],
            lambda s: [attention_in(s), regions_in(s, (PROMPT, PROMPT))],
            lambda s: [attention_in(s)],
        )
    ]
    assert torch.equal(ends[0], ends[1])
    assert farthest(ends[0], ends[2]) < 1e-4
