"""The fit of codes: bounds, gradients, independence of rows (algorithms 2.4)."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from backend.engine.codes import CodePart, one_grid, random_codes, regions_and_grids
from backend.engine.decode import preview
from backend.engine.loop_types import FitProgress
from backend.engine.optimise import (
    Fit,
    FitStage,
    FitStep,
    LossTerm,
    Objective,
    clamp,
    optimise,
    picture_of,
)
from backend.errors import EngineError
from backend.objectives.segment_match import SegmentMatch, Targets
from backend.objectives.text_match import TextMatch
from tests.engine.toy_codes import ToyClip, ToyCodes, ToySegmenter, half_masks

SIDE = 6
SIDE_PX = 24


@dataclass(frozen=True)
class Brightness(Objective):
    """Wants every picture at one brightness; ``factor`` stretches its gradient."""

    goal: float
    factor: float = 1.0

    def losses(self, pictures: Tensor, moment: FitStep) -> Tensor:
        return self.factor * (pictures - self.goal).square().flatten(1).mean(1)


@dataclass(frozen=True)
class Random(Objective):
    """Records nothing, draws from its own stream."""

    def losses(self, pictures: Tensor, moment: FitStep) -> Tensor:
        noise = torch.cat(
            [
                torch.rand(1, *pictures.shape[1:], generator=one)
                for one in moment.generators("random")
            ]
        )
        return (pictures * noise).flatten(1).mean(1)


@dataclass(frozen=True)
class Speckle(Objective):
    """Wants one fixed noise, whatever the size."""

    def losses(self, pictures: Tensor, moment: FitStep) -> Tensor:
        goal = torch.rand(pictures.shape[1:], generator=torch.Generator().manual_seed(5))
        return (pictures - goal).square().flatten(1).mean(1)


def segment_term(weight: float, channels: tuple[int, ...] = (1, 2, 0), views: int = 1) -> LossTerm:
    masks = half_masks(SIDE_PX)
    everything = torch.cat([masks, 1 - masks.sum(0, keepdim=True)])
    chosen = torch.stack([everything[{1: 0, 2: 1, 0: 2}[channel]] for channel in channels])
    return LossTerm(
        SegmentMatch(ToySegmenter(), Targets(channels, chosen, torch.ones_like(chosen)), views),
        weight,
    )


def text_term() -> LossTerm:
    clip = ToyClip()
    return LossTerm(TextMatch(clip, clip.encode_text(["a red cat"]), 3, 16))


def run_fit(
    terms: Sequence[LossTerm], seeds: tuple[int, ...] = (3,), steps: int = 14, rate: float = 0.1
) -> list[FitProgress]:
    return list(optimise(ToyCodes(), random_fit(seeds, steps, rate), terms))


def random_fit(
    seeds: tuple[int, ...], steps: int, rate: float = 0.1, calibrated_at: int = 10
) -> Fit:
    """The paper's: one grid of random codes."""
    size = (SIDE, SIDE)
    return Fit(
        one_grid(ToyCodes().codebook, seeds, size),
        seeds,
        (FitStage(size, steps),),
        rate,
        calibrated_at,
    )


def region_parts(rows: int) -> tuple[CodePart, ...]:
    """A grey picture in three regions: what is left, and two halves."""
    masks = half_masks(SIDE_PX)
    weights = torch.cat([1 - masks.sum(0, keepdim=True), masks])
    full, half = torch.zeros(rows, 3, SIDE, SIDE), torch.zeros(rows, 3, SIDE // 2, SIDE // 2)
    return regions_and_grids(
        ToyCodes().codebook, full, half, weights, reach=torch.ones(SIDE_PX, SIDE_PX)
    )


def test_a_fit_reaches_its_goal_and_counts_its_steps() -> None:
    stage1_images = run_fit([LossTerm(Brightness(0.75))], steps=60)
    assert [stage1.k for stage1 in stage1_images] == list(range(60))
    assert all(stage1.total == 60 and stage1.first == 0 for stage1 in stage1_images)
    assert (
        float((stage1_images[-1].denoised - 0.75).abs().max()) < 0.13
    )  # half a step of the colours


def test_z_stays_in_the_box_of_the_codebook() -> None:
    for stage1 in run_fit([LossTerm(Brightness(5.0))], rate=1.0):
        assert float(stage1.latents.abs().max()) <= 1.0


def test_begins_at_random_entries_of_the_codebook() -> None:
    codes = ToyCodes()
    z = random_codes(codes.codebook, (1, 2), (5, 7))
    assert z.shape == (2, 3, 5, 7)
    assert torch.equal(codes.snap(z), z)
    assert not torch.equal(z[0], z[1])
    assert torch.equal(z[1:], random_codes(codes.codebook, (2,), (5, 7)))


def test_the_clamp_blocks_only_what_leads_outwards() -> None:
    values = torch.tensor([-0.5, -0.5, 0.5, 1.5, 1.5], requires_grad=True)
    given = torch.tensor([1.0, -1.0, 1.0, 1.0, -1.0])  # descent goes against them
    (gradient,) = torch.autograd.grad(clamp(values), values, given)
    assert gradient.tolist() == [0.0, -1.0, 1.0, 1.0, 0.0]
    assert clamp(values).tolist() == [0.0, 0.0, 0.5, 1.0, 1.0]


def test_early_stages_draw_smaller_pictures_and_move_only_their_parts() -> None:
    parts = region_parts(1)
    stages = (FitStage((SIDE // 2, SIDE // 2), 4, parts=1), FitStage((SIDE, SIDE), 5))
    term = LossTerm(Speckle())
    stage1_images = list(optimise(ToyCodes(), Fit(parts, (3,), stages, 0.5), [term]))
    assert [(stage1.k, stage1.total) for stage1 in stage1_images] == [(k, 9) for k in range(9)]
    assert [stage1.denoised.shape[-1] for stage1 in stage1_images] == [SIDE_PX // 2] * 4 + [
        SIDE_PX
    ] * 5
    held, free = stage1_images[3].latents[0], stage1_images[-1].latents[0]
    assert torch.equal(held[:, 0, 0], held[:, 2, 0])  # one region, one colour
    assert not torch.equal(free[:, 0, 0], free[:, 4, 0])


def test_what_is_out_of_reach_stays() -> None:
    masks = half_masks(SIDE_PX)
    full, half = torch.zeros(1, 3, SIDE, SIDE), torch.zeros(1, 3, SIDE // 2, SIDE // 2)
    parts = regions_and_grids(ToyCodes().codebook, full, half, masks, reach=masks[0])
    *_, end = optimise(
        ToyCodes(), Fit(parts, (3,), (FitStage((SIDE, SIDE), 5),), 0.5), [LossTerm(Brightness(1.0))]
    )
    beyond = functional.adaptive_avg_pool2d(masks[:1], (SIDE, SIDE))[0] == 0
    assert not bool(end.latents[0][:, beyond].any())
    assert float(end.latents[0][:, ~beyond].min()) > 0.5


def test_a_fixed_part_stays() -> None:
    *_, fixed = parts = region_parts(2)
    ends = list(
        optimise(
            ToyCodes(),
            Fit(parts, (3, 4), (FitStage((SIDE, SIDE), 3),), 0.5),
            [LossTerm(Brightness(1.0))],
        )
    )
    assert fixed.rate == 0
    assert not bool(fixed.values.any())
    assert float(ends[-1].latents.mean()) > 0.5
    with pytest.raises(ValueError, match="no size"):
        fixed.render(fixed.values, (5, 5))


def test_segments_are_found_after_a_fit() -> None:
    term = segment_term(1.0)
    stage1_images = run_fit([term], steps=200)
    first, last = (
        float(term.objective.losses(stage1.denoised, FitStep(0, (3,))))
        for stage1 in (stage1_images[0], stage1_images[-1])
    )
    assert last < 0.25 * first
    named = ToySegmenter().logits(stage1_images[-1].denoised).argmax(1)[0]
    assert float((named[:, : SIDE_PX // 3] == 1).float().mean()) > 0.9
    assert float((named[:, -(SIDE_PX // 3) :] == 2).float().mean()) > 0.9


def test_weight_zero_is_plain_text_fitting_bit_for_bit() -> None:
    plain = run_fit([text_term()])
    with_zero = run_fit([text_term(), segment_term(0.0)])
    assert all(torch.equal(a.latents, b.latents) for a, b in zip(plain, with_zero, strict=True))
    assert not torch.equal(run_fit([text_term(), segment_term(1.0)])[-1].latents, plain[-1].latents)


def test_terms_do_not_disturb_each_others_random_numbers() -> None:
    """A second term of vanishing effect leaves the first one's draws alone."""
    plain = run_fit([LossTerm(Random())], steps=5)
    both = run_fit([LossTerm(Random()), LossTerm(Brightness(0.5, factor=1e-30))], steps=5)
    assert torch.allclose(plain[-1].latents, both[-1].latents, atol=1e-6)


def test_two_experts_of_split_classes_are_the_sum_of_their_terms() -> None:
    z = random_codes(ToyCodes().codebook, (3,), (SIDE, SIDE)).requires_grad_()
    moment = FitStep(0, (3,))
    one, other = segment_term(1.0, (1,)).objective, segment_term(1.0, (2,)).objective
    picture = picture_of(ToyCodes(), z)
    separate = [
        torch.autograd.grad(term.losses(picture, moment).sum(), z, retain_graph=True)[0]
        for term in (one, other)
    ]
    together = sum(term.losses(picture, moment) for term in (one, other))
    assert torch.allclose(
        torch.autograd.grad(together.sum(), z)[0], separate[0] + separate[1], atol=1e-8
    )


def test_calibration_makes_gradients_equally_long_whatever_the_units() -> None:
    """Both pull at every cell, one up and one down with three times the weight; the units do not
    show.
    """
    codes = ToyCodes()
    fit = random_fit((3, 4), 1, calibrated_at=0)
    begin = random_codes(codes.codebook, (3, 4), (SIDE, SIDE))
    ends = []
    for factor in (1.0, 300.0):
        terms = [LossTerm(Brightness(1.5)), LossTerm(Brightness(-1.5, factor), 3.0)]
        ends.append(next(iter(optimise(codes, fit, terms))).latents)
    assert torch.allclose(ends[0], ends[1], atol=1e-4)
    assert bool((ends[0] <= begin + 1e-6).all())
    uncalibrated = [LossTerm(Brightness(1.5)), LossTerm(Brightness(-1.5, 1e-3), 3.0)]
    late = random_fit((3, 4), 1, calibrated_at=5)
    assert bool((next(iter(optimise(codes, late, uncalibrated))).latents >= begin - 1e-6).all())


def test_restarts_do_not_depend_on_their_batch() -> None:
    terms = [text_term(), segment_term(2.0)]
    together, alone = run_fit(terms, (3, 4, 5)), run_fit(terms, (4,))
    assert torch.allclose(together[-1].latents[1:2], alone[-1].latents, atol=1e-5)
    assert not torch.equal(together[-1].latents[0], together[-1].latents[1])


@pytest.fixture
def two_threads() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@dataclass(frozen=True)
class SeenBy(Objective):
    """Notes who looks at which rows, and with how many of torch's threads."""

    seen: set[tuple[str, tuple[int, ...], int]]

    def losses(self, pictures: Tensor, moment: FitStep) -> Tensor:
        self.seen.add((threading.current_thread().name, moment.seeds, torch.get_num_threads()))
        return (pictures - 0.5).square().flatten(1).mean(1)


@pytest.mark.usefixtures("two_threads")
def test_rows_share_the_cores_and_nothing_else() -> None:
    seen: set[tuple[str, tuple[int, ...], int]] = set()
    terms = [text_term(), segment_term(2.0), LossTerm(SeenBy(seen), 0.1)]
    size = (SIDE, SIDE)
    parts = region_parts(5)
    fit = Fit(parts, (3, 4, 5, 6, 7), (FitStage((SIDE // 2, SIDE // 2), 4), FitStage(size, 8)), 0.1)
    stage1_images = list(optimise(ToyCodes(), fit, terms))
    assert {(rows, threads) for _, rows, threads in seen} == {((3, 4), 1), ((5, 6, 7), 1)}
    assert torch.get_num_threads() == 2
    assert [stage1.k for stage1 in stage1_images] == list(range(12))
    assert stage1_images[-1].latents.shape == (5, 3, SIDE, SIDE)
    torch.set_num_threads(1)
    together = list(optimise(ToyCodes(), fit, terms))
    assert torch.allclose(stage1_images[-1].latents, together[-1].latents, atol=1e-5)
    assert torch.allclose(stage1_images[3].denoised, together[3].denoised, atol=1e-5)


@pytest.mark.usefixtures("two_threads")
def test_what_goes_wrong_in_one_share_is_told_and_the_threads_are_given_back() -> None:
    running = threading.active_count()
    steps = optimise(ToyCodes(), random_fit((1, 2), 5), [LossTerm(Brightness(0.5))])
    next(steps)
    assert threading.active_count() > running
    steps.close()
    assert threading.active_count() == running
    with pytest.raises(EngineError, match="not finite"):
        list(optimise(ToyCodes(), random_fit((1, 2), 5), [LossTerm(Brightness(float("nan")))]))
    assert (threading.active_count(), torch.get_num_threads()) == (running, 2)


def test_the_same_fit_twice_is_the_same() -> None:
    terms = [text_term(), segment_term(2.0)]
    assert torch.equal(run_fit(terms)[-1].latents, run_fit(terms)[-1].latents)


def test_a_fit_that_is_closed_stops() -> None:
    codes = ToyCodes()
    steps = optimise(codes, random_fit((1,), 5), [LossTerm(Brightness(0.5))])
    next(steps)
    steps.close()
    assert not torch.is_grad_enabled() or next(steps, None) is None


def test_numbers_that_are_not_finite_are_told() -> None:
    with pytest.raises(EngineError, match="not finite"):
        run_fit([LossTerm(Brightness(float("nan")))])


def test_no_term_at_all_changes_nothing() -> None:
    stage1_images = run_fit([], steps=2)
    assert torch.equal(stage1_images[0].latents, stage1_images[-1].latents)


def test_the_preview_of_a_draft_is_its_picture() -> None:
    stage1 = run_fit([LossTerm(Brightness(0.5))], steps=1)[0]
    shown = preview(None, stage1)  # type: ignore[arg-type]
    assert shown.shape == (1, SIDE_PX, SIDE_PX, 3)
    assert abs(shown / 255 - stage1.denoised.permute(0, 2, 3, 1).numpy()).max() < 0.003
