"""Lessons in the worker's hands: a subject's file comes out, a stop leaves half of it, and half
goes on to the same.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch

from backend.models.adapter import adapter_from_bytes, check_fits
from backend.models.bundle import ModelBundle
from backend.plan.events import (
    AdapterCheckpoint,
    AdapterTrained,
    Event,
    JobCancelled,
    JobFinished,
    Progress,
)
from backend.plan.request import CLASS_STEPS, TRAINING_TITLES, TrainingJob, TrainingMethod
from backend.scene.blobs import MemoryPixels
from backend.training.checkpoint import checkpoint_from_bytes
from backend.training.dreambooth import PRIOR_BATCH, PRIOR_STEPS
from backend.training.subjects import RULES
from backend.workers import training
from backend.workers.training import rules_of, train


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """The class remembered by two pictures instead of eight."""
    rules = {
        kind: replace(rule, prior_count=min(2, rule.prior_count), samples=2)
        for kind, rule in RULES.items()
    }
    monkeypatch.setattr(training, "RULES", rules)


def build_job(pixels: MemoryPixels, steps: int = 3, cut: bool = False) -> TrainingJob:
    picture = np.random.default_rng(4).integers(0, 256, (40, 60, 4), np.uint8)
    picture[:, :, 3] = 255
    if cut:
        picture[:, :20, 3] = 0
    reference = pixels.add_picture(picture)
    return TrainingJob(
        model="tiny",
        method="custom_diffusion",
        class_word="cat",
        references=(reference,),
        steps=steps,
    )


def events_of(
    asked: TrainingJob, bundle: ModelBundle, pixels: MemoryPixels, stop_after: int = 10**6
) -> list[Event]:
    stop, found = threading.Event(), []
    for event in train(asked, bundle, pixels, stop):
        found.append(event)
        if isinstance(event, Progress) and event.done >= stop_after:
            stop.set()
    return found


def contents(events: Sequence[Event], finished: bool) -> list[bytes]:
    kind = AdapterTrained if finished else AdapterCheckpoint
    return [event.content for event in events if isinstance(event, kind)]


def same(one: object, other: object) -> bool:
    """Whether two nests of records hold equal numbers; the order of a file's header is not ours."""
    if isinstance(one, torch.Tensor) and isinstance(other, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(
            same(value, other[key]) for key, value in one.items()
        )
    return one == other


@pytest.mark.slow
def test_a_stopped_lesson_goes_on_to_the_same_subject(tiny1: ModelBundle, few: None) -> None:
    pixels = MemoryPixels()
    asked = build_job(pixels)
    whole = events_of(asked, tiny1, pixels)
    assert isinstance(whole[-1], JobFinished)
    steps = [event for event in whole if isinstance(event, Progress)]
    assert [event.done for event in steps] == list(range(1, steps[-1].total + 1))
    subject = adapter_from_bytes(contents(whole, True)[0])
    check_fits(subject, tiny1)
    assert (subject.class_word, subject.kind) == ("cat", "custom_diffusion")

    stopped = events_of(asked, tiny1, pixels, stop_after=steps[-1].total - 2)
    assert isinstance(stopped[-1], JobCancelled)
    half = contents(stopped, False)[-1]
    assert checkpoint_from_bytes(half).state.step == 1
    checkpoint = pixels.add_blob(half)
    rest = events_of(asked.model_copy(update={"checkpoint": checkpoint}), tiny1, pixels)
    again = adapter_from_bytes(contents(rest, True)[0])
    assert torch.equal(again.vectors, subject.vectors)
    assert same(dict(again.weights), dict(subject.weights))


@pytest.mark.slow
def test_a_stop_while_the_class_is_remembered_leaves_nothing(tiny1: ModelBundle, few: None) -> None:
    pixels = MemoryPixels()
    events = events_of(build_job(pixels), tiny1, pixels, stop_after=1)
    assert isinstance(events[-1], JobCancelled)
    assert not [event for event in events if isinstance(event, AdapterTrained | AdapterCheckpoint)]


@pytest.mark.slow
def test_alpha_tells_where_the_subject_is(tiny1: ModelBundle, few: None) -> None:
    pixels = MemoryPixels()
    whole, cut = (
        contents(events_of(build_job(pixels, 1, cut), tiny1, pixels), True)[0]
        for cut in (False, True)
    )
    assert whole != cut


def test_a_lesson_takes_its_methods_steps_or_its_own() -> None:
    pixels = MemoryPixels()
    assert rules_of(build_job(pixels, 0)).steps == RULES["custom_diffusion"].steps
    assert rules_of(build_job(pixels, 7)).steps == 7
    assert set(TRAINING_TITLES) == set(TrainingMethod)


def test_steps_that_draw_the_class_are_known_before_a_training() -> None:
    for method, rules in RULES.items():
        drawn = math.ceil(rules.prior_count / PRIOR_BATCH) * PRIOR_STEPS
        assert CLASS_STEPS[TrainingMethod(method)] == drawn
