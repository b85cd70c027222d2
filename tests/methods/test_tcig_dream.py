"""A fit that begins with a dream: what is kept of it, what is fitted, and how it is counted."""

from __future__ import annotations

from collections.abc import Generator

import numpy as np
import pytest
import torch

from backend.engine.loop_types import Draft
from backend.methods.tcig import run
from backend.methods.tcig.dream import STEPS, dreamed
from backend.methods.tcig.painting import read_painting
from backend.models.bundle import ModelBundle
from tests.engine.toy_codes import CELL_PX, ToyCodes
from tests.methods.painted import Painting, cat_and_house, drafts_of, toy_bundle

SEEDS = (7, 8)


@pytest.fixture
def painter(tiny1: ModelBundle) -> ModelBundle:
    return toy_bundle(tiny1)


def dream_of(painting: Painting, start: str, seeds: tuple[int, ...] = SEEDS) -> torch.Tensor:
    read = read_painting(painting.plan({"start": start}), painting.bundle, painting.pixels)
    side = painting.bundle.card.native_px
    plain, ends = torch.full((len(seeds), 3, side, side), 0.5), []

    def finished() -> Generator[Draft, None, None]:
        ends.append((yield from dreamed(read, painting.bundle, seeds, plain)))

    assert all(step.denoised is plain for step in finished())  # meanwhile the plain picture is shown
    return ends[0]


def test_of_a_dreamed_place_the_masks_are_left_out(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    painted = np.maximum(*(mask for _, _, mask in painting.layers)) > 0
    place, whole = (dream_of(painting, start).numpy() for start in ("place", "dream"))
    inside = place[:, :, 28:34, 16:22]  # the middle of the cat, where feathering does not reach
    assert np.allclose(inside, 0.5, atol=0.05)
    assert np.allclose(place[:, :, :6], whole[:, :, :6], atol=0.05)
    assert not np.allclose(place[:, :, painted], whole[:, :, painted], atol=0.05)
    assert not np.allclose(whole[0], whole[1], atol=0.05)  # each seed dreams its own


def test_a_dream_does_not_depend_on_its_batch(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    assert torch.allclose(dream_of(painting, "dream")[1:], dream_of(painting, "dream", SEEDS[1:]), atol=2 / 255)


def test_the_place_stays_as_it_was_dreamed(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    options = {"start": "place", "freedom": 0.0, "iterations": 20, "refine": False}
    codes, plan = ToyCodes(), painting.plan(options)
    _, (made,) = painting.run(plan)
    seeds = plan.seeds
    dream = dream_of(painting, "place", seeds)
    kept = codes.decode(codes.snap(codes.encode(dream * 2 - 1))) * 0.5 + 0.5
    draft = torch.from_numpy(made.pictures[0]).permute(2, 0, 1) / 255
    assert torch.allclose(draft[:, :CELL_PX], kept[0, :, :CELL_PX].clamp(0, 1), atol=2 / 255)
    middle = slice(28, 36)
    assert not torch.allclose(draft[:, middle, 16:22], kept[0, :, middle, 16:22].clamp(0, 1), atol=0.05)


def test_dream_fit_and_refinement_are_one_count(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    steps, _ = painting.run(painting.plan({"start": "dream"}, count=2))
    assert [step.k for step in steps] == list(range(steps[0].first, steps[0].total))
    assert len({(step.total, step.first) for step in steps}) == 1
    assert len(drafts_of(steps)) == 6 + 12  # the plan has fewer steps than a dream would take
    assert STEPS > 6
    assert {draft.denoised.shape for draft in drafts_of(steps)} == {(2, 3, 64, 64)}


def test_a_dream_that_is_broken_off_leaves_the_network_as_it_was(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    before = dict(painter.unet.attn_processors)
    steps = run(painting.plan({"start": "dream"}), painter, painting.pixels)
    assert isinstance(next(steps), Draft)
    assert any(painter.unet.attn_processors[name] is not before[name] for name in before)
    steps.close()  # type: ignore[attr-defined]
    assert all(painter.unet.attn_processors[name] is before[name] for name in before)
