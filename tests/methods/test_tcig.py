"""TCIG on whole plans: two stages on the shared loops, what freedom means, and bad input in
sentences.
"""

from __future__ import annotations

import logging
from dataclasses import astuple, dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from backend.engine.loop_types import FitProgress
from backend.engine.region_start import feather
from backend.errors import ModelError, RequestError
from backend.methods.options.tcig import TcigOptions
from backend.methods.tcig import run
from backend.models.bundle import ModelBundle
from backend.objectives.segment_match import build_targets
from backend.plan.events import Stage1Images
from backend.plan.request import OptionValue
from backend.workers.local import StepCount
from tests.engine.toy_codes import ToyCodes, ToySegmenter
from tests.methods.painted import (
    PaintedScene,
    cat_and_house,
    disc,
    stage1_images_of,
    toy_bundle,
    with_members,
)


@pytest.fixture
def painter(tiny1: ModelBundle) -> ModelBundle:
    return toy_bundle(tiny1)


def test_both_stages_come_in_one_count_of_steps(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    plan = painting.plan(count=2)
    steps, (made,) = painting.run(plan)
    assert [step.k for step in steps] == list(range(steps[0].first, steps[0].total))
    assert len({(step.total, step.first) for step in steps}) == 1
    assert len(stage1_images_of(steps)) == 12
    assert len(steps) == 12 + 3  # freedom .5 is strength .525: 3 of 6 steps
    count = StepCount(plan)
    assert [count.add(step) for step in steps][-1] == (15, 15)
    assert [image.index for image in made.images] == [0, 1]
    assert [picture.shape for picture in made.pictures] == [(64, 64, 3)] * 2
    assert not np.array_equal(*made.pictures)


def test_stage_one_draws_the_classes_under_their_masks(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    plan = painting.plan(
        {"iterations": 80, "refine": False, "mask_tolerance": 0.0, "text_weight": 0.2}
    )
    steps, (made,) = painting.run(plan)
    assert all(isinstance(step, FitProgress) for step in steps)
    assert steps[-1].k + 1 == steps[-1].total
    picture = torch.from_numpy(made.pictures[0]).permute(2, 0, 1)[None] / 255
    named = ToySegmenter().logits(picture).argmax(1)[0].numpy()
    for label, (_, _, mask) in enumerate(painting.layers, start=1):
        assert (named[mask > 0] == label).mean() > 0.8
        assert (named[mask == 0] == label).mean() < 0.1


def test_the_same_plan_gives_the_same_pixels(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    plan = painting.plan(count=2)
    (_, (one,)), (_, (other,)) = painting.run(plan), painting.run(plan)
    assert all(np.array_equal(a, b) for a, b in zip(one.pictures, other.pictures, strict=True))


def test_one_draft_feeds_several_pictures(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    plan = painting.plan({"per_stage1": 2}, count=3)
    steps, (made,) = painting.run(plan)
    assert all(len(stage1.denoised) == 2 for stage1 in stage1_images_of(steps))
    assert len(made.pictures) == 3
    _, (stage1_images,) = painting.run(painting.plan({"per_stage1": 2, "refine": False}, count=3))
    assert np.array_equal(stage1_images.pictures[0], stage1_images.pictures[1])
    assert not np.array_equal(stage1_images.pictures[0], stage1_images.pictures[2])
    assert not np.array_equal(made.pictures[0], made.pictures[1])


def test_a_draft_is_remembered_for_another_stage_two(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    usual, _ = painting.run(painting.plan())
    again, (made,) = painting.run(painting.plan({"attention": False}))
    assert stage1_images_of(usual)
    assert not stage1_images_of(again)
    assert [step.k for step in again] == list(range(again[0].first, again[0].total))
    alone = cat_and_house(toy_bundle(painter))
    _, (fresh,) = alone.run(alone.plan({"attention": False}))
    assert np.array_equal(made.pictures[0], fresh.pictures[0])
    for other in ({"cutouts": 3}, {"mask_tolerance": 0.6}):
        assert stage1_images_of(painting.run(painting.plan(other))[0])


def test_batches_do_not_change_a_candidates_draft(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    plan = painting.plan({"per_stage1": 2, "refine": False}, count=3)
    _, (whole,) = painting.run(plan)
    _, parts = painting.run(plan.model_copy(update={"batch": 1}))
    assert [image.index for part in parts for image in part.images] == [0, 1, 2]
    for a, part in zip(whole.pictures, parts, strict=True):
        assert np.abs(a.astype(int) - part.pictures[0].astype(int)).max() <= 1


OTHERWISE: list[dict[str, OptionValue]] = [
    {"attention": False},
    {"mask_tolerance": 0.9},
    {"by_hand": True, "strength": 0.7},
    {"by_hand": True, "feather_px": 40.0},
    {"by_hand": True, "guidance": 1.8},
    {"segment_weight": 0.0},
    {"text_weight": 0.0},
    {"learning_rate": 0.3},
    {"cutouts": 3},
    {"views": 0},
    {"start": "random"},
    {"start": "sample"},
    {"start": "background"},
    {"half_size": 0.0},
    {"layer_words": 0.0},
]


@pytest.mark.parametrize("options", OTHERWISE)
def test_every_option_matters(painter: ModelBundle, options: dict[str, OptionValue]) -> None:
    painting = cat_and_house(painter)
    ends = [painting.run(painting.plan(each))[0][-1].latents for each in ({}, options)]
    assert ends[0].shape != ends[1].shape or not torch.equal(*ends)


def test_freedom_moves_all_three_dials() -> None:
    tight, loose = (TcigOptions(mask_tolerance=value).dials() for value in (0.0, 1.0))
    pairs = zip(astuple(tight), astuple(loose), strict=True)
    assert all(a < b for a, b in pairs)
    assert tight.feather_px == 0.0
    by_hand = TcigOptions(
        mask_tolerance=1.0, by_hand=True, strength=0.4, feather_px=3.0, guidance=1.1
    )
    assert astuple(by_hand.dials()) == (0.4, 3.0, 1.1)


def test_feathering_keeps_the_area_and_none_changes_nothing() -> None:
    mask = torch.zeros(1, 40, 40)
    mask[:, 12:28, 12:28] = 1
    assert feather(mask, 0.0) is mask
    soft = feather(mask, 3.0)
    assert float(soft.sum()) == pytest.approx(float(mask.sum()), rel=1e-3)
    assert 0.3 < float(soft[0, 12, 20]) < 0.7


def test_the_background_of_an_expert_is_not_asked_under_anothers_masks() -> None:
    mine, others = torch.zeros(4, 4), torch.zeros(4, 4)
    mine[0], others[3] = 1, 1
    targets = build_targets({5: mine}, mine + others, 0)
    assert targets.channels == (5, 0)
    assert targets.masks[1].tolist() == [[0.0] * 4, [1.0] * 4, [1.0] * 4, [0.0] * 4]
    assert targets.counted[1].tolist() == [[1.0] * 4] * 3 + [[0.0] * 4]
    assert build_targets({5: mine}, mine, None).channels == (5,)


def test_a_run_that_is_closed_leaves_the_network_as_it_was(painter: ModelBundle) -> None:
    painting = cat_and_house(painter)
    before = dict(painter.unet.attn_processors)
    steps = run(painting.plan(), painter, painting.pixels)
    while isinstance(next(steps), FitProgress | Stage1Images):
        pass
    assert any(painter.unet.attn_processors[name] is not before[name] for name in before)
    steps.close()  # type: ignore[attr-defined]
    assert all(painter.unet.attn_processors[name] is before[name] for name in before)


def refuse(painting: PaintedScene, options: dict[str, OptionValue] | None = None) -> str:
    with pytest.raises(RequestError) as caught:
        painting.run(painting.plan(options))
    return caught.value.sentence


def test_a_mask_without_a_class_is_named(painter: ModelBundle) -> None:
    sentence = refuse(PaintedScene(painter, (("", "", disc(64, 0.5, 0.5, 0.3)),)))
    assert "“mask0” has no class" in sentence


def test_an_unknown_class_lists_the_known_ones(painter: ModelBundle) -> None:
    sentence = refuse(PaintedScene(painter, (("", "walrus", disc(64, 0.5, 0.5, 0.3)),)))
    assert "walrus" in sentence
    assert "cat, house" in sentence
    assert "clipseg" in sentence
    assert "green walrus" in refuse(
        PaintedScene(painter, (("green walrus", "", disc(64, 0.5, 0.5, 0.3)),))
    )


def test_one_unknown_class_costs_the_others_nothing(painter: ModelBundle) -> None:
    """It is named, and drawn by its words alone; a mask without any word is left out."""
    left, right = disc(64, 0.3, 0.5, 0.2), disc(64, 0.72, 0.5, 0.2)
    for phrase, label in (("green walrus", ""), ("a thing", "walrus"), ("", "walrus")):
        painting = PaintedScene(painter, (("red cat", "", left), (phrase, label, right)))
        _, (images,) = painting.run(painting.plan())
        assert len(images.images) == 1
        (note,) = images.notes
        assert note.startswith(f"Layer “{phrase or label}” is drawn by its words alone")
        assert "Known are cat, house" in note
    painting = PaintedScene(painter, (("red cat", "", left), ("", "", right)))
    _, (images,) = painting.run(painting.plan())
    assert "“mask1” has no class and is left out" in images.notes[0]
    alone = PaintedScene(painter, (("red cat", "", left),))
    _, (same,) = alone.run(alone.plan())
    assert np.array_equal(images.pictures[0], same.pictures[0])


def test_covered_and_tiny_masks_take_no_part(painter: ModelBundle) -> None:
    whole = disc(64, 0.5, 0.5, 0.3)
    painting = PaintedScene(painter, (("red cat", "", whole), ("blue house", "", whole)))
    plan = painting.plan()
    assert [layer.phrase for layer in plan.layers] == ["blue house"]
    assert len(painting.run(plan)[1]) == 1
    dot = np.zeros((64, 64), np.uint8)
    dot[30, 30] = 255
    sentence = refuse(PaintedScene(painter, (("red cat", "", dot),)))
    assert "No painted mask takes part" in sentence
    assert "latent cell" in sentence


def test_no_layers_at_all(painter: ModelBundle) -> None:
    assert "Paint a mask" in refuse(PaintedScene(painter, ()))


def test_twenty_classes(tiny1: ModelBundle) -> None:
    words = [f"thing{number}" for number in range(20)]

    @dataclass(frozen=True)
    class Twenty:
        vocabulary: tuple[str, ...]

        def logits(self, pictures: Tensor) -> Tensor:
            shades = torch.linspace(0, 1, 21).view(1, 21, 1, 1)
            return -50 * (pictures.mean(1, keepdim=True) - shades).square()

    bundle = toy_bundle(tiny1, guide=Twenty(("background", *words)))
    layers = tuple(
        ("", word, disc(64, 0.1 + 0.2 * (n % 5), 0.12 + 0.25 * (n // 5), 0.09))
        for n, word in enumerate(words)
    )
    painting = PaintedScene(bundle, layers)
    assert len(painting.plan().layers) == 20
    _, (made,) = painting.run(painting.plan())
    assert made.pictures[0].shape == (64, 64, 3)


def test_an_expert_that_cannot_be_loaded_is_left_out(
    painter: ModelBundle, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = type(painter.members).get

    def get(self: object, name: str) -> object:
        if name == "deeplab":
            raise ModelError("deeplab is damaged.", remedy="Copy it again.")
        return usual(self, name)  # type: ignore[arg-type]

    monkeypatch.setattr(type(painter.members), "get", get)
    broken = with_members(painter, **painter.members.loaded, deeplab=None)
    painting = cat_and_house(broken)
    with caplog.at_level(logging.WARNING):
        _, (made,) = painting.run(painting.plan())
    assert made.notes == ("The member deeplab is left out: deeplab is damaged.",)
    assert "deeplab is left out" in caplog.text
    assert "deeplab is damaged" in refuse(
        PaintedScene(broken, (("", "walrus", disc(64, 0.5, 0.5, 0.3)),))
    )


@pytest.mark.parametrize("name", ["vqgan", "clip", "guide"])
def test_a_missing_member_is_named(painter: ModelBundle, name: str) -> None:
    others = {key: value for key, value in painter.members.loaded.items() if key != name}
    painting = cat_and_house(with_members(painter, **others))
    with pytest.raises(ModelError, match="no segmenter" if name == "guide" else f"no {name}"):
        painting.run(painting.plan())


def test_codes_that_do_not_fit_the_picture_are_resized(tiny1: ModelBundle) -> None:
    bundle = toy_bundle(tiny1, vqgan=ToyCodes(reduction=5))
    painting = cat_and_house(bundle)
    steps, (made,) = painting.run(painting.plan())
    assert {stage1.denoised.shape[-2:] for stage1 in stage1_images_of(steps)} == {
        (64, 64)
    }  # all stages look alike
    assert made.pictures[0].shape == (64, 64, 3)
