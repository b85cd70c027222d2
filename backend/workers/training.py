"""Training about subjects: a job that ends with a file instead of pictures."""

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

from backend.logs import StepTimes
from backend.models.adapter import adapter_to_bytes
from backend.models.bundle import ModelBundle
from backend.plan.events import (
    AdapterCheckpoint,
    AdapterTrained,
    Event,
    JobCancelled,
    JobFinished,
    Progress,
)
from backend.plan.request import TrainingJob
from backend.scene.blobs import Contents
from backend.scene.imaging.arrays import Picture
from backend.scene.scene import Pixels
from backend.training.adapters import SubjectExamples, SubjectRules, fit_picture
from backend.training.checkpoint import Checkpoint, checkpoint_from_bytes, checkpoint_to_bytes
from backend.training.dreambooth import PRIOR_BATCH, PRIOR_STEPS
from backend.training.subjects import RULES, SubjectTrainer
from backend.training.trainer import TrainingStep

log = logging.getLogger(__name__)

CHECKPOINT_EVERY_S = 30.0
"""How much learning a crash may cost."""


def train(
    job: TrainingJob, bundle: ModelBundle, contents: Contents, stop: threading.Event
) -> Iterator[Event]:
    """The events of a training, up to a terminal one; a checkpoint is yielded every 30 s and at a
    stop.

    Closing the iterator ends the training; the network is left as it was.
    """
    rules = rules_of(job)
    before = (
        checkpoint_from_bytes(contents.blob(job.checkpoint)) if job.checkpoint is not None else None
    )
    state = before.state if before is not None else None
    trainer = SubjectTrainer(bundle, _examples(job, bundle, contents), rules, state)
    prior_steps = math.ceil(rules.prior_count / PRIOR_BATCH) * PRIOR_STEPS
    done, kept_at, times = 0, time.monotonic(), StepTimes(log)
    with closing(trainer.steps()) as steps:
        for step in steps:
            is_update = isinstance(step, TrainingStep)
            done = prior_steps + step.k + 1 if is_update else done + 1
            times.count(done, prior_steps + rules.steps)
            yield Progress(done=done, total=prior_steps + rules.steps)
            is_due = time.monotonic() - kept_at > CHECKPOINT_EVERY_S
            if is_update and (is_due or stop.is_set()):
                yield AdapterCheckpoint(checkpoint_to_bytes(Checkpoint(trainer.state)))
                kept_at = time.monotonic()
            if stop.is_set():
                yield JobCancelled()
                return
    times.finish()
    yield AdapterTrained(adapter_to_bytes(trainer.result))
    yield JobFinished()


def rules_of(job: TrainingJob) -> SubjectRules:
    """The rules of the job's method, with the job's own number of steps and seed."""
    rules = RULES[job.method]
    return replace(rules, steps=job.steps if job.steps else rules.steps, seed=job.seed)


def _examples(job: TrainingJob, bundle: ModelBundle, pixels: Pixels) -> SubjectExamples:
    """The references at the model's size; where one is transparent, masks say how much each
    pixel counts.
    """
    side = bundle.card.native_px
    found = [pixels.picture(digest) for digest in job.references]
    pictures = tuple(fit_picture(picture, side, side) for picture in found)
    cut = any((picture[:, :, 3] < 255).any() for picture in found)
    masks = tuple(_mask(picture, side) for picture in found) if cut else ()
    return SubjectExamples(pictures, job.class_word, job.method, masks)


def _mask(picture: Picture, side_px: int) -> NDArray[np.float32]:
    """The alpha of a picture as it is fitted: float32 (side, side) in 0..1."""
    grey = np.repeat(picture[:, :, 3:], 3, axis=2)
    return fit_picture(grey, side_px, side_px)[:, :, 0].astype(np.float32) / np.float32(255)
