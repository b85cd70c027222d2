"""Learned looks: textual inversion, one modifier token per layer (Collage Diffusion, section 4.3,
equation 1).

What an embedding is learned from is laid out here, the training itself is
``training/textual_inversion``. All layers of a scene are learned in one batch. An example is not
the whole picture but the smallest of three frames that the layer fits into: the loss counts inside
the layer's alpha alone, and half a picture costs a quarter.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np
import torch
from numpy.typing import NDArray

from backend.engine.conditioning import build_conditioning
from backend.engine.decode import decode
from backend.engine.loop_types import Run, Step
from backend.engine.sampling import prepare_from_noise, sample_batch
from backend.errors import RequestError
from backend.models.bundle import ModelBundle
from backend.plan.events import EmbeddingsCheckpoint, EmbeddingsLearned
from backend.plan.plan import Plan, TextualInversionTask
from backend.plan.raster import stack_pictures
from backend.scene.blobs import Contents
from backend.scene.formats.embedding import Embedding, embedding_to_bytes
from backend.scene.imaging.arrays import Picture
from backend.scene.imaging.mask import is_painted
from backend.scene.scene import Pixels
from backend.training.checkpoint import (
    Checkpoint,
    checkpoint_from_bytes,
    checkpoint_to_bytes,
)
from backend.training.prompts import embed_with_embeddings, fingerprint
from backend.training.textual_inversion import DEFAULT_RULES, EmbeddingTrainer, LayerExample
from backend.training.trainer import TrainingState

FRAMES = (0.5, 0.75, 1.0)
"""Sides of an example's frame, as shares of the picture's. The pocket family learned half-size
pictures first, as Stable Diffusion 1 and 2 did (256 px), so even the smallest is nothing new to the
network."""
ROOM = 1.1
"""A frame is at least this much longer than the layer's box: a little of the surroundings is
seen on every side.
"""
CHECKPOINT_EVERY = 25
"""Steps after which unfinished looks are handed on, so that a stop loses a tenth of the learning
at most.
"""
SAMPLE_BATCH = 8
"""Looks that are drawn alone in one batch."""


def run(plan: Plan, bundle: ModelBundle, contents: Contents) -> Run:
    """Steps of learning with checkpoints in between, then the embeddings and what each draws alone.

    Args:
        plan: whose task names the layers, the steps and what can be gone on from.
        bundle: the model; its weights stay as they are.
        contents: pictures and blobs of the plan.

    Raises:
        RequestError: no layers are named, or one lacks words or pixels.
    """
    if not isinstance(plan.task, TextualInversionTask):
        raise RequestError(
            "Looks are learned for layers of a scene.", remedy="Choose the layers to learn from."
        )
    examples = examples_of(plan, contents, plan.task.layer_ids)
    rules = replace(DEFAULT_RULES, steps=plan.task.steps, seed=plan.seeds[0])
    trainer = EmbeddingTrainer(
        bundle, examples, rules, _states(plan.task, bundle, examples, contents)
    )
    with closing(trainer.steps()) as steps:
        for step in steps:
            yield step
            if (step.k + 1) % CHECKPOINT_EVERY == 0:
                yield EmbeddingsCheckpoint(_checkpoints(trainer, bundle, examples))
    embeddings = trainer.result
    samples: dict[str, Picture] = {}
    for start in range(0, len(examples), SAMPLE_BATCH):
        part = examples[start : start + SAMPLE_BATCH]
        pictures = yield from _draw_samples(plan, bundle, part, embeddings)
        samples |= dict(zip((example.layer_id for example in part), pictures, strict=True))
    yield EmbeddingsLearned(
        {name: embedding_to_bytes(embedding) for name, embedding in embeddings.items()}, samples
    )


def _checkpoints(
    trainer: EmbeddingTrainer, bundle: ModelBundle, examples: Sequence[LayerExample]
) -> dict[str, bytes]:
    """Where each layer's embedding stands, by layer."""
    mark, states = fingerprint(bundle).hex(), trainer.state
    found = {one.layer_id: Checkpoint(states[one.layer_id], one.key, mark) for one in examples}
    return {layer_id: checkpoint_to_bytes(checkpoint) for layer_id, checkpoint in found.items()}


def _states(
    task: TextualInversionTask,
    bundle: ModelBundle,
    examples: Sequence[LayerExample],
    contents: Contents,
) -> dict[str, TrainingState]:
    """The states that can be gone on from: of the same picture and words, and of this model."""
    mark = fingerprint(bundle).hex()
    found: dict[str, TrainingState] = {}
    for example in examples:
        if example.layer_id in task.checkpoints:
            checkpoint = checkpoint_from_bytes(contents.blob(task.checkpoints[example.layer_id]))
            if checkpoint.fits(example.key, mark):
                found[example.layer_id] = checkpoint.state
    return found


def _draw_samples(
    plan: Plan,
    bundle: ModelBundle,
    examples: Sequence[LayerExample],
    embeddings: Mapping[str, Embedding],
) -> Generator[Step, None, tuple[Picture, ...]]:
    """A picture of each look before its layer's words and of nothing else, all from one seed."""
    seeds = plan.seeds[:1] * len(examples)
    batch = prepare_from_noise(bundle, plan, seeds)
    encoded = [
        embed_with_embeddings(bundle, example.phrase, [(1, embeddings[example.layer_id])])
        for example in examples
    ]
    conditioning = build_conditioning(bundle, "", plan.negative, plan.guidance_scale, len(seeds))
    conditioning = replace(conditioning, positive=torch.cat(encoded))
    latents = yield from sample_batch(bundle, batch, conditioning)
    return decode(bundle, latents)


def examples_of(plan: Plan, pixels: Pixels, layer_ids: Sequence[str]) -> tuple[LayerExample, ...]:
    """What embeddings are learned from: of each layer a frame, its alpha and its words.

    Args:
        plan: whose layers.
        pixels: of the plan.
        layer_ids: of those to learn.

    Raises:
        RequestError: one takes no part, or lacks words or pixels.
    """
    flats = stack_pictures(plan, pixels)
    examples = []
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
        examples.append(
            LayerExample(
                layer_id, layer.phrase.strip(), picture[rows, columns], alpha[rows, columns]
            )
        )
    return tuple(examples)


def frame(alpha: NDArray[np.float32]) -> tuple[slice, slice]:
    """The smallest frame around what is seen of a layer, inside the picture.

    Args:
        alpha: of the layer, float32 (h, w) in 0..1.

    Returns:
        Its rows and columns; each side is a half, three quarters or all of the picture's.
    """
    boxes = []
    for axis in (0, 1):
        lines = np.flatnonzero(is_painted(alpha).any(axis=1 - axis))
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
