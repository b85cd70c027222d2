"""Lessons about subjects: a job that ends with a file instead of pictures."""

from __future__ import annotations

import logging
import math
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from backend.engine.personalise import PRIOR_STEPS, Learning, SubjectStep, learn_subject
from backend.engine.subject_lesson import RULES, SubjectLesson, SubjectRules, fitted
from backend.logs import StepTimes
from backend.models.bundle import ModelBundle
from backend.models.half_learned import half_learned_bytes, read_half_learned
from backend.models.personal import Subject, subject_bytes
from backend.plan.events import (
    AdapterCheckpoint,
    AdapterTrained,
    Event,
    JobCancelled,
    JobFinished,
    Progress,
)
from backend.plan.lesson import Lesson
from backend.scene.packed import unpacked
from backend.scene.scene import Picture, Pixels

log = logging.getLogger(__name__)

KEPT_EVERY_S = 30.0
"""How much learning a crash may cost."""

PRIOR_BATCH = 4
"""Pictures of the class that ``learn_subject`` draws at a time."""


def train(
    lesson: Lesson, bundle: ModelBundle, pixels: Pixels, stop: threading.Event
) -> Iterator[Event]:
    """The events of a lesson, up to a terminal one; what is half learned is told of every 30 s and
    at a stop.

    Closing the iterator ends the learning; the network is left as it was.
    """
    rules = rules_of(lesson)
    begun = (
        read_half_learned(unpacked(pixels.picture(lesson.begun)))
        if lesson.begun is not None
        else None
    )
    learning = learn_subject(bundle, _lesson(lesson, bundle, pixels), rules, begun)
    subject: list[Subject] = []
    with closing(learning):
        yield from _followed(_steps(learning, subject), rules, stop)
    if subject:
        yield AdapterTrained(subject_bytes(subject[0]))
        yield JobFinished()


def rules_of(lesson: Lesson) -> SubjectRules:
    """The rules of the lesson's method, with the lesson's own number of steps and seed."""
    rules = RULES[lesson.method]
    return replace(rules, steps=lesson.steps if lesson.steps else rules.steps, seed=lesson.seed)


def _steps(learning: Learning, subject: list[Subject]) -> Iterator[SubjectStep | None]:
    """A step of the subject, or None for one that remembers the class; what was learned is put
    into ``subject``.
    """
    while True:
        try:
            step = next(learning)
        except StopIteration as end:
            subject.append(end.value)
            return
        yield step if isinstance(step, SubjectStep) else None


def _followed(
    steps: Iterator[SubjectStep | None], rules: SubjectRules, stop: threading.Event
) -> Iterator[Event]:
    """Progress, and what is half learned."""
    prior = math.ceil(rules.prior_count / PRIOR_BATCH) * PRIOR_STEPS
    done, kept_at, times = 0, time.monotonic(), StepTimes(log)
    for step in steps:
        done = prior + step.k + 1 if step is not None else done + 1
        times.count(done, prior + rules.steps)
        yield Progress(done=done, total=prior + rules.steps)
        due = time.monotonic() - kept_at > KEPT_EVERY_S
        if step is not None and step.pupil is not None and (due or stop.is_set()):
            yield AdapterCheckpoint(half_learned_bytes(step.pupil.state()))
            kept_at = time.monotonic()
        if stop.is_set():
            yield JobCancelled()
            return
    times.finish()


def _lesson(lesson: Lesson, bundle: ModelBundle, pixels: Pixels) -> SubjectLesson:
    """The references at the model's size; where one is transparent, masks say how much each
    pixel counts.
    """
    side = bundle.card.native_px
    found = [pixels.picture(digest) for digest in lesson.references]
    pictures = tuple(fitted(picture, side, side) for picture in found)
    cut = any((picture[:, :, 3] < 255).any() for picture in found)
    masks = tuple(_mask(picture, side) for picture in found) if cut else ()
    return SubjectLesson(pictures, lesson.class_word, lesson.method, masks)


def _mask(picture: Picture, side_px: int) -> NDArray[np.float32]:
    """The alpha of a picture as it is fitted: float32 (side, side) in 0..1."""
    grey = np.repeat(picture[:, :, 3:], 3, axis=2)
    return fitted(grey, side_px, side_px)[:, :, 0].astype(np.float32) / np.float32(255)
