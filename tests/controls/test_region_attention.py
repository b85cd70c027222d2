"""Cross-attention control: the equation, what it leaves alone, and what it does on networks
(algorithms 1.2, 1.9).
"""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from backend.controls.region_attention import (
    Bias,
    PromptRegion,
    attend_with_bias,
    column_weights,
    sigma_strength,
)
from backend.engine.conditioning import build_conditioning, embed
from backend.engine.denoise import Start, denoise
from backend.engine.loop_types import BatchRows, Control, Moment, Network, generator_for
from backend.models.bundle import ModelBundle
from tests.controls.runs import (
    PROMPT,
    Setting,
    attention_in,
    end_of,
    farthest,
    half_regions,
    half_start_steps,
    noise_in,
    steps_of,
)

TOKENS = 9


class Failing(Control):
    """Fails in the second step."""

    def edit(self, latents: Tensor, k: int) -> Tensor:
        if k == 3:
            raise RuntimeError("asked to fail")
        return latents


def queries(pixels: int, seed: int = 1, pictures: int = 1, heads: int = 2) -> tuple[Tensor, Tensor]:
    """Query and key whose scores are positive somewhere in every column, and a value that shows the
    weights.
    """
    query = torch.randn(pictures, heads, pixels, 8, generator=generator_for(seed))
    key = torch.randn(pictures, heads, TOKENS, 8, generator=generator_for(seed + 1))
    return query, key


def attention_weights(query: Tensor, key: Tensor, weights: Tensor, strength: float) -> Tensor:
    """The softmax itself: with the identity as values the output is the weight of each token."""
    shows = torch.eye(TOKENS).expand(query.shape[0], query.shape[1], TOKENS, TOKENS)
    return attend_with_bias(query, key, shows, weights, Bias(strength, 8**-0.5))


def test_y_of_sigma() -> None:
    known = {14.6: 1.32, 5.0: 1.03, 1.0: 0.53, 0.03: 0.03, 0.0: 0.0}
    assert all(sigma_strength(sigma) == pytest.approx(y, abs=6e-3) for sigma, y in known.items())


def test_the_equation_on_four_pixels_and_four_tokens() -> None:
    """Worked out by hand for one head: scores, their column maxima, bias, softmax."""
    scores = [
        [1.0, 2.0, 0.0, -1.0],
        [0.0, 4.0, 0.0, -2.0],
        [0.5, 1.0, 0.0, -3.0],
        [1.0, 0.0, 0.0, -1.0],
    ]
    inside = [1.0, 0.5, 0.0, 0.0]
    mask = torch.tensor(inside).reshape(2, 2)
    regions = (PromptRegion((1,), 0.5, 0.25, mask), PromptRegion((3,), 0.5, 0.25, mask))
    out = attend_with_bias(
        torch.tensor(scores)[None, None],
        torch.eye(4)[None, None],
        torch.eye(4)[None, None],
        column_weights(regions, (2, 2), 4),
        Bias(2.0, 1.0),
    )
    for row, m in enumerate(inside):
        bias = (
            2.0 * 4.0 * (0.5 * m - 0.25 * (1 - m))
        )  # column 1 peaks at 4; column 3 peaks below 0, so its bias is 0
        biased = [scores[row][0], scores[row][1] + bias, scores[row][2], scores[row][3]]
        total = sum(math.exp(score) for score in biased)
        assert out[0, 0, row].tolist() == pytest.approx(
            [math.exp(score) / total for score in biased], rel=1e-5
        )


def test_a_huge_negative_weight_empties_the_outside() -> None:
    weights = column_weights(half_regions(4, 0.0, 1e4), (4, 4), TOKENS)
    found = attention_weights(*queries(16), weights, 1.0)
    left = torch.tensor([1.0, 1.0, 0.0, 0.0]).repeat(4).bool()
    assert float(found[:, :, ~left][..., [1, 2]].max()) < 1e-6
    assert float(found[:, :, left][..., [4, 5]].max()) < 1e-6
    assert torch.allclose(found.sum(-1), torch.ones(1, 2, 16), atol=1e-6)


def test_other_tokens_keep_their_logits() -> None:
    """Ratios of weights among tokens that belong to no layer are those of plain attention."""
    query, key = queries(16)
    plain = attention_weights(query, key, torch.zeros(16, TOKENS), 1.0)
    biased = attention_weights(
        query, key, column_weights(half_regions(4, 0.7, 0.9), (4, 4), TOKENS), 1.3
    )
    free = [0, 3, 6, 7, 8]
    assert torch.allclose(
        (plain[..., free] / plain[..., :1]).log(),
        (biased[..., free] / biased[..., :1]).log(),
        atol=1e-5,
    )


def test_order_of_layers_does_not_matter() -> None:
    first, second = half_regions(4, 0.7, 0.9)
    other = replace(second, positive=0.2)
    assert torch.equal(
        column_weights((first, other), (4, 4), TOKENS),
        column_weights((other, first), (4, 4), TOKENS),
    )


def test_layers_that_share_words_are_each_drawn_to_their_own_place() -> None:
    """Two layers of one word, left and right half: the word is wanted in both, and pushed out of
    neither.
    """
    left, right = half_regions(4, 0.7, 0.9)
    weights = column_weights(
        (left, replace(right, tokens=left.tokens, positive=0.4)), (4, 4), TOKENS
    )
    expected = torch.tensor([0.7, 0.7, 0.4, 0.4]).repeat(4)
    for token in range(TOKENS):
        assert torch.equal(weights[:, token], expected if token in left.tokens else torch.zeros(16))


def test_permuted_pixels_permute_the_output() -> None:
    query, key = queries(16)
    weights = column_weights(half_regions(4, 0.7, 0.9), (4, 4), TOKENS)
    order = torch.randperm(16, generator=generator_for(9))
    straight = attention_weights(query, key, weights, 1.3)
    assert torch.allclose(
        attention_weights(query[:, :, order], key, weights[order], 1.3),
        straight[:, :, order],
        atol=1e-6,
    )


def test_the_maximum_does_not_couple_pictures() -> None:
    query, key = queries(16, pictures=2)
    query[1] *= 10
    weights = column_weights(half_regions(4, 0.7, 0.9), (4, 4), TOKENS)
    together = attention_weights(query, key, weights, 1.3)
    assert torch.allclose(
        together[:1], attention_weights(query[:1], key[:1], weights, 1.3), atol=1e-6
    )


def test_thin_objects_keep_their_share_of_a_coarse_cell() -> None:
    mask = torch.zeros(64, 64)
    mask[:, 3] = 1
    weights = column_weights((PromptRegion((1,), 1.0, 0.0, mask),), (8, 8), TOKENS)
    assert weights[:, 1].reshape(8, 8)[:, 0].tolist() == pytest.approx([1 / 8] * 8)


def test_masks_fit_odd_grids() -> None:
    weights = column_weights((PromptRegion((1,), 1.0, 2.0, torch.ones(72, 100)),), (9, 13), TOKENS)
    assert weights.shape == (117, TOKENS)
    assert (weights[:, 1] == 1).all()


@pytest.mark.parametrize("guidance_scale", [1.0, 3.0])
def test_identity_zero_weights_are_bit_equal_to_stock_processors(
    bundle: ModelBundle, guidance_scale: float
) -> None:
    plain = end_of(Setting(bundle, guidance_scale=guidance_scale))
    zero = end_of(
        Setting(bundle, guidance_scale=guidance_scale),
        lambda setting: [attention_in(setting, 0.0, 0.0)],
    )
    assert torch.equal(zero, plain)


def test_identity_zero_weights_leave_the_stock_processors_in_place(tiny1: ModelBundle) -> None:
    setting = Setting(tiny1)
    before = dict(tiny1.unet.attn_processors)
    network = Network(tiny1.unet, Moment(BatchRows(1, True)), 16, 16)
    with attention_in(setting, 0.0, 0.0).patch(network):
        assert all(tiny1.unet.attn_processors[name] is before[name] for name in before)


def test_weights_change_the_picture(bundle: ModelBundle) -> None:
    plain = end_of(Setting(bundle))
    assert not torch.allclose(
        end_of(Setting(bundle), lambda setting: [attention_in(setting)]), plain, atol=1e-4
    )


@pytest.mark.parametrize("ending", ["success", "failure", "close"])
def test_processors_are_restored(bundle: ModelBundle, ending: str) -> None:
    setting = Setting(bundle)
    before = dict(bundle.unet.attn_processors)
    if ending == "success":
        steps_of(setting, lambda setting: [attention_in(setting)])
    else:
        _end_early(setting, ending)
    after = bundle.unet.attn_processors
    assert list(after) == list(before)
    assert all(after[name] is before[name] for name in before)


def _end_early(setting: Setting, ending: str) -> None:
    conditioning = build_conditioning(setting.bundle, PROMPT, "", 3.0, 1)
    start = Start(setting.noise, 1, setting.generators)
    run = denoise(
        setting.bundle.unet,
        setting.schedule,
        conditioning,
        start,
        [attention_in(setting), Failing()],
    )
    next(run)
    if ending == "close":
        run.close()
        return
    with pytest.raises(RuntimeError, match="asked to fail"):
        next(run)


def test_the_unconditional_half_is_untouched(bundle: ModelBundle) -> None:
    """One network call on [uncond, cond]: the uncond rows are bit-equal with and without the
    control.
    """
    setting = Setting(bundle)
    rows = BatchRows(2, True)
    latents = torch.randn(4, 4, setting.side_lat, setting.side_lat, generator=generator_for(6))
    words = torch.cat(
        [embed(bundle, "blur").repeat(2, 1, 1), embed(bundle, PROMPT).repeat(2, 1, 1)]
    )

    @torch.no_grad()
    def predict() -> Tensor:
        result: Tensor = bundle.unet(latents, 500, encoder_hidden_states=words, return_dict=False)[
            0
        ]
        return result

    plain = predict()
    with attention_in(setting).patch(
        Network(bundle.unet, Moment(rows, k=1), setting.side_lat, setting.side_lat)
    ):
        biased = predict()
    assert torch.equal(biased[rows.uncond], plain[rows.uncond])
    assert not torch.equal(biased[rows.cond], plain[rows.cond])


def test_unwanted_words_keep_to_their_region_in_the_other_half(bundle: ModelBundle) -> None:
    """With words for the uncond rows alone, the cond rows are bit-equal to stock and the uncond
    rows are not.
    """
    setting = Setting(bundle)
    control = attention_in(setting, 0.0, 0.0)
    unwanted = replace(control, regions=(), unwanted=half_regions(setting.side_px, 0.0, 2.0))
    rows = BatchRows(1, True)
    latents = torch.randn(2, 4, setting.side_lat, setting.side_lat, generator=generator_for(6))
    words = torch.cat([embed(bundle, PROMPT), embed(bundle, PROMPT)])
    with torch.no_grad():
        plain = bundle.unet(latents, 500, encoder_hidden_states=words, return_dict=False)[0]
        with unwanted.patch(
            Network(bundle.unet, Moment(rows, k=1), setting.side_lat, setting.side_lat)
        ):
            biased = bundle.unet(latents, 500, encoder_hidden_states=words, return_dict=False)[0]
    assert farthest(biased[rows.cond], plain[rows.cond]) <= 1e-6
    assert farthest(biased[rows.uncond], plain[rows.uncond]) > 1e-4


def test_a_batch_of_two_is_two_batches_of_one(bundle: ModelBundle) -> None:
    both = end_of(Setting(bundle, seeds=(3, 4)), lambda setting: [attention_in(setting)])
    alone = [
        end_of(Setting(bundle, seeds=(seed,)), lambda setting: [attention_in(setting)])
        for seed in (3, 4)
    ]
    assert farthest(both, torch.cat(alone)) <= 1e-5


def test_half_precision_scores_do_not_overflow() -> None:
    query, key = (part.half() * 100 for part in queries(16))
    value = torch.randn(1, 2, TOKENS, 8, generator=generator_for(1)).half()
    weights = column_weights(half_regions(4, 5.0, 5.0), (4, 4), TOKENS)
    out = attend_with_bias(query, key, value, weights, Bias(1.3, 1.0))
    assert out.dtype == torch.float16
    assert bool(torch.isfinite(out).all())


def test_composition_with_layer_noise_in_either_order(bundle: ModelBundle) -> None:
    """One acts inside the network, the other after the step; each matters beside the other."""

    def run_end(*kinds: str) -> Tensor:
        setting = Setting(bundle)
        controls = {
            "attention": attention_in(setting),
            "noise": noise_in(setting, half_start_steps(setting, 4, 1)),
        }
        return end_of(setting, lambda _: [controls[kind] for kind in kinds])

    both = run_end("attention", "noise")
    assert torch.equal(run_end("noise", "attention"), both)
    assert not torch.equal(run_end("attention"), both)
    assert not torch.equal(run_end("noise"), both)
