"""A fit that begins with a dream: what is kept of it, what is fitted, and how it is counted."""

from __future__ import annotations

from collections.abc import Generator

import pytest
import torch

from backend.engine.loop_types import FitProgress
from backend.methods.options.tcig import SAMPLE_STEPS
from backend.methods.tcig import (
    TcigInputs,
    draw_initial_sample,
    prepare_inputs,
    run,
)
from backend.models.bundle import ModelBundle
from tests.engine.toy_codes import CELL_PX, ToyCodes
from tests.methods.painted import PaintedScene, cat_and_house, stage1_images_of, toy_bundle

SEEDS = (7, 8)


@pytest.fixture
def painter(tiny1: ModelBundle) -> ModelBundle:
    return toy_bundle(tiny1)


def read(painting: PaintedScene, start: str = "sample") -> TcigInputs:
    return prepare_inputs(painting.plan({"start": start}), painting.bundle, painting.pixels)


def initial_sample_of(painting: PaintedScene, seeds: tuple[int, ...] = SEEDS) -> torch.Tensor:
    ends = []

    def finish() -> Generator[FitProgress, None, None]:
        ends.append((yield from draw_initial_sample(read(painting), seeds)))

    shown = [step.denoised for step in finish()]
    assert all(one.shape == ends[0].shape for one in shown)
    assert torch.equal(shown[0], shown[-1])
    return ends[0]


def test_meanwhile_the_masks_are_shown(painter: ModelBundle) -> None:
    shown = read(cat_and_house(painter)).start.fill_named_colours()[0]
    assert torch.allclose(shown[:, 32, 19], torch.tensor([1.0, 0, 0]), atol=0.05)
    assert torch.allclose(shown[:, 32, 46], torch.tensor([0, 0, 1.0]), atol=0.05)
    assert torch.allclose(shown[:, 2, 2], torch.tensor(0.5), atol=0.05)


def test_of_a_dreamed_place_the_masks_are_left_out(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    initial_sample = initial_sample_of(painting)
    codes, start = ToyCodes(), read(painting, "background").start
    plain, mixed = (start.fill_chosen_colours(codes, SEEDS, one) for one in (None, initial_sample))
    inside = (
        slice(None),
        slice(None),
        slice(28, 34),
        slice(16, 22),
    )  # where feathering does not reach
    assert torch.allclose(mixed[inside], plain[inside], atol=0.05)
    assert torch.allclose(mixed[:, :, :6], initial_sample[:, :, :6], atol=0.05)
    assert not torch.allclose(mixed[:, :, :6], plain[:, :, :6], atol=0.05)


def test_each_seed_dreams_its_own_whatever_the_batch(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    initial_sample = initial_sample_of(painting)
    assert not torch.allclose(initial_sample[0], initial_sample[1], atol=0.05)
    assert torch.allclose(initial_sample[1:], initial_sample_of(painting, SEEDS[1:]), atol=2 / 255)


@pytest.mark.parametrize(
    "change", [{"guidance_scale": 9.0}, {"negative": "grey"}, {"sampler": "euler"}, {"steps": 5}]
)
def test_what_decides_a_dream_names_its_drafts(
    painter: ModelBundle, change: dict[str, object]
) -> None:
    painting = cat_and_house(painter)
    for start, same in (("sample", False), ("regions", True)):
        plan = painting.plan({"start": start})
        digests = [
            prepare_inputs(one, painter, painting.pixels).digest
            for one in (plan, plan.model_copy(update=change))
        ]
        assert (digests[0] == digests[1]) == same


def test_the_place_stays_as_it_was_dreamed(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    options = {"start": "background", "mask_tolerance": 0.0, "iterations": 20, "refine": False}
    codes, plan = ToyCodes(), painting.plan(options)
    _, (made,) = painting.run(plan)
    seeds = plan.seeds
    inputs = prepare_inputs(plan, painter, painting.pixels)
    start = inputs.start.fill_chosen_colours(codes, seeds, initial_sample_of(painting, seeds))
    kept = codes.decode(codes.snap(codes.encode(start * 2 - 1))) * 0.5 + 0.5
    stage1 = torch.from_numpy(made.pictures[0]).permute(2, 0, 1) / 255
    assert torch.allclose(stage1[:, :CELL_PX], kept[0, :, :CELL_PX].clamp(0, 1), atol=2 / 255)
    middle = slice(28, 36)
    assert not torch.allclose(
        stage1[:, middle, 16:22], kept[0, :, middle, 16:22].clamp(0, 1), atol=0.05
    )


def test_dream_fit_and_refinement_are_one_count(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    steps, _ = painting.run(painting.plan({"start": "sample"}, count=2))
    assert [step.k for step in steps] == list(range(steps[0].first, steps[0].total))
    assert len({(step.total, step.first) for step in steps}) == 1
    assert (
        len(stage1_images_of(steps)) == 6 + 12
    )  # the plan has fewer steps than a dream would take
    assert SAMPLE_STEPS > 6
    assert {stage1.denoised.shape for stage1 in stage1_images_of(steps)} == {(2, 3, 64, 64)}


def test_a_dream_that_is_broken_off_leaves_the_network_as_it_was(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    before = dict(painter.unet.attn_processors)
    steps = run(painting.plan({"start": "sample"}), painter, painting.pixels)
    assert isinstance(next(steps), FitProgress)
    assert any(painter.unet.attn_processors[name] is not before[name] for name in before)
    steps.close()  # type: ignore[attr-defined]
    assert all(painter.unet.attn_processors[name] is before[name] for name in before)
