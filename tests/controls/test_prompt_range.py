"""Words that are heard in some of the steps only (region attention's own addition)."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from backend.controls.region_attention import (
    Bias,
    RegionAttention,
    attend_with_bias,
    column_weights,
)
from backend.models.bundle import ModelBundle
from tests.controls.runs import Setting, attention_in, end_of, half_regions, steps_of

STEPS = 6


def limit(
    setting: Setting, first: int, end: int, weights: tuple[float, float] = (0.7, 0.9)
) -> RegionAttention:
    """The left half's words in these steps only; the right half's always."""
    left, right = half_regions(setting.side_px, *weights)
    regions = (replace(left, first=first, end=end), right)
    return RegionAttention(regions, setting.bundle.card.text_length, setting.schedule.sigmas)


def test_identity_heard_in_every_step_is_bit_equal(bundle: ModelBundle) -> None:
    plain = end_of(Setting(bundle, steps=STEPS), lambda setting: [attention_in(setting)])
    assert torch.equal(
        end_of(Setting(bundle, steps=STEPS), lambda setting: [limit(setting, 0, STEPS)]), plain
    )


def test_runs_part_where_the_words_fall_silent(tiny1: ModelBundle) -> None:
    usual = steps_of(Setting(tiny1, steps=STEPS), lambda setting: [attention_in(setting)])
    ended = steps_of(Setting(tiny1, steps=STEPS), lambda setting: [limit(setting, 0, 3)])
    for one, other in zip(usual, ended, strict=True):
        assert torch.equal(one.latents, other.latents) == (one.k < 3), f"step {one.k}"


def test_silence_acts_without_any_weight(tiny1: ModelBundle) -> None:
    plain = end_of(Setting(tiny1, steps=STEPS))
    assert torch.equal(
        end_of(Setting(tiny1, steps=STEPS), lambda s: [limit(s, 0, 1_000_000, (0.0, 0.0))]), plain
    )
    inactive = end_of(
        Setting(tiny1, steps=STEPS), lambda setting: [limit(setting, 4, STEPS, (0.0, 0.0))]
    )
    assert not torch.allclose(inactive, plain, atol=1e-4)


def test_the_equation_silent_columns_have_no_share() -> None:
    """Four pixels, four words, the third one silent: the others share what it would have had in
    proportion.
    """
    scores = torch.tensor(
        [[1.0, 2.0, 0.0, -1.0], [0.0, 4.0, 3.0, -2.0], [0.5, 1.0, 0.0, -3.0], [1.0, 0.0, 9.0, -1.0]]
    )
    eye, plain = torch.eye(4)[None, None], torch.zeros(4, 4)
    found = attend_with_bias(scores[None, None], eye, eye, plain, Bias(1.0, 1.0), (2,))[0, 0]
    powers = scores.exp() * torch.tensor([1.0, 1.0, 0.0, 1.0])
    assert torch.allclose(found, powers / powers.sum(1, keepdim=True), atol=1e-6)
    assert (found[:, 2] == 0).all()


def test_a_word_is_heard_while_one_of_its_layers_speaks(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1, steps=STEPS)
    left, right = half_regions(setting.side_px, 0.7, 0.9)
    shared = (replace(left, end=2), replace(right, tokens=left.tokens))
    control = RegionAttention(shared, tiny1.card.text_length, setting.schedule.sigmas)
    embedded = control._active_columns(shared, (4, 4), torch.device("cpu"))
    assert {words.inactive for words in embedded} == {()}
    assert torch.equal(embedded[1].weights, column_weights(shared, (4, 4), tiny1.card.text_length))
    assert torch.equal(
        embedded[2].weights, column_weights(shared[1:], (4, 4), tiny1.card.text_length)
    )


@pytest.mark.parametrize("end", [1, 4])
def test_processors_are_restored(tiny1: ModelBundle, end: int) -> None:
    before = dict(tiny1.unet.attn_processors)
    steps_of(Setting(tiny1, steps=STEPS), lambda setting: [limit(setting, 0, end)])
    assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)
