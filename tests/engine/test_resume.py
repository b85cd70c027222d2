"""A run that ended in its middle goes on in another process, with the pixels of an undisturbed one;
what has been computed is not computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import pytest
import torch

from backend.engine.loop_types import Step
from backend.methods.catalog import METHODS
from backend.models.bundle import FeatureCache, ModelBundle
from backend.models.run_state import RunState
from backend.models.schedule import SAMPLERS
from backend.plan.events import Image, Images
from backend.plan.plan import Plan
from backend.plan.request import Sampler
from backend.scene.blobs import MemoryPixels
from tests.methods.collages import Collage
from tests.methods.painted import cat_and_house, toy_bundle
from tests.methods.test_varied import vary

CPU = torch.device("cpu")


@dataclass
class Life:
    """One life of a server: what it computed of a plan before it ended."""

    steps: int
    images: list[Image]
    checkpoint: bytes


def another(bundle: ModelBundle) -> ModelBundle:
    """The same weights in another process, which remembers nothing."""
    return replace(bundle, recorded=FeatureCache(), run=RunState())


def compute(
    plan: Plan,
    bundle: ModelBundle,
    pixels: MemoryPixels,
    before: Life | None = None,
    killed_after: int = -1,
) -> Life:
    """Run a plan, from where an earlier process stood, until so many steps were taken."""
    own, done = another(bundle), before.images if before else []
    own.run.begin(len(done), before.checkpoint if before else b"", CPU)
    made, steps, checkpoint = list(done), 0, b""
    run: Iterator[object] = METHODS[plan.method].run(plan, own, pixels)
    for event in run:
        if isinstance(event, Images):
            made += event.images
            own.run.finish_images(len(event.images))
        if isinstance(event, Step):
            steps += 1
            checkpoint = own.run.to_bytes()
            if steps == killed_after:
                break
    return Life(steps, made, checkpoint)


def assert_equal(one: Life, other: Life) -> None:
    assert [image.index for image in one.images] == [image.index for image in other.images]
    for a, b in zip(one.images, other.images, strict=True):
        assert np.array_equal(a.picture, b.picture)
        assert a.attention_maps.keys() == b.attention_maps.keys()
        for name, seen in a.attention_maps.items():
            assert np.array_equal(seen, b.attention_maps[name])


def assert_goes_on(
    plan: Plan, bundle: ModelBundle, pixels: MemoryPixels, *, every: int = 1, spare: int = 0
) -> None:
    """Killed after any step (or ``every`` so many) the run ends as if it had not been; ``spare``
    steps are taken again.
    """
    whole = compute(plan, bundle, pixels)
    for killed_after in range(1, whole.steps, every):
        first = compute(plan, bundle, pixels, killed_after=killed_after)
        second = compute(plan, bundle, pixels, first)
        assert_equal(second, whole)
        assert second.steps <= whole.steps - killed_after + spare


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_a_collage_goes_on_with_every_sampler(tiny1: ModelBundle, sampler: Sampler) -> None:
    collage = Collage(tiny1, seed=3)
    plan = collage.compose(sampler, count=3).model_copy(update={"batch": 2})
    assert_goes_on(plan, tiny1, collage.pixels)


def test_candidates_that_share_steps_go_on(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3, noise=(1.0, 0.8, 0.34))
    plan = vary(collage, "disc2", 4, "euler_ancestral", batch=2)
    assert_goes_on(plan, tiny1, collage.pixels, spare=4)


@pytest.mark.slow
@pytest.mark.parametrize("options", [{}, {"start": "sample"}, {"per_stage1": 2}])
def test_tcig_goes_on_in_either_stage(tiny1: ModelBundle, options: dict[str, str | int]) -> None:
    painting = cat_and_house(toy_bundle(tiny1))
    plan = painting.plan({"iterations": 10, **options}, count=3).model_copy(update={"batch": 2})
    spare = 10 if "per_stage1" in options else 0
    assert_goes_on(plan, painting.bundle, painting.pixels, every=5, spare=spare)


def test_a_second_process_that_ends_as_well_is_gone_on_from(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3)
    plan = collage.compose("dpmpp_2m", count=2).model_copy(update={"batch": 1})
    whole = compute(plan, tiny1, collage.pixels)
    first = compute(plan, tiny1, collage.pixels, killed_after=2)
    second = compute(plan, tiny1, collage.pixels, first, killed_after=2)
    assert_equal(compute(plan, tiny1, collage.pixels, second), whole)


def test_a_checkpoint_of_another_batch_or_a_damaged_one_is_not_used(tiny1: ModelBundle) -> None:
    collage = Collage(tiny1, seed=3)
    plan = collage.compose("euler", count=2).model_copy(update={"batch": 1})
    whole = compute(plan, tiny1, collage.pixels)
    first = compute(plan, tiny1, collage.pixels, killed_after=3)
    late = replace(first, images=whole.images[:1])
    assert_equal(compute(plan, tiny1, collage.pixels, late), whole)
    state = RunState()
    for damage in (first.checkpoint[:100], b"x" * 40):
        state.begin(0, damage, CPU)
        assert (state.loop, state.ends) == ("", {})


@pytest.mark.parametrize("kept", [False, True])
def test_loops_that_begin_alike_and_are_guided_otherwise_are_two(
    tiny1: ModelBundle, kept: bool
) -> None:
    """Whether a run has begun or a bundle is used without one: none is taken for the other."""
    collage = Collage(tiny1, seed=3)
    bundle = replace(tiny1, recorded=FeatureCache(), run=RunState())
    if kept:
        bundle.run.begin(0, b"", CPU)
    plan = collage.compose("euler")
    made = []
    for guidance in (1.5, 6.0, 1.5):
        one = plan.model_copy(update={"guidance_scale": guidance})
        events = list(METHODS[one.method].run(one, bundle, collage.pixels))
        made.append(next(e for e in events if isinstance(e, Images)).pictures[0])
    assert not np.array_equal(made[0], made[1])
    assert np.array_equal(made[0], made[2])
