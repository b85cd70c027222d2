"""Learned looks: textual inversion, one modifier token per layer (Collage Diffusion, section 4.3,
equation 1).

What a look is learned from is laid out here, the learning itself is ``engine/classroom``. All
layers of a scene are learned in one batch. A lesson is not the whole picture but the smallest of
three frames that the layer fits into: the loss counts inside the layer's alpha alone, and half a
picture costs a quarter.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from backend.engine.classroom import Learning, learn_looks
from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode
from backend.engine.look_learning import USUAL, Lesson, LookState, read_state, state_picture
from backend.engine.looks import embed_with_looks, fingerprint
from backend.engine.loop_types import Run, Step
from backend.engine.sampling import prepare_from_noise, sample_batch
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.plan.events import EmbeddingsCheckpoint, EmbeddingsLearned
from backend.plan.plan import LookTask, Plan
from backend.plan.raster import stacked
from backend.scene.look import Look, look_picture
from backend.scene.scene import Picture, Pixels

FRAMES = (0.5, 0.75, 1.0)
"""Sides of a lesson's frame, as shares of the picture's. The pocket family learned half-size
pictures first, as Stable Diffusion 1 and 2 did (256 px), so even the smallest is nothing new to the
network."""
ROOM = 1.1
"""A frame is at least this much longer than the layer's box: a little of the surroundings is
seen on every side.
"""
KEEP_EVERY = 25
"""Steps after which unfinished looks are handed on, so that a stop loses a tenth of the learning
at most.
"""
SHOWN_TOGETHER = 8
"""Looks that are drawn alone in one batch."""


def run(plan: Plan, bundle: ModelBundle, pixels: Pixels) -> Run:
    """Steps of learning with unfinished looks in between, then the looks and what each draws
    alone.
    """
    if not isinstance(plan.task, LookTask):
        raise RequestError(
            "Looks are learned for layers of a scene.", remedy="Choose the layers to learn from."
        )
    lessons = lessons_of(plan, pixels, plan.task.layer_ids)
    rules = replace(USUAL, steps=plan.task.steps, seed=plan.seeds[0])
    begun = _begun(plan.task, bundle, lessons, pixels)
    looks = yield from _kept(learn_looks(bundle, lessons, rules, begun), bundle, lessons)
    shown: dict[str, Picture] = {}
    for start in range(0, len(lessons), SHOWN_TOGETHER):
        part = lessons[start : start + SHOWN_TOGETHER]
        pictures = yield from _drawn_alone(plan, bundle, part, looks)
        shown |= dict(zip((lesson.layer_id for lesson in part), pictures, strict=True))
    yield EmbeddingsLearned({name: look_picture(look) for name, look in looks.items()}, shown)


def _kept(
    learning: Learning, bundle: ModelBundle, lessons: Sequence[Lesson]
) -> Generator[Step | EmbeddingsCheckpoint, None, dict[str, Look]]:
    """The steps, and the states of all looks now and then; the generator's value is the looks."""
    mark = fingerprint(bundle)
    with closing(learning):
        while True:
            try:
                step = next(learning)
            except StopIteration as end:
                looks: dict[str, Look] = end.value
                return looks
            yield step
            if (step.k + 1) % KEEP_EVERY == 0:
                pictures = {
                    one.layer_id: state_picture(step.states[one.layer_id], one.key, mark)
                    for one in lessons
                }
                yield EmbeddingsCheckpoint(pictures)


def _begun(
    task: LookTask, bundle: ModelBundle, lessons: Sequence[Lesson], pixels: Pixels
) -> dict[str, LookState]:
    """The looks that can be gone on with: of the same picture and words, and of this model."""
    read = {
        lesson.layer_id: read_state(
            pixels.picture(task.begun[lesson.layer_id]), lesson.key, fingerprint(bundle)
        )
        for lesson in lessons
        if lesson.layer_id in task.begun
    }
    return {name: state.on(bundle.device) for name, state in read.items() if state is not None}


def _drawn_alone(
    plan: Plan, bundle: ModelBundle, lessons: Sequence[Lesson], looks: Mapping[str, Look]
) -> Generator[Step, None, tuple[Picture, ...]]:
    """A picture of each look before its layer's words and of nothing else, all from one seed."""
    seeds = plan.seeds[:1] * len(lessons)
    batch = prepare_from_noise(bundle, plan, seeds)
    said = [
        embed_with_looks(bundle, lesson.phrase, [(1, looks[lesson.layer_id])]) for lesson in lessons
    ]
    conditioning = build_conditioning(bundle, "", plan.negative, plan.guidance_scale, len(seeds))
    conditioning = replace(conditioning, positive=torch.cat(said))
    latents = yield from sample_batch(bundle, batch, conditioning)
    return decode(bundle, latents)


def lessons_of(plan: Plan, pixels: Pixels, layer_ids: Sequence[str]) -> tuple[Lesson, ...]:
    """The lessons of these layers of a plan; a RequestError for one that takes no part or lacks
    words or pixels.
    """
    flats = stacked(plan, pixels)
    lessons = []
    for layer_id in layer_ids:
        found = [
            (layer, flat)
            for layer, flat in zip(plan.layers, flats, strict=True)
            if layer.id == layer_id
        ]
        if not found or not found[0][0].phrase.strip() or found[0][0].picture is None:
            raise RequestError(
                f"No look can be learned for layer {layer_id!r}.",
                limit="A layer needs a picture that is seen, and words.",
                remedy="Give it both and try again.",
            )
        layer, (picture, alpha) = found[0]
        rows, columns = frame(alpha)
        lessons.append(
            Lesson(layer_id, layer.phrase.strip(), picture[rows, columns], alpha[rows, columns])
        )
    return tuple(lessons)


def frame(alpha: NDArray[np.float32]) -> tuple[slice, slice]:
    """Rows and columns of the smallest frame around what is seen of a layer (h, w), inside the
    picture.
    """
    boxes = []
    for axis in (0, 1):
        lines = np.flatnonzero((alpha > 0).any(axis=1 - axis))
        boxes.append((int(lines[0]), int(lines[-1]) + 1) if len(lines) else (0, alpha.shape[axis]))
    share = next(
        one
        for one in FRAMES
        if one == 1.0
        or all(
            (high - low) * ROOM <= one * side
            for (low, high), side in zip(boxes, alpha.shape, strict=True)
        )
    )
    cut = []
    for (low, high), side in zip(boxes, alpha.shape, strict=True):
        length = round(share * side)
        start = min(max((low + high - length) // 2, 0), side - length)
        cut.append(slice(start, start + length))
    return cut[0], cut[1]
