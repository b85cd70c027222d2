"""The local worker: events in order, cancel within a step, one job at a time, failures in words."""

from __future__ import annotations

import io
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image as PillowImage

from backend.engine.loop_types import Run, Step
from backend.errors import EngineError
from backend.methods.catalog import METHODS, Method
from backend.models.bundle import ModelBundle
from backend.models.cache import ModelCache
from backend.models.catalog import Catalog, find_models
from backend.plan.build import build_plan
from backend.plan.events import (
    Event,
    Image,
    Images,
    JobCancelled,
    JobFailed,
    JobFinished,
    JobStarted,
    Progress,
    Stage1Image,
    Stage1Images,
    build_images,
)
from backend.plan.plan import Plan
from backend.plan.request import build_request
from backend.scene.blobs import MemoryPixels
from backend.scene.scene import Pixels, build_scene
from backend.studio.jobs.worker import Handle
from backend.workers.local import LocalWorker
from tests.studio.workshop import compose, scene_with, square_picture

Draw = Callable[[Plan, ModelBundle, Pixels], Run]


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return find_models(())


@pytest.fixture(scope="module")
def cache() -> ModelCache:
    return ModelCache(2**32)


@pytest.fixture(scope="module")
def pixels() -> MemoryPixels:
    return MemoryPixels()


@pytest.fixture(scope="module")
def plan(catalog: Catalog, pixels: MemoryPixels) -> Plan:
    """Two candidates in three steps, at half the pocket model's size."""
    scene = build_scene(scene_with(pixels.add_picture(square_picture())))
    return build_plan(scene, build_request(compose(steps=3)), catalog.card("pocket"), pixels)


def script(draw: Draw) -> dict[str, Method]:
    """The collage method's place taken by a function."""
    return {"collage": replace(METHODS["collage"], run=draw)}


def draw_batches(plan: Plan, steps: int = 3) -> Iterator[Step | Images]:
    """Steps and pictures of every batch of a plan, without a network."""
    for offset in range(0, len(plan.seeds), plan.batch):
        for k in range(steps):
            noise = torch.full((plan.batch, 4, 8, 8), float(k))
            yield Step(k, steps, 0, noise, noise)
        black = np.zeros((plan.height_px, plan.width_px, 3), np.uint8)
        yield build_images(offset, (black,) * plan.batch)


@pytest.mark.slow
def test_a_real_run(catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels) -> None:
    worker = LocalWorker(catalog, cache, "cpu")
    events = list(worker.submit("job", plan, pixels).events())
    assert events[0] == JobStarted(device="cpu")
    assert events[-1] == JobFinished()
    made = [event for event in events if isinstance(event, Images)]
    steps = [event for event in events if isinstance(event, Progress)]
    assert [picture.shape for picture in made[0].pictures] == [
        (plan.height_px, plan.width_px, 3)
    ] * 2
    assert [step.done for step in steps] == list(range(1, steps[-1].total + 1))
    assert steps[0].preview is not None
    with PillowImage.open(io.BytesIO(steps[0].preview.jpeg)) as preview:
        assert preview.format == "JPEG"
        assert preview.size == (128, 128)  # small, so that a step does not wait for it


def test_finished_pictures_are_scored_and_kept_when_they_cannot_be(
    catalog: Catalog,
    cache: ModelCache,
    plan: Plan,
    pixels: MemoryPixels,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def draw(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        for side in (plan.width_px, 8):  # 8: not the plan's size
            yield build_images(0, (np.zeros((side, side, 3), np.uint8),))

    worker = LocalWorker(catalog, cache, "cpu", script(draw))
    scored, unscored = [
        event for event in worker.submit("job", plan, pixels).events() if isinstance(event, Images)
    ]
    assert [score.layer_id for score in scored.images[0].scores] == ["ball"]
    assert scored.images[0].scores[0].seam is not None
    assert len(unscored.pictures) == 1
    assert unscored.images[0].scores == ()
    assert "could not be scored" in caplog.text
    assert scored.notes == ()
    assert "could not be scored" in unscored.notes[0]


def test_drafts_are_told_of_with_their_scores_and_the_pictures_name_them(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    def draw(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        black = np.zeros((plan.height_px, plan.width_px, 3), np.uint8)
        yield Stage1Images((Stage1Image(1, black),))
        yield Images((Image(0, black, stage1_index=1), Image(1, black, stage1_index=1)))

    _, reported, made, _ = (
        LocalWorker(catalog, cache, "cpu", script(draw)).submit("job", plan, pixels).events()
    )
    assert isinstance(reported, Stage1Images)
    assert [image.index for image in reported.images] == [1]
    assert [score.layer_id for score in reported.images[0].scores] == ["ball"]
    assert isinstance(made, Images)
    assert [image.stage1_index for image in made.images] == [1, 1]


def test_drafts_that_cannot_be_scored_are_kept_and_say_so(
    catalog: Catalog,
    cache: ModelCache,
    plan: Plan,
    pixels: MemoryPixels,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def draw(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        yield Stage1Images((Stage1Image(0, np.zeros((8, 8, 3), np.uint8)),))  # not the plan's size

    events = LocalWorker(catalog, cache, "cpu", script(draw)).submit("job", plan, pixels).events()
    (unscored,) = (event for event in events if isinstance(event, Stage1Images))
    assert unscored.images[0].scores == ()
    assert "could not be scored" in unscored.notes[0]
    assert "could not be scored" in caplog.text


def test_cancel_before_the_start_loads_nothing(
    catalog: Catalog, plan: Plan, pixels: MemoryPixels
) -> None:
    cache = ModelCache(2**32)
    handle = LocalWorker(catalog, cache, "cpu").submit("job", plan, pixels)
    handle.cancel()
    handle.cancel()
    assert list(handle.events()) == [JobStarted(device="cpu"), JobCancelled()]
    assert cache.list_ids() == ()


def test_cancel_takes_effect_within_a_step_and_closes_the_method(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    seen: list[str] = []

    def draw(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        try:
            for step in draw_batches(plan, 50):
                seen.append("step")
                yield step
        finally:
            seen.append("closed")

    handle = LocalWorker(catalog, cache, "cpu", script(draw)).submit("job", plan, pixels)
    events: list[Event] = []
    for event in handle.events():
        events.append(event)
        if isinstance(event, Progress) and event.done == 2:
            handle.cancel()
    assert events[-1] == JobCancelled()
    assert seen == ["step", "step", "step", "closed"]


def test_a_picture_that_is_finished_while_it_is_cancelled_is_not_thrown_away(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    handles: list[Handle] = []

    def draw(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        handles[0].cancel()
        yield build_images(0, (np.zeros((plan.height_px, plan.width_px, 3), np.uint8),))
        raise AssertionError("it goes on")

    handles.append(LocalWorker(catalog, cache, "cpu", script(draw)).submit("job", plan, pixels))
    started, made, *rest = handles[0].events()
    assert started == JobStarted(device="cpu")
    assert isinstance(made, Images)
    assert rest == [JobCancelled()]


def test_a_real_run_leaves_the_networks_as_they_were_when_cancelled(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    card = catalog.card("pocket")
    with cache.lease(card, "cpu") as bundle:
        before = dict(bundle.unet.attn_processors)
    events = LocalWorker(catalog, cache, "cpu").submit("job", plan, pixels).events()
    assert any(isinstance(event, Progress) for event in events)
    events.close()  # type: ignore[attr-defined]
    with cache.lease(card, "cpu") as bundle:
        assert all(bundle.unet.attn_processors[name] is before[name] for name in before)


def test_progress_counts_all_batches_and_previews_are_few(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    several = plan.model_copy(update={"seeds": (1, 2, 3, 4, 5), "batch": 2})
    worker = LocalWorker(
        catalog, cache, "cpu", script(lambda plan, bundle, pixels: draw_batches(plan))
    )
    events = list(worker.submit("job", several, pixels).events())
    steps = [event for event in events if isinstance(event, Progress)]
    assert [(step.done, step.total) for step in steps] == [(done, 9) for done in range(1, 10)]
    assert sum(step.preview is not None for step in steps) < len(steps)
    assert [event.images[0].index for event in events if isinstance(event, Images)] == [0, 2, 4]


def raising(error: BaseException) -> Draw:
    def draw(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        yield from list(draw_batches(plan))[:1]
        raise error

    return draw


def explain(cause: BaseException) -> EngineError:
    error = EngineError("The memory is used up.", remedy="?")
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    "error",
    [torch.OutOfMemoryError("CUDA out of memory"), MemoryError(), explain(MemoryError())],
)
def test_memory_that_is_not_enough(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels, error: BaseException
) -> None:
    worker = LocalWorker(catalog, cache, "cpu", script(raising(error)))
    last = list(worker.submit("job", plan, pixels).events())[-1]
    assert isinstance(last, JobFailed)
    assert last.what == "2 pictures of 512 x 512 px at once do not fit into the memory of cpu."
    assert last.remedy


def test_a_refusal_of_the_engine(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    error = EngineError("No valid picture.", limit="Step 3.", remedy="Try another seed.")
    worker = LocalWorker(catalog, cache, "cpu", script(raising(error)))
    last = list(worker.submit("job", plan, pixels).events())[-1]
    assert last == JobFailed(what="No valid picture.", limit="Step 3.", remedy="Try another seed.")


def test_after_an_unexpected_error_the_next_job_runs(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    worker = LocalWorker(catalog, cache, "cpu", script(raising(ZeroDivisionError())))
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            list(worker.submit("job", plan, pixels).events())


def test_an_unknown_model_is_a_failure(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    handle = LocalWorker(catalog, cache, "cpu").submit(
        "job", plan.model_copy(update={"model": "gone"}), pixels
    )
    last = list(handle.events())[-1]
    assert isinstance(last, JobFailed)
    assert "gone" in last.what


def test_two_threads_never_run_at_the_same_time(
    catalog: Catalog, cache: ModelCache, plan: Plan, pixels: MemoryPixels
) -> None:
    running: list[int] = []
    most: list[int] = []

    def draw(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
        running.append(1)
        for step in draw_batches(plan):
            most.append(len(running))
            yield step
        running.pop()

    worker = LocalWorker(catalog, cache, "cpu", script(draw))
    follow = [
        threading.Thread(target=lambda: list(worker.submit("job", plan, pixels).events()))
        for _ in range(4)
    ]
    for thread in follow:
        thread.start()
    for thread in follow:
        thread.join(20)
    assert len(most) == 16
    assert max(most) == 1
