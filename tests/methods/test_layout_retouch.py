"""Layout-and-Retouch: its limits, its memory, what it leaves behind, what it refuses."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from backend.controls import mask_blend
from backend.engine.loop_types import Step
from backend.errors import RequestError
from backend.methods.catalog import METHODS
from backend.methods.layout_retouch import NOT_FOUND, run
from backend.models.adapter import adapter_to_bytes
from backend.models.bundle import FeatureCache, ModelBundle
from backend.plan.build import build_plan
from backend.plan.events import Images
from backend.plan.plan import Plan
from backend.plan.request import Reroll, RunSettings
from backend.scene.layer import Layer, Placement
from backend.scene.scene import Scene
from tests.controls.three_paths import hooks_in
from tests.methods.subjects import Shoot, build_random_subject


@pytest.fixture
def fresh(tiny1: ModelBundle) -> ModelBundle:
    """A bundle that remembers nothing."""
    return replace(tiny1, recorded=FeatureCache())


def test_a_run_gives_a_picture_for_every_seed_and_counts_its_steps(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    events = list(run(shoot.plan(2), fresh, shoot.pixels))
    indices = [image.index for one in events if isinstance(one, Images) for image in one.images]
    steps = [one for one in events if isinstance(one, Step)]
    assert indices == [0, 1]
    assert [step.k for step in steps] == list(range(len(steps)))
    assert all(step.total >= len(steps) and step.denoised.shape[0] == 1 for step in steps)
    assert len(steps) == 5 + 2 * (5 + 4)  # inversion, then layout and retouch from the second step


@pytest.mark.slow
def test_copied_to_the_end_the_picture_is_the_layout(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    layouts, _ = shoot.make(shoot.plan(2, stage="layouts"))
    copied, _ = shoot.make(shoot.plan(2, copy_share=1.0))
    alone: dict[str, Any] = {"plain_share": 0.0, "around_share": 0.0, "hold_around": False}
    sampled, _ = shoot.make(shoot.plan(2, copy_share=1.0, reference_branch="sampled", **alone))
    own, _ = shoot.make(shoot.plan(2, stage="layouts", **alone))
    retouched, _ = shoot.make(shoot.plan(2))
    assert all(np.array_equal(a, b) for a, b in zip(layouts, copied, strict=True))
    assert max(np.abs(a.astype(int) - b).max() for a, b in zip(own, sampled, strict=True)) <= 1
    assert not any(np.array_equal(a, b) for a, b in zip(layouts, retouched, strict=True))


def test_without_the_plain_model_layouts_are_the_personal_ones(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    ends = [
        shoot.make(shoot.plan(stage="layouts", plain_share=share))[0][0]
        for share in (0.0, 0.4, 1.0)
    ]
    assert not np.array_equal(ends[0], ends[1])
    assert not np.array_equal(ends[1], ends[2])


@pytest.mark.slow
def test_a_picked_layout_is_retouched_as_it_was_among_others(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    many, _ = shoot.make(shoot.plan(3))
    alone, steps = shoot.make(shoot.plan(1, seed=4))
    assert np.array_equal(many[1], alone[0])
    assert steps == 4  # reference and layout are remembered
    forgetful = Shoot(replace(fresh, recorded=FeatureCache(limit_bytes=0)))
    again, steps = forgetful.make(forgetful.plan(1, seed=4))
    assert np.array_equal(many[1], again[0])
    assert steps == 14


@pytest.mark.slow
def test_in_little_room_old_layouts_are_forgotten_before_the_reference(tiny1: ModelBundle) -> None:
    first = Shoot(replace(tiny1, recorded=FeatureCache()))
    first.make(first.plan(1, seed=1))
    room = first.bundle.recorded.size_bytes
    narrow = Shoot(replace(tiny1, recorded=FeatureCache(limit_bytes=room + room // 8)))
    for seed in (1, 2, 3):
        _, steps = narrow.make(narrow.plan(1, seed=seed))
        assert steps == (14 if seed == 1 else 9), seed
        assert narrow.bundle.recorded.size_bytes <= room + room // 8


@pytest.mark.slow
def test_every_option_has_an_effect(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh, steps=6)
    usual: dict[str, Any] = {
        "hold_around": False
    }  # held to a small mask, most of a small picture stays
    base = shoot.make(shoot.plan(**usual))[0][0]
    changes: list[dict[str, Any]] = [
        {"plain_share": 0.5},
        {"around_share": 0.0},
        {"hold_around": True},
        {"reference_weight": 8.0},
        {"swap": False},
        {"mask": "none"},
        {"target_words": "neutral"},
        {"reference_part": "whole"},
        {"guided_reference": False},
        {"reference_branch": "sampled"},
        {"layout_states": "inverted"},
        {"background_floor": 0.5},
        {"blend_share": 0.9},
    ]
    for change in changes:
        assert not np.array_equal(shoot.make(shoot.plan(**{**usual, **change}))[0][0], base), change


@pytest.mark.slow
def test_the_network_is_left_as_it_was_wherever_the_run_is_left(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    before = {name: value.data_ptr() for name, value in fresh.unet.named_parameters()}
    hooks = hooks_in(fresh)
    for reached in (1, 6, 12):
        with closing(run(shoot.plan(), fresh, shoot.pixels)) as steps:
            for _ in range(reached):
                next(steps)
                assert {
                    name: value.data_ptr() for name, value in fresh.unet.named_parameters()
                } == before
        assert hooks_in(fresh) == hooks
        fresh.recorded._paths.clear()


def test_an_empty_mask_is_one_and_a_note_says_so(
    fresh: ModelBundle, monkeypatch: pytest.MonkeyPatch
) -> None:
    shoot = Shoot(fresh)
    found = [one for one in run(shoot.plan(), fresh, shoot.pixels) if isinstance(one, Images)]
    assert [one.notes for one in found] == [()]
    monkeypatch.setattr(
        mask_blend, "threshold_map", lambda mean, shape, threshold: np.zeros(shape, np.bool_)
    )
    blank = [one for one in run(shoot.plan(), fresh, shoot.pixels) if isinstance(one, Images)]
    unblended = [
        one for one in run(shoot.plan(mask="none"), fresh, shoot.pixels) if isinstance(one, Images)
    ]
    assert [one.notes for one in blank] == [(NOT_FOUND,)]
    assert np.array_equal(blank[0].pictures[0], unblended[0].pictures[0])
    assert unblended[0].notes == ()


def build_reroll(shoot: Shoot) -> tuple[Plan, np.ndarray, np.ndarray]:
    """A plan that re-rolls a subject layer in a finished picture, the picture, and the layer's
    mask.
    """
    side = shoot.bundle.card.native_px
    mask = np.zeros((side, side), np.uint8)
    mask[: side // 2, : side // 2] = 255
    source = np.random.default_rng(8).integers(0, 256, (side, side, 4), np.uint8)
    source[..., 3] = 255
    layer = Layer(
        id="a",
        mask=shoot.pixels.add_mask(mask),
        placement=Placement(centre_x_px=side / 2, centre_y_px=side / 2),
        phrase="red cat",
        strength=0.8,
        subject="mia",
    )
    scene = Scene(width_px=side, height_px=side, prompt=shoot.prompt, layers=(layer,))
    settings = RunSettings(
        model=shoot.bundle.card.id, method="layout_retouch", steps=10, guidance_scale=3.0, count=2
    )
    asked = Reroll(
        settings=settings,
        layer_id="a",
        source=shoot.pixels.add_picture(source),
        feather_px=2,
        subject=shoot.subject,
    )
    return build_plan(scene, asked, shoot.bundle.card, shoot.pixels), source[..., :3], mask


@pytest.mark.slow
def test_a_subject_layer_is_drawn_in_its_region_alone(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    plan, source, mask = build_reroll(shoot)
    found = [
        one
        for one in METHODS["layout_retouch"].run(plan, fresh, shoot.pixels)
        if isinstance(one, Images)
    ]
    pictures = [picture for one in found for picture in one.pictures]
    half = len(source) // 2 + 2
    assert [image.changed_outside for one in found for image in one.images] == [0, 0]
    assert all(np.array_equal(picture[half:], source[half:]) for picture in pictures)
    assert all((picture[mask > 0] != source[mask > 0]).mean() > 0.5 for picture in pictures)
    assert not np.array_equal(pictures[0], pictures[1])


def test_what_cannot_be_drawn_is_refused_with_the_reason(
    fresh: ModelBundle, tiny2: ModelBundle
) -> None:
    shoot = Shoot(fresh)
    plan = shoot.plan()
    with pytest.raises(RequestError, match="only DDIM"):
        next(run(plan.model_copy(update={"sampler": "euler"}), fresh, shoot.pixels))
    with pytest.raises(RequestError, match="Choose a subject"):
        next(run(plan.model_copy(update={"subject": None}), fresh, shoot.pixels))
    with pytest.raises(RequestError, match="where the subject is"):
        next(run(plan.model_copy(update={"prompt": "a blue house"}), fresh, shoot.pixels))
    external = shoot.pixels.add_blob(adapter_to_bytes(build_random_subject(tiny2)))
    other = shoot.subject.model_copy(update={"subject": external})
    with pytest.raises(RequestError, match=r"tiny-2.*tiny-1"):
        next(run(plan.model_copy(update={"subject": other}), fresh, shoot.pixels))


def test_plans_without_a_subject_keep_their_names(fresh: ModelBundle) -> None:
    shoot = Shoot(fresh)
    plan = shoot.plan()
    bare = plan.model_copy(update={"subject": None})
    assert Plan.model_validate_json(plan.model_dump_json()) == plan
    assert plan.digest() != bare.digest()
